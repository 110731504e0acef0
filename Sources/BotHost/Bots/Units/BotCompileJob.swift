/// What `bothost compile` does: bots from files to units, through the cache.
public struct BotCompileJob {
  /// The bots without errors, in the order of the files.
  public private(set) var builds: [BotBuild] = []
  /// What was found wrong so far, in all bots.
  public private(set) var diagnostics = Diagnostics()
  /// The texts that the diagnostics point into.
  public private(set) var sources: [SourceText] = []
  /// Nanoseconds.
  public private(set) var time: Int64 = 0

  /// - Parameter cache: where units are looked for, and where new ones are kept; nil: everything is made anew.
  public init(
    files: [String], pluginDirectories: [String], target: UnitTarget, cache: UnitCache?,
    clock: any HostClock = SystemClock()
  ) {
    let began = clock.monotonic
    let directory = PluginDirectory.load(pluginDirectories, checksLibraries: false)
    diagnostics.append(contentsOf: directory.diagnostics)
    sources = directory.sources
    let project = BotProject.load(files)
    sources += project.sources
    let (programs, found) = BotCompiler.compile(project, manifests: directory.manifests)
    diagnostics.append(contentsOf: found)
    for program in programs {
      let build = BotBuild(program, manifests: directory.manifests, target: target, cache: cache, clock: clock)
      for problem in build.problems { diagnostics.warning(problem, at: program.location) }
      if let cache {
        do { try build.store(in: cache) } catch { diagnostics.warning("units are not kept: \(error)", at: nil) }
      }
      builds.append(build)
    }
    time = clock.monotonic - began
  }
}

extension BotBuild {
  /// A node of the bot's tree with what became of it.
  public struct Row: Sendable {
    public var row: BotTreeRow
    /// Of a node that holds several units: built when one of them was.
    public var origin: Origin
    /// Nanoseconds; nil for what is only a part of a unit, or only ties units together.
    public var time: Int64?
  }

  /// Every node in the order of the tree.
  public var rows: [Row] {
    program.tree.rows(name: program.name).map { row in
      let inside = units.filter { row.path == "/" || $0.path.hasPrefix(row.path + "/") }
      let around = units.filter { row.path == $0.path || row.path.hasPrefix($0.path + "/") }
      if let unit = around.max(by: { $0.path.utf8.count < $1.path.utf8.count }), inside.isEmpty {
        return Row(row: row, origin: unit.origin, time: row.path == unit.path ? unit.time : nil)
      }
      // What is written into the units that use it, as methods are, is as new as they are.
      let parts = inside.isEmpty ? units.filter { $0.node.contains(row.node.hash) } : inside
      return Row(row: row, origin: parts.contains { $0.origin == .built } ? .built : .cached, time: nil)
    }
  }
}

extension BotHashNode {
  fileprivate func contains(_ hash: String) -> Bool {
    self.hash == hash || children.contains { $0.node.contains(hash) }
  }
}
