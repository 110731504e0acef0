/// How much one message may cost.
public struct Limits: Sendable, Hashable {
  /// All expressions of one message together, in milliseconds.
  public var milliseconds: Int64 = 5000
  /// Commands that run for one message, in sub-expressions, aliases, `xargs` and `repeat` too.
  public var commands = 2000
  /// Evaluations inside each other: sub-expressions, aliases, `cmd`, `xargs`, `repeat`, template filters.
  public var depth = 40
  /// The size of one value or command text, in bytes, roughly.
  public var valueBytes = 262_144
  /// The sizes of all values of one message.
  public var totalBytes = 8_388_608
  /// Steps of all pattern searches of one message.
  public var patternSteps = 4_000_000
  /// Items that `range` makes.
  public var rangeItems = 10_000
  /// What `repeat` repeats at most.
  public var repeats = 10
  /// Messages that one result is sent as.
  public var messages = 30
  /// Messages that commands may send while one message is handled, beside its results: by `tee`, `replyto` and their like.
  public var posts = 100
  /// Rows that `history` shows without a following command.
  public var historyRows = 30

  public init() {}
}

/// What is left of the limits while a message is handled; shared by everything that runs for it.
final class Allowance {
  let limits: Limits
  private let clock: () -> Int64
  private let deadline: Int64
  private var commands: Int
  private var bytes: Int
  private var posts: Int
  /// What is handled, for the error that says that it took too long.
  private let subject: String
  private(set) var depth = 0
  var patternSteps: Int

  init(_ limits: Limits, for subject: String, clock: @escaping () -> Int64) {
    self.limits = limits
    self.subject = subject
    self.clock = clock
    posts = limits.posts
    deadline = clock() + limits.milliseconds
    commands = limits.commands
    bytes = limits.totalBytes
    patternSteps = limits.patternSteps
  }

  func chargeCommand() throws(Raised) {
    commands -= 1
    if commands < 0 { throw Raised("more than \(limits.commands) commands for one message", isLimit: true) }
    // The clock is asked now and then: it costs more than most commands do.
    if commands & 7 == 0 { try checkTime() }
  }

  /// Whether the message has taken all its time.
  var isTimeUp: Bool { clock() > deadline }

  func checkTime() throws(Raised) {
    guard isTimeUp else { return }
    let shown = subject.count > Self.longestSubject ? subject.prefix(Self.longestSubject) + "…" : subject[...]
    let quoted = shown.isEmpty ? "" : "`\(shown)` "
    throw Raised("\(quoted)timed out after \(TimeSpan.exact(limits.milliseconds))", isLimit: true)
  }

  private static let longestSubject = 200

  func chargePost() throws(Raised) {
    posts -= 1
    if posts < 0 { throw Raised("more than \(limits.posts) messages by the commands of one message", isLimit: true) }
  }

  /// What is left of the time.
  var millisecondsLeft: Int64 { max(0, deadline - clock()) }

  func charge(_ value: Value) throws(Raised) { try charge(bytes: try size(of: value)) }

  /// Refuses a value that is too large to be written out or looked through as a whole; it is not charged.
  func check(_ value: Value) throws(Raised) {
    _ = try size(of: value)
    try checkTime()
  }

  /// Roughly, in bytes. Not more is looked at than a value may have: one that holds another several times is much larger than what it
  /// takes in memory.
  private func size(of value: Value) throws(Raised) -> Int {
    var left = limits.valueBytes
    Self.weigh(value, &left)
    if left < 0 { throw Raised("a value of more than \(limits.valueBytes) bytes", isLimit: true) }
    return limits.valueBytes - left
  }

  func charge(bytes count: Int) throws(Raised) {
    if count > limits.valueBytes { throw Raised("a text of more than \(limits.valueBytes) bytes", isLimit: true) }
    bytes -= count
    if bytes < 0 { throw Raised("more than \(limits.totalBytes) bytes for one message", isLimit: true) }
  }

  func checkPatterns() throws(Raised) {
    if patternSteps < 0 { throw Raised("pattern searches that take too long", isLimit: true) }
    try checkTime()
  }

  func deeper<Result>(_ body: () throws -> Result) throws -> Result {
    depth += 1
    defer { depth -= 1 }
    if depth > limits.depth { throw Raised("more than \(limits.depth) evaluations inside each other", isLimit: true) }
    return try body()
  }

  private static func weigh(_ value: Value, _ left: inout Int) {
    guard left >= 0 else { return }
    switch value {
    case .string(let text): left -= text.utf8.count + 8
    case .list(let items), .set(let items): for item in items where left >= 0 { weigh(item, &left) }
    case .map(let map):
      for member in map where left >= 0 {
        left -= member.key.utf8.count
        weigh(member.value, &left)
      }
    case .suppressed(let inner): weigh(inner, &left)
    default: left -= 8
    }
  }
}
