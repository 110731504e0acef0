/// A command that somebody outside the engine brings: what is known of it, for dispatch, help, categories and completion.
public struct HookedCommand: Sendable {
  public var topic: String
  /// Found in the command's word.
  public var pattern: Pattern
  /// Usage lines, `name args # what it does`.
  public var usage: [String]
  public var categories: Set<String>
  /// How long whoever brings it may take, in milliseconds.
  public var milliseconds: Int64

  public init(
    topic: String, pattern: Pattern, usage: [String], categories: Set<String> = [], milliseconds: Int64 = 10_000
  ) {
    self.topic = topic
    self.pattern = pattern
    self.usage = usage
    self.categories = categories
    self.milliseconds = milliseconds
  }
}
