/// What Twitch says and when: logins, rooms, messages, limits. One thread.
final class Chat {
  let options: Options
  var clients: [Client] = []
  /// Receives a line of JSON for what a test may want to wait for.
  var tell: (String) -> Void = { _ in }
  var later: (_ delay: Int64, _ work: @escaping () -> Void) -> Void = { _, _ in }

  var transcript: [(time: Int64, client: Int, line: String)] = []
  var violations: [Violation] = []
  var accounts: [String: Account] = [:]
  var ranks: [String: Rank] = [:]
  var suspended: Set<String> = []
  var unknown: Set<String> = []
  /// The next messages are answered with these NOTICEs.
  var notices: [String] = []
  var isSilent = false
  var delay: Int64 = 0
  var splits = false
  var refusesLogins = false
  var enforcesLimits = true
  var floods: [Flood] = []
  /// Orders that are answered when there is no flood any more.
  var floodWaiters: [(String) -> Void] = []
  var waiters: [Waiter] = []
  private var nextClient = 1
  private var nextMessage = 1

  /// Numbered messages on their way.
  struct Flood {
    let channel: String
    let total: Int
    let rate: Int
    let first: Int
    let start: Int64
    var sent = 0
  }

  /// An `expect` that has not been answered.
  final class Waiter {
    let count: Int
    let prefix: String
    var answer: ((String) -> Void)?

    init(count: Int, prefix: String, answer: @escaping (String) -> Void) {
      self.count = count
      self.prefix = prefix
      self.answer = answer
    }
  }

  init(options: Options) { self.options = options }

  func start() {
    if options.ping > 0 { later(options.ping * second) { [unowned self] in pingAll() } }
    if let channel = options.demo { Demo(chat: self, channel: channel).start() }
  }

  // MARK: Connections

  func accept(_ connection: Connection) {
    connection.writesPieces = splits
    clients.append(Client(number: nextClient, connection: connection))
    nextClient += 1
  }

  func dropClosed() {
    for client in clients where client.connection.isClosed {
      leaveAll(client)
      happened("closed", client)
    }
    clients.removeAll { $0.connection.isClosed }
  }

  private func pingAll() {
    for client in clients where client.isLoggedIn {
      client.pingedAt = monotonicTime()
      reply(client, "PING :tmi.twitch.tv")
      later(10 * second) { [weak client] in
        if client?.pingedAt != nil { client?.connection.closeNow() }
      }
    }
    later(options.ping * second) { [unowned self] in pingAll() }
  }

  /// Puts a line on its way to a client, as the faults that are ordered let it.
  func reply(_ client: Client, _ line: String) {
    guard !isSilent else { return }
    guard delay > 0 else { return write(client, line) }
    later(delay) { [weak self, weak client] in
      if let self, let client { write(client, line) }
    }
  }

  private func write(_ client: Client, _ line: String) {
    client.connection.send(Array((line + "\r\n").utf8))
    if let left = client.linesLeft {
      client.linesLeft = left - 1
      if left <= 1 { client.connection.closeAfterWriting() }
    }
  }

  /// A line with tags for those who asked for them.
  func reply(_ client: Client, tags: String, _ line: String) {
    reply(client, client.hasTags ? "@\(tags) \(line)" : line)
  }

  // MARK: Lines

  func receive(_ bytes: [UInt8], from client: Client) {
    guard !bytes.isEmpty, !client.connection.isClosing else { return }
    let line = String(decoding: bytes, as: UTF8.self)
    let now = monotonicTime()
    let upper = line.uppercased()
    // A secret stays out of the transcript, also in a test.
    transcript.append((now, client.number, upper.hasPrefix("PASS ") ? "PASS <secret>" : line))
    defer { answerWaiters() }
    if bytes.count > 4096 { violate(client, "a line of \(bytes.count) bytes") }
    if isSilent { return }

    var rest = Substring(line)
    var tags: [Substring: Substring] = [:]
    if rest.hasPrefix("@"), let space = rest.firstIndex(of: " ") {
      for tag in rest[rest.index(after: rest.startIndex)..<space].split(separator: ";") {
        let pair = tag.split(separator: "=", maxSplits: 1)
        tags[pair[0]] = pair.count > 1 ? pair[1] : ""
      }
      rest = rest[rest.index(after: space)...]
    }
    let words = rest.split(separator: " ", maxSplits: 1)
    guard let verb = words.first?.uppercased() else { return }
    let argument = words.count > 1 ? words[1].drop { $0 == " " } : ""
    switch verb {
    case "CAP": capability(String(argument), client)
    case "PASS": client.password = String(argument.drop { $0 == ":" })
    case "NICK": nick(String(argument.drop { $0 == ":" }), client, now)
    case "PING":
      reply(client, ":tmi.twitch.tv PONG tmi.twitch.tv :\(argument.drop { $0 == ":" })")
    case "PONG": client.pingedAt = nil
    case "QUIT": client.connection.closeAfterWriting()
    case _ where !client.isLoggedIn: break
    case "JOIN":
      for channel in argument.split(separator: " ").first?.split(separator: ",") ?? [] {
        join(channel.lowercased(), client, now)
      }
    case "PART":
      for channel in argument.split(separator: " ").first?.split(separator: ",") ?? [] {
        part(channel.lowercased(), client)
      }
    case "PRIVMSG":
      let parts = argument.split(separator: " ", maxSplits: 1)
      guard parts.count == 2 else { break }
      let text = parts[1].hasPrefix(":") ? parts[1].dropFirst() : parts[1]
      message(parts[0].lowercased(), String(text), replyTo: tags["reply-parent-msg-id"].map(String.init), client, now)
    default: reply(client, ":tmi.twitch.tv 421 \(client.nick) \(verb) :Unknown command")
    }
  }

  private func capability(_ argument: String, _ client: Client) {
    let words = argument.split(separator: " ", maxSplits: 1)
    switch words.first?.uppercased() {
    case "LS": reply(client, ":tmi.twitch.tv CAP * LS :twitch.tv/commands twitch.tv/membership twitch.tv/tags")
    case "REQ":
      let names = (words.count > 1 ? words[1] : "").drop { $0 == ":" }.split(separator: " ").map(String.init)
      let known: Set = ["twitch.tv/commands", "twitch.tv/membership", "twitch.tv/tags"]
      if known.isSuperset(of: names) {
        client.capabilities.formUnion(names)
        reply(client, ":tmi.twitch.tv CAP * ACK :\(names.joined(separator: " "))")
      } else {
        reply(client, ":tmi.twitch.tv CAP * NAK :\(names.joined(separator: " "))")
      }
    default: break
    }
  }

  private func nick(_ name: String, _ client: Client, _ now: Int64) {
    guard !client.isLoggedIn else { return }
    client.nick = name
    func refuse(_ why: String) {
      reply(client, ":tmi.twitch.tv NOTICE * :\(why)")
      let close = { [weak client] in client?.connection.closeAfterWriting() ?? () }
      if delay > 0 { later(delay + 1_000_000, close) } else { close() }
    }
    guard Self.isLogin(name) else { return refuse("Invalid NICK") }
    var account = accounts[name] ?? Account()
    if Account.count(&account.logins, now: now, window: 10 * second) >= 20 {
      violate(client, "more than 20 logins in 10 s")
    }
    account.logins.append(now)
    accounts[name] = account
    if refusesLogins { return refuse("Login authentication failed") }
    if !client.isAnonymous {
      guard let password = client.password, password.hasPrefix("oauth:"), password.utf8.count > 6 else {
        return refuse("Improperly formatted auth")
      }
      if let token = options.token, password != "oauth:\(token)" { return refuse("Login authentication failed") }
    }
    client.isLoggedIn = true
    happened("login", client)
    for (number, text) in [
      ("001", "Welcome, GLHF!"), ("002", "Your host is tmi.twitch.tv"), ("003", "This server is rather new"),
      ("004", "-"), ("375", "-"), ("372", "You are in a maze of twisty passages, all alike."), ("376", ">"),
    ] {
      reply(client, ":tmi.twitch.tv \(number) \(name) :\(text)")
    }
    if client.hasCommands {
      reply(
        client,
        tags: "badge-info=;badges=;color=;display-name=\(name);emote-sets=0;user-id=\(Self.userID(name));user-type=",
        ":tmi.twitch.tv GLOBALUSERSTATE")
    }
  }

  private func join(_ channel: String, _ client: Client, _ now: Int64) {
    var account = accounts[client.nick] ?? Account()
    let count = Account.count(&account.joins, now: now, window: 10 * second)
    account.joins.append(now)
    accounts[client.nick] = account
    if count >= 20 {
      violate(client, "more than 20 joins in 10 s")
      if enforcesLimits { return }
    }
    guard channel.hasPrefix("#"), Self.isLogin(String(channel.dropFirst())), !unknown.contains(channel) else { return }
    if suspended.contains(channel) {
      reply(
        client, tags: "msg-id=msg_channel_suspended",
        ":tmi.twitch.tv NOTICE \(channel) :This channel has been suspended.")
      return
    }
    if client.rooms.insert(channel).inserted {
      for other in clients where other !== client && other.rooms.contains(channel) && other.hasMembership {
        reply(other, "\(client.source) JOIN \(channel)")
      }
    }
    happened("joined", client, channel)
    reply(client, "\(client.source) JOIN \(channel)")
    let others = clients.filter { $0 !== client && $0.rooms.contains(channel) }.map(\.nick)
    let names = [client.nick] + (client.hasMembership ? others + ["ann", "bob"] : [])
    reply(client, ":\(client.nick).tmi.twitch.tv 353 \(client.nick) = \(channel) :\(names.joined(separator: " "))")
    reply(client, ":\(client.nick).tmi.twitch.tv 366 \(client.nick) \(channel) :End of /NAMES list")
    guard client.hasCommands else { return }
    if !client.isAnonymous { userState(client, channel, messageID: nil) }
    reply(
      client, tags: "emote-only=0;followers-only=-1;r9k=0;room-id=\(Self.userID(channel));slow=0;subs-only=0",
      ":tmi.twitch.tv ROOMSTATE \(channel)")
  }

  private func userState(_ client: Client, _ channel: String, messageID: String?) {
    let rank = rank(of: client, in: channel)
    let id = messageID.map { "id=\($0);" } ?? ""
    reply(
      client,
      tags: "badge-info=;badges=\(rank.badges);color=;display-name=\(client.nick);emote-sets=0;\(id)"
        + "mod=\(rank == .moderator ? 1 : 0);subscriber=0;user-type=\(rank == .moderator ? "mod" : "")",
      ":tmi.twitch.tv USERSTATE \(channel)")
  }

  private func part(_ channel: String, _ client: Client) {
    guard client.rooms.remove(channel) != nil else { return }
    reply(client, "\(client.source) PART \(channel)")
    for other in clients where other.rooms.contains(channel) && other.hasMembership {
      reply(other, "\(client.source) PART \(channel)")
    }
  }

  private func leaveAll(_ client: Client) {
    for channel in client.rooms {
      for other in clients where other !== client && other.rooms.contains(channel) && other.hasMembership {
        reply(other, "\(client.source) PART \(channel)")
      }
    }
    client.rooms = []
  }

  private func message(_ channel: String, _ text: String, replyTo: String?, _ client: Client, _ now: Int64) {
    func notice(_ id: String, _ text: String) {
      guard client.hasCommands else { return }
      reply(client, tags: "msg-id=\(id)", ":tmi.twitch.tv NOTICE \(channel) :\(text)")
    }
    guard !client.isAnonymous else { return violate(client, "an anonymous reader spoke") }
    if suspended.contains(channel) { return notice("msg_channel_suspended", "This channel has been suspended.") }
    let rank = rank(of: client, in: channel)
    var account = accounts[client.nick] ?? Account()
    let count = Account.count(&account.messages, now: now, window: 30 * second)
    account.messages.append(now)
    let limit = rank.isElevated ? 100 : 20
    let isTooFast = rank == .normal && now - (account.lastInRoom[channel] ?? -second) < second
    account.lastInRoom[channel] = now
    let last = account.lastText[channel]
    accounts[client.nick] = account
    if count >= limit { violate(client, "more than \(limit) messages in 30 s") }
    if isTooFast { violate(client, "two messages to \(channel) within a second") }
    if count >= limit || isTooFast, enforcesLimits {
      return notice("msg_ratelimit", "Your message was not sent because you are sending messages too quickly.")
    }
    if text.unicodeScalars.count > 500 {
      return violate(client, "a message of \(text.unicodeScalars.count) characters")
    }
    if !notices.isEmpty { return notice(notices.removeFirst(), Self.noticeText) }
    let isAction = text.hasPrefix("/me ")
    if text.hasPrefix("/"), !isAction { return notice("unrecognized_cmd", "Unrecognized command: \(text)") }
    if rank == .normal, let last, last.text == text, now - last.time < 30 * second {
      return notice(
        "msg_duplicate",
        "Your message was not sent because it is identical to the previous one you sent, less than 30 seconds ago.")
    }
    accounts[client.nick]?.lastText[channel] = (text, now)
    let id = messageID()
    if client.hasCommands { userState(client, channel, messageID: id) }
    let shown = isAction ? "\u{1}ACTION \(text.dropFirst(4))\u{1}" : text
    show(channel, client.nick, shown)
    for other in clients where other !== client && other.rooms.contains(channel) {
      deliver(shown, id: id, from: client.nick, badges: rank.badges, replyTo: replyTo, channel: channel, to: other)
    }
  }

  private func show(_ channel: String, _ user: String, _ text: String) {
    guard options.shows else { return }
    let action = "\u{1}ACTION "
    let line = text.hasPrefix(action) ? "* \(user) \(text.dropFirst(action.count).dropLast())" : "<\(user)> \(text)"
    writeLine("chat \(channel) \(line)", to: 2)
  }

  static let noticeText = "Your message was not sent; wait 2 seconds."

  // MARK: Messages of others

  func messageID() -> String {
    let number = String(nextMessage, radix: 16)
    nextMessage += 1
    return "b34ccfc7-4977-403a-8a94-" + String(repeating: "0", count: 12 - number.count) + number
  }

  /// A message of a user who is no client. Returns its id.
  @discardableResult
  func say(_ channel: String, _ user: String, _ text: String, emotes: String = "") -> String {
    let id = messageID()
    if clients.contains(where: { $0.rooms.contains(channel) }) { show(channel, user, text) }
    for client in clients where client.rooms.contains(channel) {
      deliver(
        text, id: id, from: user, badges: user == channel.dropFirst() ? "broadcaster/1" : "", replyTo: nil,
        channel: channel, emotes: emotes, to: client)
    }
    return id
  }

  private func deliver(
    _ text: String, id: String, from user: String, badges: String, replyTo: String?, channel: String,
    emotes: String = "", to client: Client
  ) {
    let login = user.lowercased()
    let parent = replyTo.map { "reply-parent-msg-id=\($0);" } ?? ""
    reply(
      client,
      tags:
        "badge-info=;badges=\(badges);color=#1E90FF;display-name=\(user);emotes=\(emotes);first-msg=0;flags=;id=\(id);"
        + "mod=0;\(parent)returning-chatter=0;room-id=\(Self.userID(channel));subscriber=0;"
        + "tmi-sent-ts=\(unixMilliseconds());turbo=0;user-id=\(Self.userID(login));user-type=",
      ":\(login)!\(login)@\(login).tmi.twitch.tv PRIVMSG \(channel) :\(text)")
  }

  /// Feeds floods, as fast as the clients read or at their rate.
  func pump(_ now: Int64) {
    for index in floods.indices {
      while floods[index].sent < floods[index].total {
        let flood = floods[index]
        if flood.rate > 0, now < flood.start + Int64(flood.sent) * second / Int64(flood.rate) { break }
        let readers = readers(of: flood)
        if readers.isEmpty || readers.contains(where: { $0.connection.unsent > 1 << 18 }) { break }
        floods[index].sent += 1
        say(flood.channel, "flooder", "message \(flood.first + flood.sent)")
      }
    }
    floods.removeAll { $0.sent >= $0.total }
    guard floods.isEmpty, !floodWaiters.isEmpty else { return }
    for answer in floodWaiters { answer(#"{"ok":true}"#) }
    floodWaiters = []
  }

  /// Those that a flood's next line reaches: while there is none, it waits.
  private func readers(of flood: Flood) -> [Client] {
    clients.filter { $0.rooms.contains(flood.channel) && !$0.connection.isClosing }
  }

  /// When `pump` has something to do again.
  var nextPump: Int64? {
    floods.compactMap { flood -> Int64? in
      let readers = readers(of: flood)
      if flood.rate > 0 { return flood.start + Int64(flood.sent) * second / Int64(flood.rate) }
      return readers.isEmpty || readers.contains { $0.connection.unsent > 1 << 18 } ? nil : 0
    }.min()
  }

  // MARK: Helpers

  /// What a client is in a room: the owner in its own, elsewhere what was ordered.
  private func rank(of client: Client, in channel: String) -> Rank {
    ranks[channel] ?? (channel.dropFirst() == client.nick ? .broadcaster : .normal)
  }

  private func happened(_ event: String, _ client: Client, _ channel: String? = nil) {
    let room = channel.map { #","channel":\#(json(String($0.dropFirst())))"# } ?? ""
    tell(#"{"event":"\#(event)","client":\#(client.number),"nick":\#(json(client.nick))\#(room)}"#)
  }

  func violate(_ client: Client, _ what: String) {
    violations.append(Violation(time: monotonicTime(), client: client.number, what: what))
  }

  func answerWaiters() {
    for waiter in waiters where waiter.answer != nil {
      let found = transcript.count { $0.line.hasPrefix(waiter.prefix) }
      if found >= waiter.count {
        waiter.answer?(#"{"ok":true,"count":\#(found)}"#)
        waiter.answer = nil
      }
    }
    waiters.removeAll { $0.answer == nil }
  }

  static func isLogin(_ text: String) -> Bool {
    (1...25).contains(text.utf8.count)
      && text.utf8.allSatisfy { (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x5F }
  }

  /// The same number for the same name, always.
  static func userID(_ name: String) -> UInt32 {
    name.utf8.reduce(UInt32(2_166_136_261)) { ($0 ^ UInt32($1)) &* 16_777_619 } % 900_000_000 + 100_000_000
  }
}
