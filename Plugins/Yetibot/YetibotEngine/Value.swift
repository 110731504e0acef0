/// What flows through a pipe: a value shaped as JSON, and a mark on values that are not to be posted.
public indirect enum Value: Sendable, Hashable {
  case null
  case bool(Bool)
  case int(Int64)
  case double(Double)
  case string(String)
  case list([Value])
  case map(ValueMap)
  /// Items in no order that counts: as a list, but `render` takes them for one thing. Only the original's accidents make one.
  case set([Value])
  /// A value that goes through pipes as any other, but is not posted to the chat.
  case suppressed(Value)

  /// The empty text, which the first command of an expression receives.
  public static let empty = Value.string("")

  /// The value without its mark.
  public var unmarked: Value {
    var value = self
    while case .suppressed(let inner) = value { value = inner }
    if case .set(let items) = value { return .list(items) }
    return value
  }

  /// The value without the mark that it is not to be posted.
  var unsuppressed: Value {
    if case .suppressed(let inner) = self { inner.unsuppressed } else { self }
  }

  /// Whether it is a list or a map.
  public var isCollection: Bool {
    switch unmarked {
    case .list, .map: true
    default: false
    }
  }

  /// Whether it is a list or a map with nothing in it.
  public var isEmptyCollection: Bool {
    switch unmarked {
    case .list(let items): items.isEmpty
    case .map(let map): map.isEmpty
    default: false
    }
  }

  /// Whether it is neither null nor false.
  public var isTruthy: Bool {
    switch unmarked {
    case .null, .bool(false): false
    default: true
    }
  }

  /// Whether it must not be posted: marked so, or a collection that is not empty and all of whose items are.
  public var isSuppressed: Bool {
    switch self {
    case .suppressed: true
    case .list(let items), .set(let items): !items.isEmpty && items.allSatisfy(\.isSuppressed)
    default: false
    }
  }

  /// The items of a list.
  public var items: [Value]? {
    if case .list(let items) = unmarked { items } else { nil }
  }

  /// The members of a map.
  public var members: ValueMap? {
    if case .map(let map) = unmarked { map } else { nil }
  }

  /// A string's own text, without converting other kinds.
  public var stringValue: String? {
    if case .string(let text) = unmarked { text } else { nil }
  }

  /// Whether it is a number, and no text that spells one.
  public var isNumber: Bool {
    switch unmarked {
    case .int, .double: true
    default: false
    }
  }

  /// The number, also one written as text.
  public var number: Double? {
    switch unmarked {
    case .int(let value): Double(value)
    case .double(let value): value
    case .string(let text): NumberText.parse(text)?.number
    default: nil
    }
  }

  /// The member of a map, or the item of a list whose index the key spells.
  public subscript(key: String) -> Value? {
    switch unmarked {
    case .map(let map): return map[key]
    case .list(let items):
      guard let index = Int(key), items.indices.contains(index) else { return nil }
      return items[index]
    default: return nil
    }
  }

  /// How it reads inside a command's text: a string as it is, null as nothing, the items of a list joined by a space, the
  /// members of a map one a line.
  public var text: String {
    switch self {
    case .null: ""
    case .bool(let value): value ? "true" : "false"
    case .int(let value): String(value)
    case .double(let value): NumberText.format(value)
    case .string(let text): text
    case .list(let items), .set(let items): items.map(\.text).joined(separator: " ")
    case .map(let map): map.lines.joined(separator: "\n")
    case .suppressed(let inner): inner.text
    }
  }

  /// How deep its collections nest; 0 for a scalar. Stops counting at `limit`.
  func depth(limit: Int) -> Int {
    guard limit > 0 else { return 0 }
    switch self {
    case .list(let items), .set(let items): return 1 + (items.map { $0.depth(limit: limit - 1) }.max() ?? 0)
    case .map(let map): return 1 + (map.map { $0.value.depth(limit: limit - 1) }.max() ?? 0)
    case .suppressed(let inner): return inner.depth(limit: limit)
    default: return 0
    }
  }
}

extension Value: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral,
  ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral, ExpressibleByNilLiteral
{
  public init(stringLiteral value: String) { self = .string(value) }
  public init(integerLiteral value: Int64) { self = .int(value) }
  public init(booleanLiteral value: Bool) { self = .bool(value) }
  public init(arrayLiteral elements: Value...) { self = .list(elements) }
  public init(dictionaryLiteral elements: (String, Value)...) { self = .map(ValueMap(elements)) }
  public init(nilLiteral: ()) { self = .null }
}

extension Value {
  /// A list of texts.
  public static func strings(_ texts: some Sequence<String>) -> Value { .list(texts.map(Value.string)) }

  /// Null for nil.
  public init(_ text: String?) { self = text.map(Value.string) ?? .null }
}
