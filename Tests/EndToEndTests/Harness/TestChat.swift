import Foundation

/// An adapter of a platform that nobody knows, as a third party would write one: it speaks the chat vocabulary, and nothing else.
final class TestChat {
  let host: Host
  private let said: RunningProgram
  private var next = 0

  /// A wish to speak.
  struct Say: Decodable {
    let platform: String
    let instance: String?
    let channel: String
    let text: String
    let replyTo: String?
    let `private`: Bool?

    private enum CodingKeys: String, CodingKey {
      case platform, instance, channel, text, `private`
      case replyTo = "reply_to"
    }
  }

  init(_ host: Host) throws {
    self.host = host
    said = try RunningProgram(Build.bothost, ["tail", "chat.say", "--payload", "--control", host.socket])
    // The tail is there when it shows something.
    for attempt in 0..<100 {
      try say("!echo ready", id: "probe-\(attempt)")
      if (try? said.line(within: 0.5, "an answer", where: { _ in true })) != nil { break }
    }
    try say("!echo begin")
    while try answer().text != "begin" {}
  }

  func say(
    _ text: String, by user: String = "ann", roles: [String] = [], bot: Bool = false, private isPrivate: Bool = false,
    id: String = "m1", replyTo: String? = nil
  ) throws {
    var message: [String: Any] = ["id": id, "text": text]
    if let replyTo { message["reply_to"] = replyTo }
    try publish(
      "chat.message",
      Self.payload(
        message, by: ["id": "U-\(user)", "name": user, "bot": bot, "roles": roles],
        in: isPrivate ? ["id": "D-\(user)", "name": "direct"] : ["id": "C1", "name": "lobby"], private: isPrivate))
  }

  /// Says many things at once, each with who says it.
  func say(_ texts: [(text: String, user: String)]) throws {
    let lines = try texts.map { text, user in
      try Self.line(
        Self.payload(
          ["id": "m1", "text": text], by: ["id": "U-\(user)", "name": user, "bot": false, "roles": [String]()],
          in: ["id": "C1", "name": "lobby"]))
    }
    try host.command("publish", "chat.message", "-", input: lines.map { $0 + "\n" }.joined())
  }

  private static func payload(
    _ message: [String: Any], by author: [String: Any], in channel: [String: Any], private isPrivate: Bool = false
  ) -> [String: Any] {
    ["channel": channel, "author": author, "message": message, "private": isPrivate]
  }

  func react(_ reaction: String, to message: String, by user: String = "ann") throws {
    try publish(
      "chat.reaction",
      [
        "channel": ["id": "C1", "name": "lobby"], "user": ["id": "U-\(user)", "name": user], "message": message,
        "reaction": reaction, "removed": false,
      ])
  }

  private func publish(_ topic: String, _ payload: [String: Any]) throws {
    try host.command("publish", topic, Self.line(payload))
  }

  /// An event's payload as JSON on one line.
  private static func line(_ payload: [String: Any]) throws -> String {
    let whole = payload.merging(["platform": "test", "instance": "test-1"]) { $1 }
    return String(decoding: try JSONSerialization.data(withJSONObject: whole, options: [.sortedKeys]), as: UTF8.self)
  }

  /// What is said next.
  func answer(within seconds: Double = 60) throws -> Say {
    defer { next += 1 }
    let line = try said.line(number: next, within: seconds, "answer \(next)")
    return try JSONDecoder().decode(Say.self, from: Data(line.utf8))
  }

  /// What is answered to a message.
  func ask(_ text: String, by user: String = "ann", roles: [String] = []) throws -> String {
    try say(text, by: user, roles: roles)
    return try answer().text
  }
}
