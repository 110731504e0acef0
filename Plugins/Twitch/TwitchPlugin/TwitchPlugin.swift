import BotPluginKit
import Glibc
import TwitchChat

/// The plugin's descriptor, for the symbol that the image exports.
public func twitchPlugin(_ hostMinor: UInt32) -> UnsafeRawPointer? { TwitchPlugin.entry(hostMinor) }

/// The adapter of Twitch chat: ties the session of `TwitchChat` to the host's connection, timers, topics and methods.
///
/// Runs on its lane. The connection belongs to the host and lives through a swap; the session's state is handed over.
final class TwitchPlugin: BotPlugin {
  static let platform = "twitch"
  static let version = "1.0.0"

  static let table = PluginTable<TwitchPlugin>(name: "twitch", version: version) {
    Handler("on_open", TwitchPlugin.onOpen)
    Handler("on_frame", TwitchPlugin.onFrame)
    Handler("on_closed", TwitchPlugin.onClosed)
    Handler("on_timer", TwitchPlugin.onTimer)
    Handler("on_say", TwitchPlugin.onSay)
    Method("join", TwitchPlugin.join)
    Method("part", TwitchPlugin.part)
    Method("say", TwitchPlugin.say)
    Method("raw", TwitchPlugin.raw)
    Method("parse", TwitchPlugin.parse)
    Method("state", TwitchPlugin.status)
    HandOver(
      format: "twitch-session", version: 1, export: { $0.session.state },
      import: { (plugin: TwitchPlugin, state: SessionState) in plugin.take(state) })
    Reconfigure(TwitchPlugin.reconfigure)
  }

  let host: Host
  let topics: Topics
  var configuration: Configuration
  var published: Published
  var session: ChatSession
  var payloads: MessagePayloads
  var waiters: [CommandID: Waiter] = [:]
  private var connection: Connection?
  private var outputs: [SessionOutput] = []
  private var json = JSONBuffer(capacity: 8192)
  private var nextCommand: CommandID = 1
  private var hasImported = false
  private let lineCount: Counter?
  private let messageCount: Counter?
  private let sentCount: Counter?

  init(configuration: Configuration, host: Host) throws {
    self.host = host
    self.configuration = configuration
    published = try configuration.published()
    topics = try Topics(host)
    payloads = MessagePayloads(instance: host.instance)
    session = ChatSession(configuration: try configuration.session(), seed: .random(in: 0...UInt64.max))
    lineCount = try? host.counter("lines", "lines received")
    messageCount = try? host.counter("messages", "chat messages received")
    sentCount = try? host.counter("sent", "messages that went out")
  }

  // MARK: Life

  func activate() throws {
    let connection = try host.dial(configuration.connection())
    self.connection = connection
    if hasImported {
      advance(.tick)
    } else if !host.start.contains(.fresh), (try? connection.describe())?.state == "open" {
      // A connection of a generation that left no state: nobody knows how far its login is.
      try connection.reconnect()
    }
  }

  func quiesce(deadline: Int64) throws {
    for command in session.detachCommands() {
      guard let waiter = waiters.removeValue(forKey: command.id) else { continue }
      switch waiter {
      case .call(let call, _):
        // The text stays in the queue that is handed over; whoever asked will see it on twitch.sent.
        try? call.reply(CommandAnswer(channel: command.channel, state: .pending))
      case .say(let delivery, _):
        if command.isUntouched {
          session.withdraw(command)
          try? delivery.nack(PluginError.retry("the plugin is being replaced", after: .milliseconds(1)))
        } else {
          try? delivery.ack()
        }
      }
    }
  }

  func resume() throws { advance(.tick) }

  func health() -> Health {
    switch session.state.phase {
    case .failed: .bad("login failed for good")
    case .connected: Health(ok: true, detail: "connected as \(session.state.nick)")
    case .offline, .probing, .loggingIn: Health(ok: true, detail: "connecting")
    }
  }

  private func take(_ state: SessionState) {
    session = ChatSession(configuration: session.configuration, state: state)
    hasImported = true
  }

  func reconfigure(_ new: Configuration) throws {
    let settings = try new.session()
    let published = try new.published()
    let old = configuration
    var isNewConnection = false
    if new.connection() != old.connection() {
      connection = try host.dial(new.connection())
      isNewConnection = true
    }
    configuration = new
    self.published = published
    session.reconfigure(settings, now: host.monotonicTime, into: &outputs)
    perform(.none)
    if !isNewConnection, new.nick != old.nick || (new.token == nil) != (old.token == nil) || new.server != old.server {
      try connection?.reconnect()
    }
  }

  // MARK: Events

  func onOpen(_ event: borrowing Event) throws {
    host.log(.info, "connection open")
    advance(.opened, event.token)
  }

  func onClosed(_ closed: ConnectionClosed, _ event: borrowing Event) throws {
    let reason = closed.error.map { $0.isEmpty ? closed.reason : "\(closed.reason): \($0)" } ?? closed.reason
    // A dial that failed changes nothing for the session; the operator has to know why nothing comes.
    if session.state.phase == .offline, !closed.final { host.log(.warning, "not connected", ["reason": reason]) }
    advance(.closed(reason: reason, isFinal: closed.final), event.token)
  }

  func onTimer(_ event: borrowing Event) throws { advance(.tick) }

  /// One line of the server. Nothing here makes a string when the line is a message.
  func onFrame(_ event: borrowing Event) throws {
    lineCount?.add()
    let bytes = event.payload
    session.handle(.line(bytes), now: host.monotonicTime, into: &outputs)
    // Taken out before anything can fail: a line that comes again must find nothing of this one.
    var isMessage = false
    if outputs.count == 1, case .message = outputs[0] { isMessage = true }
    if isMessage { outputs.removeAll(keepingCapacity: true) } else { perform(event.token) }
    if published.contains(.line), let line = IRCLine(bytes) {
      json.removeAll()
      payloads.writeLine(line, to: &json)
      try host.publish(topics.line, json: json.bytes, effectOf: event.token)
    }
    if isMessage { try publishMessage(bytes, event.time, event.token) }
  }

  private func publishMessage(_ bytes: UnsafeRawBufferPointer, _ time: Int64, _ cause: DeliveryToken) throws {
    messageCount?.add()
    guard !published.isDisjoint(with: [.message, .chat]), let line = IRCLine(bytes), let chat = ChatLine(line) else {
      return
    }
    let isBroadcaster = chat.isBroadcaster
    if published.contains(.message) {
      json.removeAll()
      payloads.writeMessage(chat, raw: line.raw, isBroadcaster: isBroadcaster, now: time, to: &json)
      try host.publish(topics.message, json: json.bytes, key: chat.channel, effectOf: cause)
    }
    if published.contains(.chat) {
      json.removeAll()
      payloads.writeChat(chat, isBroadcaster: isBroadcaster, to: &json)
      try host.publish(topics.chatMessage, json: json.bytes, key: payloads.chatKey, effectOf: cause)
    }
  }

  /// `chat.say`, for this platform.
  func onSay(_ say: ChatSay, _ event: borrowing Event) throws -> Outcome {
    guard say.platform == Self.platform, isForUs(say) else { return .skip }
    if say.private == true {
      throw PluginError.reject("Twitch carries no private messages over IRC")
    }
    let id = newCommand()
    waiters[id] = .say(event.later(), say)
    advance(.command(id, .say(channel: say.channel, text: say.text, replyTo: say.replyTo)))
    return .done
  }

  /// Where no instance is named, the first one speaks, or the one that is in the room.
  private func isForUs(_ say: ChatSay) -> Bool {
    if let instance = say.instance, !instance.isEmpty { return instance == host.instance }
    if host.instance == "twitch" { return true }
    guard let channel = try? ChannelName(say.channel, strict: false) else { return false }
    return session.state.rooms[channel.wire]?.isWanted == true
  }

  // MARK: The session

  func newCommand() -> CommandID {
    defer { nextCommand += 1 }
    return nextCommand
  }

  /// Tells the session what happened and does what it says.
  func advance(_ input: SessionInput, _ cause: DeliveryToken = .none) {
    session.handle(input, now: host.monotonicTime, into: &outputs)
    perform(cause)
  }

  private func perform(_ cause: DeliveryToken) {
    // Taken out first: settling a command may give the session another one.
    var batch: [SessionOutput] = []
    swap(&batch, &outputs)
    for output in batch {
      switch output {
      case .message: break  // only a line gives one, alone; see onFrame
      case .write(let line): write(line)
      case .writePassword(let server): writePassword(server)
      case .event(let event):
        if case .sent = event { sentCount?.add() }
        publish(event, cause)
      case .settle(let id, let result): settle(id, result)
      case .wake(let after):
        attempt("set a timer") { try host.timers.set("session", after: .nanoseconds(after)) }
      case .reconnect(let after, let reason):
        host.log(.info, "reconnecting", ["reason": reason])
        attempt("reconnect") { try connection?.reconnect(after: .nanoseconds(after)) }
      case .close(let reason):
        host.log(.info, "closing the connection", ["reason": reason])
        attempt("close") { try connection?.close() }
      case .report(let level, let text): host.log(Host.LogLevel(level), text)
      }
    }
    batch.removeAll(keepingCapacity: true)
    if outputs.isEmpty { swap(&batch, &outputs) }
  }

  private func write(_ line: [UInt8]) {
    // A connection that is gone says so in an event of its own, and the session then knows what is lost.
    attempt("write") { try connection?.write(line) }
  }

  /// Writes the password. It exists in this process's memory only for the length of this call.
  private func writePassword(_ server: ServerKind) {
    guard let token = configuration.token else { return }
    attempt("log in") {
      try token.withBytes { secret in
        guard var line = passwordLine(secret: secret, server: server) else {
          throw PluginError.invalid("the token is empty or holds a space or a line end")
        }
        defer { line.withUnsafeMutableBytes { bytes in _ = bytes.baseAddress.map { explicit_bzero($0, bytes.count) } } }
        try connection?.write(line)
      }
    }
  }

  private func attempt(_ what: String, _ body: () throws -> Void) {
    do { try body() } catch { host.log(.warning, "cannot \(what): \(error)") }
  }
}

extension Host.LogLevel {
  fileprivate init(_ level: ReportLevel) {
    self =
      switch level {
      case .warning: .warning
      case .notice: .notice
      case .info: .info
      case .debug: .debug
      }
  }
}
