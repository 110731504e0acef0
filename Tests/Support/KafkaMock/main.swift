// A Kafka cluster for tests, out of librdkafka's mock: no data on disk, no SASL, no TLS, loopback only, ports of the system's choice.
//
//   kafka-mock [--brokers N] [--lifetime SECONDS]
//
// The first line on standard output is {"brokers": "127.0.0.1:PORT,…"}. Then each line of standard input is a command, answered by one line,
// {"ok": true} or {"error": "…"}:
//
//   topic NAME PARTITIONS [REPLICAS]    make a topic
//   down BROKER | up BROKER             brokers are numbered from 1
//   err KEY CODE…                       the next requests of that API (0 Produce, 1 Fetch, …) fail with these error numbers
//   leader TOPIC PARTITION BROKER       move a partition
//   rtt BROKER MILLISECONDS             delay each answer
//   quit
//
// It ends at `quit`, when standard input closes, or when its lifetime is over.
import CRDKafka
import Glibc

func say(_ line: String, to file: Int32 = STDOUT_FILENO) {
  let bytes = Array((line + "\n").utf8)
  _ = write(file, bytes, bytes.count)
}

func fail(_ text: String) -> Never {
  say("kafka-mock: \(text)", to: STDERR_FILENO)
  exit(2)
}

func option(_ name: String, default other: Int) -> Int {
  guard let index = CommandLine.arguments.firstIndex(of: name) else { return other }
  guard index + 1 < CommandLine.arguments.count, let value = Int(CommandLine.arguments[index + 1]), value > 0 else {
    fail("\(name) needs a number above 0")
  }
  return value
}

struct Cluster {
  let cluster: OpaquePointer

  /// Carries out one command; answers what went wrong, if anything did.
  func run(_ words: [String]) -> String? {
    func number(_ index: Int) -> Int32? { index < words.count ? Int32(words[index]) : nil }
    func outcome(_ code: rd_kafka_resp_err_t) -> String? {
      code == RD_KAFKA_RESP_ERR_NO_ERROR ? nil : String(cString: rd_kafka_err2str(code))
    }
    switch (words.first, words.count) {
    case ("topic", 3...4):
      guard let partitions = number(2) else { return "topic NAME PARTITIONS [REPLICAS]" }
      return outcome(rd_kafka_mock_topic_create(cluster, words[1], partitions, number(3) ?? 1))
    case ("down", 2):
      return number(1).map { outcome(rd_kafka_mock_broker_set_down(cluster, $0)) } ?? "down BROKER"
    case ("up", 2):
      return number(1).map { outcome(rd_kafka_mock_broker_set_up(cluster, $0)) } ?? "up BROKER"
    case ("rtt", 3):
      guard let broker = number(1), let time = number(2) else { return "rtt BROKER MILLISECONDS" }
      return outcome(rd_kafka_mock_broker_set_rtt(cluster, broker, time))
    case ("leader", 4):
      guard let partition = number(2), let broker = number(3) else { return "leader TOPIC PARTITION BROKER" }
      return outcome(rd_kafka_mock_partition_set_leader(cluster, words[1], partition, broker))
    case ("err", 3...):
      let codes = words.dropFirst(2).compactMap { Int32($0) }
      guard let key = Int16(words[1]), codes.count == words.count - 2 else { return "err KEY CODE…" }
      rd_kafka_mock_push_request_errors_array(cluster, key, codes.count, codes.map { rd_kafka_resp_err_t($0) })
      return nil
    default:
      return "no such command: \(words.joined(separator: " "))"
    }
  }
}

signal(SIGPIPE, SIG_IGN)
// A test that was interrupted leaves nothing behind.
alarm(UInt32(option("--lifetime", default: 600)))
// It is a server: that it has no brokers of its own is no news.
guard let configuration = rd_kafka_conf_new(),
  rd_kafka_conf_set(configuration, "log_level", "3", nil, 0) == RD_KAFKA_CONF_OK,
  let client = rd_kafka_new(RD_KAFKA_PRODUCER, configuration, nil, 0),
  let mock = rd_kafka_mock_cluster_new(client, Int32(option("--brokers", default: 3))),
  let addresses = rd_kafka_mock_cluster_bootstraps(mock)
else { fail("librdkafka could not make a mock cluster") }
let cluster = Cluster(cluster: mock)
say("{\"brokers\": \"\(String(cString: addresses))\"}")
while let line = readLine() {
  let words = line.split(separator: " ").map(String.init)
  if words.isEmpty { continue }
  if words == ["quit"] { break }
  if let wrong = cluster.run(words) {
    say("{\"error\": \"\(wrong.filter { $0 != "\"" && $0 != "\\" })\"}")
  } else {
    say("{\"ok\": true}")
  }
}
// The process ends with its brokers; an orderly end of the mock would only take time.
exit(0)
