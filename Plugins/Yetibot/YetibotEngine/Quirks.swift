/// Accidents of the original pipeline. Its tests record them, so that they can be switched on; none of them is on by itself.
public struct Quirks: OptionSet, Sendable, Hashable {
  public let rawValue: UInt32
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// `$(` ends at the first parenthesis that lets the rest be read, whatever was opened inside.
  public static let firstParenthesisCloses = Quirks(rawValue: 1 << 0)
  /// A text that cannot be read answers "no results", without a word of where and why.
  public static let silentParseFailures = Quirks(rawValue: 1 << 1)
  /// An item whose command fails in `xargs` becomes null.
  public static let nullsFailedItems = Quirks(rawValue: 1 << 2)
  /// An answer without a value becomes a map of the answer's parts.
  public static let recordsAsValues = Quirks(rawValue: 1 << 3)
  /// Commands fail on data that do not fit their items: `sum` adds the data up too, `grep` looks for the data of each hit,
  /// `keys` and `vals` look into each item.
  public static let strictData = Quirks(rawValue: 1 << 4)
  /// `sort` and its like answer with null data where there were none.
  public static let inventsData = Quirks(rawValue: 1 << 5)
  /// A list of maps is shown as one map, made of all but the first.
  public static let mergesMaps = Quirks(rawValue: 1 << 6)
  /// An empty list or map is not posted, and an empty map reads as `{}` inside a text.
  public static let silentEmpties = Quirks(rawValue: 1 << 7)
  /// `set` has no value when there are no items, and usage lines are no list to `render`.
  public static let oddSets = Quirks(rawValue: 1 << 8)
  /// `sed` takes the piped text for a part of its program.
  public static let sedReadsValue = Quirks(rawValue: 1 << 9)
  /// `!` runs the room's latest command again, whoever ran it.
  public static let sharedBang = Quirks(rawValue: 1 << 10)
  /// Commands that the original announces and never had answer as they do there: ``stubAnswer``.
  public static let stubs = Quirks(rawValue: 1 << 11)
  /// What the original says instead of explaining a cron or telling of itself. Its tests record the word.
  static let stubAnswer = "TODO"

  /// A pipe has exactly one space on each side, and no mark can be taken for an ordinary character.
  public static let plainGrammar = Quirks(rawValue: 1 << 12)
  /// What stands in back-ticks in the command of `xargs` runs once, not for each item.
  public static let earlyItems = Quirks(rawValue: 1 << 13)
  /// There are only the commands that the original has, and `help` takes one word.
  public static let originalCommands = Quirks(rawValue: 1 << 14)
  /// A cron is checked by the number of its fields, and runs for nobody.
  public static let looseCrons = Quirks(rawValue: 1 << 15)

  /// The number of a placeholder is read digit by digit, so that `$10` is the first argument and a 0.
  public static let shortPlaceholders = Quirks(rawValue: 1 << 16)
  /// An alias takes and hands on texts only: collections and data are lost, and its error is a text as any other. What it stands for is
  /// remembered as another line of whoever ran it.
  public static let plainAliases = Quirks(rawValue: 1 << 17)

  /// `count`, `sum`, `set`, `reverse` and `unletters` belong to no category.
  public static let uncategorizedSums = Quirks(rawValue: 1 << 18)

  /// What `data` writes out ends with a line feed, so that the next command takes it for a collection.
  public static let printsLineFeeds = Quirks(rawValue: 1 << 19)
  /// `sortnum` looks at whole numbers only.
  public static let wholeSortNumbers = Quirks(rawValue: 1 << 20)
  /// `buffer` keeps its text too, an empty one as well, when a collection is piped into it.
  public static let bufferKeepsText = Quirks(rawValue: 1 << 21)
  /// What an alias, an observer or a cron runs, and what people keep, is one line.
  public static let singleLines = Quirks(rawValue: 1 << 22)

  /// A mark of a template that is not closed is closed by the template's end.
  public static let openMarks = Quirks(rawValue: 1 << 23)

  public static let all = Quirks(rawValue: (1 << 24) - 1)
}
