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
    Handler("on_open") { (plugin: TwitchPlugin, event) in try plugin.opened(.first, event) }
    Handler("on_open_2") { (plugin: TwitchPlugin, event) in try plugin.opened(.second, event) }
    Handler("on_frame") { (plugin: TwitchPlugin, event) in try plugin.received(.first, event) }
    Handler("on_frame_2") { (plugin: TwitchPlugin, event) in try plugin.received(.second, event) }
    Handler("on_closed") { (plugin: TwitchPlugin, event) in try plugin.closed(.first, event) }
    Handler("on_closed_2") { (plugin: TwitchPlugin, event) in try plugin.closed(.second, event) }
    Handler("on_timer") { (plugin: TwitchPlugin, event) in try plugin.timePassed(.first) }
    Handler("on_timer_2") { (plugin: TwitchPlugin, event) in try plugin.timePassed(.second) }
    Handler("on_say", TwitchPlugin.onSay)
    Handler("on_token_timer") { (plugin: TwitchPlugin, event) in plugin.tokens?.due(event.later()) }
    Method("join", TwitchPlugin.join)
    Method("leave", TwitchPlugin.leave)
    Method("say", TwitchPlugin.say)
    Method("raw", TwitchPlugin.raw)
    Method("parse", TwitchPlugin.parse)
    Method("state", TwitchPlugin.status)
    HandOver(
      format: "twitch-session", version: 2, export: { $0.relay.state },
      import: { (plugin: TwitchPlugin, state: ChatRelay.State) in plugin.take(state) })
    Reconfigure(TwitchPlugin.reconfigure)
  }

  let host: Host
  let topics: Topics
  var configuration: Configuration
  var published: Published
  private(set) var relay: ChatRelay
  var payloads: MessagePayloads
  var waiters: [CommandID: Waiter] = [:]
  private var connections: [ChatLink: Connection] = [:]
  private var tokens: TokenService?
  private var outputs: [RelayOutput] = []
  private var json = JSONBuffer(capacity: 8192)
  private var nextCommand: CommandID = 1
  private var hasImported = false
  /// Why there is no connection.
  private var lostBecause: String?
  private let lineCount: Counter?
  private let messageCount: Counter?
  private let sentCount: Counter?

  init(configuration: Configuration, host: Host) throws {
    self.host = host
    self.configuration = configuration
    published = try configuration.published()
    topics = try Topics(host)
    payloads = MessagePayloads(instance: host.instance)
    tokens = try TokenService(configuration, host: host)
    relay = ChatRelay(configuration: try configuration.session(), seed: .random(in: 0...UInt64.max))
    lineCount = try? host.counter("lines", "lines received")
    messageCount = try? host.counter("messages", "chat messages received")
    sentCount = try? host.counter("sent", "messages that went out")
  }

  // MARK: Life

  func activate() throws {
    if relay.session.state.phase == .failed {
      // The build before had given up; this one may know better, or has another configuration.
      relay.reconfigure(relay.session.configuration, now: host.monotonicTime, into: &outputs)
      perform(.none)
    }
    tokens?.whenRenewed = { [weak self] in self?.tokenRenewed() }
    // Without a token there is nothing to say to the server: one is asked for first.
    let hasToken = tokens?.hasToken ?? true
    if hasToken { try connect() }
    if !hasImported || !hasToken { attempt("look after the token") { try tokens?.start() } }
    if hasImported, relay.isOfAnotherLogin {
      for link in relay.links { try connections[link]?.reconnect() }
    } else if hasImported {
      for link in relay.links { advance(.tick, from: link) }
    } else if !host.start.contains(.fresh), let connection = connections[relay.link],
      (try? connection.describe())?.state == "open"
    {
      // A connection of a generation that left no state: nobody knows how far its login is.
      try connection.reconnect()
    }
  }

  func quiesce(deadline: Int64) throws {
    tokens?.quiesce()
    for command in relay.detachCommands() {
      guard let waiter = waiters.removeValue(forKey: command.id) else { continue }
      switch waiter {
      case .call(let call, _):
        // The text stays in the queue that is handed over; whoever asked will see it on twitch.sent.
        try? call.reply(CommandAnswer(channel: command.channel, state: .pending))
      case .say(let delivery, _):
        if command.isUntouched {
          relay.withdraw(command)
          try? delivery.nack(PluginError.retry("the plugin is being replaced", after: .milliseconds(1)))
        } else {
          try? delivery.ack()
        }
      }
    }
  }

  func resume() throws { for link in relay.links { advance(.tick, from: link) } }

  /// Opens the connections that should be there and are not.
  private func connect() throws {
    for link in relay.links where connections[link] == nil {
      connections[link] = try host.dial(configuration.connection(link))
    }
  }

  /// Opens what was closed because the token was refused, or not opened for want of one.
  private func tokenRenewed() {
    attempt("log in with the renewed token") {
      if relay.session.state.phase == .failed {
        relay.reconfigure(try configuration.session(), now: host.monotonicTime, into: &outputs)
        perform(.none)
      }
      try connect()
    }
  }

  func health() -> Health {
    switch relay.session.state.phase {
    case .failed where tokens?.isAsking == true:
      Health(ok: true, detail: "the token was refused; another one is asked for")
    case .failed: .bad(tokens?.complaint.map { "login failed: \($0)" } ?? "login failed for good")
    case .offline where connections[relay.link] == nil:
      Health(ok: true, detail: tokens?.complaint ?? "waiting for a token")
    case .connected:
      Health(
        ok: true, detail: "connected as \(relay.session.state.nick)\(tokens?.complaint.map { "; \($0)" } ?? "")")
    case .offline: Health(ok: true, detail: "waiting for \(server)\(lostBecause.map { ": \($0)" } ?? "")")
    case .probing, .loggingIn: Health(ok: true, detail: "logging in at \(server)")
    }
  }

  private var server: String { "\(configuration.host):\(configuration.port)" }

  private func take(_ state: ChatRelay.State) {
    relay = ChatRelay(configuration: relay.session.configuration, state: state)
    hasImported = true
  }

  /// Rooms are joined and left, and limits change, on the connection that there is; another token counts from the next login.
  func reconfigure(_ new: Configuration) throws {
    let settings = try new.session()
    let published = try new.published()
    let tokens = try TokenService(new, host: host)
    guard new.connection(.first) == configuration.connection(.first),
      settings.identity == relay.session.configuration.identity
    else { throw PluginError.unsupported("another server or login needs a connection of its own") }
    let asksElsewhere = new.tokenSettings != configuration.tokenSettings
    configuration = new
    self.published = published
    if asksElsewhere {
      self.tokens = tokens
      tokens?.whenRenewed = { [weak self] in self?.tokenRenewed() }
      attempt("look after the token") { try tokens?.start() }
    }
    relay.reconfigure(settings, now: host.monotonicTime, into: &outputs)
    perform(.none)
  }

  // MARK: Events

  private func opened(_ link: ChatLink, _ event: borrowing Event) throws {
    host.log(.info, "connection open")
    if link == relay.link { lostBecause = nil }
    advance(.opened, from: link, event.token)
  }

  private func closed(_ link: ChatLink, _ event: borrowing Event) throws {
    let closed = try event.decode(ConnectionClosed.self)
    // The end of one that this plugin has closed itself and opened anew.
    if closed.reason == "local", closed.final, connections[link] != nil { return }
    let reason = closed.error.map { $0.isEmpty ? closed.reason : "\(closed.reason): \($0)" } ?? closed.reason
    if link == relay.link {
      lostBecause = reason
      if !closed.final, closed.reason != "local" {
        let pause = Double((closed.retryIn ?? 0) / 100) / 10
        host.log(.warning, "waiting for \(server): \(reason); connecting again in \(pause) s")
      }
    }
    advance(.closed(reason: reason, isFinal: closed.final), from: link, event.token)
  }

  private func timePassed(_ link: ChatLink) throws { advance(.tick, from: link) }

  /// One line of the server. Nothing here makes a string when the line is a message.
  private func received(_ link: ChatLink, _ event: borrowing Event) throws {
    lineCount?.add()
    let bytes = event.payload
    let isShown = relay.handle(
      .line(bytes, again: event.flags.contains(.redelivered)), from: link, now: host.monotonicTime, into: &outputs)
    // Taken out before anything can fail: a line that comes again must find nothing of this one.
    var isMessage = false
    if outputs.count == 1, case .message = outputs[0] {
      isMessage = true
      outputs.removeAll(keepingCapacity: true)
    } else {
      isMessage = perform(event.token)
    }
    if isShown { try show(bytes, isMessage: isMessage, event.time, event.token) }
    showHeld()
  }

  private func show(_ bytes: UnsafeRawBufferPointer, isMessage: Bool, _ time: Int64, _ cause: DeliveryToken) throws {
    if published.contains(.line), host.isWanted(topics.line), let line = IRCLine(bytes) {
      json.removeAll()
      payloads.writeLine(line, to: &json)
      try host.publish(topics.line, json: json.bytes, effectOf: cause)
    }
    if isMessage { try publishMessage(bytes, time, cause) }
  }

  /// Shows what came on a new connection before the old one had ended. The lines belong to no delivery: each is out before the next.
  private func showHeld() {
    do {
      while let (line, outputs) = relay.nextHeld(now: host.monotonicTime) {
        let isMessage = perform(outputs, .none)
        try line.withUnsafeBytes { try show($0, isMessage: isMessage, host.unixTime, .none) }
        relay.removeHeld()
      }
    } catch {
      host.log(.warning, "lines wait to be published: \(error)")
      attempt("set a timer") { try host.timers.set(Self.timer(relay.link), after: .milliseconds(100)) }
    }
  }

  private func publishMessage(_ bytes: UnsafeRawBufferPointer, _ time: Int64, _ cause: DeliveryToken) throws {
    messageCount?.add()
    let isMessageWanted = published.contains(.message) && host.isWanted(topics.message)
    let isChatWanted = published.contains(.chat) && host.isWanted(topics.chatMessage)
    guard isMessageWanted || isChatWanted, let line = IRCLine(bytes), let chat = ChatLine(line) else { return }
    let isBroadcaster = chat.isBroadcaster
    if isMessageWanted {
      json.removeAll()
      payloads.writeMessage(chat, raw: line.raw, isBroadcaster: isBroadcaster, now: time, to: &json)
      try host.publish(topics.message, json: json.bytes, key: chat.channel, effectOf: cause)
    }
    if isChatWanted {
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
    advance(id, .say(channel: say.channel, text: say.text, replyTo: say.replyTo))
    return .done
  }

  /// Where no instance is named, the first one speaks, or the one that is in the room.
  private func isForUs(_ say: ChatSay) -> Bool {
    if let instance = say.instance, !instance.isEmpty { return instance == host.instance }
    if host.instance == "twitch" { return true }
    guard let channel = try? ChannelName(say.channel, strict: false) else { return false }
    return relay.session.state.rooms[channel.wire]?.isWanted == true
  }

  // MARK: The session

  func newCommand() -> CommandID {
    defer { nextCommand += 1 }
    return nextCommand
  }

  /// Tells the session what somebody wants and does what it says.
  func advance(_ id: CommandID, _ command: SessionCommand) {
    relay.command(id, command, now: host.monotonicTime, into: &outputs)
    perform(.none)
    showHeld()
  }

  /// Tells the sessions what happened on a connection and does what they say.
  private func advance(_ input: SessionInput, from link: ChatLink, _ cause: DeliveryToken = .none) {
    relay.handle(input, from: link, now: host.monotonicTime, into: &outputs)
    perform(cause)
    showHeld()
  }

  /// Does what was said; answers whether it was said that the line is a message.
  @discardableResult
  private func perform(_ cause: DeliveryToken) -> Bool {
    // Taken out first: settling a command may give the session another one.
    var batch: [RelayOutput] = []
    swap(&batch, &outputs)
    let isMessage = perform(batch, cause)
    batch.removeAll(keepingCapacity: true)
    if outputs.isEmpty { swap(&batch, &outputs) }
    return isMessage
  }

  private func perform(_ batch: [RelayOutput], _ cause: DeliveryToken) -> Bool {
    var isMessage = false
    for output in batch {
      switch output {
      case .message: isMessage = true
      case .dial(let link):
        host.log(.notice, "the server will end the connection; another one is opened")
        attempt("connect") { connections[link] = try host.dial(configuration.connection(link)) }
      case .session(let output, let link): perform(output, link, cause)
      }
    }
    return isMessage
  }

  private func perform(_ output: SessionOutput, _ link: ChatLink, _ cause: DeliveryToken) {
    switch output {
    case .message, .succeed: break  // the relay has seen to these
    case .write(let line): write(line, link)
    case .writePassword(let server): writePassword(server, link)
    case .event(.failed(let reason, isFinal: true)) where tokens?.renewAfterRefusal(at: host.monotonicTime) == true:
      publish(.failed(reason: "\(reason); the token is being renewed", isFinal: false), cause)
    case .event(let event):
      if case .sent = event { sentCount?.add() }
      publish(event, cause)
    case .settle(let id, let result): settle(id, result)
    case .wake(let after):
      attempt("set a timer") { try host.timers.set(Self.timer(link), after: .nanoseconds(after)) }
    case .reconnect(let after, let reason):
      host.log(.info, "reconnecting", ["reason": reason])
      attempt("reconnect") { try connections[link]?.reconnect(after: .nanoseconds(after)) }
    case .close(let reason):
      host.log(.info, "closing the connection", ["reason": reason])
      attempt("close") { try connections.removeValue(forKey: link)?.close() }
    case .report(let level, let text): host.log(Host.LogLevel(level), text)
    }
  }

  private static func timer(_ link: ChatLink) -> String { link == .first ? "session" : "session-2" }

  private func write(_ line: [UInt8], _ link: ChatLink) {
    // A connection that is gone says so in an event of its own, and the session then knows what is lost.
    attempt("write") { try connections[link]?.write(line) }
  }

  /// Writes the password. It exists in this process's memory only for the length of this call.
  private func writePassword(_ server: ServerKind, _ link: ChatLink) {
    attempt("log in") {
      try withToken { secret in
        guard var line = passwordLine(secret: secret, server: server) else {
          throw PluginError.invalid("the token is empty or holds a space or a line end")
        }
        defer { line.withUnsafeMutableBytes { bytes in _ = bytes.baseAddress.map { explicit_bzero($0, bytes.count) } } }
        try connections[link]?.write(line)
      }
    }
  }

  private func withToken(_ body: (UnsafeRawBufferPointer) throws -> Void) throws {
    if let tokens { return try tokens.withToken(body) }
    try configuration.token?.withBytes(body)
  }

  private func attempt(_ what: String, _ body: () throws -> Void) {
    do { try body() } catch { host.log(.warning, "cannot \(what): \(error)") }
  }
}

extension Host.LogLevel {
  init(_ level: ReportLevel) {
    self =
      switch level {
      case .warning: .warning
      case .notice: .notice
      case .info: .info
      case .debug: .debug
      }
  }
}
