import Glibc
import Synchronization

/// The host's log: one line an entry, on standard error, as text or as JSON.
///
///     2026-01-02T03:04:05.678Z warning twitch: the server asked to reconnect attempt=2
///     {"time":"2026-01-02T03:04:05.678Z","level":"warning","source":"twitch","message":"the…","attempt":"2"}
///
/// Registered secrets are masked in every part. Each source has a rate; what is above it is counted and summed up in one line.
/// A line is one `write`. When nobody reads the other end, a line waits for at most `patience` and then lines
/// are dropped and counted until there is room again, so that a stuck terminal cannot stop the host. Thread-safe.
public final class HostLog: Sendable {
  /// How lines are written.
  public enum Format: Sendable, Equatable {
    /// For people; `colour` only on a terminal.
    case text(colour: Bool)
    /// One JSON object a line, for machines.
    case json
  }

  /// What a source may write: `burst` lines at once, refilled with `perSecond`. Errors have an allowance of their own of the same
  /// size, so that chatter cannot hide them.
  public struct Rate: Sendable {
    public var burst: Int
    public var perSecond: Int

    public init(burst: Int = 400, perSecond: Int = 100) {
      self.burst = burst
      self.perSecond = perSecond
    }

    public static let unlimited = Rate(burst: .max, perSecond: 0)
  }

  /// What is masked in every line.
  public let masks: SecretMasks
  private let clock: any HostClock
  private let rate: Rate
  private let line: LogLine
  private let state: Mutex<State>
  private let thresholdLevel: Atomic<Int32>

  private struct State {
    var sink: LogSink
    var limits = LogLimits()
  }

  /// - Parameter descriptor: where lines go; borrowed, it must stay open.
  public init(
    descriptor: Int32 = 2, format: Format = .text(colour: false), threshold: LogLevel = .info, rate: Rate = Rate(),
    masks: SecretMasks = SecretMasks(), clock: any HostClock = SystemClock()
  ) {
    self.masks = masks
    self.clock = clock
    self.rate = rate
    thresholdLevel = Atomic(threshold.rawValue)
    line = LogLine(format: format)
    state = Mutex(State(sink: LogSink(descriptor: descriptor)))
  }

  /// The log of the program: colours when standard error is a terminal and neither NO_COLOR nor TERM=dumb forbids them.
  public static func standardError(threshold: LogLevel = .info, json: Bool = false) -> HostLog {
    HostLog(format: json ? .json : .text(colour: Terminal.wantsColour(2)), threshold: threshold)
  }

  /// Lines are for people, not for machines.
  public var isText: Bool { line.format != .json }

  /// The least important level that is still written. May be changed at any time.
  public var threshold: LogLevel {
    get { LogLevel(rawValue: thresholdLevel.load(ordering: .relaxed)) ?? .info }
    set { thresholdLevel.store(newValue.rawValue, ordering: .relaxed) }
  }

  /// Whether a line of that level would be looked at: ask before making an expensive text.
  @inline(__always)
  public func accepts(_ level: LogLevel) -> Bool { level.rawValue <= thresholdLevel.load(ordering: .relaxed) }

  /// Writes one line. `source`: the instance it is about, or `host`.
  public func write(
    _ level: LogLevel, source: String, _ message: String, fields: [(String, String)] = []
  ) {
    guard accepts(level) else { return }
    var message = message
    message.withUTF8 { write(level, source: source, message: UnsafeRawBufferPointer($0), fields: fields) }
  }

  /// The same with a message out of borrowed bytes, as a plugin passes it; what is not UTF-8 becomes U+FFFD.
  public func write(
    _ level: LogLevel, source: String, message: UnsafeRawBufferPointer, fields: [(String, String)] = []
  ) {
    guard accepts(level) else { return }
    let monotonic = clock.monotonic
    guard state.withLock({ $0.limits.admits(source, level, rate: rate, now: monotonic) }) else { return }
    let unix = clock.unix
    let maskedFields = fields.map { (masks.mask($0.0), masks.mask($0.1)) }
    let text: [UInt8]
    if let masked = masks.mask(message) {
      text = masked.withUnsafeBytes { line.compose(level, masks.mask(source), $0, maskedFields, unix) }
    } else {
      text = line.compose(level, masks.mask(source), message, maskedFields, unix)
    }
    state.withLock { state in
      if let summary = state.limits.takeSummary(source, now: monotonic) {
        emit(&state, source, summary, unix)
      }
      reportDropped(&state, unix)
      state.sink.write(text)
    }
  }

  /// Something failed that an operator has to look at. `source`: the instance, or `host`.
  public func error(_ source: String, _ message: String, _ fields: [(String, String)] = []) {
    write(.error, source: source, message, fields: fields)
  }

  /// Something is not as it should be, and goes on.
  public func warning(_ source: String, _ message: String, _ fields: [(String, String)] = []) {
    write(.warning, source: source, message, fields: fields)
  }

  /// What an operator wants to see once.
  public func notice(_ source: String, _ message: String, _ fields: [(String, String)] = []) {
    write(.notice, source: source, message, fields: fields)
  }

  /// What is worth a line while somebody looks.
  public func info(_ source: String, _ message: String, _ fields: [(String, String)] = []) {
    write(.info, source: source, message, fields: fields)
  }

  /// What only helps to find a mistake; the message is not made where nobody reads it.
  public func debug(_ source: String, _ message: @autoclosure () -> String, _ fields: [(String, String)] = []) {
    if accepts(.debug) { write(.debug, source: source, message(), fields: fields) }
  }

  /// Writes the sums of what was left out and not summed up yet. Called now and then, and at the end.
  public func flush() {
    let monotonic = clock.monotonic
    let unix = clock.unix
    state.withLock { state in
      for source in state.limits.sourcesToSum {
        guard let summary = state.limits.takeSummary(source, now: monotonic) else { continue }
        emit(&state, source, summary, unix)
      }
      reportDropped(&state, unix)
    }
  }

  private func emit(_ state: inout State, _ source: String, _ message: String, _ unix: Int64) {
    var message = message
    let text = message.withUTF8 {
      line.compose(.warning, masks.mask(source), UnsafeRawBufferPointer($0), [], unix)
    }
    state.sink.write(text)
  }

  private func reportDropped(_ state: inout State, _ unix: Int64) {
    let dropped = state.sink.dropped
    guard dropped > 0, state.sink.hasRoom else { return }
    state.sink.dropped = 0
    emit(
      &state, "host",
      "\(dropped) log \(dropped == 1 ? "line was" : "lines were") dropped: nobody read them, or their file had no room",
      unix)
    // The report did not get through either: what it said is still to be said.
    if state.sink.dropped > 0 { state.sink.dropped = dropped }
  }
}
