import BotPluginKit

/// The topics that the plugin publishes, looked up once.
struct Topics {
  let message, line, sent, connected, failed, state, userNotice, clearChat, clearMessage: Topic
  let roomState, userState, notice, joined, parted, joinFailed, whisper, reconnect, invited: Topic
  let chatMessage, chatSent, chatJoined, chatLeft, chatKicked, chatDeleted, chatConnected, chatFailed: Topic

  init(_ host: Host) throws {
    message = try host.topic("twitch.message")
    line = try host.topic("twitch.line")
    sent = try host.topic("twitch.sent")
    connected = try host.topic("twitch.connected")
    failed = try host.topic("twitch.failed")
    state = try host.topic("twitch.state")
    userNotice = try host.topic("twitch.usernotice")
    clearChat = try host.topic("twitch.clearchat")
    clearMessage = try host.topic("twitch.clearmsg")
    roomState = try host.topic("twitch.roomstate")
    userState = try host.topic("twitch.userstate")
    notice = try host.topic("twitch.notice")
    joined = try host.topic("twitch.joined")
    parted = try host.topic("twitch.parted")
    joinFailed = try host.topic("twitch.join_failed")
    whisper = try host.topic("twitch.whisper")
    reconnect = try host.topic("twitch.reconnect")
    invited = try host.topic("twitch.invited")
    chatMessage = try host.topic(ChatTopic.message)
    chatSent = try host.topic(ChatTopic.sent)
    chatJoined = try host.topic(ChatTopic.joined)
    chatLeft = try host.topic(ChatTopic.left)
    chatKicked = try host.topic(ChatTopic.kicked)
    chatDeleted = try host.topic(ChatTopic.deleted)
    chatConnected = try host.topic(ChatTopic.connected)
    chatFailed = try host.topic(ChatTopic.failed)
  }
}
