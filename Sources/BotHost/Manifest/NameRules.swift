/// The rules for names in manifests.
public enum NameRules {
  /// Why a text is no topic name, or nil: parts of letters, digits, `_` and `-`, separated by dots, at most 512
  /// bytes.
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
    if let problem = topicProblem(text) ?? reservedProblem(text) { return problem }
    return text.utf8.count > 64 ? "a name has at most 64 characters" : nil
  }

  /// Why a text cannot name a plugin, or nil.
  public static func pluginProblem(_ text: String) -> String? { nameProblem(text) ?? reservedProblem(text) }

  private static func reservedProblem(_ text: String) -> String? {
    ReservedNames.instances.contains(text)
      ? "that name is the host's or is shared by all plugins, as are \(ReservedNames.instances.joined(separator: ", "))"
      : nil
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
    text.utf8.count > TopicPattern.maximumLength ? "a topic has at most \(TopicPattern.maximumLength) bytes" : nil
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
