/// The argument of the method `yetibot.command`, which other plugins hook: one command as a pipe calls it.
public struct CommandRequest: Codable, Sendable {
  /// The word, and what follows it.
  public var command: String
  public var args: String
  /// The piped collection, the value before and the data behind it.
  public var opts: JSONBox?
  public var raw: JSONBox?
  public var data: JSONBox?
  public var user: String?
  public var userName: String?
  public var roles: [String]?
  public var platform: String?
  public var instance: String?
  public var channel: String?

  public init(
    command: String, args: String, opts: JSONBox? = nil, raw: JSONBox? = nil, data: JSONBox? = nil, user: String? = nil,
    userName: String? = nil, roles: [String]? = nil, platform: String? = nil, instance: String? = nil,
    channel: String? = nil
  ) {
    self.command = command
    self.args = args
    self.opts = opts
    self.raw = raw
    self.data = data
    self.user = user
    self.userName = userName
    self.roles = roles
    self.platform = platform
    self.instance = instance
    self.channel = channel
  }

  private enum CodingKeys: String, CodingKey {
    case command, args, opts, raw, data, user, roles, platform, instance, channel
    case userName = "user_name"
  }
}
