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

  private var messages: [Key: Message] = [:]
  /// The keys in the order in which they came, in a ring.
  private var order: [Key] = []
  private var oldest = 0
  private static let capacity = 5000
  private static let longestText = 1000

  mutating func add(_ id: String, instance: String, _ author: ChatPerson, _ text: String) {
    guard !id.isEmpty else { return }
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

  func message(_ id: String, instance: String) -> Message? { messages[Key(instance: instance, id: id)] }
}
