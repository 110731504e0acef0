import BotPluginKit
import YetibotEngine

/// The argument of `eval`: an expression, and for whom and where it is evaluated.
struct EvaluationRequest: Codable, Sendable {
  var expression: String
  var user: String?
  var userName: String?
  var roles: [String]?
  var platform: String?
  var instance: String?
  var channel: String?

  private enum CodingKeys: String, CodingKey {
    case expression, user, roles, platform, instance, channel
    case userName = "user_name"
  }
}

/// The answer of `eval`.
struct EvaluationAnswer: Encodable, Sendable {
  var value: JSONBox
  var data: JSONBox
  /// How the value reads in a chat.
  var text: String
  var error: String?
  var suppressed: Bool
  /// What was to be said meanwhile.
  var posts: [String]
  /// What a chat would have shown: the posts, and the value unless it is suppressed.
  var shown: [String]
}

/// The argument of `complete`: a line, and where it is being typed, in Unicode scalars.
struct CompletionRequest: Decodable, Sendable {
  var text: String
  var cursor: Int
}

/// The answer of `complete`.
struct CompletionAnswer: Encodable, Sendable {
  var start: Int
  var words: [String]
}

/// The argument of `command`, which other plugins hook: one command as a pipe calls it.
struct CommandRequest: Codable, Sendable {
  /// The word, and what follows it.
  var command: String
  var args: String
  /// The piped collection, the value before and the data behind it.
  var opts: JSONBox?
  var raw: JSONBox?
  var data: JSONBox?
  /// One entry of data for each item of the collection.
  var dataCollection: JSONBox?
  /// The commands that are still to come, as they are written.
  var next: [String]?
  /// Whether nobody knows the word, and this is asked in the place of the default command.
  var fallback: Bool?
  var user: String?
  var userName: String?
  var roles: [String]?
  var platform: String?
  var instance: String?
  var channel: String?
  var `private`: Bool?
  /// The settings of the room.
  var settings: JSONBox?

  /// What a command that runs asks for.
  init(_ call: Invocation) {
    command = call.command
    args = call.args
    opts = call.opts.map(JSONBox.init)
    raw = JSONBox(call.raw)
    data = JSONBox(call.data)
    dataCollection = call.dataCollection.map(JSONBox.init)
    next = call.nextCommands
    fallback = call.isFallback ? true : nil
    let (person, place) = (call.context.person, call.context.place)
    user = person?.id
    userName = person?.name
    roles = person?.roles
    platform = place.adapter
    instance = place.instance
    channel = place.room
    `private` = place.isPrivate ? true : nil
    settings = JSONBox(call.settings)
  }

  private enum CodingKeys: String, CodingKey {
    case command, args, opts, raw, data, next, fallback, user, roles, platform, instance, channel, `private`, settings
    case dataCollection = "data_collection"
    case userName = "user_name"
  }
}

/// The answer of `command`. A hook that does not know the command passes the call on.
struct CommandAnswer: Codable, Sendable {
  var handled: Bool
  var value: JSONBox?
  var data: JSONBox?
  var dataCollection: JSONBox?
  /// Where in the data the entries of the items are: keys, and places in lists from 0.
  var collectionPath: [String]?
  var error: String?
  var suppressed: Bool?
  /// How many of the commands that follow it has done already.
  var skip: Int?

  private enum CodingKeys: String, CodingKey {
    case handled, value, data, error, suppressed, skip
    case dataCollection = "data_collection"
    case collectionPath = "collection_path"
  }

  /// nil when nobody handled it.
  var outcome: YetibotEngine.Outcome? {
    guard handled else { return nil }
    if let error { return .failure(error) }
    let value = value?.value ?? .null
    let marked = suppressed == true ? Value.suppressed(value) : value
    guard data != nil || dataCollection != nil else { return .plain(marked) }
    return .record(
      .init(
        marked, data: data?.value ?? .null, dataCollection: dataCollection?.value, collectionPath: collectionPath))
  }

  init(_ outcome: YetibotEngine.Outcome?) {
    handled = outcome != nil
    switch outcome {
    case .failure(let text)?: error = text
    case .plain(let value)?:
      self.value = JSONBox(value)
      suppressed = value.isSuppressed
    case .record(let answer)?:
      value = JSONBox(answer.value)
      data = answer.data.map(JSONBox.init)
      dataCollection = answer.dataCollection.map(JSONBox.init)
      collectionPath = answer.collectionPath
      suppressed = answer.value.isSuppressed
    case nil: break
    }
  }
}

/// A value as any JSON.
struct JSONBox: Codable, Sendable {
  var value: Value

  init(_ value: Value) { self.value = value.unmarked }

  private struct Key: CodingKey {
    var stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  init(from decoder: any Decoder) throws {
    guard decoder.codingPath.count <= 64 else {
      throw DecodingError.dataCorrupted(.init(codingPath: [], debugDescription: "more than 64 levels"))
    }
    if let map = try? decoder.container(keyedBy: Key.self) {
      var members = ValueMap()
      for key in map.allKeys { members[key.stringValue] = try map.decode(JSONBox.self, forKey: key).value }
      value = .map(members)
      return
    }
    if var list = try? decoder.unkeyedContainer() {
      var items: [Value] = []
      while !list.isAtEnd { items.append(try list.decode(JSONBox.self).value) }
      value = .list(items)
      return
    }
    let single = try decoder.singleValueContainer()
    if single.decodeNil() {
      value = .null
    } else if let bool = try? single.decode(Bool.self) {
      value = .bool(bool)
    } else if let integer = try? single.decode(Int64.self) {
      value = .int(integer)
    } else if let number = try? single.decode(Double.self) {
      value = .double(number)
    } else {
      value = .string(try single.decode(String.self))
    }
  }

  func encode(to encoder: any Encoder) throws {
    switch value {
    case .map(let map):
      var container = encoder.container(keyedBy: Key.self)
      for member in map { try container.encode(JSONBox(member.value), forKey: Key(stringValue: member.key)) }
    case .list(let items):
      var container = encoder.unkeyedContainer()
      for item in items { try container.encode(JSONBox(item)) }
    case .suppressed(let inner): try JSONBox(inner).encode(to: encoder)
    default:
      var container = encoder.singleValueContainer()
      switch value {
      case .bool(let value): try container.encode(value)
      case .int(let value): try container.encode(value)
      case .double(let value): try container.encode(value)
      case .string(let value): try container.encode(value)
      default: try container.encodeNil()
      }
    }
  }
}
