/// Any JSON value, for the places where clarity counts more than nanoseconds: configuration, manifests, the control
/// socket, the arguments of methods. Hot paths read payloads in place and write with `JSONWriter`.
///
/// Equality is that of the type: `.int(1)` and `.double(1)` differ. Objects are equal when they have the same members
/// in any order.
public enum JSONValue: Sendable, Hashable {
  case null
  case bool(Bool)
  case int(Int64)
  case double(Double)
  case string(String)
  case array([JSONValue])
  case object(JSONObject)
}

extension JSONValue {
  /// The member of that name; nil when there is none, or this is no object. Setting on anything but an object makes it
  /// one; setting nil removes the member.
  public subscript(key: String) -> JSONValue? {
    get { object?[key] }
    set {
      var members = object ?? JSONObject()
      members[key] = newValue
      self = .object(members)
    }
  }

  /// The element at `index`; nil when there is none, or this is no array.
  public subscript(index: Int) -> JSONValue? {
    guard case .array(let elements) = self, elements.indices.contains(index) else { return nil }
    return elements[index]
  }

  /// Whether it is `null`, which is not the same as a member that is missing.
  public var isNull: Bool { self == .null }

  /// The truth value; nil: it is something else.
  public var bool: Bool? {
    if case .bool(let value) = self { return value }
    return nil
  }

  /// The value as an integer: also a double without a fraction, because JSON itself does not tell `1` from `1.0`.
  public var int: Int64? {
    switch self {
    case .int(let value): return value
    case .double(let value): return Int64(exactly: value)
    default: return nil
    }
  }

  /// The value as a double; also an integer, rounded to the nearest one.
  public var double: Double? {
    switch self {
    case .int(let value): return Double(value)
    case .double(let value): return value
    default: return nil
    }
  }

  /// The text; nil: it is something else, a number too.
  public var string: String? {
    if case .string(let value) = self { return value }
    return nil
  }

  /// The elements; nil: it is something else.
  public var array: [JSONValue]? {
    if case .array(let value) = self { return value }
    return nil
  }

  /// The members; nil: it is something else.
  public var object: JSONObject? {
    if case .object(let value) = self { return value }
    return nil
  }

  /// What it is, for messages: `null`, `bool`, `int`, `double`, `string`, `list`, `map`: the words of manifests.
  public var kind: String {
    switch self {
    case .null: "null"
    case .bool: "bool"
    case .int: "int"
    case .double: "double"
    case .string: "string"
    case .array: "list"
    case .object: "map"
    }
  }
}

extension JSONValue: ExpressibleByNilLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
  ExpressibleByFloatLiteral, ExpressibleByStringLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
  public init(nilLiteral: ()) { self = .null }
  public init(booleanLiteral value: Bool) { self = .bool(value) }
  public init(integerLiteral value: Int64) { self = .int(value) }
  public init(floatLiteral value: Double) { self = .double(value) }
  public init(stringLiteral value: String) { self = .string(value) }
  public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
  public init(dictionaryLiteral elements: (String, JSONValue)...) { self = .object(JSONObject(elements)) }
}

extension JSONValue: CustomStringConvertible {
  public var description: String { serialized() }
}
