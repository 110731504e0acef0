import HostPatterns

extension Manifest {
  /// Decodes and checks a manifest's document.
  ///
  /// - Returns: the manifest, also when there are errors that do not touch its name and library, so that others can be
  ///   checked against it; look at `diagnostics.hasErrors` before you use it. Nil when not even that can be read.
  public static func decode(_ document: YAMLNode, diagnostics: inout Diagnostics) -> Manifest? {
    var checker = ShapeChecker()
    checker.check(document, .object(ManifestShape.root), "")
    diagnostics.append(contentsOf: checker.diagnostics)
    guard document.mapping != nil else { return nil }
    var decoder = ManifestDecoder()
    let manifest = decoder.decode(document)
    diagnostics.append(contentsOf: decoder.diagnostics)
    if let manifest { ManifestCheck.run(manifest, document, diagnostics: &diagnostics) }
    return manifest
  }

  /// Decodes the one document of a text.
  public static func decode(_ source: SourceText, diagnostics: inout Diagnostics) -> Manifest? {
    guard let document = YAMLParser.document(of: source, diagnostics: &diagnostics) else { return nil }
    return decode(document, diagnostics: &diagnostics)
  }
}

/// Turns a checked tree into values. What the check found wrong is left out or has its default.
struct ManifestDecoder {
  var diagnostics = Diagnostics()

  mutating func decode(_ document: YAMLNode) -> Manifest? {
    let root = ManifestReader(document, ManifestShape.root)
    guard let plugin = root.text("plugin"), NameRules.nameProblem(plugin) == nil else { return nil }
    return Manifest(
      location: document.location, plugin: plugin, version: root.text("version").flatMap { SemanticVersion($0) },
      summary: root.text("summary") ?? "", library: root.text("library") ?? "",
      libraryLocation: root.node("library")?.location ?? document.location,
      config: root.members("config").compactMap { configKey($0) },
      topics: root.members("topics").compactMap { topic($0) },
      handlers: root.objects("handlers").compactMap { handler($0) },
      methods: root.members("methods").compactMap { method($0) }, hooks: root.objects("hooks").compactMap { hook($0) },
      permissions: root.node("permissions").map { permissions($0) } ?? Permissions(),
      isolation: root.choice("isolation"), restart: Self.restart(root.node("restart")),
      swap: root.node("swap").map { swap($0) } ?? SwapPolicy(), lane: Self.lane(root.node("lane")),
      start: root.choice("start") ?? .auto, types: root.members("types").compactMap { type($0) },
      commands: root.objects("commands").compactMap { command($0) },
      requires: root.members("requires").compactMap { requirement($0) },
      extensions: root.members("extensions").map {
        ManifestExtension(plugin: $0.key, content: $0.value.json, location: $0.keyLocation)
      })
  }

  private func topic(_ member: YAMLMember) -> TopicDeclaration? {
    guard TopicPattern.problem(with: member.key) == nil else { return nil }
    var topic = TopicDeclaration(
      name: member.key, payload: .any, isDurable: false, key: nil, summary: "", location: member.keyLocation)
    if case .either(let alternatives) = ManifestShape.topic, alternatives[0].applies(member.value) {
      let reader = ManifestReader(member.value, ManifestShape.longTopic)
      topic.payload = reader.fieldType("fields") ?? .any
      topic.isDurable = reader.bool("durable") ?? false
      topic.isMandatory = reader.bool("mandatory") ?? false
      topic.key = reader.text("key")
      topic.summary = reader.text("summary") ?? ""
    } else if !member.value.isNull || member.value.scalar?.text == "null" {
      var decoder = FieldTypeDecoder()
      topic.payload = decoder.decode(member.value, "")?.type ?? .any
    }
    return topic
  }

  private mutating func handler(_ node: YAMLNode) -> HandlerDeclaration? {
    let reader = ManifestReader(node, ManifestShape.handler)
    let topic: TopicSource
    if let pattern = reader.text("topic").flatMap({ TopicPattern($0) }) {
      topic = .pattern(pattern)
    } else if let node = reader.node("topic"), node.mapping != nil,
      let key = ManifestReader(node, ManifestShape.configuredTopic).text("config")
    {
      topic = .configuration(key: key)
    } else {
      return nil
    }
    return HandlerDeclaration(
      topic: topic, call: reader.text("call"), key: reader.text("key"),
      timeout: reader.span("timeout") ?? HandlerDeclaration.defaultTimeout, retry: Self.retry(reader.node("retry")),
      conditions: reader.members("where").map { FieldCondition(pointer: $0.key, value: $0.value.json) },
      signature: reader.signature("signature"),
      arguments: (reader.node("args")?.sequence ?? []).compactMap { argument($0) }, emits: reader.text("emits"),
      priority: reader.int("priority") ?? 0, concurrency: reader.int("in_flight") ?? 1, location: node.location)
  }

  private static func retry(_ node: YAMLNode?) -> RetryDeclaration {
    var retry = RetryDeclaration()
    guard let node else { return retry }
    let reader = ManifestReader(node, ManifestShape.retry)
    retry.max = reader.int("max") ?? retry.max
    retry.backoff = reader.range("backoff") ?? retry.backoff
    retry.mode = reader.choice("mode") ?? retry.mode
    return retry
  }

  private mutating func argument(_ node: YAMLNode) -> ArgumentBinding? {
    if let scalar = node.scalar {
      guard TextForm.binding.problem(scalar.text) == nil else { return nil }
      let (place, fallback) = ArgumentBinding.split(scalar.text)
      let source: ArgumentBinding.Source =
        place == "$event"
        ? .event : place.hasPrefix("header:") ? .header(String(place.dropFirst(7))) : .field(place)
      let value = fallback.map { YAMLNode(.scalar(YAMLScalar(text: $0, isPlain: true)), location: node.location).json }
      return ArgumentBinding(source, default: value, location: node.location)
    }
    guard node.mapping != nil else { return nil }
    let reader = ManifestReader(node, ManifestShape.longArgument)
    var sources: [ArgumentBinding.Source] = []
    if let field = reader.text("field") { sources.append(.field(field)) }
    if let header = reader.text("header") { sources.append(.header(header)) }
    if let value = reader.node("value") { sources.append(.constant(value.json)) }
    if let topic = reader.text("emits") {
      sources.append(.publish(topic: topic, fields: reader.texts("fields").map(\.text)))
    } else if let fields = reader.member("fields") {
      diagnostics.error("'fields' names what a callback publishes; 'emits' is missing", at: fields.keyLocation)
    }
    guard sources.count == 1 else {
      diagnostics.error(
        "an argument comes from exactly one of field, header, value and emits", at: node.location,
        hint: "a constant is written {value: 42}")
      return nil
    }
    let fallback = reader.member("default")
    if let fallback {
      switch sources[0] {
      case .field, .header: break
      default:
        diagnostics.error("a default belongs to a field or a header, which can be missing", at: fallback.keyLocation)
      }
    }
    return ArgumentBinding(sources[0], default: fallback?.value.json, location: node.location)
  }

  private mutating func method(_ member: YAMLMember) -> MethodDeclaration? {
    guard NameRules.nameProblem(member.key) == nil else { return nil }
    let reader = ManifestReader(member.value, ManifestShape.method)
    var arguments: [Field]?
    if let node = reader.node("args") {
      var decoder = FieldTypeDecoder()
      let type: FieldType? = decoder.decode(node, "")?.type
      switch type {
      case .record(let fields)?: arguments = fields
      case .any?, .map?: arguments = nil
      case nil where node.isNull: arguments = []
      case nil: break
      default:
        diagnostics.error(
          "'methods.\(member.key).args': expected the members of the argument and their types", at: node.location,
          hint: "as in {text: string}")
      }
    }
    let returns = reader.fieldType("returns")
    return MethodDeclaration(
      name: member.key, call: reader.text("call"), arguments: arguments, returns: returns == .null ? nil : returns,
      timeout: reader.span("timeout") ?? MethodDeclaration.defaultTimeout,
      isIdempotent: reader.bool("idempotent") ?? false, signature: reader.signature("signature"),
      bindings: (reader.node("bind")?.sequence ?? []).compactMap { argument($0) },
      summary: reader.text("summary") ?? "",
      location: member.keyLocation)
  }

  private func hook(_ node: YAMLNode) -> HookDeclaration? {
    let reader = ManifestReader(node, ManifestShape.hook)
    guard let method = reader.text("method").flatMap({ TopicPattern($0) }) else { return nil }
    return HookDeclaration(
      method: method, call: reader.text("call"), priority: reader.int("priority") ?? 0,
      timeout: reader.span("timeout") ?? MethodDeclaration.defaultTimeout,
      onTimeout: reader.choice("on_timeout") ?? .fail, onError: reader.choice("on_error") ?? .fail,
      matches: reader.members("match").compactMap { member in
        member.value.scalar.flatMap { try? FieldMatch(pointer: member.key, pattern: $0.text) }
      },
      configuredMatches: reader.members("match").compactMap { member in
        guard member.value.mapping != nil else { return nil }
        return ManifestReader(member.value, ManifestShape.configuredMatch).text("config")
          .map { ConfiguredMatch(pointer: member.key, key: $0) }
      }, about: reader.node("about")?.json ?? .null, location: node.location)
  }

  private func permissions(_ node: YAMLNode) -> Permissions {
    let reader = ManifestReader(node, ManifestShape.permissions)
    var permissions = Permissions()
    permissions.connect = reader.texts("connect").compactMap { HostPattern($0.text) }
    permissions.publish = reader.texts("publish").compactMap { TopicPattern($0.text) }
    permissions.call = reader.texts("call").compactMap { TopicPattern($0.text) }
    permissions.secrets = reader.texts("secrets").map(\.text)
    permissions.kvBytes = reader.size("kv_bytes") ?? permissions.kvBytes
    permissions.memory = reader.size("memory")
    return permissions
  }

  /// - Parameter base: what stays where the node says nothing.
  static func restart(_ node: YAMLNode?, over base: RestartPolicy = RestartPolicy()) -> RestartPolicy {
    guard let node else { return base }
    let reader = ManifestReader(node, ManifestShape.restart)
    return RestartPolicy(
      policy: reader.choice("policy") ?? base.policy, backoff: reader.range("backoff") ?? base.backoff,
      limit: reader.text("limit").flatMap { RateLimit($0) } ?? base.limit)
  }

  /// - Parameter base: what stays where the node says nothing.
  static func lane(_ node: YAMLNode?, over base: LanePolicy = LanePolicy()) -> LanePolicy {
    guard let node else { return base }
    let reader = ManifestReader(node, ManifestShape.lane)
    return LanePolicy(
      events: reader.int("events") ?? base.events, bytes: reader.size("bytes") ?? base.bytes,
      full: reader.choice("full") ?? base.full, isInline: reader.bool("inline") ?? base.isInline)
  }

  private func swap(_ node: YAMLNode) -> SwapPolicy {
    let reader = ManifestReader(node, ManifestShape.swap)
    var swap = SwapPolicy()
    swap.drain = reader.span("drain") ?? swap.drain
    swap.onDrainTimeout = reader.choice("on_drain_timeout") ?? swap.onDrainTimeout
    swap.state = reader.text("state").flatMap { SwapPolicy.StateFormat($0) }
    swap.accepts = reader.texts("accepts").compactMap { SwapPolicy.StateFormat($0.text) }
    if let node = reader.node("probation") {
      let probation = ManifestReader(node, ManifestShape.probation)
      let standard = SwapPolicy.Probation()
      swap.probation =
        node.scalar != nil
        ? nil
        : SwapPolicy.Probation(
          events: probation.int("events") ?? standard.events, time: probation.span("time") ?? standard.time,
          maxErrorRate: probation.number("max_error_rate") ?? standard.maxErrorRate)
    }
    return swap
  }

  private func type(_ member: YAMLMember) -> BotType? {
    guard NameRules.nameProblem(member.key) == nil else { return nil }
    let reader = ManifestReader(member.value, ManifestShape.type)
    return BotType(
      name: member.key, summary: reader.text("summary") ?? "", arguments: reader.fields("args") ?? [],
      state: reader.fields("state") ?? [],
      events: reader.members("events").compactMap { event in
        event.value.scalar.map { BotTypeEvent(name: event.key, topic: $0.text, location: event.value.location) }
      },
      methods: reader.members("methods").compactMap { method in
        method.value.scalar.map { BotTypeMethod(name: method.key, method: $0.text, location: method.value.location) }
      },
      echoes: Dictionary(
        reader.members("echoes").compactMap { echo in echo.value.scalar.map { (echo.key, $0.text) } },
        uniquingKeysWith: { first, _ in first }), location: member.keyLocation)
  }

  private func command(_ node: YAMLNode) -> CommandDeclaration? {
    let reader = ManifestReader(node, ManifestShape.command)
    guard let name = reader.text("name"), let method = reader.text("method") else { return nil }
    return CommandDeclaration(
      name: name, method: method, summary: reader.text("summary") ?? "",
      arguments: reader.texts("args").map(\.text), shows: reader.texts("show").map(\.text),
      error: reader.text("error"),
      interactive: reader.node("interactive").map { node in
        let reader = ManifestReader(node, ManifestShape.interactive)
        return CommandDeclaration.Interactive(
          prompt: reader.text("prompt") ?? "\(name)> ", complete: reader.text("complete"))
      }, location: node.location)
  }

  private func requirement(_ member: YAMLMember) -> Requirement? {
    guard let text = member.value.scalar?.text, let versions = VersionRange(text) else { return nil }
    return Requirement(plugin: member.key, versions: versions, location: member.keyLocation)
  }

  private mutating func configKey(_ member: YAMLMember) -> ConfigKey? {
    var decoder = ConfigKeyDecoder()
    let key = decoder.decode(member)
    diagnostics.append(contentsOf: decoder.diagnostics)
    return key
  }
}

extension YAMLNode {
  /// The tree as JSON. Numbers that JSON does not have (infinities) become null.
  public var json: JSONValue {
    switch content {
    case .sequence(let items): return .array(items.map(\.json))
    case .mapping(let members): return .object(JSONObject(members.map { ($0.key, $0.value.json) }))
    case .scalar(let scalar):
      switch scalar.value {
      case .null: return .null
      case .bool(let flag): return .bool(flag)
      case .int(let number): return .int(number)
      case .float(let number): return number.isFinite ? .double(number) : .null
      case .string(let text): return .string(text)
      }
    }
  }
}
