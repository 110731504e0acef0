/// A name or a text that the writer has chosen. Two are equal when they say the same, wherever they stand.
struct DraftWord: Sendable, Equatable {
  var text: String
  var location: SourceLocation

  static func == (left: DraftWord, right: DraftWord) -> Bool { left.text == right.text }
}

/// What one sentence, or one of several that are joined in it, asks for.
enum DraftStatement: Sendable, Equatable {
  /// A bot; the name may be missing.
  case create(name: DraftWord?, isTwitch: Bool)
  case connect
  case subscribe([DraftWord])
  case login
  case join([DraftWord])
  case when(DraftRequest)
  /// Actions without an event: what is `it`?
  case withoutEvent
}

/// What is to happen when.
struct DraftRequest: Sendable, Equatable {
  /// More than one is an error: `it` could be either.
  var events: [DraftEvent]
  var actions: [DraftAction]
}

struct DraftEvent: Sendable, Equatable {
  enum Subject: Sendable { case message, chatMessage, record }
  enum Source: Sendable, Equatable {
    case chat
    case channel(DraftWord)
    /// More than one is an error, as of events.
    case topics([DraftWord])
  }

  var subject: Subject
  var source: Source?
  var tests: [DraftTest]
  /// As written, for messages.
  var text: String
  var location: SourceLocation

  static func == (left: DraftEvent, right: DraftEvent) -> Bool {
    left.subject == right.subject && left.source == right.source && left.tests == right.tests
  }
}

/// What the text of a message must be like.
struct DraftTest: Sendable, Equatable {
  enum Kind: Sendable { case contains, startsWith, endsWith, equals, matches }
  var kind: Kind
  /// One of them.
  var texts: [DraftWord]
}

enum DraftPlace: Sendable, Equatable {
  /// Not said: where the event comes from.
  case unsaid
  /// Said: where the event comes from.
  case own
  case channels([DraftWord])
}

struct DraftAction: Sendable, Equatable {
  enum Kind: Sendable, Equatable {
    case save(topic: DraftWord, asJSON: Bool)
    case send(DraftPlace)
    case reply(DraftWord)
    case say(DraftWord, DraftPlace)
    case log
  }

  var kind: Kind
  var location: SourceLocation

  static func == (left: DraftAction, right: DraftAction) -> Bool { left.kind == right.kind }
}

// MARK: As English

/// A statement in the words of one of its patterns, so that two readings of a sentence can be told apart.
extension DraftStatement: CustomStringConvertible {
  var description: String {
    switch self {
    case .create(let name, let isTwitch):
      "create a \(isTwitch ? "Twitch " : "")bot" + (name.map { " named \($0.text)" } ?? "")
    case .connect: "connect to Twitch"
    case .subscribe(let topics): "subscribe to the topics \(topics.listed)"
    case .login: "log in with my username and password"
    case .join(let channels): "join the channels \(channels.listed)"
    case .when(let request):
      request.events.map { "when \($0)" }.joined(separator: " and ") + ", "
        + request.actions.map(\.description).joined(separator: " and ")
    case .withoutEvent: "do something with what is not said"
    }
  }
}

extension DraftEvent: CustomStringConvertible {
  var description: String {
    let what =
      switch subject {
      case .message: "a message"
      case .chatMessage: "a chat message"
      case .record: "a record"
      }
    let place: String =
      switch source {
      case nil: ""
      case .chat?: " from the Twitch chat"
      case .channel(let channel)?: " in the channel \(channel.text)"
      case .topics(let topics)?: " from the topic \(topics.listed)"
      }
    return what + place + tests.map { " \($0)" }.joined(separator: " and")
  }
}

extension DraftTest: CustomStringConvertible {
  var description: String {
    let verb =
      switch kind {
      case .contains: "contains"
      case .startsWith: "starts with"
      case .endsWith: "ends with"
      case .equals: "equals"
      case .matches: "matches"
      }
    return "that \(verb) " + texts.map { "\"\($0.text)\"" }.joined(separator: " or ")
  }
}

extension DraftAction: CustomStringConvertible {
  var description: String {
    switch kind {
    case .save(let topic, _): "save it on the topic \(topic.text)"
    case .send(let place): "send it to Twitch\(place)"
    case .reply(let text): "reply \"\(text.text)\""
    case .say(let text, let place): "say \"\(text.text)\"\(place)"
    case .log: "log it"
    }
  }
}

extension DraftPlace: CustomStringConvertible {
  var description: String {
    switch self {
    case .unsaid: ""
    case .own: " in its channel"
    case .channels(let channels): " in the channels \(channels.listed)"
    }
  }
}

extension [DraftWord] {
  var listed: String { map(\.text).joined(separator: " and ") }
}
