import BotPluginKit
import Synchronization
import YetibotEngine

/// The command pipeline as a plugin: what is said goes to the engine, what the engine answers goes to `chat.say`.
///
/// The lane only takes jobs in and hands them to the evaluator's thread, in order, so that each user's messages are answered in
/// order. The state is in the instance's key-value store and survives restarts and swaps.
final class YetibotPlugin: BotPlugin {
  static let table = PluginTable<YetibotPlugin>(name: "yetibot", version: "1.0.0") {
    Handler("on_message", YetibotPlugin.onMessage)
    Handler("on_presence", YetibotPlugin.onPresence)
    Handler("on_reaction", YetibotPlugin.onReaction)
    Handler("on_timer", YetibotPlugin.onTimer)
    Method("eval", YetibotPlugin.evaluate)
    Method("parse", YetibotPlugin.parse)
    Method("commands", YetibotPlugin.commands)
    Method("command", YetibotPlugin.command)
    Reconfigure(YetibotPlugin.reconfigure)
  }

  private let host: Host
  private let say: Topic
  private let queue = JobQueue()
  private let hasCrons = SharedFlag()
  /// Set when the evaluator could not start; the thread's error is in the log.
  private let hasFailed = SharedFlag()
  private var settings: Settings
  private var configuration: YetibotEngine.Configuration

  init(configuration settings: Settings, host: Host) throws {
    self.host = host
    self.settings = settings
    configuration = try settings.engine()
    say = try host.topic(ChatTopic.say)
  }

  func activate() throws {
    try host.timers.set("cron", every: .seconds(1))
    try startEvaluator()
  }

  func resume() throws { try startEvaluator() }

  func quiesce(deadline: Int64) throws { queue.removeAll() }

  func reconfigure(_ new: Settings) throws {
    configuration = try new.engine()
    settings = new
    _ = queue.push(.reconfigure(configuration))
  }

  func health() -> Health { hasFailed.isSet ? .bad("the state cannot be read; see the log") : .good }

  private func startEvaluator() throws {
    let me = host.confine(self)
    let (host, say, queue, flag, failed) = (host, say, queue, hasCrons, hasFailed)
    let (configuration, history, extern) = (configuration, settings.historySetting, settings.extern)
    let isOff = extern == "none"
    try host.thread("evaluator") { stop in
      failed.set(true)
      let evaluator = try Evaluator(
        host: host, say: say, configuration: configuration, history: history, extern: extern,
        ask: { request, cause in
          if isOff { return nil }
          let slot = AnswerSlot()
          do {
            try host.onLane(me) { plugin in plugin.ask(request, cause, slot) }
          } catch { return nil }
          return slot.wait(seconds: 5)
        })
      failed.set(false)
      flag.set(evaluator.hasCrons)
      while !stop.isRequested {
        guard let job = queue.pop() else { continue }
        evaluator.run(job)
        flag.set(evaluator.hasCrons)
      }
    }
  }

  /// Calls the method that other plugins hook; nobody but they answer it.
  private func ask(_ request: CommandRequest, _ cause: DeliveryToken, _ slot: AnswerSlot) {
    do {
      try host.call(
        "\(host.instance).command", request, timeout: .seconds(4), cause: cause, returning: CommandAnswer.self
      ) { result in
        if case .success(let answer) = result { slot.fill(answer) } else { slot.fill(nil) }
      }
    } catch {
      slot.fill(nil)
    }
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
    let place = place(message.platform, message.instance, message.channel, message.private)
    let address = Address(
      platform: message.platform, instance: message.instance,
      channel: message.private ? message.author.id : message.channel.id, room: place.room, isPrivate: message.private)
    return take(
      ChatEvent(kind: .message, person: person(message.author), place: place, body: message.message.text), address,
      event.later())
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
    return take(ChatEvent(kind: kind, person: person(presence.user), place: place), address, event.later())
  }

  func onReaction(_ reaction: ChatReaction, _ event: borrowing BotPluginKit.Event) throws -> BotPluginKit.Outcome {
    if reaction.removed || reaction.user.bot || !settings.listen { return .skip }
    let place = place(reaction.platform, reaction.instance, reaction.channel, false)
    let address = Address(
      platform: reaction.platform, instance: reaction.instance, channel: reaction.channel.id, room: place.room,
      isPrivate: false)
    let name = String(
      reaction.reaction.drop { $0 == ":" }.reversed().drop { $0 == ":" }.reversed().map { $0 == "_" ? " " : $0 })
    return take(
      ChatEvent(kind: .react, person: person(reaction.user), place: place, reaction: name), address, event.later())
  }

  func onTimer(_ event: borrowing BotPluginKit.Event) throws -> BotPluginKit.Outcome {
    guard hasCrons.isSet else { return .done }
    let delivery = event.later()
    if !queue.push(.tick(milliseconds: host.unixTime / 1_000_000, delivery)) { try? delivery.ack() }
    return .done
  }

  private func take(_ event: ChatEvent, _ address: Address, _ delivery: Delivery) -> BotPluginKit.Outcome {
    if !queue.push(.event(event, address, delivery)) {
      try? delivery.nack(PluginError.retry("too many messages wait", after: .seconds(1)))
    }
    return .done
  }

  // MARK: Methods

  func evaluate(_ request: EvaluationRequest, _ call: borrowing Call) throws {
    let pending = call.later()
    if !queue.push(.evaluate(request, pending)) { try pending.fail(PluginError.busy("too many messages wait")) }
  }

  struct ParseRequest: Decodable { var expression: String }

  struct ParseAnswer: Encodable {
    var tree: JSONBox
    var text: String
  }

  func parse(_ request: ParseRequest) throws -> ParseAnswer {
    do {
      let expression = try ExpressionParser(closing: configuration.closing).parse(request.expression)
      return ParseAnswer(tree: JSONBox(expression.tree), text: expression.unparsed)
    } catch { throw PluginError.invalid("\(error)") }
  }

  func commands(_ call: borrowing Call) throws {
    let pending = call.later()
    if !queue.push(.commands(pending)) { try pending.fail(PluginError.busy("too many messages wait")) }
  }

  /// The end of the chain of hooks. The pipeline's own question ends here unanswered; others have the command run.
  func command(_ call: borrowing Call) throws {
    if call.caller.string == host.instance {
      try call.reply(CommandAnswer(nil))
      return
    }
    let request = try call.decode(CommandRequest.self)
    let pending = call.later()
    if !queue.push(.command(request, pending)) { try pending.fail(PluginError.busy("too many messages wait")) }
  }

}

/// A flag that two threads share.
final class SharedFlag: Sendable {
  private let value = Atomic<Bool>(false)
  var isSet: Bool { value.load(ordering: .relaxed) }
  func set(_ value: Bool) { self.value.store(value, ordering: .relaxed) }
}

@c(bh_plugin_entry_v1) public func entry(_ minor: UInt32) -> UnsafeRawPointer? { YetibotPlugin.entry(minor) }
