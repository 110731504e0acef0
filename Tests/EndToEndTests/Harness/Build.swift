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
  static let kafkaMock = staged.appendingPathComponent("bin/kafka-mock").path
  static let plugins = staged.appendingPathComponent("plugins").path
  static let examples = staged.appendingPathComponent("examples").path
  static let bots = staged.appendingPathComponent("bots").path
  /// What plugins outside the checkout are built with.
  static let include = staged.appendingPathComponent("include").path

  /// A plugin that breaks the rules of the ABI.
  static let hostilePlugin = root.appendingPathComponent("Tests/Support/HostilePlugin").path

  /// Material that lies beside the checkout on some machines only.
  static let shared = root.deletingLastPathComponent().appendingPathComponent("shared")
  static let kafkaBroker = shared.appendingPathComponent("kafka/broker").path
  static var hasKafkaBroker: Bool { FileManager.default.isExecutableFile(atPath: kafkaBroker) }

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
