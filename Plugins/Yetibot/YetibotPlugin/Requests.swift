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

/// The argument of `broadcast`: what is said in all rooms with the setting `broadcast`.
struct BroadcastRequest: Decodable, Sendable {
  var text: String
}

/// The answer of `broadcast`: where it was said.
struct BroadcastAnswer: Encodable, Sendable {
  var rooms: [Room]

  struct Room: Encodable, Sendable {
    var platform: String
    var instance: String
    var channel: String
  }
}
