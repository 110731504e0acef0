/// A dotted name in which `*` stands for one part and `**` for the rest.
public struct TopicPattern: Sendable, Hashable, CustomStringConvertible {
  public let text: String
  public let parts: [String]

  /// Nil when the text is no pattern; `problem` says why.
  public init?(_ text: String) {
    guard Self.problem(with: text) == nil else { return nil }
    self.text = text
    parts = text.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
  }

  /// No part is a wildcard.
  public var isExact: Bool { !parts.contains { $0 == "*" || $0 == "**" } }

  public var description: String { text }

  public func matches(_ topic: String) -> Bool {
    let other = topic.split(separator: ".", omittingEmptySubsequences: false)
    for (index, part) in parts.enumerated() {
      if part == "**" { return other.count > index }
      guard index < other.count, part == "*" || part == other[index] else { return false }
    }
    return other.count == parts.count
  }

  /// Some topic matches both.
  public func overlaps(_ other: TopicPattern) -> Bool {
    for index in 0..<max(parts.count, other.parts.count) {
      guard index < parts.count, index < other.parts.count else { return false }
      let a = parts[index]
      let b = other.parts[index]
      if a == "**" || b == "**" { return true }
      guard a == b || a == "*" || b == "*" else { return false }
    }
    return true
  }

  /// Why a text is no pattern, or nil.
  public static func problem(with text: String) -> String? {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    for (index, part) in parts.enumerated() {
      if part == "*" { continue }
      if part == "**" {
        guard index == parts.count - 1 else { return "'**' stands for the rest and can only be the last part" }
        continue
      }
      if part.contains("*") { return "'*' must be a part by itself" }
      if let problem = NameRules.partProblem(part) { return problem }
    }
    return NameRules.lengthProblem(text)
  }
}

/// The rules for names in manifests.
public enum NameRules {
  /// Why a text is no topic name, or nil: parts of letters, digits, `_` and `-`, separated by dots, at most 255 bytes.
  public static func topicProblem(_ text: String) -> String? {
    for part in text.split(separator: ".", omittingEmptySubsequences: false) {
      if part.contains("*") { return "a topic that is published has no '*'" }
      if let problem = partProblem(part) { return problem }
    }
    return lengthProblem(text)
  }

  /// Why a text cannot name a plugin or an instance, or nil. The name is part of method names, directories and
  /// journal keys. A bot's instance has a dot in it: `taco.chat`.
  public static func instanceProblem(_ text: String) -> String? {
    if let problem = topicProblem(text) { return problem }
    return text.utf8.count > 64 ? "a name has at most 64 characters" : nil
  }

  /// Why a text is no single name (a configuration key, method, type or bot), or nil.
  public static func nameProblem(_ text: String) -> String? {
    if text.contains(".") { return "a name has no dots here" }
    if let problem = partProblem(text) { return problem }
    return text.utf8.count > 64 ? "a name has at most 64 characters" : nil
  }

  /// Why a text is no C identifier, or nil.
  public static func symbolProblem(_ text: String) -> String? {
    guard let first = text.utf8.first else { return "the name is empty" }
    let isStart = first == 0x5F || (first | 0x20 >= 0x61 && first | 0x20 <= 0x7A)
    guard isStart, text.utf8.allSatisfy({ isWord($0) && $0 != 0x2D }), text.utf8.count <= 255 else {
      return "this is no name of a C function: letters, digits and '_'"
    }
    return nil
  }

  static func lengthProblem(_ text: String) -> String? {
    text.utf8.count > 255 ? "a topic has at most 255 bytes" : nil
  }

  static func partProblem(_ part: some StringProtocol) -> String? {
    if part.isEmpty { return "a part of the name is empty" }
    guard part.utf8.allSatisfy(isWord) else { return "names consist of letters, digits, '_' and '-'" }
    return nil
  }

  private static func isWord(_ byte: UInt8) -> Bool {
    byte | 0x20 >= 0x61 && byte | 0x20 <= 0x7A || byte >= 0x30 && byte <= 0x39 || byte == 0x5F || byte == 0x2D
  }
}
