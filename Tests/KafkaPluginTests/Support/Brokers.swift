import Foundation
import Testing

/// The project's own mock cluster, in a process of its own.
final class MockCluster: Sendable {
  let addresses: String
  private let program: ChildProgram

  init(brokers: Int = 1) throws {
    let directory = Bundle.main.bundleURL.path
    let candidates = [
      URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent().path, directory, ".build/debug",
    ]
    let path = candidates.map { $0 + "/kafka-mock" }.first { FileManager.default.isExecutableFile(atPath: $0) }
    guard let path else {
      throw ChildProgram.Failure(description: "kafka-mock is not built; looked in \(candidates)")
    }
    program = try ChildProgram(path, ["--brokers", String(brokers), "--lifetime", "900"])
    let first = try JSONSerialization.jsonObject(with: Data(try program.line().utf8)) as? [String: String]
    addresses = try #require(first?["brokers"])
  }

  /// Gives the cluster a command, and expects it to be carried out.
  func command(_ text: String) throws {
    try program.write(text)
    let answer = try program.line()
    guard answer == "{\"ok\": true}" else { throw ChildProgram.Failure(description: "\(text): \(answer)") }
  }
}

/// A real Apache Kafka broker, where one lies beside the checkout.
final class RealBroker: @unchecked Sendable {
  private static let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("shared/kafka/broker").path

  /// Why there is none; `nil`: there is one.
  static let missing: String? = {
    let tools = ["/usr/bin/java", "/usr/bin/kcat"].filter { !FileManager.default.isExecutableFile(atPath: $0) }
    let broker = [script, besideTheFolder].first { FileManager.default.isExecutableFile(atPath: $0) }
    let reason =
      broker == nil ? "no broker at \(script)" : tools.isEmpty ? nil : "not installed: \(tools.joined(separator: ", "))"
    if let reason { print("skipped: the tests against a real Kafka broker (\(reason))") }
    return reason
  }()

  /// Beside the folder that the checkout is in.
  private static let besideTheFolder = URL(fileURLWithPath: script).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("shared/kafka/broker").path

  private let program: String
  private let directory: URL
  private var options: [String]
  private(set) var environment: [String: String] = [:]

  init(options: [String] = []) throws {
    program = FileManager.default.isExecutableFile(atPath: Self.script) ? Self.script : Self.besideTheFolder
    directory = FileManager.default.temporaryDirectory.appendingPathComponent("kafka-\(UUID().uuidString.prefix(8))")
    self.options = options + ["--lifetime", "900"]
    try start()
  }

  deinit {
    _ = try? ChildProgram.runSilently(program, ["kill", directory.path])
    try? FileManager.default.removeItem(at: directory)
  }

  var addresses: String { environment["KAFKA_BROKERS"] ?? "" }

  func start() throws {
    let status = try ChildProgram.runSilently(program, ["start", directory.path] + options)
    guard status == 0 else { throw ChildProgram.Failure(description: "the broker did not start in \(directory.path)") }
    let text = try String(contentsOf: directory.appendingPathComponent("env"), encoding: .utf8)
    for line in text.split(separator: "\n") {
      let parts = line.split(separator: "=", maxSplits: 1).map(String.init)
      if parts.count == 2 { environment[parts[0]] = parts[1] }
    }
  }

  func kill() throws { _ = try ChildProgram.runSilently(program, ["kill", directory.path]) }

  func createTopic(_ name: String, partitions: Int) throws {
    let (output, status) = try ChildProgram.run(
      program,
      [
        "tool", "TopicCommand", "--bootstrap-server", addresses, "--create", "--topic", name, "--partitions",
        "\(partitions)",
      ])
    guard status == 0 else { throw ChildProgram.Failure(description: output) }
  }
}

/// kcat, the foreign client.
enum Kcat {
  struct Record: Decodable {
    let topic: String
    let partition: Int
    let offset: Int
    let key: String?
    let payload: String?
    let headers: [String]?
  }

  /// All records of a topic.
  static func read(_ addresses: String, _ topic: String) throws -> [Record] {
    let (output, _) = try ChildProgram.run(
      "/usr/bin/kcat", ["-b", addresses, "-C", "-t", topic, "-o", "beginning", "-e", "-q", "-J"])
    return try output.split(separator: "\n").map { try JSONDecoder().decode(Record.self, from: Data($0.utf8)) }
  }

  /// Writes lines, each a record; `key:value` when `keys`.
  static func write(_ addresses: String, _ topic: String, _ lines: [String], _ options: [String] = []) throws {
    let (_, status) = try ChildProgram.run(
      "/usr/bin/kcat", ["-b", addresses, "-P", "-t", topic] + options, input: lines.joined(separator: "\n") + "\n")
    guard status == 0 else { throw ChildProgram.Failure(description: "kcat ended with \(status)") }
  }
}
