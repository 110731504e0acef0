import Foundation
import Testing

/// The bots that the project ships, each as its header says it is started. `TacoTests` runs the taco bot.
@Suite(.serialized)
struct ReadyBotTests {
  private func host(_ bot: String, _ environment: [String: String], arguments: [String] = []) throws -> Host {
    try Host(bots: ["\(Build.bots)/\(bot).yaml"], arguments: arguments, environment: environment)
  }

  private func records(_ values: [String]) throws -> [[String: JSONScalar]] {
    try values.map { try JSONDecoder().decode([String: JSONScalar].self, from: Data($0.utf8)) }
  }

  @Test("the logger needs no account, and records what is said and what moderators do", .timeLimit(.minutes(20)))
  func logger() throws {
    let simulator = try Simulator()
    let brokers = try MockBrokers()
    var environment = simulator.environment(channels: ["kitchen", "garden"])
    environment["TWITCH_USERNAME"] = ""
    environment["TWITCH_TOKEN"] = nil
    environment["KAFKA_BROKERS"] = brokers.addresses
    let host = try host("logger", environment)
    try simulator.expect(1, "NICK justinfan")
    try simulator.expect(2, "JOIN")
    try simulator.order("say kitchen ann hello there")
    try simulator.order("say garden bob \u{1}ACTION waves\u{1}")
    try simulator.order(
      "raw @ban-duration=600;target-user-id=7;tmi-sent-ts=1 :tmi.twitch.tv CLEARCHAT #kitchen :mallory")
    try simulator.order("raw @target-user-id=8;tmi-sent-ts=2 :tmi.twitch.tv CLEARCHAT #kitchen :trent")
    try simulator.order("raw @tmi-sent-ts=3 :tmi.twitch.tv CLEARCHAT #garden")
    try simulator.order("raw @login=eve;target-msg-id=m9;tmi-sent-ts=4 :tmi.twitch.tv CLEARMSG #garden :spam")
    try simulator.order(
      "raw @id=n1;login=ann;display-name=Ann;msg-id=resub;system-msg=Ann\\shas\\ssubscribed;user-id=5;room-id=1;tmi-sent-ts=5 "
        + ":tmi.twitch.tv USERNOTICE #kitchen :again!")

    let found = try records(try brokers.values(of: "chat_log", atLeast: 7))
    // Of one channel they are in order; which channel's come first nobody knows.
    func kinds(_ channel: String) -> [JSONScalar?] {
      found.filter { $0["channel"] == .string(channel) }.map { $0["kind"] }
    }
    #expect(kinds("kitchen") == ["message", "timeout", "ban", "notice"])
    #expect(kinds("garden") == ["message", "cleared", "deleted"])
    let message = try #require(found.first { $0["username"] == "ann" && $0["kind"] == "message" })
    #expect(message["message"] == "hello there" && message["v"] == 1 && message["action"] == false)
    #expect(message["id"] != nil && message["reply_to"] == nil)
    #expect(found.contains { $0["message"] == "waves" && $0["action"] == true })
    #expect(found.contains { $0["kind"] == "timeout" && $0["username"] == "mallory" && $0["seconds"] == 600 })
    #expect(found.contains { $0["kind"] == "notice" && $0["name"] == "resub" && $0["text"] == "Ann has subscribed" })
    try host.stop()
  }

  @Test("the command service runs records as expressions and answers in the chat", .timeLimit(.minutes(20)))
  func commands() throws {
    let simulator = try Simulator()
    let host = try host("commands", simulator.environment(channels: ["kitchen"]))
    try simulator.expect(1, "JOIN")
    func request(_ value: String) throws {
      try host.command("call", "commands.requests.publish", #"{"value": \#(value)}"#)
    }
    try request(#"{"channel": "kitchen", "message": "echo hello there | upper"}"#)
    try simulator.expect(1, "PRIVMSG #kitchen :HELLO THERE")
    // Without a channel: the only one that the bot is in.
    try request(#""list one two three | count""#)
    try simulator.expect(1, "PRIVMSG #kitchen :3")
    // What fails is answered too, and so is what cannot be read; it stops nothing.
    try request(#"{"channel": "kitchen", "message": "error no tacos left"}"#)
    try simulator.expect(1, "PRIVMSG #kitchen :💥 Error in `error no tacos left`")
    try request(#"{"channel": "kitchen", "message": "echo a |"}"#)
    try simulator.expect(1, "PRIVMSG #kitchen :cannot read this at column 8")
    #expect(try host.command("dead", "list").allSatisfy { !$0.contains("cannot read this") })
    try request(#"{"channel": "kitchen", "message": "echo the end"}"#)
    try simulator.expect(1, "PRIVMSG #kitchen :the end")
    let said = try simulator.transcript().filter { $0.line.contains("PRIVMSG") }
    #expect(said.count == 5, "\(said.map(\.line))")
    // The bot's instance does not listen to the chat; the plugin's own does, once it has been asked for.
    try simulator.order("say kitchen ann !echo never")
    try request(#"{"channel": "kitchen", "message": "echo silence"}"#)
    try simulator.expect(1, "PRIVMSG #kitchen :silence")
    #expect(try !simulator.transcript().contains { $0.line.hasSuffix(":never") })
    try host.command("start", "yetibot")
    try simulator.order("say kitchen ann !echo once")
    try simulator.expect(1, "PRIVMSG #kitchen :once")
    try request(#"{"channel": "kitchen", "message": "echo last"}"#)
    try simulator.expect(1, "PRIVMSG #kitchen :last")
    #expect(try simulator.transcript().count { $0.line.hasSuffix(":once") } == 1)
    try host.stop()
  }

  @Test("the moderation helper warns, records, and leaves moderators alone", .timeLimit(.minutes(20)))
  func moderator() throws {
    let simulator = try Simulator()
    let brokers = try MockBrokers()
    let host = try host(
      "moderator",
      simulator.environment(channels: ["kitchen"]).merging(["KAFKA_BROKERS": brokers.addresses]) { $1 })
    try simulator.expect(1, "JOIN")
    // The bot may send more as a moderator, and at once.
    try simulator.order("rank kitchen moderator")
    func say(_ user: String, _ text: String, tags: String = "") throws {
      try simulator.order(
        "raw @badges=;color=;display-name=\(user.capitalized);id=\(UUID().uuidString);\(tags)room-id=1;tmi-sent-ts=1;user-id=9 "
          + ":\(user)!\(user)@\(user).tmi.twitch.tv PRIVMSG #kitchen :\(text)")
    }
    let fine = [
      "hello there", "I am at 3.14 e.g. now", "LOL OK", "¡¡¡ÑANDÚ!!!", "こんばんは、みなさん！！！！！！！！！！！", "👋👋👋👋👋👋👋👋👋👋👋👋👋👋",
      "the skyscraper",
      "version 1.2.3", "wait... what?!", "well.then",
    ]
    let wrong = [
      ("link", "see https://spam.example/x"), ("link", "buy at SPAM.COM now"), ("link", "www.spam.example"),
      ("word", "you Idiot!"), ("shouting", "WHAT ARE YOU DOING??"), ("signs", "look &%$#@!&%$#@!"),
    ]
    for text in fine { try say("ann", text) }
    for (_, text) in wrong { try say("mallory", text) }
    try say("mod", "https://rules.example and IDIOT", tags: "mod=1;")
    try say("vip", "https://clip.example", tags: "vip=1;")
    try say("sub", "https://fan.example", tags: "subscriber=1;")
    try say("ann", "!rules")
    try simulator.order(
      "raw @ban-duration=60;target-user-id=9;tmi-sent-ts=2 :tmi.twitch.tv CLEARCHAT #kitchen :mallory")
    try simulator.order(
      "raw @login=mallory;target-msg-id=m1;tmi-sent-ts=3 :tmi.twitch.tv CLEARMSG #kitchen :you Idiot!")

    let found = try records(try brokers.values(of: "moderation_log", atLeast: wrong.count + 2))
    #expect(found.compactMap { $0["rule"] } == wrong.map { .string($0.0) })
    #expect(found.compactMap { $0["message"] }.prefix(wrong.count).elementsEqual(wrong.map { .string($0.1) }))
    #expect(found.allSatisfy { $0["username"] == "mallory" })
    #expect(found.map { $0["kind"] }.suffix(2) == ["timeout", "deletion"])
    #expect(found.first?["warned"] == true)
    try simulator.expect(1 + wrong.count, "@reply-parent-msg-id=", within: 120)
    let said = try simulator.transcript().map(\.line).filter { $0.contains("PRIVMSG") }
    #expect(said.count { $0.contains("@Mallory") } == wrong.count, "\(said)")
    #expect(said.count { $0.contains("Be kind.") } == 1)
    try host.stop()
  }

  /// Somebody in a channel of a plain IRC server.
  private final class Person {
    private let client: IRCClient
    private let channel: String
    /// What others have said there so far, each with who said it.
    private(set) var heard: [String] = []

    init(_ nick: String, in channel: String, of server: IRCServer) throws {
      self.channel = channel
      client = try IRCClient(port: server.port, nick: nick)
      client.send("JOIN #\(channel)")
      _ = try client.line { $0.contains(" 366 ") }
    }

    func meets(_ nicks: [String]) throws {
      var missing = Set(nicks)
      _ = try client.line { line in
        if line.contains(" JOIN ") { missing.remove(String(line.dropFirst().prefix { $0 != "!" })) }
        return missing.isEmpty
      }
    }

    func say(_ text: String) { client.send("PRIVMSG #\(channel) :\(text)") }

    func whisper(_ nick: String, _ text: String) { client.send("PRIVMSG \(nick) :\(text)") }

    /// Waits until the text has been said.
    func hears(_ text: String, from nick: String) throws {
      repeat { try hears(1) } while heard.last != "\(nick): \(text)"
    }

    /// Waits for so many more texts.
    func hears(_ count: Int) throws {
      for _ in 0..<count {
        _ = try client.line { line in
          guard let said = line.range(of: " PRIVMSG #\(channel) :") else { return false }
          heard.append("\(line.dropFirst().prefix { $0 != "!" }): \(line[said.upperBound...])")
          return true
        }
      }
    }
  }

  @Test(
    "the relay carries two channels of two servers over to each other, and nothing back",
    .enabled(if: IRCServer.installed.count == 2, "ngircd and inspircd are not both installed"), .timeLimit(.minutes(20))
  )
  func relay() throws {
    let (left, right) = (try IRCServer("ngircd"), try IRCServer("inspircd"))
    let ann = try Person("ann", in: "kitchen", of: left)
    let bob = try Person("bob", in: "garden", of: right)
    let host = try host(
      "relay",
      [
        "LEFT_HOST": "127.0.0.1", "LEFT_PORT": String(left.port), "LEFT_TLS": "false", "LEFT_NICK": "leftbot",
        "LEFT_CHANNEL": "kitchen", "RIGHT_HOST": "127.0.0.1", "RIGHT_PORT": String(right.port), "RIGHT_TLS": "false",
        "RIGHT_NICK": "rightbot", "RIGHT_CHANNEL": "garden",
      ])
    try ann.meets(["leftbot"])
    try bob.meets(["rightbot"])
    ann.say("hello over there")
    try bob.hears("<ann> hello over there", from: "rightbot")
    bob.say("and hello to you")
    try ann.hears("<bob> and hello to you", from: "leftbot")
    ann.say("\u{1}ACTION waves\u{1}")
    try bob.hears("* ann waves", from: "rightbot")
    // A word to the bot alone is not for everybody.
    ann.whisper("leftbot", "a secret")
    ann.say("the end")
    try bob.hears("<ann> the end", from: "rightbot")
    bob.say("goodbye")
    try ann.hears("<bob> goodbye", from: "leftbot")
    // Everything before the last words has come, once, and nothing of it back.
    #expect(bob.heard == ["rightbot: <ann> hello over there", "rightbot: * ann waves", "rightbot: <ann> the end"])
    #expect(ann.heard == ["leftbot: <bob> and hello to you", "leftbot: <bob> goodbye"])
    try host.stop()
  }

  @Test(
    "a relay of a channel to itself does not answer itself",
    .enabled(if: !IRCServer.installed.isEmpty, "no plain IRC server is installed"), .timeLimit(.minutes(20)))
  func relayToItself() throws {
    let server = try IRCServer(try #require(IRCServer.installed.first))
    let ann = try Person("ann", in: "kitchen", of: server)
    let bots = ["leftbot", "rightbot"]
    var environment: [String: String] = [:]
    for (side, bot) in zip(["LEFT", "RIGHT"], bots) {
      environment["\(side)_HOST"] = "127.0.0.1"
      environment["\(side)_PORT"] = String(server.port)
      environment["\(side)_TLS"] = "false"
      environment["\(side)_NICK"] = bot
      environment["\(side)_CHANNEL"] = "kitchen"
    }
    let host = try host("relay", environment)
    try ann.meets(bots)
    // Each of the two says each message once; which of them first, nobody knows.
    for number in 1...3 {
      ann.say("number \(number)")
      try ann.hears(2)
    }
    #expect(Set(ann.heard) == Set((1...3).flatMap { number in bots.map { "\($0): <ann> number \(number)" } }))
    #expect(ann.heard.count == 6, "\(ann.heard)")
    try host.stop()
  }
}

/// A member of a record.
enum JSONScalar: Decodable, Equatable, ExpressibleByStringLiteral, ExpressibleByIntegerLiteral,
  ExpressibleByBooleanLiteral
{
  case string(String)
  case number(Double)
  case bool(Bool)
  case null
  /// A list or a mapping.
  case other

  init(from decoder: any Decoder) throws {
    guard let value = try? decoder.singleValueContainer() else {
      self = .other
      return
    }
    if value.decodeNil() {
      self = .null
    } else if let bool = try? value.decode(Bool.self) {
      self = .bool(bool)
    } else if let number = try? value.decode(Double.self) {
      self = .number(number)
    } else {
      self = (try? value.decode(String.self)).map(JSONScalar.string) ?? .other
    }
  }

  init(stringLiteral value: String) { self = .string(value) }
  init(integerLiteral value: Int) { self = .number(Double(value)) }
  init(booleanLiteral value: Bool) { self = .bool(value) }
}
