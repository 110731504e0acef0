extension BoundInstance {
  /// What the bot says about the instance, for resolving the configuration again when the manifest has changed.
  func overrides(_ catalog: PluginCatalog) -> ConfigurationOverrides {
    let manifest = catalog.source(of: plugin)?.manifest
    var overrides = ConfigurationOverrides()
    for argument in manifest?.type(type)?.arguments ?? [] {
      if let secret = configuration.secrets[argument.name] {
        overrides.entries.append(.init(argument.name, .secret(secret), at: location))
      } else if let value = configuration.json[argument.name] {
        overrides.entries.append(.init(argument.name, .json(value), at: location))
      }
    }
    return overrides
  }
}

/// What a host is to run: instances, in the order of their start, and bots. Made of files and options alone; nothing is loaded.
struct HostPlan {
  /// An instance to start.
  struct Instance {
    var name: String
    var source: PluginSource
    var overrides: ConfigurationOverrides
    var resolved: ResolvedConfiguration
    var lane: LanePolicy
    var restart: RestartPolicy
  }

  private(set) var instances: [Instance] = []
  /// The names of all that is wanted, also where it cannot be had: its configuration has errors, or its plugin is not there.
  private(set) var declared: Set<String> = []
  private(set) var bots: [BoundBot] = []
  /// The units of each bot, by its name.
  private(set) var builds: [String: BotBuild] = [:]
  private(set) var durableTopics: [TopicPattern] = []
  private(set) var diagnostics = Diagnostics()
  /// The texts that diagnostics point into.
  private(set) var sources: [SourceText] = []

  private struct Wanted {
    var plugin: String
    var overrides: ConfigurationOverrides
    var settings: InstanceConfiguration?
    var place: SourceLocation?
  }

  /// - Parameters:
  ///   - cache: where the bots' units are looked for.
  ///   - running: the units of bots that run, by their names.
  ///   - asked: instances that an operator asks for, although nothing else would start them.
  init(
    options: HostOptions, catalog: PluginCatalog, cache: UnitCache? = nil, running: [String: BotBuild] = [:],
    asked: Set<String> = []
  ) {
    let environment = Environment(options.environment)
    diagnostics.append(contentsOf: catalog.diagnostics)
    sources = catalog.directory.sources
    var wanted: [(name: String, Wanted)] = []
    var taken: Set<String> = []

    func want(_ name: String, _ item: Wanted) {
      if taken.insert(name).inserted { wanted.append((name, item)) }
    }

    // An operator's file first: it says more about an instance than anybody else.
    let files = HostFiles(options, catalog)
    sources += files.sources
    for finding in files.diagnostics where !diagnostics.contains(where: { $0 == finding }) { diagnostics.add(finding) }
    var notAutomatic: Set<String> = []
    for instance in files.instances {
      if instance.start == .onUse && !asked.contains(instance.name) {
        notAutomatic.insert(instance.name)
        continue
      }
      want(
        instance.name,
        Wanted(plugin: instance.plugin, overrides: instance.config, settings: instance, place: instance.location))
    }
    for manifest in catalog.manifests {
      let isNamed = options.only?.contains(manifest.plugin) ?? asked.contains(manifest.plugin)
      guard manifest.start == .auto || isNamed, !notAutomatic.contains(manifest.plugin) || isNamed else { continue }
      want(manifest.plugin, Wanted(plugin: manifest.plugin, overrides: ConfigurationOverrides()))
    }
    var bound: [String: ResolvedConfiguration] = [:]
    if options.only == nil {
      for bot in compile(options.bots, catalog, environment, cache, running) {
        for instance in bot.instances {
          want(
            instance.name,
            Wanted(plugin: instance.plugin, overrides: instance.overrides(catalog), place: instance.location))
          bound[instance.name] = instance.configuration
        }
        bots.append(bot)
      }
    }
    if let only = options.only {
      let needed = Self.closure(of: only, catalog, named: Set(wanted.map(\.1.plugin)))
      wanted.removeAll { !needed.contains($0.name) && !needed.contains($0.1.plugin) }
    }

    declared = Set(wanted.map(\.name))
    var resolved: [String: Instance] = [:]
    for (name, item) in wanted {
      guard let source = catalog.source(of: item.plugin) else { continue }
      let configuration =
        bound[name]
        ?? source.manifest.resolveConfiguration(
          overrides: item.overrides, environment: environment, place: item.place, diagnostics: &diagnostics)
      guard let configuration else { continue }
      resolved[name] = Instance(
        name: name, source: source, overrides: item.overrides, resolved: configuration,
        lane: item.settings?.lane(over: source.manifest.lane) ?? source.manifest.lane,
        restart: item.settings?.restart(over: source.manifest.restart) ?? source.manifest.restart)
    }
    order(wanted.map(\.name).filter { resolved[$0] != nil }, resolved)
    for manifest in catalog.manifests {
      durableTopics += manifest.topics.filter(\.isDurable).compactMap(\.pattern)
    }
  }

  private mutating func order(_ names: [String], _ resolved: [String: Instance]) {
    let byPlugin = Dictionary(grouping: names) { resolved[$0]?.source.manifest.plugin ?? "" }
    let order = StartOrder(names) { name in
      (resolved[name]?.source.manifest.requires ?? []).flatMap { requirement in
        byPlugin[requirement.plugin] ?? [requirement.plugin]
      }
    }
    for problem in order.problems {
      diagnostics.error("\(problem.problem)", at: resolved[problem.name]?.source.manifest.location)
    }
    instances = order.names.compactMap { resolved[$0] }
  }

  /// The bots of the files that have no errors.
  private mutating func compile(
    _ paths: [String], _ catalog: PluginCatalog, _ environment: Environment, _ cache: UnitCache?,
    _ running: [String: BotBuild]
  ) -> [BoundBot] {
    guard !paths.isEmpty else { return [] }
    let project = BotProject.load(paths)
    sources += project.sources
    let (programs, found) = BotCompiler.compile(project, manifests: catalog.manifests)
    diagnostics.append(contentsOf: found)
    return programs.compactMap { program in
      let build = BotBuild(
        program, manifests: catalog.manifests, target: .interpreter, cache: cache, running: running[program.name])
      builds[program.name] = build
      return build.program.bind(manifests: catalog.manifests, environment: environment, diagnostics: &diagnostics)
    }
  }

  /// The plugins named, all that they require, and those that stand in the way of their methods by themselves or because a configuration
  /// names them.
  static func closure(of names: [String], _ catalog: PluginCatalog, named: Set<String> = []) -> Set<String> {
    var found: Set<String> = []
    var open = names
    while let name = open.popLast() {
      guard found.insert(name).inserted else { continue }
      guard let manifest = catalog.source(of: name)?.manifest else { continue }
      open += manifest.requires.map(\.plugin)
      let methods = manifest.methods.map { "\(name).\($0.name)" }
      open += catalog.manifests.filter { other in
        (other.start == .auto || named.contains(other.plugin))
          && other.hooks.contains { hook in methods.contains { hook.method.matches($0) } }
      }.map(\.plugin)
    }
    return found
  }
}
