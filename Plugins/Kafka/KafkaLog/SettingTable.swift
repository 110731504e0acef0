/// What the plugin knows of librdkafka's settings: whom they are for, which are secret, and which would break a promise.
public enum SettingTable {
  /// Settings that only a producer reads (librdkafka 2.0, CONFIGURATION.md, column C/P: P). A consumer that is given one warns.
  public static let producerOnly: Set<String> = [
    "transactional.id", "transaction.timeout.ms", "enable.idempotence", "enable.gapless.guarantee",
    "queue.buffering.max.messages", "queue.buffering.max.kbytes", "queue.buffering.max.ms", "linger.ms",
    "message.send.max.retries", "retries", "retry.backoff.ms", "queue.buffering.backpressure.threshold",
    "compression.codec", "compression.type", "compression.level", "batch.num.messages", "batch.size",
    "delivery.report.only.error", "sticky.partitioning.linger.ms", "request.required.acks", "acks",
    "request.timeout.ms", "message.timeout.ms", "delivery.timeout.ms", "queuing.strategy", "produce.offset.report",
    "partitioner",
  ]

  /// Settings that only a consumer reads (the same column: C).
  public static let consumerOnly: Set<String> = [
    "group.id", "group.instance.id", "partition.assignment.strategy", "session.timeout.ms", "heartbeat.interval.ms",
    "group.protocol.type", "coordinator.query.interval.ms", "max.poll.interval.ms", "enable.auto.commit",
    "auto.commit.interval.ms", "enable.auto.offset.store", "queued.min.messages", "queued.max.messages.kbytes",
    "fetch.wait.max.ms", "fetch.message.max.bytes", "max.partition.fetch.bytes", "fetch.max.bytes", "fetch.min.bytes",
    "fetch.error.backoff.ms", "offset.store.method", "offset.store.path", "offset.store.sync.interval.ms",
    "isolation.level", "enable.partition.eof", "check.crcs", "auto.offset.reset",
    "auto.commit.enable", "consume.callback.max.messages",
  ]

  /// Whether a client of that role reads a setting.
  public static func applies(_ name: String, to role: ClientRole) -> Bool {
    switch role {
    case .producer: !consumerOnly.contains(name)
    case .consumer: !producerOnly.contains(name)
    }
  }

  /// Whether a setting's value is never shown.
  public static func isSecret(_ name: String) -> Bool {
    switch name {
    case "sasl.password", "ssl.key.password", "ssl.key.pem", "ssl.keystore.password", "sasl.oauthbearer.config",
      "sasl.oauthbearer.client.secret", "ssl_key":
      true
    default:
      name.hasSuffix(".password") || name.hasSuffix(".secret")
    }
  }

  /// Why a value from `settings` cannot be taken: it would break what the plugin promises, or has its place elsewhere. `nil`: it can.
  public static func refusal(of name: String, value: String) -> String? {
    if let place = places[name] { return "it is given by `\(place)`" }
    if name.hasSuffix("_cb") || name.hasPrefix("test.") || internals.contains(name) {
      return "the plugin sets it itself"
    }
    let number = Int64(value)
    switch name {
    case "acks", "request.required.acks":
      return value == "all" || value == "-1"
        ? nil : "a record is acknowledged only when all in-sync replicas have it: leave it at `all`"
    case "enable.idempotence":
      return isTrue(value) ? nil : "without it a retry can double or reorder records: leave it at `true`"
    case "max.in.flight.requests.per.connection", "max.in.flight":
      return number.map { (1...5).contains($0) } == true
        ? nil : "the order of records is kept for 1 to 5 requests under way only"
    case "retries", "message.send.max.retries":
      return number.map { $0 > 0 } == true
        ? nil : "without retries a lost connection would lose records: leave it above 0"
    case "queuing.strategy":
      return value == "fifo" ? nil : "the order of records is kept by `fifo` only"
    case "enable.auto.commit", "auto.commit.enable", "enable.auto.offset.store":
      return isTrue(value)
        ? "an offset is committed only after the record has been handled: leave it at `false`" : nil
    case "partition.assignment.strategy":
      return value.split(separator: ",").contains { !["range", "roundrobin"].contains(trimmed($0)) }
        ? "only the eager strategies `range` and `roundrobin` are used: librdkafka before 2.6.1 can lose an assignment, or hang, "
          + "with `cooperative-sticky`" : nil
    case "transactional.id": return value.isEmpty ? nil : "records are produced without transactions"
    default: return nil
    }
  }

  /// librdkafka's readings of a true boolean.
  static func isTrue(_ value: String) -> Bool {
    ["true", "t", "1"].contains(value.lowercased())
  }

  private static func trimmed(_ text: Substring) -> String {
    String(text.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
  }

  /// Settings that the plugin's own configuration has a key for.
  private static let places = [
    "bootstrap.servers": "brokers", "metadata.broker.list": "brokers", "group.id": "group",
    "group.instance.id": "member",
    "auto.offset.reset": "start",
    "security.protocol": "security", "sasl.username": "username",
  ]

  /// Settings that the client's own code depends on.
  private static let internals: Set<String> = [
    "delivery.report.only.error", "produce.offset.report", "enable.partition.eof", "statistics.interval.ms", "opaque",
    "default_topic_conf",
    "enabled_events", "log.queue", "log.thread.name", "internal.termination.signal", "interceptors",
    "offset.store.method", "offset.store.path", "plugin.library.paths",
  ]
}
