import CBotHost
import Glibc

/// Ties what a manifest names in `call:` to functions of a loaded image, and makes the plan that the bus gets.
///
/// A name is first an exported function, called directly or, with a `signature:`, through libffi; otherwise a name that the plugin's
/// `bind` knows.
final class CallBinder {
  private let image: Image
  private let handle: HostHandle
  private let object: OpaquePointer?
  private let instance: String
  /// Owns the memory behind call targets that go through libffi.
  private(set) var foreign: [ForeignFunction] = []

  init(image: Image, handle: HostHandle, object: OpaquePointer?, instance: String) {
    self.image = image
    self.handle = handle
    self.object = object
    self.instance = instance
  }

  func plan(_ manifest: Manifest, configuration: JSONValue, generation: UInt32) throws -> EndpointPlan {
    var plan = EndpointPlan(generation: generation)
    for section in manifest.extensions { plan.extensions[section.plugin] = section.content }
    var publishes = manifest.topics.compactMap(\.pattern) + manifest.permissions.publish
    for (index, handler) in manifest.handlers.enumerated() {
      if let emits = handler.emits, let pattern = TopicPattern(emits) { publishes.append(pattern) }
      for pattern in try patterns(of: handler, configuration) {
        plan.handlers.append(try spec(handler, pattern, index: index, manifest: manifest))
      }
    }
    for method in manifest.methods {
      let target = try methodTarget(method, manifest: manifest)
      plan.methods.append(MethodSpec(name: method.name, target: target, timeout: method.timeout.nanoseconds))
    }
    for hook in manifest.hooks {
      let target = try target(hook.call, kind: UInt32(BH_BIND_HOOK), manifest: manifest, place: hook.location)
      for matches in try matches(of: hook, configuration) {
        plan.hooks.append(
          HookSpec(
            method: hook.method.text, target: target, priority: Int32(clamping: hook.priority),
            timeout: hook.timeout.nanoseconds, passesWhenLate: hook.onTimeout == .pass,
            passesWhenFailed: hook.onError == .pass, matches: matches, about: hook.about))
      }
    }
    if let standard = image.descriptor?.table.handle {
      plan.standard = CallTarget(function: standard, context: object)
    }
    plan.publishes = publishes
    plan.mandatory = manifest.topics.filter(\.isMandatory).compactMap(\.pattern)
    return plan
  }

  /// What a hook is asked about: once as the manifest has it, or once for each word of the configuration.
  private func matches(of hook: HookDeclaration, _ configuration: JSONValue) throws -> [[FieldMatch]] {
    var all = [hook.matches]
    for match in hook.configuredMatches {
      let words: [String]
      switch configuration[match.key] {
      case .array(let list)?: words = list.compactMap(\.string)
      case .object(let members)?: words = members.map(\.key)
      default: words = []
      }
      let fields = try words.map { word in
        do { return try FieldMatch(pointer: match.pointer, word: word) } catch {
          throw LifecycleFailure(
            instance, .create, "configuration key '\(match.key)': '\(word)' is no word that a hook can match: \(error)")
        }
      }
      all = all.flatMap { matches in fields.map { matches + [$0] } }
    }
    return all
  }

  private func patterns(of handler: HandlerDeclaration, _ configuration: JSONValue) throws -> [TopicPattern] {
    switch handler.topic {
    case .pattern(let pattern): return [pattern]
    case .configuration(let key):
      let values: [JSONValue]
      switch configuration[key] {
      case .array(let list)?: values = list
      case .some(.null), nil: values = []
      case let single?: values = [single]
      }
      return try values.map { value in
        guard let text = value.string, let pattern = TopicPattern(text) else {
          throw LifecycleFailure(
            instance, .create,
            "configuration key '\(key)': \(value.serialized()) is no topic pattern: dotted names, * for one part, ** for the rest"
          )
        }
        return pattern
      }
    }
  }

  private func spec(
    _ handler: HandlerDeclaration, _ pattern: TopicPattern, index: Int, manifest: Manifest
  ) throws -> HandlerSpec {
    let target: CallTarget
    if let signature = handler.signature, !signature.isStandardHandler {
      target = try foreignTarget(
        handler.call, signature, handler.arguments, use: .handler(emits: handler.emits), place: handler.location)
    } else {
      target = try self.target(
        handler.call, kind: UInt32(BH_BIND_HANDLER), manifest: manifest, place: handler.location)
    }
    // The name is the consumer's in the journal: it has to be the same in the next build and after a restart.
    var spec = HandlerSpec(id: "\(handler.call ?? "handle")@\(pattern.text)", topic: pattern, target: target)
    let twins = manifest.handlers[..<index].count { $0.call == handler.call && $0.topic == handler.topic }
    if twins > 0 { spec.id += "#\(twins + 1)" }
    spec.key = handler.key
    spec.conditions = handler.conditions.compactMap { condition in
      FieldValue(condition.value).map { (pointer: condition.pointer, value: $0) }
    }
    spec.timeout = handler.timeout.nanoseconds
    spec.retry = RetryPolicy(
      attempts: UInt32(clamping: handler.retry.max + 1), backoffMinimum: handler.retry.backoff.lower.nanoseconds,
      backoffMaximum: handler.retry.backoff.upper.nanoseconds, mode: handler.retry.mode == .park ? .park : .block)
    spec.inFlight = UInt32(clamping: max(1, handler.concurrency))
    spec.priority = Int32(clamping: handler.priority)
    return spec
  }

  private func methodTarget(_ method: MethodDeclaration, manifest: Manifest) throws -> CallTarget {
    if let signature = method.signature, !signature.isStandardHandler {
      return try foreignTarget(method.call, signature, method.bindings, use: .method, place: method.location)
    }
    if method.call == nil {
      guard let invoke = image.descriptor?.table.invoke else {
        throw LifecycleFailure(
          instance, .create,
          "\(method.location): the method '\(method.name)' names no `call`, and the plugin has no `invoke`")
      }
      return CallTarget(invoke: invoke, context: object)
    }
    return try target(method.call, kind: UInt32(BH_BIND_METHOD), manifest: manifest, place: method.location)
  }

  /// An exported function, a bound name, or the standard entry.
  private func target(_ call: String?, kind: UInt32, manifest: Manifest, place: SourceLocation) throws -> CallTarget {
    let table = image.descriptor?.table
    guard let call else {
      if kind == UInt32(BH_BIND_HANDLER), let handle = table?.handle {
        return CallTarget(function: handle, context: object)
      }
      if kind != UInt32(BH_BIND_HANDLER), let invoke = table?.invoke {
        return CallTarget(invoke: invoke, context: object)
      }
      let member = kind == UInt32(BH_BIND_HANDLER) ? "handle" : "invoke"
      throw LifecycleFailure(
        instance, .create, "\(place): no `call` is named, and the plugin has no standard `\(member)`")
    }
    if let function = image.function(call) {
      return CallTarget(function: unsafeBitCast(function, to: bh_handler.self), context: object)
    }
    var binding: UInt32 = 0
    let code =
      table?.bind.map { bind in withBorrowed(call) { bind(object, kind, $0, &binding) } } ?? bh_rc(BH_E_NOTFOUND)
    let said = CallMessage.take()
    guard code == BH_OK, binding != 0 else {
      throw LifecycleFailure(
        instance, .create,
        said.map { "\(place): \($0)" }
          ?? "\(place): the library neither exports a function '\(call)' nor binds that name")
    }
    if kind == UInt32(BH_BIND_HANDLER), let handle = table?.handle {
      return CallTarget(function: handle, context: object, binding: binding)
    }
    if kind != UInt32(BH_BIND_HANDLER), let invoke = table?.invoke {
      return CallTarget(invoke: invoke, context: object, binding: binding)
    }
    throw LifecycleFailure(
      instance, .create, "\(place): the plugin binds '\(call)' but has no standard `handle` or `invoke` to enter it by")
  }

  private func foreignTarget(
    _ call: String?, _ signature: Signature, _ arguments: [ArgumentBinding], use: ForeignFunction.Use,
    place: SourceLocation
  ) throws -> CallTarget {
    guard let call, let function = image.function(call) else {
      throw LifecycleFailure(instance, .create, "\(place): the library exports no function '\(call ?? "")'")
    }
    let environment = ForeignFunction.Environment(plugin: object, host: handle.pointer, api: HostTable.api)
    do {
      let foreign = try ForeignFunction(
        call, at: function, signature: signature, arguments: arguments, use: use, environment: environment)
      self.foreign.append(foreign)
      return CallTarget(function: foreign.handler, context: foreign.context)
    } catch { throw LifecycleFailure(instance, .create, "\(place): \(error)") }
  }
}

extension FieldValue {
  /// Nil for lists and maps, which `where:` cannot compare.
  init?(_ value: JSONValue) {
    switch value {
    case .null: self = .null
    case .bool(let value): self = .bool(value)
    case .int(let value): self = .int(value)
    case .double(let value): self = .double(value)
    case .string(let value): self = .string(value)
    case .array, .object: return nil
    }
  }
}

extension TopicDeclaration {
  /// The declared name as a pattern: a plugin may declare a family of topics, `log.**`.
  var pattern: TopicPattern? { TopicPattern(name) }
}
