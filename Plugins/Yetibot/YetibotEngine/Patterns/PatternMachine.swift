/// Runs a pattern's program over a text: all places of the program at once, so that each character is looked at once for each place.
struct PatternMachine {
  private let code: [PatternInstruction]
  private let slots: Int
  private let scalars: [Unicode.Scalar]
  /// For each look, at which places of the text it finds something.
  private var found: [[Bool]] = []

  /// What has been reached at one place of the text.
  private struct Threads {
    var places: [Int] = []
    /// The captures of each thread, `slots` for each.
    var captures: [Int32] = []
    /// At which step each place of the program was last entered.
    var entered: [Int]

    init(_ code: [PatternInstruction]) { entered = Array(repeating: -1, count: code.count) }

    mutating func clear() {
      places.removeAll(keepingCapacity: true)
      captures.removeAll(keepingCapacity: true)
    }
  }

  /// What to do when the threads of a step are followed.
  private enum Task {
    case follow(Int)
    case restore(Int, Int32)
  }

  private var tasks: [Task] = []
  private var capture: [Int32]
  private var current: Threads
  private var following: Threads
  /// What is added to the places of the text, so that no run takes what an earlier one has entered for its own.
  private var epoch = 0

  /// - Parameters:
  ///   - slots: two for the whole and for each group.
  ///   - budget: what the looks take is taken from it.
  init(_ program: PatternProgram, slots: Int, _ scalars: [Unicode.Scalar], budget: inout Int) {
    code = program.code
    self.slots = slots
    self.scalars = scalars
    capture = Array(repeating: -1, count: slots)
    current = Threads(program.code)
    following = Threads(program.code)
    for look in program.looks {
      let places = places(of: look, &budget)
      found.append(places)
    }
  }

  /// The first match at or after `start`; nil when there is none or the budget ran out.
  mutating func match(from start: Int, budget: inout Int) -> PatternMatch? {
    guard budget >= 0 else { return nil }
    var (current, following) = takeThreads()
    defer { (self.current, self.following) = (current, following) }
    var best: [Int32]?
    var place = start
    while place <= scalars.count {
      if best == nil {
        for slot in 0..<slots { capture[slot] = -1 }
        follow(code, 0, at: place, &current, &budget)
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
        if case .match = code[counter] {
          // Those that come later are less wanted.
          best = Array(captures)
          break
        }
        if case .take(let set) = code[counter], place < scalars.count, set.contains(scalars[place]) {
          for slot in 0..<slots { capture[slot] = captures[captures.startIndex + slot] }
          follow(code, counter + 1, at: place + 1, &following, &budget)
        }
      }
      swap(&current, &following)
      following.clear()
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

  /// The threads, empty, for whoever puts them back.
  private mutating func takeThreads() -> (Threads, Threads) {
    epoch += scalars.count + 2
    var (one, other) = (Threads([]), Threads([]))
    swap(&one, &current)
    swap(&other, &following)
    one.clear()
    other.clear()
    return (one, other)
  }

  /// For each place of the text, whether what a look looks for begins there, when it looks ahead, or ends there.
  private mutating func places(of look: PatternLook, _ budget: inout Int) -> [Bool] {
    var places = Array(repeating: false, count: scalars.count + 1)
    var current = Threads(look.code)
    var following = Threads(look.code)
    for step in 0...scalars.count {
      let place = look.isAhead ? scalars.count - step : step
      follow(look.code, 0, at: place, &current, &budget)
      if budget < 0 { break }
      let index = look.isAhead ? place - 1 : place
      for counter in current.places {
        switch look.code[counter] {
        case .match: places[place] = true
        case .take(let set) where scalars.indices.contains(index) && set.contains(scalars[index]):
          follow(look.code, counter + 1, at: look.isAhead ? place - 1 : place + 1, &following, &budget)
        default: break
        }
      }
      swap(&current, &following)
      following.clear()
    }
    return places
  }

  /// Adds the threads that are reached from a place of the program without a character.
  private mutating func follow(
    _ code: [PatternInstruction], _ counter: Int, at place: Int, _ threads: inout Threads, _ budget: inout Int
  ) {
    tasks.removeAll(keepingCapacity: true)
    tasks.append(.follow(counter))
    while let task = tasks.popLast() {
      switch task {
      case .restore(let slot, let value): capture[slot] = value
      case .follow(let counter):
        guard threads.entered[counter] != epoch + place else { continue }
        threads.entered[counter] = epoch + place
        budget -= 1
        if budget < 0 { return }
        switch code[counter] {
        case .jump(let target): tasks.append(.follow(target))
        case .split(let first, let second):
          tasks.append(.follow(second))
          tasks.append(.follow(first))
        case .assert(let assertion):
          if assertion.holds(at: place, in: scalars) { tasks.append(.follow(counter + 1)) }
        case .look(let number, let isNegated):
          if found[number][place] != isNegated { tasks.append(.follow(counter + 1)) }
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
