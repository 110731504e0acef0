/// How a host is to run.
public struct HostOptions: Sendable {
  /// Directories with manifests and libraries.
  public var pluginDirectories: [String] = []
  /// Bot files, and directories of which all bots run.
  public var bots: [String] = []
  /// A `kind: host` file, or nil.
  public var configurationFile: String?
  /// Where the journal, the instances' data and the private copies of libraries are.
  public var dataDirectory: String
  /// The control socket; nil: none (one-shot calls).
  public var controlSocket: String?
  /// Swap when a manifest or a library is replaced on disk.
  public var watch = false
  /// Try each new build in a child process before it is loaded.
  public var probe = true
  /// Start only these instances, what they require and what hooks their methods; nil: all that start by themselves.
  public var only: [String]?
  public var environment: [String: String]
  /// The data directory is the host's alone and goes with it (one-shot calls).
  public var removesDataDirectory = false

  /// Where the bots' files lie.
  var botDirectories: Set<String> {
    Set(bots.map { FileTree.isDirectory($0) ? $0 : PluginDirectory.directory(of: $0) })
  }

  public init(dataDirectory: String, environment: [String: String]) {
    self.dataDirectory = dataDirectory
    self.environment = environment
  }
}
