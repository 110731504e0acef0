/// Turns what a person, an environment variable or a bot gives for a configuration key into the key's JSON value.
struct ConfigValueParser {
  let key: ConfigKey
  /// Nil: only the form is checked, and a text with `${…}` passes for everything.
  let environment: Environment?
  var diagnostics = Diagnostics()

  init(key: ConfigKey, environment: Environment?) {
    self.key = key
    self.environment = environment
  }

  private var what: String { "'\(key.name)'" }

  /// A value from YAML; nil after an error, or when it cannot be known without an environment.
  mutating func parse(_ node: YAMLNode) -> JSONValue? {
    guard let value = typed(node, key.kind) else { return nil }
    return checkBounds(value, at: node.location) ? value : nil
  }

  /// A value from an environment variable.
  mutating func parse(text: String, from variable: String, at location: SourceLocation?) -> JSONValue? {
    guard let value = Self.value(text: text, key.kind) else {
      diagnostics.error(
        "\(what): the environment variable \(variable) does not hold a \(key.kind.noun)", at: location)
      return nil
    }
    return checkBounds(value, at: location) ? value : nil
  }

  /// A value that a bot has computed.
  mutating func parse(json: JSONValue, at location: SourceLocation?) -> JSONValue? {
    guard let value = Self.value(json: json, key.kind) else {
      diagnostics.error("\(what): expected a \(key.kind.noun), not \(json.kind)", at: location)
      return nil
    }
    return checkBounds(value, at: location) ? value : nil
  }

  /// The text of a scalar with its variables put in. Nil after an error, or when there is no environment to ask.
  mutating func expand(_ node: YAMLNode, _ text: String) -> (text: String, hasVariables: Bool)? {
    do {
      let template = try EnvironmentTemplate(text)
      guard template.hasVariables, let environment else {
        if template.hasVariables { return nil }
        guard case .success(let plain) = template.expand(Environment([:])) else { return nil }
        return (plain, false)
      }
      switch template.expand(environment) {
      case .success(let expanded): return (expanded, true)
      case .failure(let missing):
        let name = missing.names[0]
        diagnostics.error(
          "\(what): the environment variable \(name) is not set", at: node.location,
          hint: Suggestion.question(about: name, in: environment.names)
            ?? "set it, or give a default: ${\(name):-…}")
        return nil
      }
    } catch {
      diagnostics.error("\(what): \(error.message)", at: node.location)
      return nil
    }
  }

  // MARK: YAML

  private mutating func typed(_ node: YAMLNode, _ kind: ConfigKey.Kind) -> JSONValue? {
    if let scalar = node.scalar, case .string(let raw) = scalar.value {
      guard let (text, hasVariables) = expand(node, raw) else { return nil }
      if hasVariables {
        guard let value = Self.value(text: text, kind) else {
          diagnostics.error("\(what): expected a \(kind.noun), not what \(raw) gives", at: node.location)
          return nil
        }
        return value
      }
      return plain(node, text, kind)
    }
    switch (kind, node.content) {
    case (.list(let element), .sequence(let items)):
      var values: [JSONValue] = []
      var isWhole = true
      for item in items {
        if let value = typed(item, element) { values.append(value) } else { isWhole = false }
      }
      return isWhole ? .array(values) : nil
    case (.map(let element), .mapping(let members)):
      var object = JSONObject()
      var isWhole = true
      for member in members {
        let value: JSONValue?
        if let element { value = typed(member.value, element) } else { value = free(member.value) }
        if let value { object[member.key] = value } else { isWhole = false }
      }
      return isWhole ? .object(object) : nil
    case (.string, .scalar(let scalar)), (.enumeration, .scalar(let scalar)), (.duration, .scalar(let scalar)),
      (.size, .scalar(let scalar)):
      switch scalar.value {
      case .int, .float: return plain(node, scalar.text, kind)
      default: return mismatch(node, kind)
      }
    default:
      guard let value = Self.value(json: node.json, kind) else { return mismatch(node, kind) }
      return value
    }
  }

  /// Any YAML, with variables put into its texts.
  private mutating func free(_ node: YAMLNode) -> JSONValue? {
    switch node.content {
    case .scalar(let scalar):
      guard case .string(let raw) = scalar.value else { return node.json }
      return expand(node, raw).map { .string($0.text) }
    case .sequence(let items):
      var values: [JSONValue] = []
      for item in items {
        guard let value = free(item) else { return nil }
        values.append(value)
      }
      return .array(values)
    case .mapping(let members):
      var object = JSONObject()
      for member in members {
        guard let value = free(member.value) else { return nil }
        object[member.key] = value
      }
      return .object(object)
    }
  }

  private mutating func plain(_ node: YAMLNode, _ text: String, _ kind: ConfigKey.Kind) -> JSONValue? {
    switch kind {
    case .string: return .string(text)
    case .duration:
      if let span = TimeSpan(text) { return .int(span.nanoseconds) }
    case .size:
      if let size = ByteSize(text) { return .int(size.bytes) }
    case .enumeration(let words):
      if words.contains(text) { return .string(text) }
      diagnostics.error(
        "\(what): expected \(Suggestion.list(words)), not \(node.summary)", at: node.location,
        hint: Suggestion.question(about: text, in: words))
      return nil
    default: break
    }
    return mismatch(node, kind)
  }

  private mutating func mismatch(_ node: YAMLNode, _ kind: ConfigKey.Kind) -> JSONValue? {
    diagnostics.error("\(what): expected a \(kind.noun), not \(node.summary)", at: node.location)
    return nil
  }

  // MARK: Text and JSON

  /// Text that was written for no particular type: an environment variable's.
  static func value(text: String, _ kind: ConfigKey.Kind) -> JSONValue? {
    let scalar = YAMLScalar(text: text, isPlain: true)
    switch kind {
    case .string: return .string(text)
    case .secret: return nil
    case .int:
      if case .int(let number) = scalar.value { return .int(number) }
    case .float:
      if case .int(let number) = scalar.value { return .double(Double(number)) }
      if case .float(let number) = scalar.value, number.isFinite { return .double(number) }
    case .bool:
      if case .bool(let flag) = scalar.value { return .bool(flag) }
      if text == "1" || text == "0" { return .bool(text == "1") }
    case .duration: return TimeSpan(text).map { .int($0.nanoseconds) }
    case .size: return ByteSize(text).map { .int($0.bytes) }
    case .enumeration(let words): return words.contains(text) ? .string(text) : nil
    case .list(let element):
      if text.first == "[" { return (try? JSONValue(parsing: text)).flatMap { value(json: $0, kind) } }
      var values: [JSONValue] = []
      for part in text.split(separator: ",") {
        let trimmed = String(part.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
        guard !trimmed.isEmpty else { continue }
        guard let value = value(text: trimmed, element) else { return nil }
        values.append(value)
      }
      return .array(values)
    case .map: return (try? JSONValue(parsing: text)).flatMap { value(json: $0, kind) }
    }
    return nil
  }

  /// A typed value.
  static func value(json: JSONValue, _ kind: ConfigKey.Kind) -> JSONValue? {
    switch (kind, json) {
    case (.string, .string), (.int, .int), (.float, .double), (.bool, .bool), (.duration, .int), (.size, .int):
      return json
    case (.float, .int(let number)): return .double(Double(number))
    case (.duration, .string(let text)), (.size, .string(let text)), (.enumeration, .string(let text)):
      return value(text: text, kind)
    case (.list(let element), .array(let items)):
      var values: [JSONValue] = []
      for item in items {
        guard let value = value(json: item, element) else { return nil }
        values.append(value)
      }
      return .array(values)
    case (.map(nil), .object): return json
    case (.map(let element?), .object(let members)):
      var object = JSONObject()
      for (name, member) in members {
        guard let value = value(json: member, element) else { return nil }
        object[name] = value
      }
      return .object(object)
    default: return nil
    }
  }

  // MARK: Bounds

  private mutating func checkBounds(_ value: JSONValue, at location: SourceLocation?) -> Bool {
    let measured: Double
    let noun: String
    switch value {
    case .int(let number): (measured, noun) = (Double(number), "value")
    case .double(let number): (measured, noun) = (number, "value")
    case .string(let text): (measured, noun) = (Double(text.unicodeScalars.count), "length")
    case .array(let items): (measured, noun) = (Double(items.count), "number of elements")
    case .object(let members): (measured, noun) = (Double(members.count), "number of members")
    default: return true
    }
    if let low = key.minimum, measured < low {
      diagnostics.error("\(what): the \(noun) is \(shown(measured)), the least is \(shown(low))", at: location)
      return false
    }
    if let high = key.maximum, measured > high {
      diagnostics.error("\(what): the \(noun) is \(shown(measured)), the greatest is \(shown(high))", at: location)
      return false
    }
    return true
  }

  private func shown(_ number: Double) -> String {
    if let whole = Int64(exactly: number) {
      switch key.kind {
      case .duration: return TimeSpan(nanoseconds: whole).description
      case .size: return ByteSize(bytes: whole).description
      default: return "\(whole)"
      }
    }
    return "\(number)"
  }
}
