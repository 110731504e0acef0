import CRDKafka
import Foundation

/// A real broker of its own for a measurement, and a client that asks it how many records a topic has.
final class KafkaBroker {
  let addresses: String
  private let process: ChildProgram
  private let client: OpaquePointer

  /// Throws with the reason when there is none here.
  init(in directory: String) throws {
    guard FileManager.default.isExecutableFile(atPath: Place.broker) else {
      throw ChildProgram.Failure(description: "there is no broker in ../shared/kafka")
    }
    guard Place.tool("kcat") != nil else { throw ChildProgram.Failure(description: "there is no kcat") }
    process = try ChildProgram(Place.broker, ["run", directory + "/kafka"], readsErrors: true)
    try process.line { $0.contains("Kafka Server started") }
    let environment = try String(contentsOfFile: directory + "/kafka/env", encoding: .utf8)
    let variable = environment.split(separator: "\n").first { $0.contains("KAFKA_BROKERS=") && !$0.contains("_KAFKA") }
    guard
      let addresses = variable?.split(separator: "=").last.map(String.init)?.trimmingCharacters(
        in: CharacterSet(charactersIn: "\"'"))
    else { throw ChildProgram.Failure(description: "the broker did not say its address") }
    self.addresses = addresses
    let configuration = rd_kafka_conf_new()
    rd_kafka_conf_set(configuration, "bootstrap.servers", addresses, nil, 0)
    guard let client = rd_kafka_new(RD_KAFKA_PRODUCER, configuration, nil, 0) else {
      throw ChildProgram.Failure(description: "librdkafka makes no client")
    }
    self.client = client
  }

  /// Ends the broker.
  func stop() {
    rd_kafka_destroy(client)
    process.stop()
  }

  /// Makes a topic of one partition.
  func makeTopic(_ name: String) throws {
    _ = try ChildProgram.time(
      Place.broker,
      ["tool", "TopicCommand", "--bootstrap-server", addresses, "--create", "--topic", name, "--partitions", "1"])
  }

  /// Records in the topic.
  func records(in topic: String) -> Int {
    var (low, high): (Int64, Int64) = (0, 0)
    let code = rd_kafka_query_watermark_offsets(client, topic, 0, &low, &high, 5000)
    return code == RD_KAFKA_RESP_ERR_NO_ERROR ? Int(high) : 0
  }

  /// Seconds until the topic has so many records, from now on.
  func wait(for count: Int, in topic: String, atMost limit: Double = 120) throws -> Double {
    let began = DispatchTime.now().uptimeNanoseconds
    while true {
      let seconds = Double(DispatchTime.now().uptimeNanoseconds - began) / 1e9
      let there = records(in: topic)
      if there >= count { return seconds }
      guard seconds < limit else {
        throw ChildProgram.Failure(description: "after \(Int(limit)) s there were \(there) of \(count) records")
      }
      usleep(5000)
    }
  }
}
