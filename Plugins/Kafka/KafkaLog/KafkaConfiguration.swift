/// The configuration of one instance of the plugin, checked.
public struct KafkaConfiguration: Sendable, Equatable {
  /// Where records are kept.
  public enum Brokers: Sendable, Equatable {
    /// In the host's own durable topics.
    case embedded
    /// On the Kafka cluster that one of these addresses belongs to: `host:port`, separated by commas.
    case cluster(String)
  }

  /// How the connection is protected and who asks.
  public enum Security: String, Decodable, Sendable, CaseIterable {
    case plaintext
    case tls
    case sasl
    case saslTLS = "sasl-tls"

    /// librdkafka's `security.protocol`.
    public var protocolName: String {
      switch self {
      case .plaintext: "plaintext"
      case .tls: "ssl"
      case .sasl: "sasl_plaintext"
      case .saslTLS: "sasl_ssl"
      }
    }

    var usesSASL: Bool { self == .sasl || self == .saslTLS }
    var usesTLS: Bool { self == .tls || self == .saslTLS }
  }

  /// Where a group without a stored offset begins.
  public enum Start: String, Sendable, CaseIterable {
    case latest
    case earliest
  }

  public var brokers: Brokers
  /// The topic that `publish` writes to unless told otherwise, and that is consumed; may be empty.
  public var topic: String
  /// The consumer group; empty: made from the instance's name and the topic.
  public var group: String
  public var start: Start
  /// The member's fixed name in its group; empty: it has none.
  public var member: String
  /// Whether what is published is kept in the host's journal until the broker has it.
  public var spools: Bool
  /// Whether records are read: said by `consume`, or else implied by `group` or `start`.
  public var consumes: Bool
  /// Further topics to read; one that starts with `^` is a regular expression, as librdkafka reads it.
  public var topics: [String]
  /// The Kafka topic for records that could not be handled; empty: the host's dead letters keep them.
  public var deadLetterTopic: String
  /// Records of one partition that may be under way at once.
  public var unsettledLimit: Int
  /// Copies that wait while the client's own queue is full: how many.
  public var pendingLimit: Int
  public var security: Security
  public var saslMechanism: String
  public var username: String
  /// Names, not values, of the secrets that the host keeps for this instance.
  public var passwordIsSet: Bool
  /// PEM file with the certificates that are trusted instead of the system's; empty: the system's.
  public var certificateAuthorities: String
  public var bridge: Bridge
  /// Header by which records that come again are recognised; empty: none is dropped.
  public var dedupeHeader: String
  /// Whether records without that header are recognised by their key.
  public var dedupesByKey: Bool
  /// How many of the last values of that header, or keys, are remembered.
  public var dedupeWindow: Int
  /// librdkafka's own settings, as given.
  public var settings: [ClientSetting]

  /// Checks what the host has read by the manifest.
  ///
  /// Every fault is found, not only the first: `file: key: what is wrong, what was expected`, without the file, which the host knows.
  public init(_ given: KafkaSettings) throws(ConfigurationFaults) {
    var reader = ConfigurationReader()
    switch given.brokers {
    case "embedded": brokers = .embedded
    case "":
      reader.fault("brokers", "it is empty; expected `embedded` or addresses as host:port, separated by commas")
      brokers = .embedded
    case let address:
      if let wrong = BrokerAddress.fault(in: address) { reader.fault("brokers", wrong) }
      brokers = .cluster(address)
    }
    topic = reader.topicName("topic", given.topic)
    deadLetterTopic = reader.topicName("dead_letter_topic", given.deadLetterTopic)
    group = given.group
    member = given.member
    spools = given.spool
    start = given.start.isEmpty ? .latest : reader.choice("start", given.start, of: Start.self) ?? .latest
    topics = given.topics
    for topic in topics where !topic.hasPrefix("^") { _ = reader.topicName("topics", topic) }
    bridge = Bridge(rules: reader.bridgeRules("bridge", given.bridge))
    let implied = !group.isEmpty || !given.start.isEmpty || !topics.isEmpty || bridge.comesIn
    consumes = given.consume ?? implied
    if consumes, topic.isEmpty, topics.isEmpty, !bridge.comesIn {
      reader.fault("topic", "records are to be consumed, but no topic is named; give `topic` or `topics`")
    }
    unsettledLimit = given.maxUnsettled
    pendingLimit = given.maxPending
    security = given.security
    saslMechanism = given.saslMechanism
    username = given.username
    passwordIsSet = given.password != nil
    certificateAuthorities = given.caFile
    dedupeHeader = given.dedupeHeader
    dedupesByKey = given.dedupeKey
    dedupeWindow = given.dedupeWindow
    settings = reader.settings("settings", given.settings)
    if security.usesSASL, saslMechanism != "GSSAPI", saslMechanism != "OAUTHBEARER" {
      if username.isEmpty { reader.fault("username", "`security: \(security.rawValue)` needs it") }
      if !passwordIsSet, !settings.contains(where: { $0.name == "sasl.password" }) {
        reader.fault(
          "password", "`security: \(security.rawValue)` needs it; the environment's KAFKA_PASSWORD gives it too")
      }
    }
    if spools, brokers == .embedded {
      reader.fault("spool", "without `brokers` every record is kept in the host's journal already")
    }
    if !certificateAuthorities.isEmpty, !security.usesTLS {
      reader.fault("ca_file", "it is only read with `security: tls` or `sasl-tls`")
    }
    if !reader.faults.isEmpty { throw ConfigurationFaults(texts: reader.faults) }
  }

  /// The name of the consumer group of an instance.
  public func groupName(instance: String) -> String {
    if !group.isEmpty { return group }
    return topic.isEmpty ? instance : "\(instance)-\(topic)"
  }
}

/// What is wrong with a configuration; one line each.
public struct ConfigurationFaults: Error, Equatable, CustomStringConvertible {
  public let texts: [String]
  public var description: String { texts.joined(separator: "\n") }
}
