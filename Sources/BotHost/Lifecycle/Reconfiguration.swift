import CBotHost

/// Another configuration for the generation that serves: its plugin takes it over on its lane, between two events, and goes on.
///
/// The plugin checks the whole configuration before it takes anything over. While it does, `config_get` and `bh.secret` answer from
/// the new one; when it refuses, they answer from the old one again, and nothing has changed. What the host itself derived from the
/// configuration is not a plugin's to change: see `reasonForSwap`.
///
/// `run` is for the thread of the operation; the call itself runs on the lane.
final class Reconfiguration: @unchecked Sendable {
  /// What has come of it.
  enum Outcome: Sendable, Equatable {
    /// The configuration is in force. `pause`: nanoseconds for which the lane did nothing else.
    case taken(pause: Int64)
    /// The plugin cannot do it in place: a fresh generation can.
    case unsupported(String)
  }

  private enum Progress {
    /// The lane has not come to it.
    case waiting
    case begun(until: Int64)
    case ended(Result<Outcome, LifecycleFailure>)
    /// Nobody waits any more.
    case givenUp
  }

  /// For the call, nanoseconds; the ABI asks for one second.
  private static let callTime: Int64 = 10_000_000_000
  private static let callTimeAsked: Int64 = 1_000_000_000

  private let instance: PluginInstance
  private let generation: Generation
  private let planned: HostPlan.Instance
  private let manifestText: [UInt8]
  private let clock: any HostClock
  /// The names of the keys that change.
  private let keys: [String]
  private let monitor = Monitor()
  /// Under the monitor.
  private var progress = Progress.waiting

  /// - Parameter planned: the same plugin, library and manifest but for the configuration.
  init(of instance: PluginInstance, _ generation: Generation, to planned: HostPlan.Instance, clock: any HostClock) {
    self.instance = instance
    self.generation = generation
    self.planned = planned
    self.clock = clock
    manifestText = planned.source.manifestText
    keys = planned.resolved.changes(from: instance.resolvedNow)
  }

  /// Why only a fresh generation can have the configuration; nil: the plugin can be asked.
  static func reasonForSwap(_ generation: Generation, _ manifest: Manifest, keys: [String]) -> String? {
    guard generation.descriptor?.table.reconfigure != nil else { return "the plugin has no `reconfigure`" }
    let topics = manifest.handlers.compactMap { handler in
      if case .configuration(let key) = handler.topic { key } else { nil }
    }
    let words = manifest.hooks.flatMap { $0.configuredMatches.map(\.key) }
    return keys.first { topics.contains($0) }.map { "'\($0)' names the topics of a handler" }
      ?? keys.first { words.contains($0) }.map { "'\($0)' names the words of a hook" }
  }

  func run() throws(LifecycleFailure) -> Outcome {
    let drain = max(instance.manifest.swap.drain.nanoseconds, 1_000_000)
    guard instance.endpoint.postToLane({ [self] in call() }) == BH_OK else { throw failure("the lane has ended") }
    let result = wait(forLane: drain)
    switch result {
    case .success(let outcome): return outcome
    case .failure(let failure): throw failure
    }
  }

  private func wait(forLane drain: Int64) -> Result<Outcome, LifecycleFailure> {
    let deadline = clock.monotonic + drain
    return monitor.withLock {
      while true {
        let limit: Int64
        switch progress {
        case .waiting: limit = deadline
        case .begun(let until): limit = until
        case .ended(let result): return result
        case .givenUp: return .failure(failure("it was given up"))
        }
        guard clock.monotonic >= limit else {
          _ = monitor.wait(until: limit)
          continue
        }
        defer { progress = .givenUp }
        guard case .begun = progress else {
          return .failure(
            failure("a handler of generation \(generation.number) is still running after \(drain / 1_000_000) ms")
              .leaving(Self.stays))
        }
        return .failure(
          failure("`reconfigure` did not return in time").leaving(
            "which configuration is in force is known when the call returns"))
      }
    }
  }

  /// On the lane, between two events.
  private func call() {
    let began = clock.monotonic
    let goes = monitor.withLock {
      guard case .waiting = progress else { return false }
      progress = .begun(until: began + Self.callTime)
      return true
    }
    guard goes else { return }
    let before = generation.handle.exchange(
      HostHandle.Settings(manifest: planned.source.manifest, resolved: planned.resolved))
    let code = generation.reconfigure(planned.resolved.json)
    let said = CallMessage.take()
    if code >= 0 {
      instance.adopt(planned.source.manifest, planned.resolved, text: manifestText)
      instance.source = planned.source
      instance.overrides = planned.overrides
    } else {
      _ = generation.handle.exchange(before)
    }
    let pause = clock.monotonic - began
    if pause > Self.callTimeAsked {
      instance.log.warning(instance.name, "`reconfigure` held the lane for \(pause / 1_000_000) ms")
    }
    let result: Result<Outcome, LifecycleFailure> =
      switch code {
      case BH_E_UNSUPPORTED.code: .success(.unsupported(said ?? "the plugin cannot take it over in place"))
      case ..<0: .failure(failure(refusal(said ?? ResultCode.name(code))).leaving(Self.stays))
      default: .success(.taken(pause: pause))
      }
    let isHeard = monitor.withLock {
      guard case .begun = progress else { return false }
      progress = .ended(result)
      monitor.broadcast()
      return true
    }
    guard !isHeard else { return }
    // The operation has been called a failure; what is so now has to be said.
    instance.log.warning(
      instance.name,
      code >= 0
        ? "`reconfigure` has returned after all: the new configuration is in force"
        : "`reconfigure` has returned after all and refused: \(said ?? ResultCode.name(code))")
  }

  private static let stays = "the configuration before stays in force"

  /// What the plugin says, with the settings that it was about when it names none of them.
  private func refusal(_ said: String) -> String {
    if keys.isEmpty || keys.contains(where: said.contains) { return said }
    return "\(keys.joined(separator: ", ")): \(said)"
  }

  private func failure(_ reason: String) -> LifecycleFailure { LifecycleFailure(instance.name, "reconfigure", reason) }
}

extension Int {
  /// The header's numbers come as Int; a result is 32 bits wide.
  fileprivate var code: bh_rc { bh_rc(truncatingIfNeeded: self) }
}
