import Testing

@testable import YetibotEngine

/// Commands that somebody outside the engine brings.
struct HookedCommandTests {
  private func bring(_ bot: TestBot, _ answer: @escaping (Invocation) throws -> Outcome?) throws {
    bot.engine.setHooked([
      HookedCommand(
        topic: "bake", pattern: try Pattern("^(?:bake|roast)$"), usage: ["bake <what> # bakes"], categories: ["fun"])
    ])
    bot.engine.runHooked = { call, _ in try answer(call) }
  }

  @Test func theyRunInPipes() throws {
    let bot = TestBot()
    try bring(bot) { .record(.init(.string("baked \($0.args)"), data: ["n": 3])) }
    #expect(try bot.value("bake rye | upper") == "BAKED RYE")
    #expect(try bot.value("roast `echo a` | render {{n}}") == "3")
    #expect(try bot.value("list a b | xargs bake") == ["baked a", "baked b"])
    #expect(bot.say("eat `bake x`") == ["baked x"])
  }

  @Test("they are found by their words as by their patterns")
  func lookUp() throws {
    func command(_ pattern: String) throws -> HookedCommand {
      HookedCommand(topic: pattern, pattern: try Pattern("^(?:\(pattern))$"), usage: [])
    }
    let words = ["a", "b", "ab", "abc", "a-b", "A", "", "a|b", "x"]
    for patterns in [["a", "b|a", "abc"], ["a", "a+", "[ab]+c?"], [], ["a-b|ab", "x"]] {
      let registry = Registry()
      registry.hooked = try patterns.map(command)
      for word in words {
        let expected = registry.hooked.filter { $0.pattern.occurs(in: word) }.map(\.topic)
        #expect(registry.hooked(for: word).map(\.topic) == expected, "\(patterns) \(word)")
      }
    }
  }

  @Test func theyAreKnownToHelpAndCategories() throws {
    let bot = TestBot()
    try bring(bot) { _ in .plain("done") }
    #expect(try bot.value("help bake | join") == "bake <what> # bakes")
    #expect(try bot.value("help bakee | join") == "bake <what> # bakes")
    #expect(try bot.value("category list fun | grep bakes") != .null)
    _ = bot.say("!category disable fun")
    #expect(bot.say("!bake x").first?.contains("fun commands are disabled") == true)
    _ = bot.say("!category enable fun")
    #expect(bot.say("!bake x") == ["done"])
    #expect(bot.say("!alias bake = echo").first?.contains("is a command already") == true)
    bot.engine.setHooked([])
    #expect(bot.say("!bake x").first?.contains("done") != true)
  }

  @Test func oneThatPassesLeavesTheEnginesOwn() throws {
    let bot = TestBot()
    bot.engine.setHooked([HookedCommand(topic: "upper", pattern: try Pattern("^upper$"), usage: ["upper # mine"])])
    var asked = 0
    bot.engine.runHooked = { call, _ in
      asked += 1
      return call.args == "mine" ? .plain("theirs") : nil
    }
    #expect(try bot.value("upper mine") == "theirs")
    #expect(try bot.value("upper yours") == "YOURS")
    #expect(asked == 2)
    // Nobody's command answers with how it is used.
    bot.engine.setHooked([HookedCommand(topic: "fry", pattern: try Pattern("^fry$"), usage: ["fry # fries"])])
    #expect(try bot.value("fry x | join") == "fry # fries")
  }

  @Test func permissionsAndSwitchesCountForThemToo() throws {
    var configuration = Configuration()
    configuration.adminCommands = ["bake"]
    configuration.filter = try CommandFilter(allowed: [], denied: ["^roast$"])
    let bot = TestBot(configuration)
    var asked = 0
    try bring(bot) { _ in
      asked += 1
      return .plain("done")
    }
    #expect(bot.say("!bake x").first?.contains("administrators") == true)
    #expect(bot.say("!roast x").first?.contains("done") != true)
    #expect(asked == 0)
  }

  @Test func anotherMessageMayBeHandledWhileOneWaits() throws {
    let bot = TestBot()
    var meanwhile: [String] = []
    try bring(bot) { [unowned bot] call in
      if call.args == "slow" { meanwhile = bot.engine.suspended { bot.say("!echo quick", by: bot.bob) } }
      return .plain(.string("baked \(call.args)"))
    }
    #expect(bot.say("!bake slow") == ["baked slow"])
    #expect(meanwhile == ["quick"])
  }

  @Test func whatIsRaisedIsReported() throws {
    let bot = TestBot()
    try bring(bot) { _ in throw Raised("bake: the oven is cold") }
    #expect(bot.say("!bake x") == ["👮 bake: the oven is cold 👮"])
  }
}
