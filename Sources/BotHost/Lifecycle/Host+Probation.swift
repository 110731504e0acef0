import CBotHost

/// What becomes of builds on probation.
extension Host {
  /// What is needed to bring the present build back, should another one fail; nil where nobody wants that, or nothing but the
  /// configuration will be another.
  func prospect(
    of instance: PluginInstance, with planned: HostPlan.Instance, _ parts: Parts
  ) throws(LifecycleFailure) -> Probation.Prospect? {
    // A library that cannot be read is the swap's to refuse.
    guard let policy = planned.source.manifest.swap.probation, let generation = instance.generation,
      (try? instance.runs(planned.source)) == false
    else { return nil }
    let library: KeptLibrary
    do {
      library = try KeptLibrary(
        of: generation, plugin: instance.manifest.plugin, staging: parts.tools.loader.staging)
    } catch {
      throw LifecycleFailure(instance.name, .stage, "the build that runs cannot be kept: \(error)").leaving(
        "generation \(generation.number) goes on")
    }
    return Probation.Prospect(
      policy: policy, previous: instance.planned, manifestText: instance.manifestText, library: library,
      wasHealthy: isHealthy(instance) ?? true)
  }

  /// Watches a build that has just taken over. Within the operation that has swapped it in.
  func watch(_ instance: PluginInstance, _ probation: Probation, _ parts: Parts) {
    instance.probation = probation
    parts.probations.begin()
  }

  /// Ends the probation of those that have passed, and has those replaced that have failed. False when nobody is on probation any more.
  func lookAtProbations() -> Bool {
    var isAnybodyLeft = false
    for instance in instances {
      let now = clock.monotonic
      guard let probation = instance.lookAtProbation(at: now) else { continue }
      let verdict = probation.verdict(instance.endpoint.handlerTotals, at: now) { isHealthy(instance) }
      switch verdict {
      case .undecided: isAnybodyLeft = true
      case .passed: settle(instance, probation.generation)
      case .failed(let reason):
        // A swap takes its time; others are watched meanwhile, and this one is not judged again.
        guard instance.endProbation(of: probation.generation) != nil else { continue }
        let thread = HostThread(name: "rollback") { [self] in rollBack(instance, probation, reason) }
        // Without room for another thread the others wait.
        if thread == nil { rollBack(instance, probation, reason) }
      }
    }
    return isAnybodyLeft
  }

  private func settle(_ instance: PluginInstance, _ generation: UInt32) {
    try? operate(on: instance) { parts in
      guard let probation = instance.endProbation(of: generation) else { return }
      let course = probation.course(instance.endpoint.handlerTotals)
      log.notice(
        instance.name, "the new build has passed its probation",
        [("generation", "\(generation)"), ("attempts", "\(course.attempts)"), ("failed", "\(course.failures)")])
      parts.tools.announce("sys.plugin.settled", instance)
      probation.end.keep(.passed(attempts: course.attempts, failures: course.failures))
    }
  }

  private func rollBack(_ instance: PluginInstance, _ probation: Probation, _ reason: String) {
    // Where something else has come between, or the host ends.
    defer { probation.end.keep(.cutShort) }
    try? operate(on: instance) { parts in
      guard instance.generation?.number == probation.generation, instance.state == .running else { return }
      rollBack(instance, probation, reason, parts)
    }
  }

  /// Brings the build before back, with the state of the one that failed. When it cannot come back, the one that failed stays; whether
  /// it goes on is the caller's affair. Within an operation on the instance. True when it is back.
  @discardableResult
  func rollBack(_ instance: PluginInstance, _ probation: Probation, _ reason: String, _ parts: Parts) -> Bool {
    let refused = instance.generation.map {
      BuildIdentity(library: $0.image.staged.digest, manifest: instance.manifestText)
    }
    log.error(
      instance.name, "generation \(probation.generation) fails its probation: \(reason); the build before comes back")
    do {
      var back = probation.previous
      back.source.library = probation.library.path
      let report = try swap(instance, to: back, parts, anyVersion: true, rollback: probation)
      // The next build comes from where the last ones came from.
      instance.source = probation.previous.source
      instance.refused = refused
      log.notice(
        instance.name, "rolled back: the build before serves again",
        [("from", "\(report.from)"), ("to", "\(report.to)")])
      parts.tools.announce("sys.plugin.rolled_back", instance, [("reason", .string(reason))])
      probation.end.keep(.rolledBack(reason))
      return true
    } catch {
      log.error(instance.name, "the build before could not come back")
      probation.end.keep(.failed(reason))
      return false
    }
  }

  /// Nil while it is busy with its work.
  private func isHealthy(_ instance: PluginInstance) -> Bool? {
    guard instance.state == .running, let generation = instance.generation else { return true }
    guard let answer = instance.endpoint.onLane(timeout: 200_000_000, { generation.health() }) else { return nil }
    return answer.map { $0.0 >= 0 } ?? true
  }
}
