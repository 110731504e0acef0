/// JSON Schemas, draft 2020-12, for editors: made from the same shapes that the decoder checks against.
public enum ManifestSchema {
  /// For plugins' manifests.
  public static func manifest() -> JSONValue {
    schema(of: ManifestShape.root, title: "bothost plugin manifest")
  }

  /// For a host's configuration file.
  public static func host() -> JSONValue {
    schema(of: HostConfigurationShape.root, title: "bothost host configuration")
  }

  private static func schema(of root: ObjectShape, title: String) -> JSONValue {
    var writer = SchemaWriter()
    let body = writer.object(root)
    var document: JSONObject = [
      "$schema": "https://json-schema.org/draft/2020-12/schema", "title": .string(title),
    ]
    for (name, value) in body { document[name] = value }
    if !writer.definitions.isEmpty { document["$defs"] = .object(writer.definitions) }
    return .object(document)
  }
}

/// Turns shapes into schemas; objects become definitions, each written once.
private struct SchemaWriter {
  var definitions = JSONObject()

  mutating func object(_ shape: ObjectShape) -> JSONObject {
    var properties = JSONObject()
    for key in shape.keys {
      var property = schema(key.shape)
      property["description"] = .string(key.summary)
      if let text = key.defaultText {
        property["default"] =
          YAMLNode(
            .scalar(YAMLScalar(text: text, isPlain: true)), location: SourceLocation(file: "")
          ).json
      }
      properties[key.name] = .object(property)
    }
    var schema: JSONObject = [
      "type": "object", "description": .string(shape.summary), "properties": .object(properties),
      "additionalProperties": false,
    ]
    let required = shape.keys.filter(\.isRequired).map { JSONValue.string($0.name) }
    if !required.isEmpty { schema["required"] = .array(required) }
    return schema
  }

  mutating func schema(_ shape: Shape) -> JSONObject {
    switch shape {
    case .text(let form):
      var schema: JSONObject = ["type": .array([.string("string"), .string("number")])]
      if let pattern = form.pattern { schema["pattern"] = .string(pattern) }
      return schema
    case .integer(let range):
      return ["type": "integer", "minimum": .int(range.lowerBound), "maximum": .int(range.upperBound)]
    case .number(let range):
      return ["type": "number", "minimum": .double(range.lowerBound), "maximum": .double(range.upperBound)]
    case .bool: return ["type": "boolean"]
    case .choice(let words): return ["enum": .array(words.map { .string($0) })]
    case .any: return [:]
    case .scalar: return ["type": .array(["string", "number", "boolean", "null"].map { .string($0) })]
    case .fieldType: return fieldType()
    case .list(let element): return ["type": "array", "items": .object(schema(element))]
    case .map(let form, let value, _):
      var map: JSONObject = ["type": .array([.string("object"), .string("null")])]
      let values = JSONValue.object(schema(value))
      if let pattern = form.pattern {
        map["patternProperties"] = .object([pattern: values])
        map["additionalProperties"] = false
      } else {
        map["additionalProperties"] = values
      }
      return map
    case .object(let object):
      // The name is taken while the object is written, so that it may contain itself.
      if definitions[object.name] == nil {
        definitions[object.name] = true
        definitions[object.name] = .object(self.object(object))
      }
      return ["$ref": .string("#/$defs/\(object.name)")]
    case .either(let alternatives):
      return ["anyOf": .array(alternatives.map { .object(schema($0.shape)) })]
    }
  }

  private mutating func fieldType() -> JSONObject {
    let reference: JSONObject = ["$ref": "#/$defs/fieldType"]
    if definitions["fieldType"] == nil {
      let words = FieldType.words.joined(separator: "|")
      let word: JSONObject = [
        "type": "string", "pattern": .string("^(\(words)|\\[(\(words))\\]|map of (\(words)))\\??$"),
      ]
      let list: JSONObject = ["type": "array", "items": .object(reference), "minItems": 1, "maxItems": 1]
      let record: JSONObject = ["type": "object", "additionalProperties": .object(reference)]
      definitions["fieldType"] = .object([
        "description": "A type: a word, [type] for a list, or {field: type}; ? marks what may be missing.",
        "anyOf": .array([.object(word), .object(["type": "null"]), .object(list), .object(record)]),
      ])
    }
    return reference
  }
}
