@testable import TwitchChat

/// A source of numbers that is the same in every run.
struct Dice: RandomNumberGenerator {
  var state: UInt64

  init(_ seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}

/// Calls `body` with a text as a line of the parser.
func withLine<Result>(_ text: String, _ body: (IRCLine) throws -> Result) rethrows -> Result? {
  var text = text
  return try text.withUTF8 { bytes in
    guard let line = IRCLine(UnsafeRawBufferPointer(bytes)) else { return nil }
    return try body(line)
  }
}

let second: Int64 = 1_000_000_000

/// Drives a session by hand: the clock stands still until it is turned.
struct Script {
  var session: ChatSession
  var now: Int64 = 1000 * second
  var outputs: [SessionOutput] = []
  /// When the session wants to be woken.
  var wakeAt: Int64?

  init(_ configuration: SessionConfiguration, seed: UInt64 = 7) {
    session = ChatSession(configuration: configuration, seed: seed)
  }

  /// A logged-in session at Twitch, in the rooms given.
  static func connected(
    _ channels: [String] = [], nick: String? = "taco", token: Bool = true,
    change: (inout SessionConfiguration) -> Void = { _ in }
  ) throws -> Script {
    var configuration = SessionConfiguration(
      nick: nick, hasToken: token, server: .twitch, strictNames: true,
      channels: try channels.map { try ChannelName($0, strict: true) })
    change(&configuration)
    var script = Script(configuration)
    script.input(.opened)
    script.line(":tmi.twitch.tv CAP * ACK :twitch.tv/membership twitch.tv/tags twitch.tv/commands")
    script.line(":tmi.twitch.tv 001 \(script.session.state.nick) :Welcome, GLHF!")
    for channel in channels { script.enter(channel) }
    script.outputs = []
    return script
  }

  /// A logged-in session at a plain server, in the rooms given.
  static func plain(
    _ channels: [String] = [], nick: String = "yeti", change: (inout SessionConfiguration) -> Void = { _ in }
  ) throws -> Script {
    var configuration = SessionConfiguration(
      nick: nick, hasToken: false, server: .irc, channels: try channels.map { try ChannelName($0, strict: false) })
    change(&configuration)
    var script = Script(configuration)
    script.input(.opened)
    script.line(":irc.test 001 \(nick) :Welcome")
    for channel in channels {
      script.line(":\(nick)!~\(nick)@host.example JOIN \(channel)")
      script.line(":irc.test 366 \(nick) \(channel) :End of /NAMES list.")
    }
    // The lines of the login have been paid for.
    script.pass(60 * second)
    script.outputs = []
    return script
  }

  /// What the server answers to a JOIN.
  mutating func enter(_ channel: String, rank: String = "") {
    let nick = session.state.nick
    line(":\(nick)!\(nick)@\(nick).tmi.twitch.tv JOIN #\(channel)")
    line("@badges=\(rank);mod=0;display-name=Taco :tmi.twitch.tv USERSTATE #\(channel)")
    line("@emote-only=0;followers-only=-1;r9k=0;room-id=1;slow=0;subs-only=0 :tmi.twitch.tv ROOMSTATE #\(channel)")
  }

  mutating func input(_ input: SessionInput) {
    let from = outputs.count
    session.handle(input, now: now, into: &outputs)
    for case .wake(let after) in outputs[from...] { wakeAt = now + after }
  }

  mutating func line(_ text: String, again: Bool = false) {
    var text = text
    text.withUTF8 { bytes in input(.line(UnsafeRawBufferPointer(bytes), again: again)) }
  }

  mutating func command(_ id: CommandID, _ command: SessionCommand) { input(.command(id, command)) }

  mutating func say(_ id: CommandID, _ channel: String, _ text: String, replyTo: String? = nil) {
    command(id, .say(channel: channel, text: text, replyTo: replyTo))
  }

  /// Turns the clock, giving the ticks that were asked for on the way.
  mutating func pass(_ nanoseconds: Int64) {
    let until = now + nanoseconds
    while let at = wakeAt, at <= until {
      wakeAt = nil
      now = max(now, at)
      input(.tick)
    }
    now = until
  }

  /// Replaces the session by one that was made of its exported state, as a swap does.
  mutating func swap(_ through: (SessionState) throws -> SessionState = { $0 }) rethrows {
    session = ChatSession(configuration: session.configuration, state: try through(session.state))
    wakeAt = nil
    input(.tick)
  }

  /// The lines written since the last look.
  mutating func written() -> [String] {
    defer {
      outputs.removeAll { if case .write = $0 { true } else if case .writePassword = $0 { true } else { false } }
    }
    return outputs.compactMap { output in
      switch output {
      case .write(let bytes): String(decoding: bytes.dropLast(2), as: UTF8.self)
      case .writePassword: "PASS"
      default: nil
      }
    }
  }

  /// The events since the last look.
  mutating func events() -> [ChatEvent] {
    defer { outputs.removeAll { if case .event = $0 { true } else { false } } }
    return outputs.compactMap { if case .event(let event) = $0 { event } else { nil } }
  }

  /// What commands were told since the last look.
  mutating func settled() -> [CommandID: CommandResult] {
    defer { outputs.removeAll { if case .settle = $0 { true } else { false } } }
    var results: [CommandID: CommandResult] = [:]
    for case .settle(let id, let result) in outputs { results[id] = result }
    return results
  }
}
