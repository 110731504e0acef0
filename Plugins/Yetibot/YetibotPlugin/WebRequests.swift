import BotPluginKit
import YetibotEngine

/// What a web server asks for.
enum WebRequest: Sendable {
  case graphQL(GraphQLRequest)
  case api(APIRequest)
  case status
  case webhook(WebhookRequest)
}

/// The argument of `graphql`: a query, and for whom it is answered; nobody is ``Yetibot/webPerson``.
struct GraphQLRequest: Codable, Sendable {
  var query: String
  var variables: JSONBox?
  var operation: String?
  var user: String?
  var userName: String?
  var roles: [String]?

  private enum CodingKeys: String, CodingKey {
    case query, variables, user, roles
    case operation = "operationName"
    case userName = "user_name"
  }
}

/// The argument of `api`: a command, and the room for which it is run and in which the result is said.
struct APIRequest: Codable, Sendable {
  var chatSource: JSONBox?
  var command: String?
  var text: String?

  private enum CodingKeys: String, CodingKey {
    case command, text
    case chatSource = "chat-source"
  }

  var parameters: Value {
    var map = ValueMap()
    map["chat-source"] = chatSource?.value
    map["command"] = command.map(Value.string)
    map["text"] = text.map(Value.string)
    return .map(map)
  }
}

/// The answer of `api`.
struct APIAnswer: Encodable, Sendable {
  var text: String
}

/// The answer of `status`.
struct StatusAnswer: Encodable, Sendable {
  /// The HTTP status that says it: 200, or 503.
  var status: Int
  var storage: Bool
  var adapters: [Adapter]

  struct Adapter: Encodable, Sendable {
    var platform: String
    var instance: String
    var connected: Bool
  }
}

/// The argument of `webhook`: an event as a platform sent it, and how the platform is reached.
struct WebhookRequest: Codable, Sendable {
  var platform: String
  /// The adapter instance for which settings and history are kept; the platform's name, unless it says otherwise.
  var instance: String?
  var payload: JSONBox
  var configuration: JSONBox?
}

/// The answer of `webhook`: the calls that answer the event.
struct WebhookAnswer: Encodable, Sendable {
  var calls: JSONBox
}
