import BotPluginKit
import Synchronization
import YetibotEngine

/// The command pipeline as a plugin: what is said goes to the engine, what the engine answers goes to `chat.say`.
///
/// The lane only takes jobs in and hands them to the evaluator's threads. The manifest lets one message of each user be under way, so
/// that each user's messages are answered in order. The state is in the instance's key-value store and survives restarts and swaps.
final class YetibotPlugin: BotPlugin {
  static let table = PluginTable<YetibotPlugin>(name: "yetibot", version: "1.0.0") {
    Handler("on_message", YetibotPlugin.onMessage)
    Handler("on_presence", YetibotPlugin.onPresence)
    Handler("on_reaction", YetibotPlugin.onReaction)
    Handler("on_connection", YetibotPlugin.onConnection)
    Handler("on_timer", YetibotPlugin.onTimer)
    Method("eval", YetibotPlugin.evaluate)
    Method("parse", YetibotPlugin.parse)
    Method("commands", YetibotPlugin.commands)
    Method("complete", YetibotPlugin.complete)
    Method("command", YetibotPlugin.command)
    Method("graphql", YetibotPlugin.graphQL)
    Method("api", YetibotPlugin.api)
    Method("status", YetibotPlugin.status)
    Method("webhook", YetibotPlugin.webhook)
    Method("broadcast", YetibotPlugin.broadcast)
    HandOver<YetibotPlugin>(export: { $0.handOver() }, import: { $0.memory = $1 })
    Reconfigure(YetibotPlugin.reconfigure)
  }

  private let host: Host
  private let say: Topic
  /// Of the evaluator that runs; each has its own.
  private var queue = JobQueue()
  private var rests = Rests()
  private let evaluator = SharedEvaluator()
  /// What the evaluator before knew, until there is one that knows it.
  private var memory: Evaluator.Memory?
  private let hasCrons = SharedFlag()
  /// Set when the evaluator could not start; the thread's error is in the log.
  private let hasFailed = SharedFlag()
  private var settings: Settings
  private var configuration: YetibotEngine.Configuration

  init(configuration settings: Settings, host: Host) throws {
    self.host = host
    self.settings = settings
    configuration = try Self.engine(settings, host)
    say = try host.topic(ChatTopic.say)
  }

  private static func engine(_ settings: Settings, _ host: Host) throws -> YetibotEngine.Configuration {
    let (configuration, warnings) = try settings.engine()
    for warning in warnings { host.log(.warning, "a setting of the environment is not used", ["reason": warning]) }
    return configuration
  }

  func activate() throws {
    try host.timers.set("cron", every: .seconds(1))
    try startEvaluator()
  }

  func resume() throws { try startEvaluator() }

  /// Messages that wait in the queue go back to the host, and so do those that sleep: the next build begins them again. The threads end when
  /// they have done the rest.
  func quiesce(deadline: Int64) throws {
    queue.close()
    rests.end(within: max(0, (deadline - host.monotonicTime) / 1_000_000 - Self.settlingMilliseconds))
  }

  /// How long what a thread does after a wait may take.
  private static let settlingMilliseconds: Int64 = 500

  /// Takes over all but what the evaluator began with. Messages that wait are answered as the settings were when they came.
  func reconfigure(_ new: Settings) throws {
    let engine = try Self.engine(new, host)
    guard new.isForSameEvaluator(as: settings) else {
      throw PluginError.unsupported(
        "history, history_rows, extern, reply and soft_timeout count from the start of the evaluator")
    }
    guard queue.push(.reconfigure(engine)) else { throw unavailable }
    configuration = engine
    settings = new
  }

  func health() -> Health { hasFailed.isSet ? .bad("the state cannot be read; see the log") : .good }

  /// Why a job is not taken.
  private var unavailable: PluginError {
    hasFailed.isSet
      ? .internal("the state cannot be read; see the log, and start the instance again")
      : .busy("too many messages wait")
  }

  private func startEvaluator() throws {
    let calls = LaneCalls(host: host, plugin: host.confine(self))
    _ = handOver()
    (queue, rests) = (JobQueue(), Rests())
    let (host, say, queue, rests, flag, failed) = (host, say, queue, rests, hasCrons, hasFailed)
    let (configuration, settings, memory, shared) = (configuration, settings, memory, evaluator)
    // The first one reads the state, which may take longer than the lane may wait.
    try host.thread("evaluator-1") { stop in
      let evaluator: Evaluator
      do {
        evaluator = try Evaluator(
          host: host, say: say, configuration: configuration, settings: settings, memory: memory, rests: rests,
          calls: calls)
      } catch {
        failed.set(true)
        queue.fail(.internal("the state cannot be read; see the log, and start the instance again"))
        throw error
      }
      shared.set(evaluator)
      flag.set(evaluator.hasCrons)
      let workers = Workers(host) { stop in
        while let job = queue.pop(unless: { stop.isRequested }) { flag.set(evaluator.run(job)) }
      }
      evaluator.workers = workers
      workers.begin(stop)
    }
  }

  /// What the next build takes over. The threads have ended.
  private func handOver() -> Evaluator.Memory? {
    if let before = evaluator.take() { memory = before.memory }
    return memory
  }

  // MARK: Events

  private func place(_ platform: String, _ instance: String, _ channel: ChatChannel, _ isPrivate: Bool) -> ChatPlace {
    ChatPlace(
      adapter: platform, instance: instance, room: channel.name.isEmpty ? channel.id : channel.name,
      isPrivate: isPrivate)
  }

  private func person(_ user: ChatUser) -> ChatPerson {
    ChatPerson(id: user.id, name: user.name.isEmpty ? user.id : user.name, isBot: user.bot, roles: user.roles)
  }

  func onMessage(_ message: ChatMessage, _ event: borrowing BotPluginKit.Event) throws -> BotPluginKit.Outcome {
    if message.author.bot || !settings.listen { return .skip }
    var place = place(message.platform, message.instance, message.channel, message.private)
    let person = person(message.author)
    // A conversation with the bot alone is known by who speaks.
    if message.private { place.room = person.name }
    let address = Address(
      platform: message.platform, instance: message.instance,
      channel: message.private ? message.author.id : message.channel.id, room: place.room, isPrivate: message.private,
      message: message.message.id, isReply: message.message.replyTo?.isEmpty == false)
    var heard = ChatEvent(kind: .message, person: person, place: place, body: message.message.text)
    heard.time = event.time / 1_000_000
    heard.isRepeated = event.attempt > 1 || event.flags.contains(.redelivered)
    return take(.event(heard, address, event.later()))
  }

  func onPresence(_ presence: ChatPresence, _ event: borrowing BotPluginKit.Event) throws -> BotPluginKit.Outcome {
    if presence.user.bot || !settings.listen { return .skip }
    let kind: ChatEvent.Kind =
      switch event.topic.string {
      case ChatTopic.joined: .enter
      case ChatTopic.kicked: .kick
      default: .leave
      }
    let place = place(presence.platform, presence.instance, presence.channel, false)
    let address = Address(
      platform: presence.platform, instance: presence.instance, channel: presence.channel.id, room: place.room,
      isPrivate: false)
    return take(.event(ChatEvent(kind: kind, person: person(presence.user), place: place), address, event.later()))
  }

  func onReaction(_ reaction: ChatReaction, _ event: borrowing BotPluginKit.Event) throws -> BotPluginKit.Outcome {
    // A mark that nobody in particular has put there is nobody's reaction.
    guard let user = reaction.user, !user.bot, !reaction.removed, settings.listen else { return .skip }
    let place = place(reaction.platform, reaction.instance, reaction.channel, false)
    let address = Address(
      platform: reaction.platform, instance: reaction.instance, channel: reaction.channel.id, room: place.room,
      isPrivate: false)
    let name = String(
      reaction.reaction.drop { $0 == ":" }.reversed().drop { $0 == ":" }.reversed().map { $0 == "_" ? " " : $0 })
    return take(
      .reaction(
        ChatEvent(
          kind: .react, person: person(user), place: place, body: reaction.text, reaction: name,
          messageAuthor: reaction.author.map(person)), message: reaction.message, address, event.later()))
  }

  func onConnection(
    _ connection: ChatConnection, _ event: borrowing BotPluginKit.Event
  ) throws -> BotPluginKit.Outcome {
    let isConnected = event.topic.string == ChatTopic.connected
    // What is missed is made good by the next message from there.
    _ = queue.push(.connection(connection, isConnected: isConnected))
    return .done
  }

  func onTimer(_ event: borrowing BotPluginKit.Event) throws -> BotPluginKit.Outcome {
    guard hasCrons.isSet else { return .done }
    let delivery = event.later()
    if !queue.push(.tick(milliseconds: host.unixTime / 1_000_000, delivery)) { try? delivery.ack() }
    return .done
  }

  private func take(_ job: Job) -> BotPluginKit.Outcome {
    if !queue.push(job) {
      switch job {
      case .event(_, _, let delivery), .reaction(_, _, _, let delivery):
        try? delivery.nack(PluginError.retry(unavailable.message, after: .seconds(1)))
      default: break
      }
    }
    return .done
  }

  // MARK: Methods

  func evaluate(_ request: EvaluationRequest, _ call: borrowing Call) throws {
    var request = request
    // Whoever calls from the program's own command line is somebody, too.
    if request.user == nil, call.caller.string == "host" { request.user = "operator" }
    let pending = call.later()
    if !queue.push(.evaluate(request, pending)) { try pending.fail(unavailable) }
  }

  struct ParseRequest: Decodable { var expression: String }

  struct ParseAnswer: Encodable {
    var tree: JSONBox
    var text: String
  }

  func parse(_ request: ParseRequest) throws -> ParseAnswer {
    do {
      let expression = try configuration.parser.parse(request.expression)
      return ParseAnswer(tree: JSONBox(expression.tree), text: expression.unparsed)
    } catch { throw PluginError.invalid("\(error)") }
  }

  func commands(_ call: borrowing Call) throws {
    let pending = call.later()
    if !queue.push(.commands(pending)) { try pending.fail(unavailable) }
  }

  func complete(_ request: CompletionRequest, _ call: borrowing Call) throws {
    let pending = call.later()
    if !queue.push(.complete(request, pending)) { try pending.fail(unavailable) }
  }

  private func serve(_ request: WebRequest, _ call: borrowing Call) throws {
    let pending = call.later()
    if !queue.push(.serve(request, pending)) { try pending.fail(unavailable) }
  }

  func graphQL(_ request: GraphQLRequest, _ call: borrowing Call) throws { try serve(.graphQL(request), call) }
  func api(_ request: APIRequest, _ call: borrowing Call) throws { try serve(.api(request), call) }
  func status(_ call: borrowing Call) throws { try serve(.status, call) }
  func webhook(_ request: WebhookRequest, _ call: borrowing Call) throws { try serve(.webhook(request), call) }

  func broadcast(_ request: BroadcastRequest, _ call: borrowing Call) throws {
    let pending = call.later()
    if !queue.push(.broadcast(request, pending)) { try pending.fail(unavailable) }
  }

  /// The end of the chain of hooks. The pipeline's own question ends here unanswered; others have the command run.
  func command(_ call: borrowing Call) throws {
    if call.caller.string == host.instance {
      try call.reply(CommandAnswer(nil))
      return
    }
    let request = try call.decode(CommandRequest.self)
    let pending = call.later()
    if !queue.push(.command(request, pending)) { try pending.fail(unavailable) }
  }

}

/// The evaluator, once there is one.
private final class SharedEvaluator: Sendable {
  private let value = Mutex<Evaluator?>(nil)
  func set(_ evaluator: Evaluator) { value.withLock { $0 = evaluator } }

  /// The evaluator, which is not shared any more.
  func take() -> Evaluator? {
    value.withLock { value in
      defer { value = nil }
      return value
    }
  }
}

/// A flag that two threads share.
final class SharedFlag: Sendable {
  private let value = Atomic<Bool>(false)
  var isSet: Bool { value.load(ordering: .relaxed) }
  func set(_ value: Bool) { self.value.store(value, ordering: .relaxed) }
}

@c(bh_plugin_entry_v1) public func entry(_ minor: UInt32) -> UnsafeRawPointer? { YetibotPlugin.entry(minor) }
