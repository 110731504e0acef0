import BotPluginKit
import Dispatch
import Synchronization
import YetibotEngine
import YetibotStore

/// The thread on which expressions run: the lane stays free while one takes long or waits for another plugin.
///
/// The engine belongs to the thread: it is made there and never leaves it.
final class Evaluator: RowStorage {
  private let host: Host
  private let say: Topic
  /// Where lines are kept; nil when they are only remembered.
  private let store: SQLiteHistory?
  private let ask: @Sendable (CommandRequest, DeliveryToken) -> CommandAnswer?
  private let rows: Rows
  private var engine: Yetibot
  /// The delivery whose effects state changes are.
  private var token = DeliveryToken.none

  init(
    host: Host, say: Topic, configuration: YetibotEngine.Configuration, history: HistorySetting, extern: String,
    ask: @escaping @Sendable (CommandRequest, DeliveryToken) -> CommandAnswer?
  ) throws {
    self.host = host
    self.say = say
    self.ask = ask
    store = try Self.openHistory(history, host)
    let relay = Relay()
    rows = Rows(storage: relay)
    try Self.load(rows, host)
    engine = Yetibot(
      configuration: configuration, rows: rows, history: store ?? MemoryHistory(), seed: .random(in: 0...UInt64.max),
      now: { host.unixTime / 1_000_000 })
    relay.target = self
    engine.onStorageFailure = { error in host.log(.error, "a line is not remembered", ["error": "\(error)"]) }
    engine.unknownCommand = { [unowned self] call in self.askOthers(call) }
    if extern == "all" { engine.addHook("host") { [unowned self] call in self.askOthers(call) } }
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
    let (store, damage) = try SQLiteHistory.open(path: host.dataDirectory + "/history.db", capacity: rows)
    if let damage {
      host.log(
        .error, "the history was damaged; it is beside, as history.db.damaged, and a new one begins",
        ["error": "\(damage)"])
    }
    return store
  }

  /// Runs `body` with the lines that it makes the engine remember kept by one write.
  private func together<Result>(_ body: () throws -> Result) throws -> Result {
    guard let store else { return try body() }
    return try store.batch(body)
  }

  var hasCrons: Bool { engine.hasCrons }

  // MARK: Jobs

  func run(_ job: Job) {
    defer { token = .none }
    switch job {
    case .event(let event, let address, let delivery):
      token = delivery.token
      settle(delivery) {
        let posts = try self.together { self.engine.handle(event) }
        try self.speak(posts, address, delivery.token)
      }
    case .tick(let milliseconds, let delivery):
      token = delivery.token
      let due = engine.runCrons(at: milliseconds)
      settle(delivery) {
        for (place, posts) in due {
          let address = Address(
            platform: place.adapter, instance: place.instance, channel: place.room, room: place.room, isPrivate: false)
          try self.speak(posts, address, delivery.token)
        }
      }
    case .evaluate(let request, let call):
      token = call.token
      evaluate(request, call)
    case .command(let request, let call):
      token = call.token
      let person = request.user.map {
        ChatPerson(id: $0, name: request.userName ?? $0, roles: request.roles ?? [])
      }
      let place = ChatPlace(
        adapter: request.platform ?? "", instance: request.instance ?? "", room: request.channel ?? "")
      do {
        let outcome = try engine.command(
          request.args.isEmpty ? request.command : "\(request.command) \(request.args)", opts: request.opts?.value,
          raw: request.raw?.value ?? .empty, data: request.data?.value ?? .null, person: person, place: place)
        try call.reply(CommandAnswer(outcome))
      } catch {
        try? call.fail(PluginError.invalid("\(error)"))
      }
    case .commands(let call):
      let lines = engine.registry.topics.map { topic in
        CommandLine(name: topic, usage: engine.registry.usage(of: topic) ?? [], alias: false)
      }
      let aliases = engine.registry.aliases.map { topic in
        CommandLine(name: topic, usage: engine.registry.usage(of: topic) ?? [], alias: true)
      }
      try? call.reply(["commands": lines + aliases])
    case .reconfigure(let configuration): engine.reconfigure(configuration)
    }
  }

  private struct CommandLine: Encodable {
    var name: String
    var usage: [String]
    var alias: Bool
  }

  private func settle(_ delivery: Delivery, _ body: () throws -> Void) {
    do {
      try body()
      try delivery.ack()
    } catch {
      try? delivery.nack(error)
    }
  }

  /// The longest text of one wish to speak; the adapter splits it as its platform needs.
  private static let longestText = 16_384

  private func speak(_ posts: [Post], _ address: Address, _ token: DeliveryToken) throws {
    for post in posts {
      let isHere = post.room == address.room
      try host.publish(
        say,
        ChatSay(
          platform: address.platform, instance: address.instance, channel: isHere ? address.channel : post.room,
          text: String(post.text.prefix(Self.longestText)), private: isHere && address.isPrivate ? true : nil),
        key: "\(address.platform)/\(isHere ? address.channel : post.room)", effectOf: token)
    }
  }

  private func evaluate(_ request: EvaluationRequest, _ call: PendingCall) {
    let person = request.user.map { ChatPerson(id: $0, name: request.userName ?? $0, roles: request.roles ?? []) }
    let place = ChatPlace(
      adapter: request.platform ?? "", instance: request.instance ?? "", room: request.channel ?? "")
    do {
      let (evaluation, posts) = try engine.evaluate(request.expression, person: person, place: place)
      try call.reply(
        EvaluationAnswer(
          value: JSONBox(evaluation.value), data: JSONBox(evaluation.data),
          text: evaluation.error ?? engine.shown(evaluation.value).text, error: evaluation.error,
          suppressed: evaluation.value.isSuppressed, posts: posts.map(\.text)))
    } catch {
      try? call.fail(PluginError.invalid("\(error)"))
    }
  }

  private func askOthers(_ call: Invocation) -> YetibotEngine.Outcome? {
    let answer = ask(
      CommandRequest(
        command: call.command, args: call.args, opts: call.opts.map(JSONBox.init), raw: JSONBox(call.raw),
        data: JSONBox(call.data), user: call.context.person?.id, userName: call.context.person?.name,
        roles: call.context.person?.roles, platform: call.context.place.adapter, instance: call.context.place.instance,
        channel: call.context.place.room), token)
    return answer?.outcome
  }
}

/// One answer that a thread waits for and the lane gives.
final class AnswerSlot: Sendable {
  private let answer = Mutex<CommandAnswer?>(nil)
  private let ready = DispatchSemaphore(value: 0)

  func fill(_ answer: CommandAnswer?) {
    self.answer.withLock { $0 = answer }
    ready.signal()
  }

  /// nil when nothing came in time, or nobody handled it.
  func wait(seconds: Int) -> CommandAnswer? {
    guard ready.wait(timeout: .now() + .seconds(seconds)) == .success else { return nil }
    return answer.withLock { $0 }
  }
}
