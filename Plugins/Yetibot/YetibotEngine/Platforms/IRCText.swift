/// What IRC allows: short lines, short nicks, and answers to a channel or a nick.
public enum IRCText {
  /// A message is 512 bytes with its prefix and command (RFC 1459, section 2.3); this leaves room for them.
  public static let longestMessage = 420

  /// Pieces of a line, each short enough in bytes.
  public static func pieces(_ text: String) -> [String] {
    TextPieces.cut(text, limit: longestMessage) { String($0).utf8.count }
  }

  /// A text of several lines as messages of one line each. IRC knows no empty message, so that a blank line is a space; a carriage return
  /// ends a message too.
  public static func lines(ofPaste text: String) -> [String] {
    (Formatting.lineCollection(text) ?? [text]).flatMap { line in
      line.unicodeScalars.split(separator: "\r", omittingEmptySubsequences: false).map { $0.isEmpty ? " " : String($0) }
    }
  }

  /// Where an answer goes: to the channel that was spoken to, or in private to the person.
  public static func replyTarget(spokenTo target: String, by nick: String, channels: [String]) -> String {
    channels.contains(target) ? target : nick
  }

  /// The channels to go into and to leave, so that the bot is in those that are configured.
  public static func changes(configured: [String], current: [String]) -> (join: [String], part: [String]) {
    (configured.filter { !current.contains($0) }, current.filter { !configured.contains($0) })
  }

  /// RFC 1459, section 1.2.
  private static let longestNick = 9

  /// The nick to try when one is in use: with `_` behind it while there is room, then with a number at its end that counts up.
  /// nil when all have been tried.
  public static func nextNick(after nick: String) -> String? {
    guard nick.count >= longestNick else { return nick + "_" }
    let digits = nick.reversed().prefix { $0.isASCII && $0.isNumber }.reversed()
    if digits.contains(where: { $0 != "9" }), let number = Int(String(digits)) {
      let next = String(number + 1)
      return nick.dropLast(digits.count) + String(repeating: "0", count: digits.count - next.count) + next
    }
    let width = digits.count + 1
    return width > nick.count ? nil : nick.dropLast(width) + String(repeating: "0", count: width)
  }
}
