import CBotHost

/// What becomes of instances that fail, and of those that require them.
extension Host {
  // MARK: Starting

  /// Starts an instance as soon as what it requires is up: now, or when that comes up. Within an operation on it.
  func bringUp(_ instance: PluginInstance, _ parts: Parts) {
    while true {
      let missing = missingRequirements(of: instance)
      guard !missing.isEmpty else { break }
      parts.supervisor.forget(instance.name)
      parts.tools.release(instance)
      instance.state = .waitingFor(missing)
      // One that came up just now has not seen that it was waited for.
      guard missingRequirements(of: instance).isEmpty else {
        return log.warning(instance.name, "waits for \(missing.joined(separator: ", ")), which it requires, to start")
      }
    }
    do {
      if instance.generation == nil { try parts.tools.start(instance) } else { try parts.tools.open(instance) }
    } catch { failed(instance, error, parts) }
  }

  /// Starts those that wait for this one; not within an operation on an instance.
  func startThoseThatWait(for instance: PluginInstance) {
    guard instance.state == .running else { return }
    for other in instances {
      guard case .waitingFor(let plugins) = other.state, plugins.contains(instance.manifest.plugin) else { continue }
      try? operate(on: other) { parts in
        guard case .waitingFor = other.state else { return }
        bringUp(other, parts)
      }
      startThoseThatWait(for: other)
    }
  }

  /// The plugins that an instance requires and of which no instance is up.
  func missingRequirements(of instance: PluginInstance) -> [String] {
    let required = instance.manifest.requires.map(\.plugin)
    guard !required.isEmpty else { return [] }
    let up = Set(instances.filter(\.isUp).map(\.manifest.plugin))
    return required.filter { !up.contains($0) }
  }

  // MARK: Failing

  /// Notes a failure and plans the next start, if the manifest wants one. Within an operation on the instance.
  func failed(_ instance: PluginInstance, _ error: any Error, _ parts: Parts) {
    let reason = (error as? LifecycleFailure).map { "\($0.step): \($0.reason)" } ?? "\(error)"
    let now = clock.monotonic
    // What a file is not it will not be in a second: only another file, and an operator who says so, can help.
    let isLasting = (error as? LifecycleFailure)?.isLasting ?? false
    if instance.manifest.restart.policy != .never, !isLasting, !isEnding,
      let delay = instance.delayAfterFailure(at: now)
    {
      instance.state = .waiting(until: now + delay, reason: reason)
      parts.supervisor.schedule(instance.name, at: now + delay)
      log.error(instance.name, "\(reason); trying again in \(Self.words(delay))")
    } else {
      instance.state = .failed(reason: reason)
      log.error(instance.name, "\(reason); it stays down until `bothost start \(instance.name)`")
    }
    parts.tools.announce("sys.plugin.failed", instance, [("reason", .string(reason))])
  }

  /// The time of another attempt has come.
  func startAgain(_ name: String) {
    guard let instance = instance(name) else { return }
    try? operate(on: instance) { parts in
      guard instance.generation == nil, case .waiting = instance.state else { return }
      instance.countRestart()
      bringUp(instance, parts)
    }
    startThoseThatWait(for: instance)
  }

  /// A thread of a generation has failed: what is under way is finished, and the instance is down until it is started again.
  func threadFailed(_ name: String, _ generation: UInt32, _ reason: String) {
    guard let instance = instance(name) else { return }
    try? operate(on: instance) { parts in
      // A generation that has been replaced meanwhile is of no interest.
      guard instance.generation?.number == generation, instance.state == .running else { return }
      log.error(name, reason)
      if let probation = instance.endProbation(of: generation), rollBack(instance, probation, reason, parts) { return }
      parts.tools.stop(instance, instance.manifest.restart.policy == .never ? .stop : .restart)
      failed(instance, LifecycleFailure(name, "run", reason), parts)
    }
  }

  private static func words(_ nanoseconds: Int64) -> String {
    nanoseconds < 1_000_000_000 ? "\(nanoseconds / 1_000_000) ms" : "\(nanoseconds / 1_000_000_000) s"
  }
}

extension PluginInstance {
  /// Whether it serves, also while another generation takes over.
  var isUp: Bool {
    switch state {
    case .running, .swapping: true
    default: false
    }
  }
}
