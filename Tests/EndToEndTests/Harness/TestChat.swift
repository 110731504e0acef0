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
      [
        "channel": isPrivate ? ["id": "D-\(user)", "name": "direct"] : ["id": "C1", "name": "lobby"],
        "author": ["id": "U-\(user)", "name": user, "bot": bot, "roles": roles], "message": message,
        "private": isPrivate,
      ])
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
    let whole = payload.merging(["platform": "test", "instance": "test-1"]) { $1 }
    let data = try JSONSerialization.data(withJSONObject: whole, options: [.sortedKeys])
    try host.command("publish", topic, String(decoding: data, as: UTF8.self))
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
