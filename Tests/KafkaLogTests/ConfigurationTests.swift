import BotPluginKit
import Configured
import KafkaPlugin
import Testing

@testable import KafkaLog

extension KafkaConfiguration {
  /// What an operator writes, with the manifest's defaults.
  init(written text: String) throws {
    try self.init(KafkaSettings(json: Configured.json(text, of: "kafka")))
  }
}

@Suite struct ConfigurationTests {
  func read(_ text: String) throws -> KafkaConfiguration { try KafkaConfiguration(written: text) }

  func faults(_ text: String) throws -> [String] {
    do {
      _ = try read(text)
      return []
    } catch let faults as ConfigurationFaults {
      return faults.texts
    }
  }

  @Test func embeddedIsTheDefault() throws {
    let configuration = try read("{}")
    #expect(configuration.brokers == .embedded)
    #expect(!configuration.consumes)
    #expect(configuration.start == .latest)
  }

  @Test func aGroupOrAStartMeansToConsume() throws {
    #expect(try read("{\"topic\": \"t\", \"group\": \"g\"}").consumes)
    #expect(try read("{\"topic\": \"t\", \"start\": \"earliest\"}").consumes)
    #expect(!(try read("{\"topic\": \"t\"}").consumes))
    #expect(!(try read("{\"topic\": \"t\", \"group\": \"g\", \"consume\": false}").consumes))
    #expect(try read("{\"topic\": \"t\", \"consume\": true}").groupName(instance: "inbox") == "inbox-t")
  }

  @Test(arguments: [
    ("{\"brokers\": \"\"}", "brokers: it is empty"),
    ("{\"brokers\": \"host:99999\"}", "brokers: `host:99999` has no port from 1 to 65535"),
    ("{\"topic\": \"a b\"}", "topic: `a b` has other characters"),
    ("{\"start\": \"newest\"}", "start: `newest` is none of `latest`, `earliest`"),
    ("{\"consume\": true}", "topic: records are to be consumed"),
    ("{\"security\": \"sasl\"}", "username: `security: sasl` needs it"),
    ("{\"ca_file\": \"x.pem\"}", "ca_file: it is only read with"),
    ("{\"settings\": {\"acks\": 1}}", "settings.acks: the value `1` is refused"),
    ("{\"settings\": {\"enable.auto.commit\": true}}", "only after the record has been handled"),
    ("{\"settings\": {\"partition.assignment.strategy\": \"cooperative-sticky\"}}", "eager"),
    ("{\"settings\": {\"bootstrap.servers\": \"x:1\"}}", "it is given by `brokers`"),
    ("{\"settings\": {\"max.in.flight\": 6}}", "order"),
    ("{\"settings\": {\"linger.ms\": []}}", "settings.linger.ms: expected text"),
    ("{\"bridge\": [{\"from\": \"a..b\"}]}", "bridge[0]: from: `a..b` is no pattern"),
    ("{\"bridge\": [{}]}", "bridge[0]: expected `from`"),
    ("{\"bridge\": [{\"from\": \"a\", \"to\": \"x{y}\"}]}", "`{y}` is none of"),
  ])
  func saysWhatIsWrong(text: String, fault: String) throws {
    let found = try faults(text)
    #expect(found.contains { $0.contains(fault) }, "\(found)")
  }

  @Test func findsAllFaultsAtOnce() throws {
    #expect(
      try faults("{\"topic\": \"/\", \"start\": \"x\", \"settings\": {\"acks\": \"0\", \"retries\": 0}}").count == 4)
  }

  @Test func aRefusedSecretIsNotShown() throws {
    #expect(SettingTable.isSecret("sasl.password"))
    #expect(ClientSetting("sasl.password", "taco").description == "sasl.password=***")
    #expect(ClientSetting("ssl.key.password", "taco").description == "ssl.key.password=***")
    #expect(ClientSetting("linger.ms", "5").description == "linger.ms=5")
  }

  @Test func goodValuesOfGuardedSettingsAreTaken() throws {
    let text = """
      {"settings": {"acks": "all", "enable.idempotence": true, "max.in.flight": 5, "retries": 3, "enable.auto.commit": false,
      "partition.assignment.strategy": "range, roundrobin"}}
      """
    #expect(try read(text).settings.count == 6)
  }
}

@Suite struct ClientSettingsTests {
  func merged(_ text: String, _ role: ClientRole, password: String? = nil) throws -> [String: String] {
    let configuration = try KafkaConfiguration(written: text)
    let settings = ClientSettings.merged(configuration, role: role, instance: "i", password: password)
    return Dictionary(uniqueKeysWithValues: settings.map { ($0.name, $0.value) })
  }

  @Test func theProducerLosesNothingByDefault() throws {
    let settings = try merged("{\"brokers\": \"h:1\"}", .producer)
    #expect(settings["enable.idempotence"] == "true")
    #expect(settings["acks"] == "all")
    #expect(settings["bootstrap.servers"] == "h:1")
    #expect(settings["group.id"] == nil)
    #expect(settings["enable.auto.commit"] == nil)
  }

  @Test func theConsumerCommitsByHandByDefault() throws {
    let settings = try merged(
      "{\"brokers\": \"h:1\", \"topic\": \"t\", \"group\": \"g\", \"start\": \"earliest\"}", .consumer)
    #expect(settings["enable.auto.commit"] == "false")
    #expect(settings["enable.auto.offset.store"] == "false")
    #expect(settings["partition.assignment.strategy"] == "range,roundrobin")
    #expect(settings["group.id"] == "g")
    #expect(settings["auto.offset.reset"] == "earliest")
    #expect(settings["acks"] == nil)
  }

  @Test func settingsReplaceDefaultsUnderAnyOfTheirNames() throws {
    let settings = try merged(
      "{\"settings\": {\"queue.buffering.max.ms\": 50, \"session.timeout.ms\": 6000}}", .producer)
    #expect(settings["queue.buffering.max.ms"] == "50")
    #expect(settings["linger.ms"] == nil)
    #expect(settings["session.timeout.ms"] == nil)
    #expect(try merged("{\"settings\": {\"session.timeout.ms\": 6000}}", .consumer)["session.timeout.ms"] == "6000")
  }

  @Test func securityBecomesTheLibrarysWords() throws {
    let text =
      "{\"security\": \"sasl-tls\", \"username\": \"bot\", \"password\": {\"$secret\": \"password\"}, \"ca_file\": \"c.pem\"}"
    let settings = try merged(text, .producer, password: "taco")
    #expect(settings["security.protocol"] == "sasl_ssl")
    #expect(settings["sasl.mechanisms"] == "PLAIN")
    #expect(settings["sasl.username"] == "bot")
    #expect(settings["sasl.password"] == "taco")
    #expect(settings["ssl.ca.location"] == "c.pem")
  }

  @Test func patternsMakeTheClientLookForNewTopicsSooner() throws {
    let text = "{\"bridge\": [{\"topic\": \"bus.**\"}]}"
    #expect(try merged(text, .consumer)["topic.metadata.refresh.interval.ms"] == "10000")
  }
}
