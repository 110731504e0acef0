/// Where an instance is in its life.
public enum InstanceState: Sendable, Equatable {
  /// Not running, by choice.
  case stopped
  /// Loading, creating, activating.
  case starting
  case running
  /// A new generation is taking over.
  case swapping(SwapStep)
  /// Its events are being finished.
  case stopping
  /// It will be started when these plugins, which it requires, are up.
  case waitingFor([String])
  /// It failed and will be started again; nanoseconds, CLOCK_MONOTONIC.
  case waiting(until: Int64, reason: String)
  /// It failed and nobody will start it again but an operator.
  case failed(reason: String)

  /// One word, for tables.
  public var word: String {
    switch self {
    case .stopped: "stopped"
    case .starting: "starting"
    case .running: "running"
    case .swapping: "swapping"
    case .stopping: "stopping"
    case .waiting, .waitingFor: "waiting"
    case .failed: "failed"
    }
  }

  /// What there is to say besides the word.
  public var detail: String? {
    switch self {
    case .swapping(let step): step.rawValue
    case .waiting(_, let reason), .failed(let reason): reason
    case .waitingFor(let plugins): "for \(plugins.joined(separator: ", ")) to start"
    default: nil
    }
  }
}

/// The steps of a hot swap, in order. A failure names the one it happened at.
public enum SwapStep: String, Sendable, CaseIterable {
  case stage, inspect, probe, load, create, precopy, quiesce, drain, export, `import`, activate, retire

  /// What fails here fails because of what is in the library, if not because of the host.
  var judgesTheLibrary: Bool { [.stage, .inspect, .probe, .load].contains(self) }
}

/// Why a start or a swap did not succeed: the step, what happened there, and what it left.
public struct LifecycleFailure: Error, Sendable, CustomStringConvertible {
  public let instance: String
  public let step: String
  public let reason: String
  /// What is so now: "generation 3 goes on".
  public let outcome: String?
  /// Whether another attempt with the same files would end in the same way.
  let isLasting: Bool

  init(_ instance: String, _ step: SwapStep, _ reason: String, outcome: String? = nil) {
    self.init(
      instance: instance, step: step.rawValue, reason: reason, outcome: outcome, isLasting: step.judgesTheLibrary)
  }

  init(_ instance: String, _ step: String, _ reason: String) {
    self.init(instance: instance, step: step, reason: reason, outcome: nil, isLasting: false)
  }

  /// Of a step before `create`.
  init(_ instance: String, _ step: SwapStep, _ error: any Error) {
    let isOfLibrary = (error as? ImageRefusal)?.isOfLibrary ?? true
    self.init(
      instance: instance, step: step.rawValue, reason: "\(error)", outcome: nil,
      isLasting: step.judgesTheLibrary && isOfLibrary)
  }

  public var description: String {
    "\(instance): \(step) failed: \(reason)" + (outcome.map { "; \($0)" } ?? "")
  }

  func leaving(_ outcome: String) -> LifecycleFailure {
    LifecycleFailure(instance: instance, step: step, reason: reason, outcome: outcome, isLasting: isLasting)
  }

  private init(instance: String, step: String, reason: String, outcome: String?, isLasting: Bool) {
    self.instance = instance
    self.step = step
    self.reason = reason
    self.outcome = outcome
    self.isLasting = isLasting
  }
}
