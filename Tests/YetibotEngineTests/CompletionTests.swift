import Testing

@testable import YetibotEngine

struct CompletionTests {
  private let bot = TestBot()

  /// Completes at the end of the text.
  private func complete(_ text: String) -> Yetibot.Completion {
    bot.engine.complete(text, cursor: text.unicodeScalars.count)
  }

  @Test(arguments: [
    ("uppe", 0), ("!uppe", 1), ("echo a | uppe", 9), ("echo `uppe", 6), ("echo $(uppe", 7), ("echo ` uppe", 7),
    ("help uppe", 5), ("!help uppe", 6), ("list a | xargs uppe", 15), ("é | uppe", 4),
  ])
  func namesStandWhereCommandsDo(_ text: String, _ start: Int) {
    #expect(complete(text) == Yetibot.Completion(start: start, words: ["upper"]))
  }

  @Test(arguments: ["echo uppe", "echo help uppe", "echo a | echo uppe", "uppe r"])
  func elsewhereThereAreNone(_ text: String) { #expect(complete(text).words.isEmpty) }

  @Test func whatStandsBehindTheCursorDoesNotCount() {
    #expect(bot.engine.complete("uppe | echo", cursor: 4) == Yetibot.Completion(start: 0, words: ["upper"]))
    #expect(bot.engine.complete("upper", cursor: 999).words == ["upper"])
    #expect(bot.engine.complete("upper", cursor: -5).start == 0)
  }

  @Test func aliasesAndBroughtCommandsAreNames() throws {
    _ = bot.say("!alias bread = echo rye")
    bot.engine.setHooked([
      HookedCommand(topic: "brew", pattern: try Pattern("^brew$"), usage: ["brew # coffee"])
    ])
    #expect(complete("br").words == ["bread", "brew", "broadcast"])
  }

  @Test func whatIsSwitchedOffIsNotOffered() throws {
    var configuration = Configuration()
    configuration.filter = try CommandFilter(allowed: [], denied: ["^upper$"])
    let bot = TestBot(configuration)
    #expect(bot.engine.complete("uppe", cursor: 4).words.isEmpty)
  }
}
