/// Selects parts of a value: `$`, `.key`, `..key`, `.*`, `[*]`, `[n]`, `[?(@.key=value)]`.
public struct JSONPath: Sendable {
  private enum Step: Sendable {
    case key(String)
    case children
    case index(Int)
    case descendants(String?)
    case filter(Operand, Comparison?, Operand?)
  }

  private enum Operand: Sendable {
    case here(JSONPath)
    case root(JSONPath)
    case value(Value)
  }

  private var steps: [Step] = []

  /// A pattern of a path in the arguments of a command: up to a space that is not in brackets.
  static let pattern = #"\$(?:[^\s\[]|\[[^\]]*\]?)*"#

  /// - Throws: ``Raised`` for a text that is no path.
  public init(_ text: String) throws {
    guard text.utf8.count <= 512 else { throw Raised("a path of more than 512 bytes") }
    var reader = Reader(characters: Array(text))
    guard reader.take("$") else { throw Raised("a path begins with $, and \(text) does not") }
    steps = try reader.steps(until: nil)
  }

  private init(steps: [Step]) { self.steps = steps }

  /// One match is that value, several are a list; a key that is missing is null.
  ///
  /// - Throws: ``Raised`` for an index that is outside of its list, or of something that is no list.
  public func select(in root: Value) throws -> Value {
    var work = 100_000
    return try select(in: root, root: root, &work)
  }

  private func select(in start: Value, root: Value, _ work: inout Int) throws -> Value {
    var current = start
    // Whether `current` is a list of several matches, whose keys are looked up in each of them.
    var isMany = false
    for step in steps {
      let each: [Value] = isMany ? current.items ?? [] : [current]
      work -= each.count + 1
      guard work > 0 else { throw Raised("the path selects too much") }
      switch step {
      case .key(let key):
        guard isMany else {
          current = current.members?[key] ?? .null
          continue
        }
        current = .list(each.compactMap { $0.members?[key] })
      case .index(let index):
        if isMany {
          current = .list(try each.map { try Self.item(index, of: $0) })
        } else {
          current = try Self.item(index, of: current)
        }
      case .children:
        current = .list(each.flatMap(Self.children))
        isMany = true
      case .descendants(let key):
        var found: [Value] = []
        for value in each { try Self.descend(value, key, &found, &work) }
        current = .list(found)
        isMany = true
      case .filter(let left, let comparison, let right):
        var found: [Value] = []
        for item in isMany && !each.allSatisfy({ $0.items != nil }) ? each : each.flatMap(Self.children) {
          if try Self.holds(left, comparison, right, item, root, &work) { found.append(item) }
        }
        current = .list(found)
        isMany = true
      }
    }
    return current
  }

  private static func children(_ value: Value) -> [Value] { value.items ?? value.members?.values ?? [] }

  private static func item(_ index: Int, of value: Value) throws -> Value {
    guard let items = value.items else { throw Raised("an index needs a list") }
    let place = index < 0 ? items.count + index : index
    guard items.indices.contains(place) else { throw Raised("there is no item \(index): the list has \(items.count)") }
    return items[place]
  }

  /// All values under a key; with nil all values, each before what is inside it.
  private static func descend(_ value: Value, _ key: String?, _ found: inout [Value], _ work: inout Int) throws {
    work -= 1
    guard work > 0 else { throw Raised("the path selects too much") }
    if let map = value.members {
      for member in map {
        if key == nil || member.key == key { found.append(member.value) }
        try descend(member.value, key, &found, &work)
      }
    } else {
      for item in value.items ?? [] {
        if key == nil { found.append(item) }
        try descend(item, key, &found, &work)
      }
    }
  }

  private static func resolve(_ operand: Operand, _ item: Value, _ root: Value, _ work: inout Int) throws -> Value {
    switch operand {
    case .value(let value): value
    case .here(let path): try path.select(in: item, root: root, &work)
    case .root(let path): try path.select(in: root, root: root, &work)
    }
  }

  private static func holds(
    _ left: Operand, _ comparison: Comparison?, _ right: Operand?, _ item: Value, _ root: Value, _ work: inout Int
  ) throws -> Bool {
    let value = try resolve(left, item, root, &work)
    guard let comparison, let right else { return value != .null }
    return comparison.holds(value, try resolve(right, item, root, &work))
  }

  private struct Reader {
    let characters: [Character]
    var place = 0
    var depth = 0

    var next: Character? { place < characters.count ? characters[place] : nil }

    mutating func take(_ character: Character) -> Bool {
      guard next == character else { return false }
      place += 1
      return true
    }

    static func isKey(_ character: Character) -> Bool {
      character.isLetter || character.isNumber || character == "_" || character == "-" || character == "/"
    }

    mutating func key() -> String {
      let start = place
      while let character = next, Self.isKey(character) { place += 1 }
      return String(characters[start..<place])
    }

    func failure() -> Raised { Raised("the path cannot be read at character \(place + 1)") }

    /// The steps up to the end, or up to something that is no step when the path stands in a filter.
    mutating func steps(until end: Character?) throws -> [Step] {
      var steps: [Step] = []
      while let character = next {
        if character == "." {
          place += 1
          if take(".") {
            if take("*") {
              steps.append(.descendants(nil))
            } else {
              let name = key()
              if name.isEmpty { throw failure() }
              steps.append(.descendants(name))
            }
          } else if take("*") {
            steps.append(.children)
          } else if next != "[" {
            let name = key()
            if name.isEmpty { throw failure() }
            steps.append(.key(name))
          }
        } else if character == "[" {
          place += 1
          steps.append(try bracket())
        } else if end != nil {
          break
        } else {
          throw failure()
        }
      }
      return steps
    }

    mutating func bracket() throws -> Step {
      defer { _ = take("]") }
      if take("*") { return try closed(.children) }
      if take("?") {
        guard take("("), depth < 4 else { throw failure() }
        depth += 1
        defer { depth -= 1 }
        let left = try operand()
        var sign = ""
        while let character = next, "=!<>".contains(character) {
          sign.append(character)
          place += 1
        }
        let comparison = Comparison(sign)
        guard sign.isEmpty || comparison != nil else { throw failure() }
        let right = sign.isEmpty ? nil : try operand()
        guard take(")") else { throw failure() }
        return try closed(.filter(left, comparison, right))
      }
      if next == "\"" || next == "'" {
        guard case .value(.string(let name)) = try operand() else { throw failure() }
        return try closed(.key(name))
      }
      let start = place
      _ = take("-")
      while let character = next, character.isASCII, character.isNumber { place += 1 }
      guard let index = Int(String(characters[start..<place])) else { throw failure() }
      return try closed(.index(index))
    }

    func closed(_ step: Step) throws -> Step {
      guard next == "]" else { throw failure() }
      return step
    }

    mutating func operand() throws -> Operand {
      while take(" ") {}
      defer { while take(" ") {} }
      if take("@") { return .here(JSONPath(steps: try steps(until: ")"))) }
      if take("$") { return .root(JSONPath(steps: try steps(until: ")"))) }
      if let quote = next, quote == "\"" || quote == "'" {
        place += 1
        var text = ""
        while let character = next, character != quote {
          text.append(character)
          place += 1
        }
        guard take(quote) else { throw failure() }
        return .value(.string(text))
      }
      let start = place
      while let character = next, character.isNumber || character == "-" || character == "." { place += 1 }
      guard let number = NumberText.parse(String(characters[start..<place])) else { throw failure() }
      return .value(number)
    }
  }
}
