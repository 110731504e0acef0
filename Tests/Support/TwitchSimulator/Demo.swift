/// Friendly chatter, so that there is something to see.
final class Demo {
  private let chat: Chat
  private let channel: String
  private var line = 0

  private static let script: [(user: String, text: String, emotes: String)] = [
    ("Ann", "hello everybody", ""),
    ("Bob", "hi Ann! Kappa", "25:8-12"),
    ("Marisol", "good evening from Valparaíso 👋", ""),
    ("Yuki", "こんばんは", ""),
    ("Bob", "what are we watching today?", ""),
    ("taco", "we are going to build a bot", ""),
    ("Ann", "a bot that reads this very chat?", ""),
    ("taco", "exactly that one <3", "9:17-18"),
    ("Yuki", "\u{1}ACTION waves at the bot\u{1}", ""),
    ("Marisol", "hello bot, are you there?", ""),
    ("Bob", "it will answer when somebody teaches it to Kappa", "25:43-47"),
    ("Ann", "can it swap its own engine while it drives?", ""),
    ("taco", "try it: nothing of this chat gets lost", ""),
    ("Yuki", "👉 <3", "9:2-3"),
  ]

  init(chat: Chat, channel: String) {
    self.chat = chat
    self.channel = channel.hasPrefix("#") ? channel.lowercased() : "#" + channel.lowercased()
  }

  /// Goes on as long as the agenda holds it.
  func start() {
    chat.later(second) { [self] in
      let words = Self.script[line % Self.script.count]
      line += 1
      for room in chat.clients.reduce(into: Set([channel]), { $0.formUnion($1.rooms) }) {
        chat.say(room, words.user == "taco" ? String(room.dropFirst()) : words.user, words.text, emotes: words.emotes)
      }
      start()
    }
  }
}
