/// Events as Slack and Mattermost send them to an address, and the calls with which they are answered: for a web server that passes
/// them on.
public enum Webhook {
  /// What happened, and where answers go.
  public struct Incoming: Sendable {
    public var event: ChatEvent
    /// The platform's id of the channel.
    public var channel: String
    public var thread: String?
  }

  /// The event that a payload tells of; nil for one that means nothing here.
  ///
  /// - Throws: ``Raised`` for a platform that sends no such events.
  public static func read(_ payload: Value, from platform: Platform, instance: String) throws(Raised) -> Incoming? {
    switch platform {
    case .slack: return slack(payload["event"] ?? payload, instance)
    case .mattermost: return mattermost(payload, instance)
    default: throw Raised("\(platform.rawValue) sends no events that are read here")
    }
  }

  private static func person(_ id: String, _ name: String?, isBot: Bool) -> ChatPerson {
    ChatPerson(id: id, name: name ?? id, isBot: isBot)
  }

  private static func slack(_ event: Value, _ instance: String) -> Incoming? {
    // A reaction tells of the message that it was given to.
    let item = event["item"] ?? event
    guard let channel = (item["channel"] ?? event["channel"])?.stringValue else { return nil }
    let place = ChatPlace(
      adapter: Platform.slack.rawValue, instance: instance,
      room: SlackText.name(of: channel, event["channel_info"] ?? ["name": .string(channel)]),
      isPrivate: channel.hasPrefix("D"))
    if event["type"] == "reaction_added" {
      guard item["type"] == "message", let user = event["user"]?.stringValue else { return nil }
      let author = event["item_user"]?.stringValue.map { person($0, nil, isBot: false) }
      return Incoming(
        event: ChatEvent(
          kind: .react, person: person(user, nil, isBot: false), place: place,
          reaction: SlackText.reactionName(event["reaction"]?.text ?? ""), messageAuthor: author),
        channel: channel, thread: item["ts"]?.stringValue)
    }
    guard event["type"] == "message", let kind = SlackText.eventKind(subtype: event["subtype"]?.stringValue) else {
      return nil
    }
    // An edited message is inside the event.
    let message = event["message"] ?? event
    let isBot = message["bot_id"]?.stringValue != nil || event["subtype"] == "bot_message"
    if event["subtype"] == "message_changed", isBot { return nil }
    let user = (message["user"] ?? message["bot_id"])?.stringValue ?? ""
    var text = message["text"]?.stringValue ?? ""
    if text.isEmpty {
      text = message["attachments"]?.items?.compactMap { $0["text"]?.stringValue }.joined(separator: "\n") ?? ""
    }
    return Incoming(
      event: ChatEvent(
        kind: kind, person: person(user, message["username"]?.stringValue, isBot: isBot), place: place,
        body: kind == .message ? SlackText.decode(text) : nil),
      channel: channel, thread: message["thread_ts"]?.stringValue)
  }

  private static func mattermost(_ payload: Value, _ instance: String) -> Incoming? {
    let data = payload["data"] ?? payload
    // Inside of an event of its socket, a post is JSON in a text.
    let post =
      data["post"].flatMap { try? JSONText.parse($0.text) } ?? data["reaction"].flatMap { try? JSONText.parse($0.text) }
      ?? data
    // What is told of a reaction does not always have the channel.
    guard let channel = (post["channel_id"] ?? data["channel_id"] ?? payload["broadcast"]?["channel_id"])?.stringValue,
      let user = (post["user_id"] ?? data["user_id"])?.stringValue
    else { return nil }
    let name = (data["sender_name"] ?? data["user_name"])?.stringValue.map { String($0.drop { $0 == "@" }) }
    let place = ChatPlace(
      adapter: Platform.mattermost.rawValue, instance: instance,
      room: (data["channel_name"] ?? post["channel_id"])?.text ?? channel, isPrivate: data["channel_type"] == "D")
    if payload["event"] == "reaction_added" {
      return Incoming(
        event: ChatEvent(
          kind: .react, person: person(user, name, isBot: false), place: place,
          reaction: SlackText.reactionName(post["emoji_name"]?.text ?? "")),
        channel: channel, thread: post["post_id"]?.stringValue)
    }
    guard payload["event"] == "posted" || payload["event"] == nil else { return nil }
    let isBot = post["props"]?["from_bot"]?.text == "true" || post["props"]?["from_webhook"]?.text == "true"
    return Incoming(
      event: ChatEvent(
        kind: .message, person: person(user, name, isBot: isBot), place: place,
        body: (post["message"] ?? data["text"])?.text ?? ""),
      channel: channel, thread: MattermostText.thread(of: post))
  }

  /// The calls that say the posts: `{url, body}` each, for whoever holds the connection. The token is the caller's business.
  public static func calls(
    for posts: [Post], answering incoming: Incoming, on platform: Platform, _ configuration: Value
  )
    -> [Value]
  {
    posts.flatMap { post -> [Value] in
      let isHere = post.room == incoming.event.place.room
      let channel = isHere ? incoming.channel : post.room
      return platform.messages(for: post).map { text in
        switch platform {
        case .slack:
          var body = SlackText.sendOptions(text, thread: isHere ? incoming.thread : nil).members ?? ValueMap()
          body["channel"] = .string(channel)
          // Several lines are shown as they are written.
          let encoded = SlackText.encode(text)
          body["text"] = .string(post.kind == .paste ? "```\n\(encoded)\n```" : encoded)
          return [
            "url": .string((SlackText.endpoint(configuration)["api-url"]?.text ?? "") + "/chat.postMessage"),
            "body": .map(body),
          ]
        default:
          var body = ValueMap([
            ("channel_id", .string(channel)),
            ("message", .string(post.kind == .paste ? "```\n\(text)\n```" : text)),
          ])
          if isHere, let thread = incoming.thread { body["root_id"] = .string(thread) }
          return [
            "url": .string(MattermostText.address(configuration, isSocket: false, path: "/api/v4/posts")),
            "body": .map(body),
          ]
        }
      }
    }
  }
}
