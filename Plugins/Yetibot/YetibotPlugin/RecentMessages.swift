import YetibotEngine

/// Who said what lately, by the messages' ids: a reaction names only the message.
struct RecentMessages: Codable, Sendable {
  struct Message: Codable, Sendable {
    var author: ChatPerson
    /// Its beginning.
    var text: String
  }

  private struct Key: Codable, Hashable {
    var instance: String
    var id: String
  }

  private struct Room: Codable, Hashable {
    var instance: String
    var name: String
  }

  private var messages: [Key: Message] = [:]
  /// The keys in the order in which they came, in a ring.
  private var order: [Key] = []
  private var oldest = 0
  /// Of each room, the latest message that is no command.
  private var talk: [Room: String] = [:]
  private static let capacity = 5000
  private static let mostRooms = 10_000
  private static let longestText = 1000

  /// - Parameter room: where it was said, when it is no command.
  mutating func add(_ id: String, instance: String, _ author: ChatPerson, _ text: String, talkIn room: String?) {
    guard !id.isEmpty else { return }
    if let room {
      if talk.count == Self.mostRooms { talk.removeAll() }
      talk[Room(instance: instance, name: room)] = id
    }
    let key = Key(instance: instance, id: id)
    guard messages.updateValue(Message(author: author, text: String(text.prefix(Self.longestText))), forKey: key) == nil
    else { return }
    if order.count < Self.capacity {
      order.append(key)
    } else {
      messages[order[oldest]] = nil
      order[oldest] = key
      oldest = (oldest + 1) % Self.capacity
    }
  }

  /// The id of the latest message in a room that is no command.
  func latestTalk(in room: String, instance: String) -> String? { talk[Room(instance: instance, name: room)] }

  func message(_ id: String, instance: String) -> Message? { messages[Key(instance: instance, id: id)] }
}
