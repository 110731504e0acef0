/// What is replaced on disk is put in place: `--watch`.
extension Host {
  /// Watches the directories of plugins, bots and the operator's file.
  func watchFiles() -> [DirectoryWatcher] {
    let beside = [options.configurationFile].compactMap { $0 }.map { PluginDirectory.directory(of: $0) }
    return Set(options.pluginDirectories + options.botDirectories + beside).sorted().compactMap { directory in
      do {
        return try DirectoryWatcher(directory: directory) { [weak self] names in self?.changed(names, in: directory) }
      } catch {
        log.error("host", "\(error)")
        return nil
      }
    }
  }

  /// Swaps or reconfigures what a changed file belongs to, or starts it when it had failed.
  private func changed(_ changes: Set<String>, in directory: String) {
    let names = changes.union(FileTree.links(through: changes, in: directory))
    // What has been taken away has nothing to be put in place.
    let present = names.filter { FileTree.exists("\(directory)/\($0)") }
    for instance in instances {
      let source = instance.source
      let files = [source.path, source.library].map { path in
        path.hasPrefix(directory + "/") ? String(path.dropFirst(directory.count + 1)) : path
      }
      guard files.contains(where: present.contains) else { continue }
      do {
        // A library that was put there is meant, whatever is in it.
        if instance.state == .running, present.contains(files[1]), changes.contains(files[1]) {
          try swapInstance(instance.name)
        } else {
          try renewInstance(instance.name)
        }
      } catch { log.error(instance.name, "not \(instance.state == .running ? "swapped" : "started"): \(error)") }
    }
    let texts = names.filter { $0.hasSuffix(".yaml") || $0.hasSuffix(".yml") }
    guard !texts.isEmpty else { return }
    let changesInstances =
      !texts.isSubset(of: present)
      || HostFiles(options, PluginCatalog(directories: options.pluginDirectories)).lies(in: directory, texts)
    if changesInstances { reloadInstances() }
    if options.botDirectories.contains(directory) { reloadBots() }
    if changesInstances { endUndeclaredInstances() }
  }
}
