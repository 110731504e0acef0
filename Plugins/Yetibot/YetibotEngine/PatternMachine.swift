/// Runs a pattern's program over a text: all places of the program at once, so that each character is looked at once for each place.
struct PatternMachine {
  let program: [PatternInstruction]
  let slots: Int

  private struct Threads {
    var places: [Int] = []
    /// The captures of each thread, `slots` for each.
    var captures: [Int32] = []
    /// At which step each place of the program was last entered.
    var entered: [Int]
  }

  /// What to do when the threads of a step are followed.
  private enum Task {
    case follow(Int)
    case restore(Int, Int32)
  }

  private var tasks: [Task] = []
  private var capture: [Int32]

  init(program: [PatternInstruction], slots: Int) {
    self.program = program
    self.slots = slots
    capture = Array(repeating: -1, count: slots)
  }

  mutating func match(_ scalars: [Unicode.Scalar], from start: Int, budget: inout Int) -> PatternMatch? {
    var current = Threads(entered: Array(repeating: -1, count: program.count))
    var following = current
    var best: [Int32]?
    var place = start
    while place <= scalars.count {
      if best == nil {
        for slot in 0..<slots { capture[slot] = -1 }
        follow(0, at: place, in: scalars, &current, &budget)
      }
      if budget < 0 { return nil }
      if current.places.isEmpty {
        if best != nil { break }
        place += 1
        continue
      }
      var index = 0
      while index < current.places.count {
        let counter = current.places[index]
        let captures = current.captures[index * slots..<(index + 1) * slots]
        index += 1
        if case .match = program[counter] {
          // Those that come later are less wanted.
          best = Array(captures)
          break
        }
        if case .take(let set) = program[counter], place < scalars.count, set.contains(scalars[place]) {
          for slot in 0..<slots { capture[slot] = captures[captures.startIndex + slot] }
          follow(counter + 1, at: place + 1, in: scalars, &following, &budget)
        }
      }
      swap(&current, &following)
      following.places.removeAll(keepingCapacity: true)
      following.captures.removeAll(keepingCapacity: true)
      place += 1
    }
    guard let best else { return nil }
    return PatternMatch(
      ranges: (0..<slots / 2).map { group in
        let low = best[2 * group]
        let high = best[2 * group + 1]
        return low >= 0 && high >= low ? Int(low)..<Int(high) : nil
      })
  }

  /// Adds the threads that are reached from a place of the program without a character.
  private mutating func follow(
    _ counter: Int, at place: Int, in scalars: [Unicode.Scalar], _ threads: inout Threads, _ budget: inout Int
  ) {
    tasks.removeAll(keepingCapacity: true)
    tasks.append(.follow(counter))
    while let task = tasks.popLast() {
      switch task {
      case .restore(let slot, let value): capture[slot] = value
      case .follow(let counter):
        guard threads.entered[counter] != place else { continue }
        threads.entered[counter] = place
        budget -= 1
        if budget < 0 { return }
        switch program[counter] {
        case .jump(let target): tasks.append(.follow(target))
        case .split(let first, let second):
          tasks.append(.follow(second))
          tasks.append(.follow(first))
        case .assert(let assertion):
          if assertion.holds(at: place, in: scalars) { tasks.append(.follow(counter + 1)) }
        case .save(let slot):
          tasks.append(.restore(slot, capture[slot]))
          capture[slot] = Int32(place)
          tasks.append(.follow(counter + 1))
        case .take, .match:
          threads.places.append(counter)
          threads.captures.append(contentsOf: capture)
        }
      }
    }
  }
}
