/// How Mattermost is addressed, and which thread an answer belongs to.
public enum MattermostText {
  /// - Parameter configuration: `host`, and `secure`, which is on unless it says false.
  public static func address(_ configuration: Value, isSocket: Bool, path: String) -> String {
    let isSecure = configuration["secure"].map { $0.text != "false" } ?? true
    return (isSocket ? "ws" : "http") + (isSecure ? "s" : "") + "://" + (configuration["host"]?.text ?? "") + path
  }

  /// The post under which answers go: the thread's first, else the post's parent; nil when it stands alone.
  public static func thread(of post: Value) -> String? {
    ["root_id", "parent_id"].lazy.compactMap { post[$0]?.stringValue }.first { !$0.isEmpty }
  }
}
