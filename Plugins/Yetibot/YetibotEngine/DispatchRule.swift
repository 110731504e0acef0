/// How a command's text finds its handler: the first rule that applies decides.
public enum DispatchRule: String, Sendable, CaseIterable {
  case adminOnly = "admin-only and user not admin -> error"
  case disabledCategory = "handler category disabled in room -> notice value"
  case unknownCommand = "no command matches -> fallback"
  case notEnabled = "command not enabled -> fallback"
  case noSubPattern = "no sub-pattern matches -> help of the topic"
  case run = "run the handler"

  /// Made once: dispatch goes through it for each command.
  static let inOrder = allCases
}
