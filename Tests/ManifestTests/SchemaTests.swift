import Foundation
import Testing

@testable import BotHost

@Suite struct SchemaTests {
  /// The repository's root, from this file's place in it.
  static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  /// Every `properties` of a schema: the definition's name and the keys.
  func objects(_ schema: JSONValue) throws -> [String: [String]] {
    var found = ["": try #require(schema["properties"]?.object).map(\.key)]
    for (name, definition) in try #require(schema["$defs"]?.object) {
      if let properties = definition["properties"]?.object { found[name] = properties.map(\.key) }
    }
    return found
  }

  func shapes(_ root: ObjectShape) -> [String: ObjectShape] {
    var found = ["": root]
    func visit(_ shape: Shape) {
      switch shape {
      case .list(let element): visit(element)
      case .map(_, let value, _): visit(value)
      case .either(let alternatives): alternatives.forEach { visit($0.shape) }
      case .object(let object):
        if found.updateValue(object, forKey: object.name) == nil { object.keys.forEach { visit($0.shape) } }
      default: break
      }
    }
    root.keys.forEach { visit($0.shape) }
    return found
  }

  /// The decoder accepts exactly the keys of the schema, in every object of a manifest.
  @Test func schemaAndDecoderAgree() throws {
    for (root, schema) in [
      (ManifestShape.root, ManifestSchema.manifest()), (HostConfigurationShape.root, ManifestSchema.host()),
    ] {
      let inSchema = try objects(schema)
      let inDecoder = shapes(root)
      #expect(Set(inSchema.keys) == Set(inDecoder.keys))
      for (name, shape) in inDecoder {
        let keys = try #require(inSchema[name])
        #expect(Set(keys) == Set(shape.keys.map(\.name)), "\(name)")
        for key in keys {
          #expect(unknownKeys(shape, [key]).isEmpty, "\(name).\(key) is in the schema and refused by the decoder")
          #expect(unknownKeys(shape, [key + "x"]).count == 1)
        }
        for key in shape.keys { #expect(!key.summary.isEmpty, "\(name).\(key.name) has no description") }
      }
    }
  }

  func unknownKeys(_ shape: ObjectShape, _ keys: [String]) -> [String] {
    let node = YAMLNode(
      .mapping(
        keys.map { key in
          let place = SourceLocation(file: "x")
          return YAMLMember(key: key, keyLocation: place, value: .string("", at: place))
        }), location: SourceLocation(file: "x"))
    var checker = ShapeChecker()
    checker.check(node, .object(shape), "")
    return checker.diagnostics.map(\.message).filter { $0.hasPrefix("unknown key") }
  }

  /// The defaults that the schema and the documentation give are those of the decoded values.
  @Test func defaultsAreTrue() throws {
    func text(_ shape: ObjectShape, _ key: String) -> String? { shape.key(key)?.defaultText }
    let retry = RetryDeclaration()
    #expect(
      text(ManifestShape.retry, "max") == "\(retry.max)" && text(ManifestShape.retry, "mode") == retry.mode.rawValue)
    #expect(text(ManifestShape.retry, "backoff") == "\(retry.backoff)")
    let restart = RestartPolicy()
    #expect(text(ManifestShape.restart, "policy") == restart.policy.rawValue)
    #expect(text(ManifestShape.restart, "backoff").flatMap { TimeRange($0) } == restart.backoff)
    #expect(text(ManifestShape.restart, "limit") == "\(restart.limit)")
    let lane = LanePolicy()
    #expect(
      text(ManifestShape.lane, "events") == "\(lane.events)" && text(ManifestShape.lane, "bytes") == "\(lane.bytes)")
    #expect(
      text(ManifestShape.lane, "full") == lane.full.rawValue && text(ManifestShape.lane, "inline") == "\(lane.isInline)"
    )
    let swap = SwapPolicy()
    #expect(text(ManifestShape.swap, "drain") == "\(swap.drain)")
    #expect(text(ManifestShape.swap, "on_drain_timeout") == swap.onDrainTimeout.rawValue)
    let probation = try #require(swap.probation)
    #expect(text(ManifestShape.probation, "events") == "\(probation.events)")
    #expect(text(ManifestShape.probation, "time") == "\(probation.time)")
    #expect(text(ManifestShape.probation, "max_error_rate") == "\(probation.maxErrorRate)")
    #expect(text(ManifestShape.permissions, "kv_bytes") == "\(Permissions().kvBytes)")
    #expect(text(ManifestShape.handler, "timeout") == "\(HandlerDeclaration.defaultTimeout)")
    #expect(text(ManifestShape.method, "timeout") == "\(MethodDeclaration.defaultTimeout)")
    #expect(text(ManifestShape.hook, "timeout") == "\(MethodDeclaration.defaultTimeout)")
  }

  /// `docs/manifest.schema.json` is what the code gives. BOTHOST_UPDATE_DOCS=1 writes it.
  @Test func theSchemaFileIsCurrent() throws {
    let file = Self.root.appendingPathComponent("docs/manifest.schema.json")
    let text = ManifestSchema.manifest().prettyPrinted() + "\n"
    if ProcessInfo.processInfo.environment["BOTHOST_UPDATE_DOCS"] != nil {
      try text.write(to: file, atomically: true, encoding: .utf8)
    }
    #expect(try String(contentsOf: file, encoding: .utf8) == text, "run the tests once with BOTHOST_UPDATE_DOCS=1")
  }

  /// The tables of `docs/manifest.md` are what the code gives.
  @Test func theReferenceIsCurrent() throws {
    let file = Self.root.appendingPathComponent("docs/manifest.md")
    let marker = "<!-- From here on this page is written by the tests. -->\n"
    let text = try String(contentsOf: file, encoding: .utf8)
    let start = try #require(text.range(of: marker)).upperBound
    let reference = Self.reference()
    if ProcessInfo.processInfo.environment["BOTHOST_UPDATE_DOCS"] != nil {
      try (text[..<start] + reference).write(to: file, atomically: true, encoding: .utf8)
    } else {
      #expect(text[start...] == reference, "run the tests once with BOTHOST_UPDATE_DOCS=1")
    }
  }

  static func reference() -> String {
    var text = ""
    var seen: Set<String> = []
    func section(_ object: ObjectShape, _ title: String) {
      guard seen.insert(object.name).inserted else { return }
      text += "\n### \(title)\n\n\(object.summary)\n\n| key | value | default | |\n|---|---|---|---|\n"
      for key in object.keys {
        let value = key.isRequired ? "required" : key.defaultText.map { "`\($0)`" } ?? ""
        text +=
          "| `\(key.name)` | \(word(key.shape)) | \(value) | \(key.summary.replacingOccurrences(of: "|", with: "\\|")) |\n"
      }
      for key in object.keys {
        visit(key.shape, object.name == "manifest" || object.name == "host" ? key.name : "\(title).\(key.name)")
      }
    }
    func visit(_ shape: Shape, _ title: String) {
      switch shape {
      case .list(let element): visit(element, title + "[]")
      case .map(_, let value, _): visit(value, title + ".NAME")
      case .either(let alternatives): alternatives.forEach { visit($0.shape, title) }
      case .object(let object): section(object, title)
      default: break
      }
    }
    func word(_ shape: Shape) -> String {
      switch shape {
      case .text(let form): form.expected
      case .integer(let range):
        range.lowerBound == range.upperBound
          ? "\(range.lowerBound)" : "a whole number, \(range.lowerBound) to \(range.upperBound)"
      case .number(let range): "a number, \(range.lowerBound) to \(range.upperBound)"
      case .bool: "true or false"
      case .choice(let words): words.map { "`\($0)`" }.joined(separator: " ")
      case .any: "any value"
      case .scalar: "a single value"
      case .fieldType: "a type"
      case .list(let element): "a list: \(word(element))"
      case .map(_, let value, let keyWord): "by \(keyWord): \(word(value))"
      case .object(let object): "\(object.name), below"
      case .either(let alternatives): alternatives.map { word($0.shape) }.joined(separator: "; or ")
      }
    }
    section(ManifestShape.root, "A plugin's manifest")
    section(HostConfigurationShape.root, "A host's configuration")
    return text
  }
}
