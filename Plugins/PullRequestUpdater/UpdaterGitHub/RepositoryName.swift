/// A repository's full name, `owner/name`. Two that differ in case alone are the same one.
public struct RepositoryName: Hashable, Sendable, CustomStringConvertible, Codable {
  public let owner: String
  public let name: String

  /// nil for what is no such name. What is one needs no escaping in a path.
  public init?(_ text: String) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2, parts.allSatisfy(Self.isPart) else { return nil }
    owner = String(parts[0])
    name = String(parts[1])
  }

  private static func isPart(_ part: Substring) -> Bool {
    (1...100).contains(part.utf8.count) && part != "." && part != ".."
      && part.utf8.allSatisfy { byte in
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
          || "-_.".utf8.contains(byte)
      }
  }

  public var description: String { "\(owner)/\(name)" }

  /// For comparing and as a part of keys.
  public var normalized: String { description.lowercased() }

  public static func == (one: Self, other: Self) -> Bool { one.normalized == other.normalized }
  public func hash(into hasher: inout Hasher) { hasher.combine(normalized) }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let text = try container.decode(String.self)
    guard let name = Self(text) else {
      throw DecodingError.dataCorruptedError(in: container, debugDescription: "\"\(text)\" is not written owner/name")
    }
    self = name
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(description)
  }
}
