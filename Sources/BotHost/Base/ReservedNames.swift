/// Names that nobody but the host may go by. What everybody believes (`sys.plugin.stopped`) must come from nobody else.
public enum ReservedNames {
  /// Of plugins and their instances: each would stand for the host, or for topics that are no plugin's.
  public static let instances = ["sys", "dead", "host", "timer", "net", "chat"]
  /// First parts of topics that the host alone publishes.
  static let hostTopics = ["sys", "dead", "host"]
  /// First parts of topics that are an instance's own: the host tells each of its timers and connections.
  static let privateTopics = ["timer", "net"]

  /// Whether a topic is the host's own to publish.
  static func isHostTopic(_ name: UnsafeBufferPointer<UInt8>) -> Bool {
    hostTopics.contains { part in
      name.count > part.utf8.count && name[part.utf8.count] == UInt8(ascii: ".") && name.starts(with: part.utf8)
    }
  }

  /// Why a plugin cannot publish what a topic or a pattern names, or nil. A pattern that begins with `*` does not mean these topics.
  static func publishProblem(_ pattern: String) -> String? {
    let first = String(pattern.prefix { $0 != "." })
    if hostTopics.contains(first) { return "topics below '\(first).' are published by the host alone" }
    if privateTopics.contains(first) { return "topics below '\(first).' are an instance's own, and come from the host" }
    return nil
  }
}
