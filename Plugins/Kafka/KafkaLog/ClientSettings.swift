/// Puts together what a client is made with: the plugin's defaults, the configuration's keys, then `settings`.
public enum ClientSettings {
  /// Producer: nothing is lost, doubled or reordered by the client.
  public static let producerDefaults = [
    ClientSetting("enable.idempotence", "true"),
    ClientSetting("acks", "all"),
    ClientSetting("linger.ms", "5"),
    ClientSetting("message.timeout.ms", "300000"),
    ClientSetting("compression.type", "lz4"),
    ClientSetting("partitioner", "murmur2_random"),
    ClientSetting("queue.buffering.max.messages", "100000"),
    ClientSetting("queue.buffering.max.kbytes", "131072"),
    ClientSetting("message.max.bytes", "1000000"),
  ]

  /// Consumer: at least once. The strategies are the eager ones, and the plugin commits.
  public static let consumerDefaults = [
    ClientSetting("enable.auto.commit", "false"),
    ClientSetting("enable.auto.offset.store", "false"),
    ClientSetting("partition.assignment.strategy", "range,roundrobin"),
    ClientSetting("session.timeout.ms", "45000"),
    ClientSetting("heartbeat.interval.ms", "3000"),
    ClientSetting("max.poll.interval.ms", "300000"),
    ClientSetting("isolation.level", "read_committed"),
    ClientSetting("allow.auto.create.topics", "false"),
    ClientSetting("check.crcs", "true"),
    // When so much has been fetched and not taken, librdkafka before 2.2.0 fetches nothing for a whole second: with 16 MiB no more
    // than those come in a second. The bytes are the bound, however small the records are.
    ClientSetting("queued.max.messages.kbytes", "65536"),
    ClientSetting("queued.min.messages", "1000000"),
  ]

  /// Both.
  public static let commonDefaults = [
    ClientSetting("client.id", "bothost"),
    ClientSetting("socket.keepalive.enable", "true"),
    ClientSetting("statistics.interval.ms", "1000"),
    ClientSetting("reconnect.backoff.max.ms", "5000"),
  ]

  /// Other names for the same setting, so that one given in `settings` replaces the default.
  private static let aliases = [
    "request.required.acks": "acks", "queue.buffering.max.ms": "linger.ms", "delivery.timeout.ms": "message.timeout.ms",
    "compression.codec": "compression.type", "message.send.max.retries": "retries",
    "max.in.flight": "max.in.flight.requests.per.connection",
  ]

  /// The settings for a client of an instance, each name once, in the order in which they are applied.
  ///
  /// - Parameter password: the value of the secret `password`, when it is set.
  public static func merged(
    _ configuration: KafkaConfiguration, role: ClientRole, instance: String, password: String?
  ) -> [ClientSetting] {
    var merged = commonDefaults
    merged += role == .producer ? producerDefaults : consumerDefaults
    if case .cluster(let brokers) = configuration.brokers { merged.append(ClientSetting("bootstrap.servers", brokers)) }
    merged.append(ClientSetting("security.protocol", configuration.security.protocolName))
    if configuration.security.usesSASL {
      merged.append(ClientSetting("sasl.mechanisms", configuration.saslMechanism))
      if !configuration.username.isEmpty { merged.append(ClientSetting("sasl.username", configuration.username)) }
      if let password { merged.append(ClientSetting("sasl.password", password)) }
    }
    if !configuration.certificateAuthorities.isEmpty {
      merged.append(ClientSetting("ssl.ca.location", configuration.certificateAuthorities))
    }
    if role == .consumer {
      merged.append(ClientSetting("group.id", configuration.groupName(instance: instance)))
      if !configuration.member.isEmpty { merged.append(ClientSetting("group.instance.id", configuration.member)) }
      merged.append(ClientSetting("auto.offset.reset", configuration.start.rawValue))
      // New topics are found when the metadata is read again; a pattern should not have to wait five minutes for that.
      if configuration.topics.contains(where: { $0.hasPrefix("^") }) || configuration.bridge.comesIn {
        merged.append(ClientSetting("topic.metadata.refresh.interval.ms", "10000"))
      }
    }
    merged += configuration.settings.filter { SettingTable.applies($0.name, to: role) }
    var last: [String: ClientSetting] = [:]
    var order: [String] = []
    for setting in merged {
      let name = aliases[setting.name] ?? setting.name
      if last.updateValue(setting, forKey: name) == nil { order.append(name) }
    }
    return order.compactMap { last[$0] }
  }
}
