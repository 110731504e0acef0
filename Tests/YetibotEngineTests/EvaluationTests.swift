import Testing

@testable import YetibotEngine

@Suite struct EvaluationTests {
  @Test func aPipedValueIsAppendedOrPutIn() throws {
    let bot = TestBot()
    #expect(try bot.value("echo world | echo hello") == "hello world")
    #expect(try bot.value("echo a | echo %s-%s") == "a-a")
    #expect(try bot.value(#"echo $1\ | echo a%sb"#) == #"a$1\b"#)
  }

  @Test func aSubExpressionRunsWhenItsCommandDoes() throws {
    let bot = TestBot()
    #expect(try bot.value("echo $(echo a | echo b) `echo c`") == "b a c")
    #expect(try bot.value("echo $(error x)") == "💥 Error in `error x`: x 💥")
    #expect(try bot.error("echo a | error b") == "💥 Error in `error b`: b a 💥")
  }

  @Test func dataFollowItems() throws {
    let bot = TestBot()
    try bot.engine.register(
      topics: [("rows", "rows")],
      [
        Registry.Handler(usage: "rows") { _ in
          .record(.init(["a", "b", "c"], data: [["n": 1], ["n": 2], ["n": 3]]))
        }
      ])
    #expect(try bot.value("rows | reverse | head | render {{n}}") == "3")
    #expect(try bot.value("rows | grep b | data $[0].n") == "2\n")
    #expect(try bot.value("rows | xargs render {{n}}") == ["1", "2", "3"])
    #expect(try bot.value("rows | echo `render {{n}}`") == "1 2 3")
  }

  @Test func xargsKeepsErrorsInTheirPlace() throws {
    let bot = TestBot()
    #expect(try bot.value("list 1 x | xargs error") == ["1", "x"])
    #expect(try TestBot(.original).value("list 1 x | xargs error") == [.null, .null])
  }

  @Test func aDisabledCategoryIsDisabledEverywhere() throws {
    let bot = TestBot()
    _ = bot.say("!category disable collection")
    #expect(
      try bot.value("repeat 2 list a") == [
        "collection commands are disabled in this channel 🖐", "collection commands are disabled in this channel 🖐",
      ])
    _ = bot.say("!category disable util")
    #expect(bot.say("!category enable util") == ["category util is enabled in this room"])
  }

  @Test func balancedParenthesesStayInside() throws {
    #expect(try TestBot().value("echo $(echo (a (b)))!") == "(a (b))!")
    #expect(try TestBot(.original).value("echo $(echo (a (b)))!") == "(a (b))!")
    #expect(try TestBot().value("list $(echo (a)) | head") == "(a)")
  }

  @Test func limitsHold() throws {
    var configuration = Configuration()
    configuration.limits.commands = 50
    let bot = TestBot(configuration)
    #expect(throws: Raised.self) { try bot.value("repeat 10 repeat 10 repeat 10 echo x") }
    _ = bot.say("!alias a = a")
    #expect(bot.say("!a").first?.contains("runs itself") == true)
    #expect(bot.say("!range 100000").first?.contains("more than 10000") == true)
    _ = bot.say("!alias big = \"echo $s$s$s$s | big\"")
    // It grows until it is longer than what can be read.
    #expect(bot.say("!big xxxxxxxxxxxxxxxx").first?.contains("at most 16384 bytes") == true)
  }

  @Test func timeIsUpForAll() {
    let bot = TestBot()
    bot.engine.addHook("slow") { [unowned bot] _ in
      bot.milliseconds += 100
      return nil
    }
    #expect(bot.say("!repeat 10 repeat 10 echo x").first?.contains("timed out after 5 seconds") == true)
  }

  @Test func hooksComeByPriority() throws {
    let bot = TestBot()
    bot.engine.addHook("low", priority: 1) { $0.command == "greet" ? .plain("low") : nil }
    #expect(try bot.value("greet x | echo got") == "got low")
    bot.engine.addHook("high", priority: 2) { $0.command == "greet" ? .plain(.string("high \($0.args)")) : nil }
    #expect(try bot.value("greet x") == "high x")
    bot.engine.removeHook("high")
    #expect(try bot.value("greet x") == "low")
    bot.engine.unknownCommand = { $0.command == "other" ? .plain("asked") : nil }
    #expect(try bot.value("other") == "asked")
  }

  @Test func administratorsAreToldByIdOrRole() {
    var configuration = Configuration()
    configuration.adminCommands = ["echo"]
    configuration.adminUsers = ["U2"]
    configuration.adminRoles = ["owner"]
    let bot = TestBot(configuration)
    #expect(bot.say("!echo x").first?.contains("administrators") == true)
    #expect(bot.say("!list a | xargs echo").first?.contains("administrators") == true)
    #expect(bot.say("!echo x", by: bot.bob) == ["x"])
    #expect(bot.say("!echo x", by: ChatPerson(id: "U3", name: "eve", roles: ["owner"])) == ["x"])
  }

  @Test func aTextThatCannotBeReadIsReported() {
    #expect(TestBot().say("!echo a |b").first?.contains("column 8") == true)
  }

  @Test func stateSurvives() {
    let rows = Rows()
    let first = TestBot(rows: rows)
    _ = first.say("!alias hi = \"echo hello $1\"")
    _ = first.say("!my color = blue")
    _ = first.say("!my color = red")
    let second = TestBot(rows: rows)
    #expect(second.say("!hi bob") == ["hello bob"])
    #expect(second.say("!my color") == ["red"])
    #expect(second.say("!my color", by: second.bob).first?.contains("has kept no color") == true)
    #expect(second.say("!alias dash-name = echo x") == ["dash-name alias created"])
    #expect(second.say("!alias remove dash-name") == ["alias dash-name removed"])
  }

  @Test func cronsRunAtTheirTime() {
    let bot = TestBot()
    _ = bot.say("!cron 5 * * * * * * echo tick")
    #expect(bot.engine.runCrons(at: 1_700_000_105_000).map { $0.posts.map(\.text) } == [["tick"]])
    #expect(bot.engine.runCrons(at: 1_700_000_106_000).isEmpty)
    #expect(bot.say("!cron x y z w v u t echo").first?.contains("no fields") == true)
  }

  @Test func calendarsAgree() {
    let time = CivilTime(milliseconds: 951_782_400_000)
    #expect([time.year, time.month, time.day, time.weekday] == [2000, 2, 29, 3])
    #expect(CivilTime.parse("2000-02-29") == 951_782_400_000)
    #expect(CivilTime.parse("2000-13-01") == nil)
    #expect(CivilTime(milliseconds: -1).year == 1969)
  }
}
