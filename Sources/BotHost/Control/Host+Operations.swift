import CBotHost
import Glibc

/// What operators and the control socket ask of a running host.
extension Host {
  struct NotRunning: Error, CustomStringConvertible {
    var description: String { "the host is not running" }
  }

  /// An instance by name, or what to write instead.
  private func wanted(_ name: String) throws -> PluginInstance {
    if let instance = instance(name) { return instance }
    let known = instances.map(\.name) + PluginCatalog(directories: options.pluginDirectories).manifests.map(\.plugin)
    let hint = Suggestion.hint(for: name, in: known).map { " (\($0))" } ?? ""
    throw MethodFailure(BH_E_NOTFOUND, "there is no instance '\(name)'\(hint)")
  }

  /// Starts an instance that is down, from the manifest and the library as they are now; or a plugin that starts on use, with what it
  /// requires.
  public func startInstance(_ name: String) throws {
    guard let instance = instance(name) else { return try startOnUse(name) }
    try operate(on: instance) { parts in
      guard instance.generation == nil else { return }
      let planned = try planned(instance, from: try readAgain(instance))
      mask(planned.resolved)
      instance.takeOver(planned)
      try start(instance, parts)
    }
    startThoseThatWait(for: instance)
  }

  /// Starts an instance that somebody asks for: what goes wrong is told instead of tried again. Within an operation on it.
  private func start(_ instance: PluginInstance, _ parts: Parts) throws {
    parts.supervisor.forget(instance.name)
    let missing = missingRequirements(of: instance)
    guard missing.isEmpty else {
      bringUp(instance, parts)
      guard case .waitingFor(let plugins) = instance.state else { return }
      throw LifecycleFailure(
        instance.name, "start", "it requires \(plugins.joined(separator: ", ")), which is not up"
      ).leaving("it starts when that is: `bothost start \(plugins[0])`")
    }
    do { try parts.tools.start(instance) } catch {
      instance.state = .failed(reason: "\(error)")
      throw error
    }
  }

  /// Makes and starts an instance that was not among those that start by themselves.
  private func startOnUse(_ name: String) throws {
    try restructure { parts in
      let catalog = PluginCatalog(directories: options.pluginDirectories)
      let asked = HostPlan.closure(of: [name], catalog)
      var options = options
      options.bots = []
      let plan = HostPlan(options: options, catalog: catalog, asked: asked)
      guard plan.instances.contains(where: { $0.name == name }) else {
        guard catalog.source(of: name) != nil else {
          _ = try wanted(name)
          return
        }
        throw LifecycleFailure(name, "start", plan.diagnostics.errors.map(\.description).joined(separator: "; "))
      }
      for planned in plan.instances where asked.contains(planned.name) && instance(planned.name) == nil {
        guard let instance = add(planned, parts) else {
          throw LifecycleFailure(planned.name, "create", "the instance cannot be put on the bus")
        }
        instance.isByHand = true
        try operate(on: instance) { try start(instance, $0) }
        startThoseThatWait(for: instance)
      }
    }
  }

  /// Finishes what an instance has begun and ends it, until somebody starts it again.
  public func stopInstance(_ name: String) throws {
    let instance = try wanted(name)
    try operate(on: instance) { parts in
      parts.supervisor.forget(name)
      parts.tools.stop(instance)
    }
  }

  /// Stops it and starts what the manifest and the library are now; when they cannot be read, what runs goes on.
  public func restartInstance(_ name: String) throws {
    let instance = try wanted(name)
    try operate(on: instance) { parts in
      let planned = try planned(instance, from: try readAgain(instance))
      if instance.generation != nil { try parts.tools.loader.inspect(name, planned.source) }
      mask(planned.resolved)
      parts.supervisor.forget(name)
      parts.tools.stop(instance, .restart)
      instance.takeOver(planned)
      do { try start(instance, parts) } catch {
        // It was up, and its operator wants it up.
        if case .failed = instance.state { failed(instance, error, parts) }
        throw error
      }
    }
    startThoseThatWait(for: instance)
  }

  /// Swaps an instance for the build on disk, or for `library`.
  ///
  /// - Parameter isRehearsal: do everything but the last step: the old build takes up its work again.
  @discardableResult
  public func swapInstance(
    _ name: String, library: String? = nil, dropsState: Bool = false, allowsPermissions: Bool = false,
    isRehearsal: Bool = false
  ) throws -> SwapReport {
    let instance = try wanted(name)
    return try operate(on: instance) { parts in
      guard instance.generation != nil else {
        throw LifecycleFailure(
          name, "swap", "the instance is \(instance.state.word); `bothost start \(name)` starts it")
      }
      let read = try PluginSource.read(again: instance.source, library: library)
      if !allowsPermissions { try checkPermissions(read, of: instance) }
      return try swap(
        instance, to: planned(instance, from: read), parts, anyVersion: library != nil, dropsState: dropsState,
        isRehearsal: isRehearsal)
    }
  }

  /// Calls a method from outside and waits for its result. `timeout` in nanoseconds; 0: the method's own.
  public func call(_ method: String, _ argument: JSONValue, timeout: Int64 = 0) throws -> JSONValue {
    guard let parts = running else { throw NotRunning() }
    if let reason = reasonNotToCall(method) { throw MethodFailure(BH_E_CANCELLED, reason) }
    let answer = CallAnswer()
    _ = parts.bus.call(method, argument: argument.serializedBytes(), timeout: timeout) { code, result in
      answer.set(code, result)
    }
    let (code, bytes) = answer.wait()
    guard code >= 0 else {
      var message = String(decoding: bytes, as: UTF8.self)
      if code == BH_E_NOTFOUND, let missing = missing(method) { message = missing }
      throw MethodFailure(code, log.masks.mask(message))
    }
    guard !bytes.isEmpty else { return .null }
    do { return try JSONValue(parsing: String(decoding: bytes, as: UTF8.self)) } catch {
      throw MethodFailure(BH_E_INTERNAL, "\(method) answered with something that is not JSON: \(error)")
    }
  }

  /// An operator's call does not wait for an instance that nobody is going to start.
  private func reasonNotToCall(_ method: String) -> String? {
    guard let dot = method.lastIndex(of: "."), let instance = instance(String(method[..<dot])) else { return nil }
    switch instance.state {
    case .stopped, .failed, .waitingFor:
      let detail = instance.state.detail.map { ": \($0)" } ?? ""
      return
        "the instance '\(instance.name)' is \(instance.state.word)\(detail); `bothost start \(instance.name)` starts it"
    default: return nil
    }
  }

  /// What to write instead of a method that is not there; nil when the manifest has it.
  private func missing(_ method: String) -> String? {
    guard let dot = method.lastIndex(of: ".") else { return "'\(method)' is no method; write INSTANCE.METHOD" }
    let (name, rest) = (String(method[..<dot]), String(method[method.index(after: dot)...]))
    guard let instance = instance(name) else {
      let known = instances.map(\.name) + PluginCatalog(directories: options.pluginDirectories).manifests.map(\.plugin)
      let hint = Suggestion.hint(for: name, in: known).map { " (\($0))" } ?? ""
      return "there is no instance '\(name)'\(hint)"
    }
    let methods = instance.manifest.methods.map(\.name)
    guard !methods.contains(rest) else { return nil }
    let hint = Suggestion.hint(for: rest, in: methods).map { " (\($0))" } ?? ""
    return "\(name) has no method '\(rest)'\(hint)"
  }

  /// Publishes an event in the name of the operator.
  func publish(topic: String, payload: [UInt8], key: String, contentType: String, isMandatory: Bool = false) throws {
    guard let parts = running else { throw NotRunning() }
    guard TopicPattern(topic)?.isLiteral == true else {
      let reason = TopicPattern.problem(with: topic) ?? "a topic that is published has no '*'"
      throw MethodFailure(BH_E_INVALID, "'\(topic)' is no topic: \(reason)")
    }
    if let problem = ReservedNames.publishProblem(topic) { throw MethodFailure(BH_E_INVALID, "'\(topic)': \(problem)") }
    let code = parts.bus.publish(
      topic: topic, payload: payload, key: key, source: "operator", contentType: contentType, isMandatory: isMandatory)
    guard code >= 0 else { throw MethodFailure(code, CallMessage.take() ?? "") }
  }
}

/// A result that one thread waits for and another brings.
private final class CallAnswer: @unchecked Sendable {
  private let monitor = Monitor()
  private var answer: (bh_rc, [UInt8])?

  func set(_ code: bh_rc, _ result: [UInt8]) {
    monitor.withLock {
      answer = (code, result)
      monitor.broadcast()
    }
  }

  func wait() -> (bh_rc, [UInt8]) {
    monitor.withLock {
      while true {
        if let answer { return answer }
        monitor.wait()
      }
    }
  }
}
