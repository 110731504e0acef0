/// A bot as its sentences describe it: every name is looked up, every default is chosen, nothing is written yet.
struct DraftPlan: Sendable {
  /// A topic with the use that stands for it.
  struct Topic: Sendable {
    var use: String
    var name: String
    /// The sentence that asks for it; nil: another one's action does.
    var comment: String?
  }

  struct Handler: Sendable {
    var comment: String
    /// `chat.message`.
    var event: String
    var name: String
    var steps: [Step]
  }

  indirect enum Step: Sendable, Equatable {
    case expect(Value, Check)
    /// The record that is published as `${line}`.
    case record([Field])
    case publish(use: String, key: Value, value: Value)
    case say(channel: Value, text: Value, replyTo: Value?)
    /// As the first, when the event has a channel, else as the second.
    case ifChannel([Step], otherwise: [Step])
    case print([Value])
  }

  struct Field: Sendable, Equatable {
    var name: String
    var value: Value
  }

  enum Check: Sendable, Equatable {
    case equals(String)
    case oneOf([String])
    case matches(String)
  }

  /// What stands in a scalar.
  enum Value: Sendable, Equatable {
    /// `${path}`
    case path(String)
    case text(String)
  }

  var name = ""
  /// Where an unsaid name comes from.
  var nameOrigin: String?
  /// The sentences that create the bot and connect it.
  var comments: [String] = []
  var hasChat = false
  /// The sentence that logs in.
  var loginComment: String?
  /// The channels to join; empty: those of the configuration.
  var channels: [(comment: String, names: [String])] = []
  var saved: [Topic] = []
  var read: [Topic] = []
  var handlers: [Handler] = []

  var usesTopics: Bool { !saved.isEmpty || !read.isEmpty }
  var prints: Bool {
    handlers.contains { handler in
      handler.steps.contains { step in
        if case .print = step { return true }
        return false
      }
    }
  }
}
