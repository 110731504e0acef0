/// Which command words are there at all: those that one list allows, or all but those that another denies.
public struct CommandFilter: Sendable {
  private let allowed: [Pattern]
  private let denied: [Pattern]

  /// All commands.
  public init() { (allowed, denied) = ([], []) }

  /// - Parameters:
  ///   - allowed: patterns of the words that are enabled; none: all.
  ///   - denied: patterns of the words that are not.
  /// - Throws: ``Raised``, when both are given or one of them holds what is no pattern.
  public init(allowed: [String], denied: [String]) throws(Raised) {
    guard allowed.isEmpty || denied.isEmpty else {
      throw Raised("commands are allowed and denied by two lists; only one of them may be used")
    }
    do {
      self.allowed = try allowed.map { try Pattern($0) }
      self.denied = try denied.map { try Pattern($0) }
    } catch { throw Raised("the commands that are allowed or denied: \(error)") }
  }

  /// Whether it lets everything through.
  var isOpen: Bool { allowed.isEmpty && denied.isEmpty }

  /// What is there whatever the lists say, so that nobody locks everybody out.
  private static let always: Set<String> = ["help", "alias", "channel", "category"]

  /// Whether a command word is enabled. Aliases always are; that is for the caller to know.
  public func admits(_ word: String) -> Bool {
    if isOpen || Self.always.contains(word) { return true }
    return allowed.isEmpty ? !denied.contains { $0.occurs(in: word) } : allowed.contains { $0.occurs(in: word) }
  }
}
