import BotHost

/// Events and arguments to try a plugin with, made of what its manifest declares.
enum SamplePayload {
  /// A value of a type.
  static func value(of type: FieldType) -> JSONValue {
    switch type {
    case .string, .bytes, .secret: "sample"
    case .int: 1
    case .float: 1.5
    case .bool: true
    case .null: nil
    case .any: "sample"
    case .list(let element): .array([value(of: element)])
    case .map(let element): .object(["sample": value(of: element)])
    case .record(let fields): record(fields)
    }
  }

  static func record(_ fields: [Field]) -> JSONValue {
    .object(JSONObject(fields.map { ($0.name, value(of: $0.type)) }))
  }

  /// A payload for a handler: the chat vocabulary's, the plugin's own declaration, or what the handler itself looks at.
  static func payload(topic: String, handler: HandlerDeclaration, manifest: Manifest) -> JSONValue {
    var payload: JSONValue
    if let chat = chat[topic] {
      payload = chat
    } else if let declared = manifest.topic(topic), declared.payload != .any {
      payload = value(of: declared.payload)
    } else {
      payload = .object([:])
    }
    let sample: JSONValue = "sample"
    var pointers: [(String, JSONValue)] = handler.key.map { [($0, sample)] } ?? []
    for argument in handler.arguments {
      if case .field(let pointer) = argument.source { pointers.append((pointer, sample)) }
    }
    for condition in handler.conditions { pointers.append((condition.pointer, condition.value)) }
    for (pointer, value) in pointers {
      let path = pointer.split(separator: "/").map {
        String($0).replacing("~1", with: "/").replacing("~0", with: "~")
      }
      let isCondition = handler.conditions.contains { $0.pointer == pointer }
      payload = setting(value, at: path[...], in: payload, replaces: isCondition)
    }
    return payload
  }

  /// A topic that a pattern matches; nil for those that only the host publishes.
  static func topic(for pattern: TopicPattern) -> String? {
    let parts = pattern.text.split(separator: ".").map { $0 == "*" || $0 == "**" ? "sample" : String($0) }
    guard let first = parts.first, !["timer", "net", "sys"].contains(first) else { return nil }
    return parts.joined(separator: ".")
  }

  private static func setting(
    _ value: JSONValue, at path: ArraySlice<String>, in tree: JSONValue, replaces: Bool
  ) -> JSONValue {
    guard let name = path.first else { return replaces || tree.isNull ? value : tree }
    // A list or a scalar that stands in the way is the declaration's: it stays.
    guard tree.isNull || tree.object != nil else { return tree }
    var object = tree.object ?? JSONObject()
    object[name] = setting(value, at: path.dropFirst(), in: object[name] ?? .null, replaces: replaces)
    return .object(object)
  }

  /// The topics that all chat adapters share.
  private static let chat: [String: JSONValue] = {
    let channel: JSONValue = ["id": "1", "name": "lobby"]
    let author: JSONValue = ["id": "7", "name": "ann", "bot": false, "roles": []]
    return [
      "chat.message": [
        "platform": "verify", "instance": "verify", "channel": channel, "author": author,
        "message": ["id": "42", "text": "hello from verify"], "private": false,
      ],
      "chat.say": ["platform": "verify", "channel": "1", "text": "hello from verify"],
    ]
  }()
}
