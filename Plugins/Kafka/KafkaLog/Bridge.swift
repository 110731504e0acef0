/// One tie between the bus and Kafka, in one direction.
public enum BridgeRule: Sendable, Hashable {
  /// Events on topics that match `from` become records of the topic that `to` makes.
  case out(from: TopicPattern, to: TopicTemplate, format: RecordFormat)
  /// Records of Kafka's topics that match `topic` become events on the topic that `publish` makes.
  case into(topic: TopicPattern, publish: TopicTemplate)

  /// What a record that leaves the bus looks like.
  public enum RecordFormat: String, Sendable, CaseIterable {
    /// The event's payload as it is, and what else belongs to the event in headers: it can come back as the same event.
    case event
    /// A line of chat as flat JSON, from the payload of `chat.message`; the key is the channel.
    case chat
  }

  /// Reads `{from: PATTERN, to: TEMPLATE, as: event|chat}` or `{topic: PATTERN, publish: TEMPLATE}`.
  public init(_ tree: JSONTree) throws(ConfigurationFaults) {
    guard case .object(let members) = tree else { throw ConfigurationFaults(texts: ["expected a map"]) }
    var texts: [String: String] = [:]
    for member in members {
      guard ["from", "to", "as", "topic", "publish"].contains(member.name) else {
        throw ConfigurationFaults(texts: ["`\(member.name)` is none of `from`, `to`, `as`, `topic`, `publish`"])
      }
      guard case .string(let text) = member.value else {
        throw ConfigurationFaults(texts: ["\(member.name): expected text"])
      }
      texts[member.name] = text
    }
    let outwards = texts["from"] != nil
    guard outwards != (texts["topic"] != nil) else {
      throw ConfigurationFaults(texts: ["expected `from` (from the bus to Kafka) or `topic` (from Kafka to the bus)"])
    }
    let (key, other) = outwards ? ("from", "publish") : ("topic", "to")
    if texts[other] != nil || (!outwards && texts["as"] != nil) {
      throw ConfigurationFaults(texts: ["`\(texts[other] != nil ? other : "as")` does not go with `\(key)`"])
    }
    let text = texts[key] ?? ""
    guard let pattern = TopicPattern(text) else {
      throw ConfigurationFaults(
        texts: [
          "\(key): `\(text)` is no pattern; expected a dotted name, with `*` for one part or `**` at the end for the rest"
        ])
    }
    if outwards {
      guard let format = RecordFormat(rawValue: texts["as"] ?? "event") else {
        throw ConfigurationFaults(texts: ["as: `\(texts["as"] ?? "")` is none of `event`, `chat`"])
      }
      self = .out(from: pattern, to: try TopicTemplate(texts["to"] ?? "bus.{topic}"), format: format)
    } else {
      self = .into(topic: pattern, publish: try TopicTemplate(texts["publish"] ?? "{origin}"))
    }
  }
}

/// All ties of an instance.
///
/// A record that leaves carries a header with the host's name, and so does an event that came in: an event that has it is not sent out again,
/// and a record that names this host is not taken in. So nothing goes round in circles, with any number of hosts.
public struct Bridge: Sendable, Hashable {
  public let rules: [BridgeRule]

  public init(rules: [BridgeRule]) {
    self.rules = rules
  }

  /// Whether any rule takes records in.
  public var comesIn: Bool {
    rules.contains { if case .into = $0 { true } else { false } }
  }

  /// Where an event goes: the first rule that matches its topic.
  public func destination(of event: String) -> (topic: String, format: BridgeRule.RecordFormat)? {
    for case .out(let from, let to, let format) in rules {
      guard let rest = from.match(event) else { continue }
      return (TopicName.made(from: to.name(topic: event, rest: rest, origin: event)), format)
    }
    return nil
  }

  /// On which topic of the bus a record comes out: the first rule that matches; `nil` when none does.
  /// - Parameter origin: the bus topic that the record's header names, if it has one.
  public func publication(of topic: String, origin: String?) -> String? {
    for case .into(let pattern, let publish) in rules {
      guard let rest = pattern.match(topic) else { continue }
      let name = publish.name(topic: topic, rest: rest, origin: origin ?? (rest.isEmpty ? topic : rest))
      return name.isEmpty ? nil : name
    }
    return nil
  }

  /// What a consumer subscribes to: plain names, and regular expressions.
  public var subscriptions: [String] {
    rules.compactMap { rule in
      guard case .into(let topic, _) = rule else { return nil }
      return topic.isName ? topic.description : topic.regularExpression
    }
  }

  /// Headers of records and of events that crossed.
  public enum Header {
    /// The host that a record comes from.
    public static let host = "bothost-host"
    /// The event's topic on the bus that it was first published on.
    public static let topic = "bothost-topic"
    /// The instance that published it.
    public static let source = "bothost-source"
    /// The event's ordering key, when the record's key is another.
    public static let correlation = "bothost-correlation"
    /// The payload's type, when it is not JSON.
    public static let contentType = "content-type"
    /// The value of `host` on an event that came from a record that no host has sent.
    public static let foreign = "-"
  }
}
