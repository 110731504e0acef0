import Foundation

/// Where the programs and plugins under test lie.
enum Build {
  /// The checkout.
  static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()

  /// What `scripts/stage debug` has laid out.
  static let staged = root.appendingPathComponent("build/debug")

  static let bothost = staged.appendingPathComponent("bin/bothost").path
  static let simulator = staged.appendingPathComponent("bin/twitch-simulator").path
  static let webSimulator = staged.appendingPathComponent("bin/web-simulator").path
  static let gitHubSimulator = staged.appendingPathComponent("bin/github-simulator").path
  static let kafkaMock = staged.appendingPathComponent("bin/kafka-mock").path
  static let plugins = staged.appendingPathComponent("plugins").path
  static let examples = staged.appendingPathComponent("examples").path
  static let bots = staged.appendingPathComponent("bots").path
  /// What plugins outside the checkout are built with.
  static let include = staged.appendingPathComponent("include").path

  /// A plugin that breaks the rules of the ABI.
  static let hostilePlugin = root.appendingPathComponent("Tests/Support/HostilePlugin").path

  /// Starts a Kafka broker; lies beside the checkout, or beside the folder that it is in, on some machines only.
  static let kafkaBroker: String = {
    let beside = root.deletingLastPathComponent()
    let places = [beside, beside.deletingLastPathComponent()].map {
      $0.appendingPathComponent("shared/kafka/broker").path
    }
    return places.first { FileManager.default.isExecutableFile(atPath: $0) } ?? places[0]
  }()

  /// Why there is no real broker to test against; nil: there is one.
  static let noKafkaBroker: String? = {
    var missing = ["java", "kcat"].filter { tool($0) == nil }
    if !FileManager.default.isExecutableFile(atPath: kafkaBroker) { missing.append(kafkaBroker) }
    guard !missing.isEmpty else { return nil }
    let reason = "there is no \(missing.joined(separator: " and no "))"
    print("skipped: the main job against a real Kafka broker (\(reason))")
    return reason
  }()

  /// An installed program by name, from the usual directories.
  static func tool(_ name: String) -> String? {
    let directories = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").map(String.init)
    return (directories + ["/usr/sbin", "/usr/bin"]).map { "\($0)/\(name)" }
      .first { FileManager.default.isExecutableFile(atPath: $0) }
  }
}

/// A directory of a test's own, removed with the value.
final class TemporaryDirectory: @unchecked Sendable {
  let url: URL
  var path: String { url.path }

  init() throws {
    url = FileManager.default.temporaryDirectory.appendingPathComponent("bothost-\(UUID().uuidString.prefix(8))")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  func file(_ name: String, _ text: String) throws -> String {
    let file = url.appendingPathComponent(name)
    try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(text.utf8).write(to: file)
    return file.path
  }
}
