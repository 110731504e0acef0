/// What the files declare no more ends: they say what runs, but for what an operator has started by hand.
///
/// Only what is plainly not there any more counts as gone. As long as a file that may declare something cannot be read or understood,
/// what runs goes on.
extension Host {
  // MARK: Instances

  /// Ends the instances that no file makes run any more.
  func endUndeclaredInstances() {
    guard instances.contains(where: isOfFiles) else { return }
    let catalog = PluginCatalog(directories: options.pluginDirectories)
    guard HostFiles(options, catalog).areComplete else { return }
    var options = options
    options.bots = []
    let declared = HostPlan(options: options, catalog: catalog).declared
    // Those that others require come first in the table, and end last.
    for instance in instances.reversed() where isOfFiles(instance) && !declared.contains(instance.name) {
      if let reason = Self.reasonToStay(instance, catalog) {
        log.warning(instance.name, "the files declare it no more, and it goes on: \(reason)")
        continue
      }
      do {
        try restructure { parts in
          guard !instance.isGone, !instance.isByHand else { return }
          log.notice(instance.name, "ends: the files declare it no more")
          remove(instance, parts)
        }
      } catch { return }
    }
  }

  private func isOfFiles(_ instance: PluginInstance) -> Bool { !instance.isByHand && !isOfBot(instance.name) }

  /// What has to be mended before it can be said whether an instance is still wanted; nil: it is not.
  private static func reasonToStay(_ instance: PluginInstance, _ catalog: PluginCatalog) -> String? {
    let plugin = instance.manifest.plugin
    if catalog.source(of: plugin) == nil {
      // A manifest with errors makes nothing run either; that is not what its author means.
      let path = instance.source.path
      if FileTree.exists(path) { return "\(path) has errors" }
      let directory = FileTree.directory(of: path)
      if !FileTree.isDirectory(directory) { return "the directory \(directory) is not there" }
    }
    // A file that is no YAML may have been the one that names it.
    let understood = Set(catalog.directory.plugins.map(\.path))
    return catalog.diagnostics.errors.first { error in
      error.location.map { !understood.contains($0.file) } ?? true
    }.map { "\($0)" }
  }

  // MARK: Bots

  /// Ends the bots that no file declares any more, and the instances that they brought with them.
  func endUndeclaredBots() {
    let project = BotProject.load(options.bots)
    let named = project.botNames
    guard bots.contains(where: { !named.contains($0.endpoint.name) }) else { return }
    let catalog = PluginCatalog(directories: options.pluginDirectories)
    // With those that are there because another one uses them.
    let (programs, found) = BotCompiler.compile(project, manifests: catalog.manifests)
    let declared = named + programs.map(\.name)
    for bot in bots where !declared.contains(bot.endpoint.name) && (!found.hasErrors || isGone(bot)) {
      do {
        try restructure { parts in
          log.notice(bot.endpoint.name, "ends: the files declare it no more")
          forget(bot)
          bot.close(on: parts.bus, timeout: 5_000_000_000, queued: .deadLetter)
          let files = HostFiles(options, catalog)
          for name in bot.bot.instances.map(\.name) where files.instance(name) == nil {
            if let instance = instance(name) { remove(instance, parts) }
          }
        }
      } catch { return }
    }
  }

  /// Whether its file has been taken away from a directory of bots, or can be read and declares it no more.
  private func isGone(_ bot: RunningBot) -> Bool {
    let file = bot.bot.program.location.file
    switch SourceText.read(file) {
    case .success(let source):
      let alone = BotProject([source])
      return !alone.diagnostics.hasErrors && !alone.botNames.contains(bot.endpoint.name)
    case .failure:
      // A file that was named when the host started is declared by that.
      return !FileTree.exists(file) && FileTree.isDirectory(FileTree.directory(of: file))
        && !options.bots.contains(file)
    }
  }
}
