/// How the engine is set up.
public struct Configuration: Sendable {
  /// What a command begins with: one punctuation character.
  public var prefix: Character = "!"
  /// Whether sub-expressions in ordinary talk run.
  public var runsEmbedded = true
  /// Whether unknown commands go to the default command.
  public var isFallbackEnabled = true
  public var defaultCommand = "help"
  /// Replaces the sentence about unknown commands in `help`.
  public var fallbackHelp: String?
  /// Which commands are there at all.
  public var filter = CommandFilter()
  /// The ids of administrators, the platform roles that make one, and the commands that are theirs alone.
  public var adminUsers: Set<String> = []
  public var adminRoles: Set<String> = []
  public var adminCommands: Set<String> = []
  /// The platform roles that may run a command, by its word; administrators may too. A command that is not here is for all.
  public var commandRoles: [String: Set<String>] = [:]
  public var recordsHistory = true
  public var positiveKarma = ":rainbow:"
  public var negativeKarma = ":thunder_cloud_and_rain:"
  /// What `url` shows.
  public var url: String?
  /// Seconds east of UTC of the times that are shown.
  public var utcOffset: Int64 = 0
  public var limits = Limits()
  /// What it does as the original did, though nobody would expect it.
  public var quirks: Quirks = []

  public init() {}

  /// Behaves as the original, whose tests record its accidents too.
  public static var original: Configuration {
    var configuration = Configuration()
    configuration.quirks = .all
    return configuration
  }

  /// Which parenthesis closes `$(`.
  public var closing: ExpressionParser.Closing { quirks.contains(.firstParenthesisCloses) ? .first : .balanced }

  /// What reads expressions.
  public var parser: ExpressionParser {
    ExpressionParser(closing: closing, dialect: quirks.contains(.plainGrammar) ? .original : .modern)
  }

  /// Whether the value of `command.fallback.enabled`, or another switch, is on: everything but "false".
  public static func isOn(_ text: String?) -> Bool { text != "false" }
}
