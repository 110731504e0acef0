import BotPluginKit
import Dispatch
import YetibotEngine
import YetibotStore

/// The engine, on threads of its own: the lane stays free while an expression takes long.
///
/// One thread at a time is inside; one that waits for another plugin lets the others in, so that a slow command keeps nobody but
/// its user waiting.
final class Evaluator: RowStorage, @unchecked Sendable {
  // Unchecked: everything below is touched by whoever has the turn.
  private let turn = DispatchSemaphore(value: 1)

  private let host: Host
  private let say: Topic
  private let reply: Settings.Reply
  private let extern: Settings.Extern
  /// Where lines are kept; nil when they are only remembered.
  private let store: SQLiteHistory?
  private let ask: Ask
  private let rows: Rows
  private(set) var engine: Yetibot
  private var rooms: Rooms
  private var recent = RecentMessages()
  private var hooked = HookedCommands()
  /// The host's number for the hooks that `hooked` was made of.
  private var hookRevision: UInt64 = 0
  /// The delivery or call whose effects state changes are.
  private var token = DeliveryToken.none
  /// Whether what runs was cut short because the plugin is being replaced.
  private var isInterrupted = false

  /// Asks those that hook `yetibot.command`; blocks. nil when nobody handled it.
  typealias Ask = @Sendable (CommandRequest, DeliveryToken, _ milliseconds: Int64) throws(PluginError) -> CommandAnswer?

  init(host: Host, say: Topic, configuration: YetibotEngine.Configuration, settings: Settings, ask: @escaping Ask)
    throws
  {
    self.host = host
    self.say = say
    self.ask = ask
    reply = settings.reply
    extern = settings.extern
    store = try Self.openHistory(settings.historySetting, host)
    let relay = Relay()
    rows = Rows(storage: relay)
    try Self.load(rows, host)
    rooms = try Rooms(host)
    engine = Yetibot(
      configuration: configuration, rows: rows, history: store ?? MemoryHistory(), seed: .random(in: 0...UInt64.max),
      now: { host.unixTime / 1_000_000 })
    relay.target = self
    engine.onStorageFailure = { error in host.log(.error, "a line is not remembered", ["error": "\(error)"]) }
    engine.runHooked = { [unowned self] call, commands in
      try self.askOthers(
        call, milliseconds: commands.reduce(self.hooked.openMilliseconds ?? 0) { $0 + $1.milliseconds })
    }
    engine.unknownCommand = { [unowned self] call in
      guard self.extern == .unknown, let time = self.hooked.openMilliseconds else { return nil }
      return try self.askOthers(call, milliseconds: time)
    }
    if extern == .all {
      engine.addHook("host") { [unowned self] call in
        guard let time = self.hooked.openMilliseconds, !self.hooked.claim(call.command) else { return nil }
        return try self.askOthers(call, milliseconds: time)
      }
    }
  }

  /// Lets the rows be made before the evaluator that keeps them.
  private final class Relay: RowStorage {
    weak var target: Evaluator?
    func save(table: String, id: Int64, row: ValueMap) { target?.save(table: table, id: id, row: row) }
    func remove(table: String, id: Int64) { target?.remove(table: table, id: id) }
  }

  // MARK: State

  private static func key(_ table: String, _ id: Int64) -> String { "rows/\(table)/\(id)" }

  private static func load(_ rows: Rows, _ host: Host) throws {
    var tables: [String: [Rows.Row]] = [:]
    for entry in try host.kv.entries(prefix: "rows/") {
      let parts = entry.key.split(separator: "/")
      guard parts.count == 3, let id = Int64(parts[2]),
        let row = try? JSONText.parse(String(decoding: entry.value, as: UTF8.self)), let columns = row.members
      else {
        host.log(.warning, "an entry of the state cannot be read and is passed over", ["key": entry.key])
        continue
      }
      tables[String(parts[1]), default: []].append(Rows.Row(id: id, columns: columns))
    }
    for (table, loaded) in tables { rows.load(table: table, rows: loaded) }
  }

  func save(table: String, id: Int64, row: ValueMap) {
    let text = JSONText.print(.map(row))
    do {
      try Array(text.utf8).withUnsafeBytes { try host.kv.put(Self.key(table, id), bytes: $0, effectOf: token) }
    } catch {
      host.log(.error, "a change of the state is not kept", ["key": Self.key(table, id), "error": "\(error)"])
    }
  }

  func remove(table: String, id: Int64) {
    do { try host.kv.remove(Self.key(table, id), effectOf: token) } catch {
      host.log(.error, "a change of the state is not kept", ["key": Self.key(table, id), "error": "\(error)"])
    }
  }

  /// The file in the instance's own directory. One that is damaged is put aside, and the bot goes on with a new one.
  private static func openHistory(_ setting: HistorySetting, _ host: Host) throws -> SQLiteHistory? {
    guard case .kept(let rows) = setting else { return nil }
    let (store, damage) = try SQLiteHistory.open(path: host.makeDataDirectory() + "/history.db", capacity: rows)
    if let damage {
      host.log(
        .error, "the history was damaged; it is beside, as history.db.damaged, and a new one begins",
        ["error": "\(damage)"])
    }
    return store
  }

  /// Runs `body` with the lines that it makes the engine remember kept by one write.
  func together<Result>(_ body: () throws -> Result) throws -> Result {
    guard let store else { return try body() }
    return try store.batch(body)
  }

  // MARK: Turns

  /// Does a job, when it is this thread's turn. Answers whether there are crons now.
  func run(_ job: Job) -> Bool {
    turn.wait()
    defer { turn.signal() }
    followHooks()
    defer {
      token = .none
      isInterrupted = false
    }
    perform(job)
    return engine.hasCrons
  }

  var hasCrons: Bool {
    turn.wait()
    defer { turn.signal() }
    return engine.hasCrons
  }

  /// Lets the other threads in while `body` waits.
  private func outside<Result>(_ body: () -> Result) -> Result {
    let (mine, wasInterrupted) = (token, isInterrupted)
    defer { (token, isInterrupted) = (mine, wasInterrupted) }
    // What has been said so far is not kept waiting for the end of this.
    do { try store?.endBatch() } catch { engine.onStorageFailure?(error) }
    return engine.suspended {
      turn.signal()
      defer { turn.wait() }
      return body()
    }
  }

  // MARK: Jobs

  private func perform(_ job: Job) {
    switch job {
    case .event(let event, let address, let delivery):
      token = delivery.token
      rooms.learn(address, host, effectOf: token)
      if event.kind == .message, let body = event.body {
        recent.add(address.message, instance: address.instance, event.person, body)
      }
      handle(event, address, delivery)
    case .reaction(var event, let id, let address, let delivery):
      token = delivery.token
      let message = recent.message(id, instance: address.instance)
      event.body = message?.text
      event.messageAuthor = message?.author
      handle(event, address, delivery)
    case .tick(let milliseconds, let delivery):
      token = delivery.token
      let due = engine.runCrons(at: milliseconds)
      settle(delivery) {
        for (place, posts) in due {
          let address = Address(
            platform: place.adapter, instance: place.instance,
            channel: rooms.id(of: place.room, instance: place.instance), room: place.room, isPrivate: false)
          try self.speak(posts, address, delivery.token)
        }
      }
    case .evaluate(let request, let call):
      token = call.token
      evaluate(request, call)
    case .command(let request, let call):
      token = call.token
      command(request, call)
    case .commands(let call):
      let lines = engine.registry.topics.map { topic in
        CommandLine(name: topic, usage: engine.registry.usage(of: topic) ?? [], alias: false)
      }
      let aliases = engine.registry.aliases.map { topic in
        CommandLine(name: topic, usage: engine.registry.usage(of: topic) ?? [], alias: true)
      }
      try? call.reply(["commands": lines + aliases])
    case .complete(let request, let call):
      let found = engine.complete(request.text, cursor: request.cursor)
      try? call.reply(CompletionAnswer(start: found.start, words: found.words))
    case .serve(let request, let call):
      token = call.token
      serve(request, call)
    case .connection(let connection, let isConnected):
      engine.note(adapter: connection.platform, instance: connection.instance, isConnected: isConnected)
    case .reconfigure(let configuration): engine.reconfigure(configuration)
    }
  }

  private struct CommandLine: Encodable {
    var name: String
    var usage: [String]
    var alias: Bool
  }

  private func handle(_ event: ChatEvent, _ address: Address, _ delivery: Delivery) {
    do {
      let posts = try together { engine.handle(event) }
      settle(delivery) { try self.speak(posts, address, delivery.token) }
    } catch {
      try? delivery.nack(error)
    }
  }

  private func settle(_ delivery: Delivery, _ body: () throws -> Void) {
    do {
      // What was cut short is done from its beginning by the next build.
      if isInterrupted { throw PluginError.retry("the plugin is being replaced") }
      try body()
      try delivery.ack()
    } catch {
      try? delivery.nack(error)
    }
  }

  /// The longest text of one wish to speak; the adapter splits it as its platform needs.
  private static let longestText = 16_384

  func speak(_ posts: [Post], _ address: Address, _ token: DeliveryToken) throws {
    let replies = reply == .always || (reply == .thread && address.isReply)
    // Where the platform's rules are known here, they say how a text is split.
    let platform = try? Platform(named: address.platform)
    for var post in posts {
      let isHere = post.room == address.room
      let channel = isHere ? address.channel : channel(of: post.room, instance: address.instance)
      post.text = String(post.text.prefix(Self.longestText))
      for text in platform?.messages(for: post) ?? [post.text] {
        try host.publish(
          say,
          ChatSay(
            platform: address.platform, instance: address.instance, channel: channel, text: text,
            replyTo: isHere && replies && !address.message.isEmpty ? address.message : nil,
            private: isHere && address.isPrivate ? true : nil), key: "\(address.platform)/\(channel)", effectOf: token)
      }
    }
  }

  /// The platform's id of a room.
  func channel(of room: String, instance: String) -> String { rooms.id(of: room, instance: instance) }

  private static func place(_ platform: String?, _ instance: String?, _ channel: String?) -> ChatPlace {
    ChatPlace(adapter: platform ?? "", instance: instance ?? platform ?? "", room: channel ?? "")
  }

  private func evaluate(_ request: EvaluationRequest, _ call: PendingCall) {
    let person = request.user.map { ChatPerson(id: $0, name: request.userName ?? $0, roles: request.roles ?? []) }
    let place = Self.place(request.platform, request.instance, request.channel)
    do {
      let (evaluation, posts) = try engine.evaluate(request.expression, person: person, place: place)
      if isInterrupted { throw PluginError.retry("the plugin is being replaced") }
      let text = evaluation.error ?? engine.shown(evaluation.value).text
      let said = posts.map(\.text)
      let isSuppressed = evaluation.value.isSuppressed
      try call.reply(
        EvaluationAnswer(
          value: JSONBox(evaluation.value), data: JSONBox(evaluation.data), text: text, error: evaluation.error,
          suppressed: isSuppressed, posts: said,
          shown: said + (evaluation.error != nil || isSuppressed || text.isEmpty ? [] : [text])))
    } catch let error as PluginError {
      try? call.fail(error)
    } catch {
      try? call.fail(PluginError.invalid("\(error)"))
    }
  }

  private func command(_ request: CommandRequest, _ call: PendingCall) {
    let person = request.user.map { ChatPerson(id: $0, name: request.userName ?? $0, roles: request.roles ?? []) }
    do {
      let outcome = try engine.command(
        request.args.isEmpty ? request.command : "\(request.command) \(request.args)", opts: request.opts?.value,
        raw: request.raw?.value ?? .empty, data: request.data?.value ?? .null, person: person,
        place: Self.place(request.platform, request.instance, request.channel), wasOffered: true)
      try call.reply(CommandAnswer(outcome))
    } catch {
      try? call.fail(PluginError.invalid("\(error)"))
    }
  }

  // MARK: Commands that others bring

  private func followHooks() {
    let revision = host.hookRevision
    guard extern != .none, revision != hookRevision else { return }
    hookRevision = revision
    do {
      hooked = try HookedCommands(host)
      engine.setHooked(hooked.commands)
    } catch {
      host.log(.error, "the commands of other plugins are not known", ["error": "\(error)"])
    }
  }

  /// Asks those that hook the command, for no longer than they may take and the message may still last.
  private func askOthers(_ call: Invocation, milliseconds: Int64) throws -> YetibotEngine.Outcome? {
    let request = CommandRequest(
      command: call.command, args: call.args, opts: call.opts.map(JSONBox.init), raw: JSONBox(call.raw),
      data: JSONBox(call.data), user: call.context.person?.id, userName: call.context.person?.name,
      roles: call.context.person?.roles, platform: call.context.place.adapter, instance: call.context.place.instance,
      channel: call.context.place.room)
    let (ask, cause, time) = (ask, token, max(1, min(milliseconds, call.millisecondsLeft)))
    let result = outside { () -> Result<CommandAnswer?, PluginError> in
      Result { () throws(PluginError) in try ask(request, cause, time) }
    }
    switch result {
    case .success(let answer): return answer?.outcome
    case .failure(let error):
      if error.code == .cancelled || error.code == .stale { isInterrupted = true }
      throw Raised("\(call.command): \(error.message.isEmpty ? "\(error.code)" : error.message)")
    }
  }
}
