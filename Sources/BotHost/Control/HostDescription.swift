extension EndpointStatistics {
  /// Attempts that failed.
  var failed: UInt64 { bindings.reduce(0) { $0 + $1.failed } }
  /// Events given up.
  var dead: UInt64 { bindings.reduce(0) { $0 + $1.dead } }
}

/// What `ps` and `metrics` show of a host.
extension Host {
  /// One instance as a JSON object.
  func describe(_ instance: PluginInstance) -> JSONValue {
    let statistics = instance.endpoint.statistics()
    let state = instance.state
    var object = JSONObject()
    object["name"] = .string(instance.name)
    object["plugin"] = .string(instance.manifest.plugin)
    object["version"] = .string(
      instance.generation?.descriptor?.version ?? instance.manifest.version?.description ?? "")
    object["state"] = .string(state.word)
    if let detail = state.detail { object["detail"] = .string(detail) }
    if state == .running, let probation = instance.probation {
      let course = probation.course(instance.endpoint.handlerTotals)
      object["probation"] = .object([
        "attempts": .int(Int64(clamping: course.attempts)), "failed": .int(Int64(clamping: course.failures)),
        "of": .int(Int64(probation.policy.events)),
      ])
      object["detail"] = .string(
        "on probation: \(course.attempts) of \(probation.policy.events) events, \(course.failures) failed")
    }
    if let generation = instance.generation {
      object["generation"] = .int(Int64(generation.number))
      object["build"] = .string(generation.image.inspection.digest.short)
      object["library"] = .string(generation.image.staged.source)
    }
    if state == .running { object["up_ms"] = .int((clock.unix - instance.startedAt) / 1_000_000) }
    object["restarts"] = .int(Int64(instance.restartCount))
    object["handled"] = .int(Int64(clamping: statistics.delivered))
    object["failed"] = .int(Int64(clamping: statistics.failed))
    object["dead"] = .int(Int64(clamping: statistics.dead))
    object["untaken"] = .int(Int64(clamping: statistics.untaken))
    object["dropped"] = .int(Int64(clamping: statistics.dropped))
    object["queued"] = .int(Int64(clamping: statistics.depth))
    object["in_flight"] = .int(Int64(clamping: statistics.inFlight))
    let threads = instance.generation?.handle.threads.names ?? []
    if !threads.isEmpty { object["threads"] = .array(threads.map(JSONValue.string)) }
    let pinned = instance.pinned
    if !pinned.isEmpty {
      object["mapped"] = .array(
        pinned.map { entry in
          .object(["generation": .int(Int64(entry.generation)), "why": .array(entry.reasons.map(JSONValue.string))])
        })
    }
    let connections = running?.network.connections(owner: instance.name) ?? []
    if !connections.isEmpty {
      object["connections"] = .array(
        connections.map { _, spec, snapshot in
          .object([
            "name": .string(spec.name), "state": .string(snapshot.state), "to": .string("\(spec.host):\(spec.port)"),
            "peer": .string(snapshot.peer), "tls": .bool(spec.isTLS),
            "since": .string(Timestamp.rfc3339(snapshot.since)),
            "bytes_in": .int(Int64(clamping: snapshot.bytesIn)),
          ])
        })
    }
    if let health = health(of: instance) { object["health"] = health }
    return .object(object)
  }

  /// Asks the plugin, on its lane; nil when it does not say or is not running.
  private func health(of instance: PluginInstance) -> JSONValue? {
    guard instance.state == .running, let generation = instance.generation,
      generation.descriptor?.table.health != nil
    else { return nil }
    let outcome = instance.endpoint.onLane(timeout: 200_000_000) { generation.health() }
    guard let answer = outcome else {
      return .object(["ok": .bool(false), "detail": .string("no answer within 200 ms")])
    }
    guard let (code, value) = answer else { return nil }
    return code >= 0 ? value : .object(["ok": .bool(false), "detail": .string(ResultCode.name(code))])
  }

  /// Everything that is counted, in Prometheus' text format.
  func metricsText() -> String { PrometheusText.render(metrics.snapshot()) }

  /// Has the numbers of an instance read when somebody looks, until `forgetNumbers`.
  func observe(_ instance: PluginInstance) {
    let labels = Self.labels(of: instance)
    func gauge(_ name: String, _ help: String, _ read: @escaping @Sendable () -> Int64) {
      metrics.observe(name, labels: labels, help: help, read)
    }
    gauge("up", "1 while the instance runs") { instance.state == .running ? 1 : 0 }
    gauge("queue_events", "events that wait in the lane") { Int64(clamping: instance.endpoint.statistics().depth) }
    gauge("in_flight", "deliveries that are not settled") { Int64(clamping: instance.endpoint.statistics().inFlight) }
    gauge("handled_events", "deliveries that were acknowledged") {
      Int64(clamping: instance.endpoint.statistics().delivered)
    }
    gauge("failed_deliveries", "attempts that failed") { Int64(clamping: instance.endpoint.statistics().failed) }
    gauge("dead_letters", "events that nobody will try again") { Int64(clamping: instance.endpoint.statistics().dead) }
    gauge("untaken_events", "events that it has published, that somebody had to take, and that nobody has taken") {
      Int64(clamping: instance.endpoint.statistics().untaken)
    }
    gauge("dropped_events", "events that a full lane has dropped") {
      Int64(clamping: instance.endpoint.statistics().dropped)
    }
  }

  /// The instance has gone.
  func forgetNumbers(of instance: PluginInstance) { metrics.forget(labels: Self.labels(of: instance)) }

  private static func labels(of instance: PluginInstance) -> [Metric.Label] {
    [Metric.Label("instance", instance.name)]
  }
}
