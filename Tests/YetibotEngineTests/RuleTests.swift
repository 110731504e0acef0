import Testing

@testable import YetibotEngine

/// Rules of evaluation that are easily got wrong.
@Suite struct RuleTests {
  private func makeRows() throws -> TestBot {
    let bot = TestBot()
    try bot.engine.register(
      topics: [("rows", "rows")],
      [Registry.Handler(usage: "rows") { _ in .record(.init(["a", "b"], data: [["n": 1], ["n": 2]])) }])
    return bot
  }

  @Test func piecesEndWhereTheTextDoes() throws {
    let bot = TestBot()
    #expect(try bot.value("list ,") == [])
    #expect(try bot.value("list a,,") == ["a"])
    #expect(try bot.value("words") == [""])
    #expect(try bot.value("words  ") == [])
    #expect(try bot.value("split a aaa") == [])
    #expect(try bot.value("split x abc") == ["abc"])
    #expect(try bot.value("split , ,a,,") == ["", "a"])
  }

  @Test func numbersAreSortedAsNumbers() throws {
    let bot = TestBot()
    #expect(try bot.value("json parse [10, 9, 2.5] | sort") == [.double(2.5), 9, 10])
    #expect(try bot.value("list 10 9 b B | sort") == ["10", "9", "B", "b"])
    #expect(try bot.value("json parse [10, 9, \"a\"] | sort") == [10, 9, "a"])
  }

  @Test func whatCommandsRunSeesTheData() throws {
    let bot = try makeRows()
    #expect(try bot.value("rows | head | cmd render {{n}}") == "1 a")
    #expect(try bot.value("rows | xargs cmd data $.n") == ["1", "2"])
    #expect(try bot.value("rows | pluck $[*].n | sum") == 3)
    #expect(try bot.value("rows | pluck $[1].n") == 2)
    _ = bot.say("!alias number = \"echo $1 is `render {{n}}`\"")
    #expect(try bot.value("echo `rows | head | echo %s`") == "a")
  }

  @Test func answersSayWhereTheirDataAre() throws {
    let bot = TestBot()
    try bot.engine.register(
      topics: [("deep", "deep")],
      [
        Registry.Handler(usage: "deep") { _ in
          .record(.init(["a", "b"], data: ["x": [["n": 1], ["n": 2]]], collectionPath: ["x"]))
        }
      ])
    try bot.engine.register(
      topics: [("lost", "lost")],
      [Registry.Handler(usage: "lost") { _ in .record(.init(["a"], data: [["n": 7]], collectionPath: ["nowhere"])) }])
    #expect(try bot.value("deep | tail | render {{n}}") == "2")
    #expect(try bot.value("lost | head | render {{n}}") == "7")
  }

  @Test func whatIsDeniedIsUnknown() throws {
    var configuration = Configuration()
    configuration.filter = try CommandFilter(allowed: [], denied: ["^upper$", "^poke$"])
    let bot = TestBot(configuration)
    #expect(try bot.value("help").text.contains("`upper`") == false)
    #expect(try bot.value("help all").text.contains("upper <text>") == false)
    #expect(try bot.error("help poke") != nil || bot.value("help poke").text.contains("pokes") == false)
    #expect(bot.say("see `upper x`").isEmpty)
    #expect(bot.say("see `lower X`") == ["x"])
    #expect(bot.say("!upper x").first?.contains("X") == false)
    // An alias may be called so, and then it is there.
    bot.engine.reconfigure(Configuration())
    #expect(bot.say("see `upper x`") == ["X"])
  }

  @Test func theLatestCommandIsNotTheOneThatAsks() throws {
    let bot = TestBot()
    _ = bot.say("!echo first")
    #expect(bot.say("!!") == ["first"])
    #expect(bot.say("!echo again: `!`") == ["again: first"])
    #expect(bot.say("look: `!`") == ["first"])
    #expect(bot.say("look: `!!`") == ["first"])
    #expect(bot.say("!that cmd") == ["look: `!!`"])
    #expect(try bot.value("that cmd") == "!that cmd")
    // In the original's way, only what begins with !! is passed over.
    let original = TestBot(.original)
    _ = original.say("!echo first")
    #expect(original.say("!that cmd") == ["!echo first"])
    #expect(original.say("see `!!`").isEmpty)
  }

  @Test func historyKnowsOutputs() throws {
    let bot = TestBot()
    _ = bot.say("!echo one")
    _ = bot.say("!list a b")
    _ = bot.say("talk")
    _ = bot.say("!echo two")
    #expect(try bot.value("history -o | count") == "3")
    #expect(try bot.value("history -o -m echo").items?.map { $0.text.suffix(3) } == ["one", "two"])
    #expect(try bot.value("history -m echo | count") == "4")
    #expect(try bot.value("history -m echo | tail").text.hasSuffix("two"))
    #expect(try bot.error("history -x")?.contains("-o --output") == true)
    #expect(try TestBot(.original).error("history -o")?.contains("there is no option -o") == true)
  }

  @Test func observersDoNotSayWhatIsSwitchedOff() {
    let bot = TestBot()
    _ = bot.say("!obs hello = poke bob")
    #expect(bot.say("hello") == ["pokes bob"])
    _ = bot.say("!category disable fun")
    #expect(bot.say("hello").isEmpty)
    #expect(bot.say("!poke bob").first?.contains("fun commands are disabled") == true)
  }

  @Test func roomsAreLearnt() throws {
    let bot = TestBot()
    _ = bot.say("hi")
    var event = ChatEvent(kind: .message, person: bot.bob, place: bot.place, body: "psst")
    event.place.room = "bob"
    event.place.isPrivate = true
    _ = bot.engine.handle(event)
    event.place.isPrivate = false
    event.place.room = "#kitchen"
    _ = bot.engine.handle(event)
    #expect(try bot.value("channel list") == ["#general", "#kitchen"])
    #expect(
      bot.engine.graphQL("{channels {name}}", place: bot.place) == [
        "data": ["channels": [["name": "#general"], ["name": "#kitchen"]]]
      ])
  }

  @Test func rowsKnowWhenTheyWereMade() {
    let bot = TestBot()
    _ = bot.say("!alias a = echo 1")
    let made = bot.milliseconds
    bot.milliseconds += 1000
    _ = bot.say("!alias a = echo 2")
    #expect(
      bot.engine.graphQL("{aliases {id cmd created_at}}", place: bot.place) == [
        "data": ["aliases": [["id": 1, "cmd": "echo 2", "created_at": .int(made)]]]
      ])
  }

  @Test func pointsBelongToTheirAdapter() {
    let bot = TestBot()
    _ = bot.say("!karma @zed++")
    var event = ChatEvent(kind: .message, person: bot.alice, place: bot.place, body: "!karma")
    event.place.instance = "other"
    #expect(bot.engine.handle(event).map(\.text) == ["No results"])
    #expect(bot.say("!karma") == ["<@zed>: 1"])
  }

  @Test func aliasesLeaveALineInTheOriginal() throws {
    for (configuration, count) in [(Configuration.original, "3"), (Configuration(), "2")] {
      let bot = TestBot(configuration)
      _ = bot.say("!alias hi = echo hello")
      _ = bot.say("!hi")
      #expect(try bot.value("history -n -y | count") == .string(count))
    }
  }

  @Test func timeHasHalfHours() throws {
    var configuration = Configuration()
    configuration.utcOffset = 19_800
    #expect(try TestBot(configuration).value("time") == "2023-11-15 03:43:20 UTC+5:30")
    #expect(try TestBot().value("time -3") == "2023-11-14 19:13:20 UTC-3")
  }
}
