/// What Discord allows.
public enum DiscordText {
  /// The longest message, in characters as Discord counts them: code points.
  public static let longestMessage = 2000

  public static func pieces(_ text: String) -> [String] {
    TextPieces.cut(text, limit: longestMessage) { _ in 1 }
  }
}
