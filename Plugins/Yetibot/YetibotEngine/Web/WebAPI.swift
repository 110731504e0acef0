/// The requests of a web server, as functions: whoever serves them decides who may ask.
extension Yetibot {
  /// What a request answers, and what is to be said in a room besides.
  public struct WebAnswer: Sendable {
    public var text: String
    public var place: ChatPlace?
    public var posts: [Post]
  }

  /// Who asks, where a request names nobody. It is no administrator.
  public static let webPerson = ChatPerson(id: "api", name: "api")

  /// `/api`: evaluates `command`, or `text`, for `chat-source`, and says the result there.
  ///
  /// - Parameter parameters: `chat-source` as a JSON object, a map, or as the original prints it: `{:uuid :a :room "#b"}`.
  public func api(_ parameters: Value) -> WebAnswer {
    let text = (parameters["command"] ?? parameters["text"])?.stringValue ?? ""
    guard let source = parameters["chat-source"], let place = Self.place(in: source), !text.isEmpty else {
      return WebAnswer(
        text: "chat-source, with a uuid and a room, is required, and so is command or text", place: nil, posts: [])
    }
    do {
      let (evaluation, said) = try evaluate(
        Self.extractCommand(text, prefix: configuration.prefix) ?? text, person: Self.webPerson, place: place)
      let value = evaluation.error.map(Value.string) ?? evaluation.value
      return WebAnswer(
        text: shown(value).text, place: place, posts: said + posts(for: value, in: place.room))
    } catch {
      return WebAnswer(text: "👮 \(error) 👮", place: place, posts: [])
    }
  }

  private static func place(in source: Value) -> ChatPlace? {
    var source = source
    if let text = source.stringValue {
      guard let read = (try? JSONText.parse(text)) ?? (try? EDNText.parse(text)) else { return nil }
      source = read
    }
    guard let instance = (source["uuid"] ?? source["instance"])?.stringValue, let room = source["room"]?.stringValue
    else { return nil }
    return ChatPlace(
      adapter: source["adapter"]?.stringValue ?? instance, instance: instance, room: room,
      isPrivate: source["is-private"] == true)
  }

  /// `/graphql`: see ``GraphQL``.
  public func graphQL(
    _ query: String, variables: Value = .null, operation: String? = nil, person: ChatPerson = webPerson,
    place: ChatPlace
  ) -> Value {
    // What a command says besides its result has no room to go to.
    var answer = Value.null
    _ = posting {
      let context = Context(self, person: person, place: place, allowance: makeAllowance(for: query))
      answer = GraphQL.answer(query, variables: variables.members ?? ValueMap(), operation: operation, context)
    }
    return answer
  }
}

/// Whether the bot does its work.
public struct WebHealth: Sendable, Hashable {
  public var isStorageUp: Bool
  /// Whether each adapter is connected.
  public var adapters: [Bool]

  public init(isStorageUp: Bool, adapters: [Bool]) {
    self.isStorageUp = isStorageUp
    self.adapters = adapters
  }

  public var isHealthy: Bool { isStorageUp && !adapters.contains(false) }

  /// The HTTP status of `/healthz`, and of `/healthz/ready`, which asks only whether somebody answers.
  public var status: Int { isHealthy ? 200 : 503 }
  public static let readyStatus = 200
}

/// A connection to a chat, as the adapter told of it.
public struct AdapterState: Codable, Sendable, Hashable {
  public var instance: String
  public var platform: String
  public var isConnected: Bool
  /// When something last came from it, in milliseconds since 1970.
  public var lastActive: Int64?

  public init(instance: String, platform: String, isConnected: Bool, lastActive: Int64? = nil) {
    self.instance = instance
    self.platform = platform
    self.isConnected = isConnected
    self.lastActive = lastActive
  }
}
