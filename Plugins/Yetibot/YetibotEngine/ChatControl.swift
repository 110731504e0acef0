/// What the engine asks of the chat that a message came from, besides saying something. Each call may wait for the chat, and throws what
/// the chat has against it.
public protocol ChatControl: AnyObject {
  /// Goes into a room; answers its name there. nil: this chat has to be asked by somebody else.
  func join(_ room: String, for call: Invocation) throws -> String?
  /// Leaves a room; answers its name. nil: as above.
  func leave(_ room: String, for call: Invocation) throws -> String?
  /// Marks the latest message of somebody that is no command. False where the chat knows no reactions.
  func react(_ reaction: String, for call: Invocation) throws -> Bool
}
