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

  let host: Host
  let say: Topic
  private let reply: Settings.Reply
  let extern: Settings.Extern
  /// After how many milliseconds somebody is told that a command is still at work; 0: never.
  let softTimeout: Int64
  /// Where lines are kept; nil when they are only remembered.
  private let store: SQLiteHistory?
  let calls: LaneCalls
  let rests: Rests
  /// Whose threads come in here; they hold it.
  weak var workers: Workers?
  private let rows: Rows
  private(set) var engine: Yetibot
  private var rooms: Rooms
  private var recent: RecentMessages
  var hooked = HookedCommands()
  /// The host's number for the hooks that `hooked` was made of.
  var hookRevision: UInt64 = 0

  /// What is under way. Each thread that waits has one of its own.
  private struct Current {
    /// The delivery or call whose effects state changes are.
    var token = DeliveryToken.none
    /// Whether it is done again from its beginning when it is cut short.
    var isRepeatable = false
    /// Whether it was cut short because the plugin is being replaced.
    var isInterrupted = false
    var patience: Patience?
  }

  private var current = Current()
  var token: DeliveryToken { current.token }
  var isRepeatable: Bool { current.isRepeatable }
  var patience: Patience? { current.patience }
  var isInterrupted: Bool {
    get { current.isInterrupted }
    set { current.isInterrupted = newValue }
  }

  init(
    host: Host, say: Topic, configuration: YetibotEngine.Configuration, settings: Settings, memory: Memory?,
    rests: Rests, calls: LaneCalls
  ) throws {
    self.host = host
    self.say = say
    self.calls = calls
    self.rests = rests
    reply = settings.reply
    extern = settings.extern
    softTimeout = settings.softTimeout / 1_000_000
    recent = memory?.recent ?? RecentMessages()
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
    connectEngine()
    if let memory { engine.take(memory.engine) }
    joinRooms(of: nil)
  }

  /// What is known beside the state in the store, for the build that takes this one's place.
  struct Memory: Codable, Sendable {
    var engine: Remembered
    var recent: RecentMessages
  }

  /// Call it when no thread is inside any more.
  var memory: Memory { Memory(engine: engine.remembered, recent: recent) }

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
    // What is there belongs to a thread that waits, and has kept it.
    current = Current()
    perform(job)
    return engine.hasCrons
  }

  var hasCrons: Bool {
    turn.wait()
    defer { turn.signal() }
    return engine.hasCrons
  }

  /// Lets the other threads in while `body` waits.
  func outside<Result>(_ body: () -> Result) -> Result {
    let mine = current
    defer { current = mine }
    // What has been said so far is not kept waiting for the end of this.
    do { try store?.endBatch() } catch { engine.onStorageFailure?(error) }
    return engine.suspended {
      turn.signal()
      defer { turn.wait() }
      guard let workers else { return body() }
      return workers.away(body)
    }
  }

  // MARK: Jobs

  private func perform(_ job: Job) {
    switch job {
    case .event(let event, let address, let delivery):
      current = Current(token: delivery.token, isRepeatable: true, patience: patience(for: event, address))
      rooms.learn(address, host, effectOf: token)
      if event.kind == .message, let body = event.body {
        recent.add(
          address.message, instance: address.instance, event.person, body,
          talkIn: engine.isCommand(body, in: event.place) ? nil : event.place.room)
      }
      handle(event, address, delivery)
    case .reaction(var event, let id, let address, let delivery):
      current = Current(token: delivery.token, isRepeatable: true)
      let message = recent.message(id, instance: address.instance)
      event.body = event.body ?? message?.text
      event.messageAuthor = event.messageAuthor ?? message?.author
      handle(event, address, delivery)
    case .tick(let milliseconds, let delivery):
      current = Current(token: delivery.token, isRepeatable: true)
      let before = engine.lastCronSecond
      let due = engine.runCrons(at: milliseconds)
      if isInterrupted { engine.lastCronSecond = before }
      settle(delivery) {
        for cron in due {
          try self.speak(cron.posts, self.address(of: cron.place, with: cron.maker), delivery.token)
        }
      }
    case .evaluate(let request, let call):
      current = Current(token: call.token)
      evaluate(request, call)
    case .command(let request, let call):
      current = Current(token: call.token)
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
      current = Current(token: call.token)
      serve(request, call)
    case .broadcast(let request, let call):
      current = Current(token: call.token)
      broadcast(request, call)
    case .connection(let connection, let isConnected):
      engine.note(adapter: connection.platform, instance: connection.instance, isConnected: isConnected)
      if isConnected { joinRooms(of: connection.instance) }
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

  /// Throws when what runs was cut short because the plugin is being replaced.
  func checkInterruption() throws(PluginError) {
    if isInterrupted { throw .retry("the plugin is being replaced") }
  }

  private func settle(_ delivery: Delivery, _ body: () throws -> Void) {
    do {
      // What was cut short is done from its beginning by the next build.
      try checkInterruption()
      try body()
      try delivery.ack()
    } catch {
      try? delivery.nack(error)
    }
  }

  /// The longest text of one wish to speak; the adapter splits it as its platform needs.
  private static let longestText = 16_384

  func speak(_ posts: [Post], _ address: Address, _ token: DeliveryToken) throws {
    // Where the platform's rules are known here, they say how a text is split.
    let platform = try? Platform(named: address.platform)
    for var post in posts {
      if let place = post.place, place.instance != address.instance || place.room != address.room {
        post.place = nil
        try speak([post], self.address(of: place), token)
        continue
      }
      let isHere = post.room == address.room
      let channel = isHere ? address.channel : channel(of: post.room, instance: address.instance)
      let rest = post.text.count - Self.longestText
      if rest > 0 { post.text = post.text.prefix(Self.longestText) + "\n… and \(rest) characters more" }
      for text in platform?.messages(for: post) ?? [post.text] {
        let wish = chatSay(text, address, channel: channel, isHere: isHere)
        try host.publish(say, wish, key: wish.orderingKey, effectOf: token)
      }
    }
  }

  /// - Parameter isHere: whether the channel is that of the message that is answered.
  func chatSay(_ text: String, _ address: Address, channel: String, isHere: Bool) -> ChatSay {
    let isReply = isHere && !address.message.isEmpty && (reply == .always || (reply == .thread && address.isReply))
    return ChatSay(
      platform: address.platform, instance: address.instance, channel: channel, text: text,
      replyTo: isReply ? address.message : nil, private: isHere && address.isPrivate ? true : nil)
  }

  /// Where what nobody has just asked for is said.
  ///
  /// - Parameter person: with whom a private conversation is.
  func address(of place: ChatPlace, with person: ChatPerson? = nil) -> Address {
    let channel = place.isPrivate ? person?.id : nil
    return Address(
      platform: engine.platform(of: place), instance: place.instance,
      channel: channel ?? self.channel(of: place.room, instance: place.instance), room: place.room,
      isPrivate: place.isPrivate)
  }

  /// The id of the latest message in a room that is no command.
  func latestTalk(in place: ChatPlace) -> String? { recent.latestTalk(in: place.room, instance: place.instance) }

  /// The platform's id of a room.
  func channel(of room: String, instance: String) -> String { rooms.id(of: room, instance: instance) }

  private static func place(_ platform: String?, _ instance: String?, _ channel: String?) -> ChatPlace {
    ChatPlace(adapter: platform ?? "", instance: instance ?? platform ?? "", room: channel ?? "")
  }

  private func evaluate(_ request: EvaluationRequest, _ call: PendingCall) {
    let person = request.user.map { ChatPerson(id: $0, name: request.userName ?? $0, roles: request.roles ?? []) }
    let place = Self.place(request.platform, request.instance, request.channel)
    var evaluation = Evaluation()
    var said: [String] = []
    do {
      let (result, posts) = try engine.evaluate(request.expression, person: person, place: place)
      evaluation = result
      said = posts.map(\.text)
    } catch {
      // What cannot be read, or not be gone on with, is an answer as an error of a command is: the call itself has worked.
      evaluation.value = .null
      evaluation.error = "\(error)"
    }
    do {
      try checkInterruption()
      let text = evaluation.error ?? engine.shown(evaluation.value).text
      let isSuppressed = evaluation.value.isSuppressed
      try call.reply(
        EvaluationAnswer(
          value: JSONBox(evaluation.value), data: JSONBox(evaluation.data), text: text, error: evaluation.error,
          suppressed: isSuppressed, posts: said,
          shown: said
            + (evaluation.error != nil ? [] : engine.posts(for: evaluation.value, in: place.room).map(\.text))))
    } catch {
      try? call.fail(error)
    }
  }

  private func command(_ request: CommandRequest, _ call: PendingCall) {
    let person = request.user.map { ChatPerson(id: $0, name: request.userName ?? $0, roles: request.roles ?? []) }
    do {
      let outcome = try engine.command(
        request.args.isEmpty ? request.command : "\(request.command) \(request.args)", opts: request.opts?.value,
        raw: request.raw?.value ?? .empty, data: request.data?.value ?? .null, person: person,
        place: Self.place(request.platform, request.instance, request.channel), wasOffered: true)
      try checkInterruption()
      try call.reply(CommandAnswer(outcome))
    } catch let error as PluginError {
      try? call.fail(error)
    } catch {
      try? call.fail(PluginError.invalid("\(error)"))
    }
  }
}

extension ChatSay {
  /// The ordering key: what is said in one channel is said in order.
  var orderingKey: String { "\(platform)/\(channel)" }
}
