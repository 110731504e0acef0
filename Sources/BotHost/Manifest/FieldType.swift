/// The type of a payload's field, an argument or a result.
///
/// In YAML: a word (`string`), `[string]` for a list, `{name: type, …}` for a record, `map` for any members. A `?` after
/// a word or a field's name says that the field may be missing.
public indirect enum FieldType: Sendable, Hashable, CustomStringConvertible {
  case string
  case int
  case float
  case bool
  case bytes
  case secret
  case null
  /// Any JSON value; nothing is known of it.
  case any
  /// A list; of `any` when nothing else is said.
  case list(FieldType)
  /// A map with values of one type.
  case map(FieldType)
  /// A map with known members.
  case record([Field])

  /// The words of YAML.
  public static let words = ["string", "int", "float", "bool", "bytes", "secret", "null", "any", "list", "map"]

  public init?(word: String) {
    switch word {
    case "string": self = .string
    case "int": self = .int
    case "float": self = .float
    case "bool": self = .bool
    case "bytes": self = .bytes
    case "secret": self = .secret
    case "null": self = .null
    case "any": self = .any
    case "list": self = .list(.any)
    case "map": self = .map(.any)
    default: return nil
    }
  }

  /// `string`, `[string]`, `{id: string, name?: string}`.
  public var description: String {
    switch self {
    case .string: "string"
    case .int: "int"
    case .float: "float"
    case .bool: "bool"
    case .bytes: "bytes"
    case .secret: "secret"
    case .null: "null"
    case .any: "any"
    case .list(.any): "list"
    case .list(let element): "[\(element)]"
    case .map(.any): "map"
    case .map(let element): "map of \(element)"
    case .record(let fields):
      "{" + fields.map { "\($0.name)\($0.isOptional ? "?" : ""): \($0.type)" }.joined(separator: ", ") + "}"
    }
  }
}

extension FieldType {
  /// With its article, for messages: `an int`, `a [string]`.
  var summary: String {
    switch self {
    case .int, .any: "an \(self)"
    case .bytes, .null: description
    default: "a \(self)"
    }
  }

  /// The description as a bot's content hashes have it: the fields of records in the order of their names, since that in
  /// which they are written means nothing. It must not change.
  var hashText: String {
    switch self {
    case .list(let element) where element != .any: "[\(element.hashText)]"
    case .map(let element) where element != .any: "map of \(element.hashText)"
    case .record(let fields):
      "{"
        + fields.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
        .map { "\($0.name)\($0.isOptional ? "?" : ""): \($0.type.hashText)" }.joined(separator: ", ") + "}"
    default: description
    }
  }
}

/// A named field of a record, a payload, or a method's arguments.
public struct Field: Sendable, Hashable {
  public var name: String
  public var type: FieldType
  public var isOptional: Bool

  public init(_ name: String, _ type: FieldType, optional: Bool = false) {
    self.name = name
    self.type = type
    isOptional = optional
  }
}

extension Collection where Element == Field {
  /// The field of that name.
  public func named(_ name: String) -> Field? { first { $0.name == name } }
}
