/// Runs a pattern's program over a text: all places of the program at once, so that each character is looked at once for each place.
struct PatternMachine {
  private let code: [PatternInstruction]
  /// The slots of the groups, two for each, and behind them one for each group that is not tried again: where it ends.
  private let groupSlots: Int
  private let slots: Int
  private let scalars: [Unicode.Scalar]
  /// For each look, at which places of the text it finds something.
  private var found: [[Bool]] = []
  /// For each group that is not tried again, where it ends when it begins at a place; -1 where it does not match.
  private var ends: [[Int32]] = []
  /// For each such group and each place, the latest step at which something waited for the group to end there.
  private var awaited: [[Int]] = []

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
    groupSlots = slots
    self.slots = slots + program.atomics.count
    self.scalars = scalars
    capture = Array(repeating: -1, count: self.slots)
    current = Threads(program.code)
    following = Threads(program.code)
    for look in program.looks {
      let places = places(of: look, &budget)
      found.append(places)
    }
    for code in program.atomics {
      let all = findEnds(of: code, &budget)
      ends.append(all)
      awaited.append(Array(repeating: -1, count: all.count))
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
        let goesOn: Bool
        switch code[counter] {
        case .take(let set): goesOn = place < scalars.count && set.contains(scalars[place])
        case .atomic(let number):
          let end = Int(captures[captures.startIndex + groupSlots + number])
          goesOn = end == place + 1
          if !goesOn { wait(counter, number, until: end, at: place + 1, captures, &following, &budget) }
        default: goesOn = false
        }
        guard goesOn else { continue }
        for slot in 0..<slots { capture[slot] = captures[captures.startIndex + slot] }
        follow(code, counter + 1, at: place + 1, &following, &budget)
      }
      swap(&current, &following)
      following.clear()
      place += 1
    }
    guard let best else { return nil }
    return PatternMatch(
      ranges: (0..<groupSlots / 2).map { group in
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

  /// Adds a thread that waits at a place for the end of a group; of those that wait for the same, the first counts.
  private mutating func wait(
    _ counter: Int, _ number: Int, until end: Int, at place: Int, _ captures: ArraySlice<Int32>,
    _ threads: inout Threads, _ budget: inout Int
  ) {
    guard awaited[number][end] != epoch + place else { return }
    awaited[number][end] = epoch + place
    budget -= 1
    threads.places.append(counter)
    threads.captures.append(contentsOf: captures)
    threads.captures[threads.captures.count - slots + groupSlots + number] = Int32(end)
  }

  /// For each place of the text, where a group that begins there ends as a backtracking matcher finds it first; -1 where it does not match.
  ///
  /// It is found from the end of the text to its start: what follows a character is known when that character is looked at.
  private func findEnds(of code: [PatternInstruction], _ budget: inout Int) -> [Int32] {
    var result = [Int32](repeating: -1, count: scalars.count + 1)
    // For each instruction that takes a character, where what follows it ends when it begins one place further on.
    var following = [Int32](repeating: -1, count: code.count)
    // The same for what follows groups inside, at all places.
    var behind: [Int: [Int32]] = [:]
    // The instructions that go on only at a later place.
    var stops: [Int] = []
    for (counter, instruction) in code.enumerated() {
      switch instruction {
      case .take: stops.append(counter)
      case .atomic:
        stops.append(counter)
        behind[counter] = result
      default: break
      }
    }
    var entered = [Int](repeating: -1, count: code.count)
    var run = 0
    var open: [Int] = []
    func end(from start: Int, at place: Int) -> Int32 {
      run += 1
      open = [start]
      while let counter = open.popLast() {
        guard entered[counter] != run else { continue }
        entered[counter] = run
        budget -= 1
        var found: Int32 = -1
        switch code[counter] {
        case .match: return Int32(place)
        case .jump(let target): open.append(target)
        case .split(let first, let second): open += [second, first]
        case .save: open.append(counter + 1)
        case .assert(let assertion): if assertion.holds(at: place, in: scalars) { open.append(counter + 1) }
        case .look(let number, let isNegated):
          if self.found[number][place] != isNegated { open.append(counter + 1) }
        case .take(let set):
          if place < scalars.count, set.contains(scalars[place]) { found = following[counter] }
        case .atomic(let number):
          let inner = Int(ends[number][place])
          if inner == place { open.append(counter + 1) }
          if inner > place { found = behind[counter]?[inner] ?? -1 }
        }
        if found >= 0 { return found }
      }
      return -1
    }
    for place in stride(from: scalars.count, through: 0, by: -1) {
      guard budget >= 0 else { break }
      result[place] = end(from: 0, at: place)
      var row = following
      for counter in stops {
        let end = end(from: counter + 1, at: place)
        if case .take = code[counter] { row[counter] = end } else { behind[counter]?[place] = end }
      }
      following = row
    }
    return result
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
        case .atomic(let number):
          let end = Int(ends[number][place])
          if end == place {
            tasks.append(.follow(counter + 1))
          } else if end > place {
            wait(counter, number, until: end, at: place, capture[...], &threads, &budget)
          }
        case .take, .match:
          threads.places.append(counter)
          threads.captures.append(contentsOf: capture)
        }
      }
    }
  }
}
