/// Reads one key of a manifest's `config`.
struct ConfigKeyDecoder {
  var diagnostics = Diagnostics()

  mutating func decode(_ member: YAMLMember) -> ConfigKey? {
    guard NameRules.nameProblem(member.key) == nil else { return nil }
    var key = ConfigKey(
      name: member.key, kind: .string, isRequired: false, defaultNode: nil, environment: nil, minimum: nil,
      maximum: nil, summary: "", location: member.keyLocation)
    if let word = member.value.scalar?.text {
      guard let kind = ConfigKind.simple(word) else {
        if word == "enum" {
          diagnostics.error(
            "'config.\(member.key)': an enum needs its words", at: member.value.location,
            hint: "write {type: enum, values: [a, b]}")
        }
        return nil
      }
      key.kind = kind
      return key
    }
    guard member.value.mapping != nil else { return nil }
    let reader = ManifestReader(member.value, ManifestShape.configKey)
    guard let word = reader.text("type"), let kind = kind(word, reader, member) else { return nil }
    key.kind = kind
    key.isRequired = reader.bool("required") ?? false
    key.environment = reader.text("from").flatMap { Environment.isName($0) ? $0 : nil }
    key.summary = reader.text("description") ?? ""
    key.minimum = bound("min", kind, reader)
    key.maximum = bound("max", kind, reader)
    if let low = key.minimum, let high = key.maximum, low > high, let node = reader.member("max") {
      diagnostics.error("'config.\(member.key)': 'max' is below 'min'", at: node.keyLocation)
    }
    if let fallback = reader.member("default"), !fallback.value.isNull {
      if kind == .secret {
        diagnostics.add(
          Diagnostic(
            .error, "'config.\(member.key)': a secret has no default; it would stand in the file",
            at: fallback.keyLocation, hint: "write from: \(Self.variableName(member.key))", hidesSource: true))
      } else {
        var parser = ConfigValueParser(key: key, environment: nil)
        _ = parser.parse(fallback.value)
        diagnostics.append(contentsOf: parser.diagnostics)
        key.defaultNode = fallback.value
      }
      if key.isRequired {
        diagnostics.error(
          "'config.\(member.key)': a required key has no default", at: fallback.keyLocation,
          hint: "remove one of 'required' and 'default'")
      }
    }
    return key
  }

  private mutating func kind(_ word: String, _ reader: ManifestReader, _ member: YAMLMember) -> ConfigKey.Kind? {
    let what = "'config.\(member.key)'"
    if word != "list", word != "map", let of = reader.member("of") {
      diagnostics.error("\(what): 'of' belongs to a list or a map", at: of.keyLocation)
    }
    if word != "enum", let values = reader.member("values") {
      diagnostics.error(
        "\(what): 'values' belongs to an enum", at: values.keyLocation, hint: "write type: enum")
    }
    let element = reader.text("of").flatMap(ConfigKind.simple)
    switch word {
    case "list": return .list(element ?? .string)
    case "map": return .map(element)
    case "enum":
      let words = reader.texts("values").map(\.text)
      guard !words.isEmpty else {
        diagnostics.error(
          "\(what): an enum needs its words", at: member.value.location, hint: "add values: [a, b]")
        return nil
      }
      return .enumeration(words)
    default: return ConfigKind.simple(word)
    }
  }

  /// A bound, in the unit of the resolved value.
  private mutating func bound(_ name: String, _ kind: ConfigKey.Kind, _ reader: ManifestReader) -> Double? {
    guard let member = reader.member(name), let scalar = member.value.scalar else { return nil }
    switch kind {
    case .duration:
      if let span = TimeSpan(scalar.text) { return Double(span.nanoseconds) }
    case .size:
      if let size = ByteSize(scalar.text) { return Double(size.bytes) }
    case .bool, .secret, .enumeration:
      diagnostics.error("'\(name)' has no meaning for this type", at: member.keyLocation)
      return nil
    default:
      if case .int(let number) = scalar.value { return Double(number) }
      if case .float(let number) = scalar.value, kind == .float, !number.isNaN { return number }
    }
    diagnostics.error(
      "'\(name)': expected a \(kind.noun) to compare with, not \(member.value.summary)", at: member.value.location)
    return nil
  }

  /// `token` → `TOKEN`: what an environment variable for a key might be called.
  static func variableName(_ key: String) -> String {
    String(key.uppercased().map { $0 == "-" ? "_" : $0 })
  }
}

extension ConfigKey.Kind {
  /// For messages: `a list of texts`.
  var noun: String {
    switch self {
    case .string: "text"
    case .int: "whole number"
    case .float: "number"
    case .bool: "truth value"
    case .list(let element): "list of \(element.noun)s"
    case .map: "mapping"
    case .secret: "secret"
    case .duration: "length of time such as 5s"
    case .size: "size such as 10MiB"
    case .enumeration(let words): "word (\(Suggestion.list(words)))"
    }
  }
}
