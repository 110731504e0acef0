/// What a NOTICE's `msg-id` tag asks us to do. Ids are compared, never texts.
public enum NoticeKind: Hashable, Sendable {
  /// A mode of the room changed: state only.
  case roomMode
  /// The message may be sent again after a while.
  case wait
  /// The text is the same as the one before, less than 30 seconds ago: dropped.
  case duplicate
  /// The server will not take this message.
  case refused
  /// We may not speak, or be, in this room: nothing more is sent to it.
  case forbidden
  /// An answer to a command.
  case command
  /// Nothing that we know.
  case other

  /// The kind of an id.
  public init(id: String) {
    switch id {
    case "emote_only_on", "emote_only_off", "followers_on", "followers_on_zero", "followers_off", "slow_on",
      "slow_off", "subs_on", "subs_off", "r9k_on", "r9k_off":
      self = .roomMode
    case "msg_ratelimit", "msg_slowmode", "msg_timedout":
      self = .wait
    case "msg_duplicate":
      self = .duplicate
    case "msg_bad_characters", "msg_rejected", "msg_rejected_mandatory", "msg_r9k", "msg_emoteonly":
      self = .refused
    case "msg_banned", "msg_channel_blocked", "msg_channel_suspended", "msg_followersonly",
      "msg_followersonly_followed", "msg_followersonly_zero", "msg_subsonly", "msg_suspended", "msg_verified_email",
      "msg_requires_verified_phone_number", "no_permission", "tos_ban":
      self = .forbidden
    case "unrecognized_cmd", "invalid_user", "cmds_available":
      self = .command
    default:
      self = .other
    }
  }

  /// Ids that say that a room cannot be joined.
  static func endsJoin(_ id: String) -> Bool {
    switch id {
    case "msg_channel_suspended", "msg_banned", "msg_channel_blocked", "tos_ban": true
    default: false
    }
  }
}
