/// A value as any JSON.
public struct JSONBox: Codable, Sendable {
  public var value: Value

  public init(_ value: Value) { self.value = value.unmarked }

  private struct Key: CodingKey {
    var stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  public init(from decoder: any Decoder) throws {
    guard decoder.codingPath.count <= 64 else {
      throw DecodingError.dataCorrupted(.init(codingPath: [], debugDescription: "more than 64 levels"))
    }
    if let map = try? decoder.container(keyedBy: Key.self) {
      var members = ValueMap()
      for key in map.allKeys { members[key.stringValue] = try map.decode(JSONBox.self, forKey: key).value }
      value = .map(members)
      return
    }
    if var list = try? decoder.unkeyedContainer() {
      var items: [Value] = []
      while !list.isAtEnd { items.append(try list.decode(JSONBox.self).value) }
      value = .list(items)
      return
    }
    let single = try decoder.singleValueContainer()
    if single.decodeNil() {
      value = .null
    } else if let bool = try? single.decode(Bool.self) {
      value = .bool(bool)
    } else if let integer = try? single.decode(Int64.self) {
      value = .int(integer)
    } else if let number = try? single.decode(Double.self) {
      value = .double(number)
    } else {
      value = .string(try single.decode(String.self))
    }
  }

  public func encode(to encoder: any Encoder) throws {
    switch value {
    case .map(let map):
      var container = encoder.container(keyedBy: Key.self)
      for member in map { try container.encode(JSONBox(member.value), forKey: Key(stringValue: member.key)) }
    case .list(let items):
      var container = encoder.unkeyedContainer()
      for item in items { try container.encode(JSONBox(item)) }
    case .suppressed(let inner): try JSONBox(inner).encode(to: encoder)
    default:
      var container = encoder.singleValueContainer()
      switch value {
      case .bool(let value): try container.encode(value)
      case .int(let value): try container.encode(value)
      case .double(let value): try container.encode(value)
      case .string(let value): try container.encode(value)
      default: try container.encodeNil()
      }
    }
  }
}
