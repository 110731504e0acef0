/// A JSON value as a tree, for what is small and read once: the configuration.
public indirect enum JSONTree: Sendable, Hashable {
  case null
  case bool(Bool)
  /// A number as it was written.
  case number(String)
  case string(String)
  case array([JSONTree])
  /// Members in their order; a name may not come twice.
  case object([Member])

  /// One member of an object.
  public struct Member: Sendable, Hashable {
    public let name: String
    public let value: JSONTree
  }

  /// Reads one value; `nil` when `text` is anything else.
  public init?(parsing text: UnsafeRawBufferPointer) {
    guard JSONCursor.isValue(text) else { return nil }
    var cursor = JSONCursor(text)
    guard let tree = Self.read(&cursor) else { return nil }
    self = tree
  }

  /// Reads one value; `nil` when `text` is anything else.
  public init?(parsing text: String) {
    let tree = Array(text.utf8).withUnsafeBytes { JSONTree(parsing: $0) }
    guard let tree else { return nil }
    self = tree
  }

  /// The member of that name, of an object; `nil` when there is none or it is null.
  public subscript(name: String) -> JSONTree? {
    guard case .object(let members) = self else { return nil }
    guard let value = members.first(where: { $0.name == name })?.value, value != .null else { return nil }
    return value
  }

  private static func read(_ cursor: inout JSONCursor) -> JSONTree? {
    switch cursor.peek() {
    case UInt8(ascii: "{"):
      var members: [Member] = []
      var names: Set<String> = []
      let whole = cursor.members { name, cursor in
        let name = JSONString.unescape(UnsafeRawBufferPointer(rebasing: cursor.bytes[name]))
        guard names.insert(name).inserted, let value = read(&cursor) else { return false }
        members.append(Member(name: name, value: value))
        return true
      }
      return whole ? .object(members) : nil
    case UInt8(ascii: "["):
      var elements: [JSONTree] = []
      let whole = cursor.elements { cursor in
        guard let value = read(&cursor) else { return false }
        elements.append(value)
        return true
      }
      return whole ? .array(elements) : nil
    case 0x22: return cursor.string().map { .string($0) }
    case nil: return nil
    default:
      guard let range = cursor.value() else { return nil }
      switch String(decoding: cursor.bytes[range], as: UTF8.self) {
      case "true": return .bool(true)
      case "false": return .bool(false)
      case "null": return .null
      case let number: return .number(number)
      }
    }
  }
}

extension JSONTree: Decodable {
  private struct Name: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  /// Takes any value over.
  public init(from decoder: any Decoder) throws {
    if let members = try? decoder.container(keyedBy: Name.self) {
      self = .object(
        try members.allKeys.map { Member(name: $0.stringValue, value: try members.decode(JSONTree.self, forKey: $0)) })
      return
    }
    if var elements = try? decoder.unkeyedContainer() {
      var array: [JSONTree] = []
      while !elements.isAtEnd { array.append(try elements.decode(JSONTree.self)) }
      self = .array(array)
      return
    }
    let value = try decoder.singleValueContainer()
    if value.decodeNil() {
      self = .null
    } else if let bool = try? value.decode(Bool.self) {
      self = .bool(bool)
    } else if let number = try? value.decode(Int64.self) {
      self = .number(String(number))
    } else if let number = try? value.decode(Double.self) {
      self = .number(String(number))
    } else {
      self = .string(try value.decode(String.self))
    }
  }
}
