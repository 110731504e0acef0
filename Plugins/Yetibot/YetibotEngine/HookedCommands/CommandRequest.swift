/// The argument of the method `yetibot.command`, which other plugins hook: one command as a pipe calls it.
public struct CommandRequest: Codable, Sendable {
  /// The word, and what follows it.
  public var command: String
  public var args: String
  /// The piped collection, the value before and the data behind it.
  public var opts: JSONBox?
  public var raw: JSONBox?
  public var data: JSONBox?
  /// One entry of data for each item of the collection.
  public var dataCollection: JSONBox?
  /// The commands that are still to come, as they are written.
  public var next: [String]?
  /// Whether nobody knows the word, and this is asked in the place of the default command.
  public var fallback: Bool?
  public var user: String?
  public var userName: String?
  public var roles: [String]?
  public var platform: String?
  public var instance: String?
  public var channel: String?
  public var `private`: Bool?
  /// The settings of the room.
  public var settings: JSONBox?

  /// What a command that runs asks for.
  public init(_ call: Invocation) {
    let (person, place) = (call.context.person, call.context.place)
    self.init(
      command: call.command, args: call.args, opts: call.opts.map(JSONBox.init), raw: JSONBox(call.raw),
      data: JSONBox(call.data), user: person?.id, userName: person?.name, roles: person?.roles, platform: place.adapter,
      instance: place.instance, channel: place.room)
    dataCollection = call.dataCollection.map(JSONBox.init)
    next = call.nextCommands
    fallback = call.isFallback ? true : nil
    `private` = place.isPrivate ? true : nil
    settings = JSONBox(call.settings)
  }

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
    case command, args, opts, raw, data, next, fallback, user, roles, platform, instance, channel, `private`, settings
    case dataCollection = "data_collection"
    case userName = "user_name"
  }
}
