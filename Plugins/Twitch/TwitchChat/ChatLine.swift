/// A PRIVMSG as Twitch sends it, read in place and in one pass over its tags.
///
/// Everything points into the line; tag values are still escaped. A plain IRC server's PRIVMSG is the same with no tags.
@frozen
public struct ChatLine {
  /// The room, with its `#`.
  public let target: ByteView
  /// The text; of an action (`/me`) what stands between `\x01ACTION ` and `\x01`.
  public let text: ByteView
  /// Whether it is an action.
  public let isAction: Bool
  /// The sender's login: the nick of the source.
  public let login: ByteView

  public private(set) var displayName = ByteView.empty
  public private(set) var userID = ByteView.empty
  public private(set) var id = ByteView.empty
  /// `set/version,set/version`.
  public private(set) var badges = ByteView.empty
  public private(set) var badgeInfo = ByteView.empty
  /// `#RRGGBB`, or empty.
  public private(set) var color = ByteView.empty
  /// `id:from-to,from-to/id:from-to`, counted in code points of `text`.
  public private(set) var emotes = ByteView.empty
  public private(set) var bits = ByteView.empty
  public private(set) var roomID = ByteView.empty
  /// Milliseconds since 1970 as decimal digits, or empty.
  public private(set) var sentAt = ByteView.empty
  public private(set) var replyParentID = ByteView.empty
  public private(set) var replyParentLogin = ByteView.empty
  public private(set) var threadParentID = ByteView.empty
  public private(set) var sourceID = ByteView.empty
  public private(set) var sourceRoomID = ByteView.empty
  public private(set) var customRewardID = ByteView.empty
  public private(set) var isFirst = false
  public private(set) var isReturning = false
  public private(set) var isModerator = false
  public private(set) var isSubscriber = false
  public private(set) var isVIP = false

  /// Nil when the line is no PRIVMSG with a target and a text.
  public init?(_ line: IRCLine) {
    guard line.verb.equals("PRIVMSG") else { return nil }
    var parameters = line.parameters
    guard let target = parameters.next(), let text = parameters.next() else { return nil }
    self.target = target
    self.login = IRCSource(line.source).nick
    if text.hasPrefix("\u{1}ACTION ") {
      let end = text[text.count - 1] == 1 ? text.count - 1 : text.count
      self.text = text.slice(8, end)
      self.isAction = true
    } else {
      self.text = text
      self.isAction = false
    }
    var tags = line.tags
    while let tag = tags.next() { take(tag) }
  }

  /// The room's name, as `ChannelName.bare` has it.
  @inlinable
  public var channel: ByteView { ChannelName.bare(target) }

  /// Whether the sender is the room's owner.
  public var isBroadcaster: Bool { Badges(badges).contains("broadcaster") }

  private mutating func take(_ tag: IRCTags.Tag) {
    let name = tag.name
    let value = tag.value
    switch name.count {
    case 2: if name.equals("id") { id = value }
    case 3:
      if name.equals("mod") {
        isModerator = value.equals("1")
      } else if name.equals("vip") {
        isVIP = true
      }
    case 4: if name.equals("bits") { bits = value }
    case 5: if name.equals("color") { color = value }
    case 6:
      if name.equals("badges") {
        badges = value
      } else if name.equals("emotes") {
        emotes = value
      }
    case 7:
      if name.equals("room-id") {
        roomID = value
      } else if name.equals("user-id") {
        userID = value
      }
    case 9:
      if name.equals("first-msg") {
        isFirst = value.equals("1")
      } else if name.equals("source-id") {
        sourceID = value
      }
    case 10:
      if name.equals("subscriber") {
        isSubscriber = value.equals("1")
      } else if name.equals("badge-info") {
        badgeInfo = value
      }
    case 11: if name.equals("tmi-sent-ts") { sentAt = value }
    case 12: if name.equals("display-name") { displayName = value }
    case 14: if name.equals("source-room-id") { sourceRoomID = value }
    case 16: if name.equals("custom-reward-id") { customRewardID = value }
    case 17: if name.equals("returning-chatter") { isReturning = value.equals("1") }
    case 19: if name.equals("reply-parent-msg-id") { replyParentID = value }
    case 23: if name.equals("reply-parent-user-login") { replyParentLogin = value }
    case 26: if name.equals("reply-thread-parent-msg-id") { threadParentID = value }
    default: break
    }
  }
}
