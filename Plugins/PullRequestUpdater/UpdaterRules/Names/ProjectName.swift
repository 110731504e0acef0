/// The name of a Python project (PEP 508), with the form in which two names are compared (PEP 503).
public struct ProjectName: Sendable, Hashable, CustomStringConvertible {
  /// As somebody wrote it.
  public let spelling: String
  /// Lower case, with each run of `-`, `_` and `.` as one `-`.
  public let normalized: String

  /// The longest name that is read, in bytes.
  public static let longest = 214

  /// nil for a text that is no name: letters and digits of ASCII, with `.`, `_` and `-` between them.
  public init?(_ spelling: String) {
    let bytes = Array(spelling.utf8)
    guard let first = bytes.first, let last = bytes.last, bytes.count <= Self.longest, first.isAlphanumeric,
      last.isAlphanumeric, bytes.allSatisfy({ $0.isAlphanumeric || $0.isNameSeparator })
    else { return nil }
    self.spelling = spelling
    normalized = Self.normalize(spelling)
  }

  /// The form in which names are compared, of any text.
  public static func normalize(_ text: String) -> String {
    var bytes: [UInt8] = []
    for byte in text.utf8 {
      if byte.isNameSeparator {
        if bytes.last != UInt8(ascii: "-") { bytes.append(UInt8(ascii: "-")) }
      } else {
        bytes.append(byte.lowercased)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  public static func == (one: Self, other: Self) -> Bool { one.normalized == other.normalized }
  public func hash(into hasher: inout Hasher) { hasher.combine(normalized) }
  public var description: String { spelling }
}
