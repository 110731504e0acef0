import Foundation

/// A host with the pipeline of commands in it, and nothing else.
enum YetibotHost {
  /// A directory of plugins with the pipeline in it.
  static func plugins(in directory: TemporaryDirectory) throws -> String {
    let folder = directory.url.appendingPathComponent("plugins").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    for name in ["yetibot.yaml", "libYetibot.so"] {
      try FileManager.default.copyItem(atPath: "\(Build.plugins)/\(name)", toPath: "\(folder)/\(name)")
    }
    return folder
  }

  /// - Parameter configuration: the plugin's `config`, in YAML's flow style.
  static func start(in directory: TemporaryDirectory, configuration: String = "{}", plugins: String? = nil) throws
    -> Host
  {
    let file = try directory.file(
      "host.yaml", "bothost: 1\nkind: host\nplugins: {yetibot: {config: \(configuration)}}\n")
    return try Host(
      plugins: try plugins ?? Self.plugins(in: directory), arguments: ["--config", file], directory: directory)
  }
}
