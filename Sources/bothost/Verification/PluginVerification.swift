import BotHost
import Glibc

/// One thing that was looked at.
struct VerificationFinding {
  enum Outcome: String {
    case ok
    case failed = "FAIL"
    /// It could not be tried; nothing is said about it.
    case skipped = "skip"
  }

  var check: String
  var outcome: Outcome
  var detail: String
  /// What to do about it.
  var advice = ""
}

/// Trials of the contract between a plugin and the host: from its bytes to the end of its life, in a host of its own.
///
/// A handler may refuse a sample, and a method may answer with a failure: the contract is that each delivery and each call ends,
/// once and in time, and that a generation leaves nothing behind.
final class PluginVerification {
  private let source: PluginSource
  private let others: [String]
  private let configuration: String?
  private let samples: [(topic: String, payload: JSONValue)]
  private let tell: (VerificationFinding) -> Void
  private var name: String { source.manifest.plugin }

  /// - Parameters:
  ///   - others: directories with the plugins that this one requires.
  ///   - samples: events to try it with besides those that are made up.
  ///   - tell: is called with each finding, as it is made.
  init(
    _ source: PluginSource, others: [String], configuration: String?, samples: [(topic: String, payload: JSONValue)],
    tell: @escaping (VerificationFinding) -> Void
  ) {
    self.source = source
    self.others = others
    self.configuration = configuration
    self.samples = samples
    self.tell = tell
  }

  func run() throws {
    guard inspect() else { return }
    let folder = try TemporaryFolder()
    let host: ChildHost
    do {
      host = try ChildHost(
        directory: folder.path, plugins: [try stage(in: folder)] + others, configuration: configuration)
    } catch let failure as ChildHost.Failure {
      fail("start", failure.reason, "the host says what to change; --config FILE gives it settings")
      return
    }
    guard started(host) else { return }
    // Each says by itself what went wrong; after the end of its host there is nothing more to try.
    deliver(host, "events")
    guard !host.isGone else { return }
    call(host)
    guard !host.isGone else { return }
    reconfigure(host)
    guard !host.isGone else { return }
    let hasResumed = rehearse(host)
    guard !host.isGone else { return }
    if hasResumed {
      deliver(host, "events after the swap that was called off")
      guard !host.isGone else { return }
    }
    // An instance that could not go on is down.
    let hasSwapped = hasResumed && swap(host)
    guard !host.isGone else { return }
    if hasSwapped {
      deliver(host, "events after the swap")
      guard !host.isGone else { return }
      ledger(host)
    }
    settled(host)
    end(host)
  }

  // MARK: Before anything runs

  private func inspect() -> Bool {
    let report = HostCheck(
      paths: [source.path], pluginDirectories: [], configurationFile: nil, environment: Control.environment
    ).run()
    var isSound = true
    for finding in report.findings where finding.json["severity"]?.string == "error" {
      isSound = false
      let place = finding.json["line"]?.int.map { "line \($0): " } ?? ""
      fail("manifest and library", place + (finding.json["message"]?.string ?? ""), finding.json["hint"]?.string ?? "")
    }
    guard isSound else { return false }
    let manifest = source.manifest
    pass(
      "manifest and library",
      "they agree on \(counted(manifest.handlers.count, "handler")), \(counted(manifest.methods.count, "method")) and "
        + counted(manifest.hooks.count, "hook"))
    return true
  }

  /// A directory with this manifest and its library alone.
  private func stage(in folder: TemporaryFolder) throws -> String {
    let library = source.manifest.library
    guard !library.contains("/") else {
      let end = source.path.lastIndex(of: "/")
      return end.map { String(source.path[..<$0]) } ?? "."
    }
    let directory = folder.path + "/p"
    let manifest = source.path.split(separator: "/").last.map(String.init) ?? "manifest.yaml"
    guard mkdir(directory, 0o700) == 0,
      symlink(Control.absolute(source.path), "\(directory)/\(manifest)") == 0,
      symlink(Control.absolute(source.library), "\(directory)/\(library)") == 0
    else { throw CommandFailure("\(directory): cannot be filled: \(String(cString: strerror(errno)))") }
    return directory
  }

  // MARK: In a host of its own

  private func row(_ host: ChildHost) throws -> JSONValue {
    let answer = try host.client.request("ps", .object([:]))
    guard let row = answer["instances"]?.array?.first(where: { $0["name"]?.string == name }) else {
      throw ChildHost.Failure(reason: "there is no instance '\(name)'")
    }
    return row
  }

  private func started(_ host: ChildHost) -> Bool {
    // One that starts on use, or whose settings were not in order, is not among those that have been started.
    var said: String?
    if (try? row(host)) == nil {
      do { _ = try host.client.request("start", ["instance": .string(name)]) } catch { said = error.message }
    }
    let row = try? row(host)
    guard row?["state"]?.string == "running" else {
      let logged = host.log.last { $0.level == "error" && (row == nil || $0.source == name) }?.message
      fail(
        "start", said ?? row?["detail"]?.string ?? logged ?? "the instance does not run",
        needed.isEmpty
          ? "--config FILE gives it other settings" : "settings come with --config FILE, which holds: \(example)")
      return false
    }
    pass("start", "tried in a process of its own, loaded, created, bound and activated")
    return true
  }

  /// The settings that the plugin does not run without.
  private var needed: [ConfigKey] {
    guard configuration == nil else { return [] }
    return source.manifest.config.filter { $0.isRequired && !$0.hasDefault }
  }

  /// A host's configuration in one line, with what has to be filled in.
  private var example: String {
    let settings = needed.map { key in
      if case .secret = key.kind { return "\(key.name): \"${\(key.environment ?? key.name.uppercased())}\"" }
      return "\(key.name): ..."
    }
    return "{bothost: 1, kind: host, plugins: {\(name): {config: {\(settings.joined(separator: ", "))}}}}"
  }

  /// Publishes samples on every topic that a handler is for, and waits until all of them are settled.
  private func deliver(_ host: ChildHost, _ check: String) {
    var events: [(topic: String, payload: JSONValue)] = []
    for handler in source.manifest.handlers {
      guard case .pattern(let pattern) = handler.topic, let topic = SamplePayload.topic(for: pattern) else { continue }
      let given = samples.filter { pattern.matches($0.topic) }
      events +=
        given.isEmpty
        ? [(topic, SamplePayload.payload(topic: topic, handler: handler, manifest: source.manifest))] : given
    }
    guard !events.isEmpty else { return skip(check, "no handler is for a topic that others publish") }
    do {
      let before = try row(host)
      for _ in 0..<3 {
        for event in events {
          _ = try host.client.request("publish", ["topic": .string(event.topic), "payload": event.payload])
        }
      }
      let limit = source.manifest.handlers.map(\.timeout.nanoseconds).max() ?? 0
      let open = try waitUntilSettled(host, limit + 2_000_000_000)
      guard open == 0 else {
        return fail(
          check, "\(counted(open, "delivery", "deliveries")) of \(events.count * 3) are not settled",
          "answer BH_OK, or BH_ASYNC and then `ack` or `nack` before the handler's timeout")
      }
      let after = try row(host)
      func gained(_ key: String) -> Int64 { (after[key]?.int ?? 0) - (before[key]?.int ?? 0) }
      var words = "\(gained("handled")) handled"
      if gained("dead") > 0 {
        let reason = host.log.last { $0.source == name && $0.message.contains(" gave up an event") }?.message ?? ""
        words += ", \(gained("dead")) refused with a reason (\(reason)); --events FILE gives better samples"
      }
      pass(check, words)
    } catch { lost(host, check, error) }
  }

  /// Nothing queued, nothing under way. How many are left when the time is up, nanoseconds.
  private func waitUntilSettled(_ host: ChildHost, _ patience: Int64) throws -> Int64 {
    let deadline = SystemClock().monotonic + min(patience, 60_000_000_000)
    while true {
      let row = try row(host)
      let open = (row["queued"]?.int ?? 0) + (row["in_flight"]?.int ?? 0)
      if open == 0 || SystemClock().monotonic > deadline { return open }
      usleep(20_000)
    }
  }

  /// Each method once, with an argument of the declared form.
  private func call(_ host: ChildHost) {
    let methods = source.manifest.methods
    guard !methods.isEmpty else { return skip("methods", "the manifest declares none") }
    var refused: [String] = []
    for method in methods {
      do {
        _ = try host.client.request(
          "call",
          [
            "method": .string("\(name).\(method.name)"), "argument": SamplePayload.record(method.arguments ?? []),
          ])
      } catch let error where error.code == .timeout {
        return fail(
          "methods", "\(method.name) did not answer within \(method.timeout.nanoseconds / 1_000_000) ms",
          "call `reply` once, before the method's timeout")
      } catch let error where error.code == .unreachable {
        return lost(host, "methods", error)
      } catch {
        refused.append("\(method.name): \(error.message)")
      }
    }
    pass(
      "methods",
      "\(counted(methods.count, "method")) answered"
        + (refused.isEmpty ? "" : ", of these \(refused.count) with a failure (\(refused.joined(separator: "; ")))"))
  }

  /// The configuration that it has, once more: what a plugin was made with it has to accept.
  private func reconfigure(_ host: ChildHost) {
    let check = "reconfigure"
    do {
      let answer = try host.client.request("reconfigure", ["instance": .string(name)])
      switch answer["outcome"]?.string {
      case "taken":
        pass(check, "its own configuration was taken over again in \((answer["pause_ns"]?.int ?? 0) / 1000) us")
      case "unsupported": pass(check, "left to a fresh generation (\(answer["reason"]?.string ?? ""))")
      default: skip(check, "the plugin has none: another configuration comes with a fresh generation")
      }
    } catch {
      error.code == .unreachable
        ? lost(host, check, error)
        : fail(check, error.message, "what `create` takes, `reconfigure` has to take, too")
    }
  }

  /// A swap that is called off at its last step, so that the build that was about to go has to go on.
  private func rehearse(_ host: ChildHost) -> Bool {
    let check = "resume"
    do {
      let report = try host.client.request("swap", ["instance": .string(name), "rehearse": true])
      pass(check, "a swap was called off at its last step, after \((report["pause_ns"]?.int ?? 0) / 1000) us")
      return true
    } catch {
      error.code == .unreachable
        ? lost(host, check, error)
        : fail(check, error.message, "after `quiesce` and `export_state`, `resume` has to go on as before")
      return false
    }
  }

  private func swap(_ host: ChildHost) -> Bool {
    do {
      let report = try host.client.request("swap", ["instance": .string(name)])
      pass(
        "swap",
        "to itself: paused \((report["pause_ns"]?.int ?? 0) / 1000) us, \(report["state_bytes"]?.int ?? 0) bytes of state "
          + "exported and imported")
      return true
    } catch {
      if error.code == .unreachable {
        lost(host, "swap", error)
      } else {
        fail("swap", error.message, "quiesce, export_state and import_state must take what the same build has written")
      }
      return false
    }
  }

  /// What the host has noticed on the way.
  private func settled(_ host: ChildHost) {
    let lines = host.log.filter { $0.source == name }
    if let line = lines.first(where: { $0.message.contains("settled twice") }) {
      fail("settlement", line.message, "`ack`, `nack` or `reply` once; a handler that has called `ack` returns BH_OK")
    } else if let line = lines.first(where: { $0.message.contains("not settled before its deadline") }) {
      fail("settlement", line.message, "answer before the handler's `timeout`")
    } else if let line = lines.first(where: { $0.message.contains("has not returned for") }) {
      fail("settlement", line.message, "a handler must not wait: use BH_ASYNC and a thread of bh.thread")
    } else {
      pass("settlement", "nothing was settled twice, nothing too late")
    }
    if let line = lines.first(where: { $0.message.contains("held its lane for") }) {
      // The machine may have been busy: this alone is no breach.
      skip("lane", "\(line.message), unless this machine was busy")
    }
  }

  /// What the generation that was swapped away has left.
  private func ledger(_ host: ChildHost) {
    // It is ended beside the lane, after the swap has returned, and the last word of that is what became of its image.
    func isOfIt(_ line: ChildLog.Line) -> Bool { line.source == name && line.message.hasPrefix("generation 1 ") }
    _ = host.line(within: 10) { isOfIt($0) && $0.message.contains("mapped") }
    let lines = host.log.filter(isOfIt)
    if let line = lines.first(where: { $0.message.contains("left something behind") }) {
      fail("ledger", line.message, "release what was retained, and let threads end, by the end of `destroy`")
    } else if lines.isEmpty {
      fail("ledger", "the old build was not destroyed within 10 s", "`destroy` must return")
    } else if let line = lines.last(where: { $0.message.contains(" stays mapped: ") }) {
      pass("ledger", "nothing left behind; \(line.message)")
    } else {
      pass("ledger", "nothing left behind, and the old build is unmapped")
    }
  }

  private func end(_ host: ChildHost) {
    switch host.stop(within: 30) {
    case 0?: pass("stop", "destroyed; the host ended with 0")
    case let code?: fail("stop", "the host ended with \(code)\(lastWords(host))", "`destroy` must not exit or crash")
    case nil: fail("stop", "the host did not end within 30 s", "`quiesce` and `destroy` must return")
    }
  }

  // MARK: Telling

  private func pass(_ check: String, _ detail: String) {
    tell(VerificationFinding(check: check, outcome: .ok, detail: detail))
  }
  private func skip(_ check: String, _ detail: String) {
    tell(VerificationFinding(check: check, outcome: .skipped, detail: detail))
  }
  private func fail(_ check: String, _ detail: String, _ advice: String) {
    tell(VerificationFinding(check: check, outcome: .failed, detail: detail, advice: advice))
  }

  /// The host has gone, or cannot be talked to.
  private func lost(_ host: ChildHost, _ check: String, _ error: any Error) {
    guard host.isGone(within: 10) else {
      return fail(
        check, (error as? ControlError)?.message ?? "\((error as? ChildHost.Failure)?.reason ?? "\(error)")", "")
    }
    fail(
      check, "the plugin has taken its host down\(lastWords(host))",
      "run `bothost --plugins DIR` under a debugger, and repeat it there")
  }

  private func lastWords(_ host: ChildHost) -> String {
    let words = host.log.first {
      $0.level == "output" && ($0.message.contains("Program crashed") || $0.message.contains("Fatal error"))
    }
    return words.map { ": \($0.message.prefix(200))" } ?? ""
  }

  private func counted(_ count: some BinaryInteger, _ word: String, _ plural: String? = nil) -> String {
    "\(count) \(count == 1 ? word : plural ?? word + "s")"
  }
}
