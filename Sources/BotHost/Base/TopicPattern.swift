/// A pattern over dotted topic names: `*` stands for one part, `**` as the last part for all the rest (at least one
/// part). `**` alone matches every topic that is not private to an endpoint (`timer.…`, `net.…`).
public struct TopicPattern: Sendable, Hashable, CustomStringConvertible {
  /// As it was written.
  public let text: String
  private let parts: [[UInt8]]
  private let rest: Bool

  /// The longest topic, in bytes.
  public static let maximumLength = 512

  /// Nil when the text is no pattern: an empty part, a character outside `[A-Za-z0-9_-]`, `**` before the end, too long.
  public init?(_ text: String) {
    guard !text.isEmpty, text.utf8.count <= Self.maximumLength else { return nil }
    var parts = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).map(Array.init)
    rest = parts.last == Array("**".utf8)
    if rest { parts.removeLast() }
    for part in parts where part != [UInt8(ascii: "*")] {
      guard !part.isEmpty, part.allSatisfy(TopicPattern.isNameByte) else { return nil }
    }
    self.text = text
    self.parts = parts
  }

  /// Whether the pattern names exactly one topic.
  public var isLiteral: Bool { !rest && !parts.contains([UInt8(ascii: "*")]) }

  public var description: String { text }

  /// Whether some topic matches both patterns.
  public func overlaps(_ other: TopicPattern) -> Bool {
    let star = [UInt8(ascii: "*")]
    for index in 0..<max(parts.count, other.parts.count) {
      if index >= parts.count { return rest }
      if index >= other.parts.count { return other.rest }
      guard parts[index] == other.parts[index] || parts[index] == star || other.parts[index] == star else {
        return false
      }
    }
    return parts.count == other.parts.count || rest || other.rest
  }

  /// Why a text is no pattern, in words; nil when it is one.
  public static func problem(with text: String) -> String? {
    if TopicPattern(text) != nil { return nil }
    if text.utf8.count > maximumLength { return "a topic has at most \(maximumLength) bytes" }
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    for (index, part) in parts.enumerated() {
      if part.isEmpty { return "a part of the name is empty" }
      if part == "**" && index < parts.count - 1 { return "'**' stands for the rest and can only be the last part" }
      if part != "*" && part != "**" && part.contains("*") { return "'*' must be a part by itself" }
    }
    return "names consist of letters, digits, '_' and '-'"
  }

  /// Whether a topic's name matches.
  public func matches(_ topic: String) -> Bool {
    var topic = topic
    return topic.withUTF8 { matches($0) }
  }

  /// Whether a topic's name, as UTF-8, matches.
  public func matches(_ topic: UnsafeBufferPointer<UInt8>) -> Bool {
    var start = 0
    for (index, part) in parts.enumerated() {
      if index > 0 {
        guard start < topic.count, topic[start] == UInt8(ascii: ".") else { return false }
        start += 1
      }
      var end = start
      while end < topic.count, topic[end] != UInt8(ascii: ".") { end += 1 }
      guard end > start else { return false }
      if part.count != 1 || part[0] != UInt8(ascii: "*") {
        guard end - start == part.count else { return false }
        for offset in 0..<part.count where topic[start + offset] != part[offset] { return false }
      }
      start = end
    }
    return rest ? start < topic.count : start == topic.count
  }

  static func isNameByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
      return true
    default: return false
    }
  }

  /// Whether the bytes are a topic's name: dotted parts of `[A-Za-z0-9_-]`, none empty, 512 bytes at most.
  static func isTopic(_ name: UnsafeBufferPointer<UInt8>) -> Bool {
    guard name.count > 0, name.count <= maximumLength else { return false }
    var previous = UInt8(ascii: ".")
    for byte in name {
      if byte == UInt8(ascii: ".") {
        if previous == UInt8(ascii: ".") { return false }
      } else if !isNameByte(byte) {
        return false
      }
      previous = byte
    }
    return previous != UInt8(ascii: ".")
  }
}
