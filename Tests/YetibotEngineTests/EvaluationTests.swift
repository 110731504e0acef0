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
    #expect(try bot.value("rows | grep b | data $[0].n") == "2")
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

  // MARK: Better than the original

  @Test func emptyResultsSaySo() {
    let bot = TestBot()
    #expect(bot.say("!list a | grep b") == ["No results: the list is empty"])
    #expect(bot.say("!json parse {}") == ["No results: the map is empty"])
    #expect(bot.say("!echo") == ["No results"])
    #expect(bot.say("!nil").isEmpty)
    #expect(TestBot(.original).say("!list a | grep b").isEmpty)
  }

  @Test func readErrorsShowTheirPlace() throws {
    let bot = TestBot()
    #expect(
      bot.say("!echo a |b") == [
        "cannot read this at column 8: a pipe with exactly one space on each side, or a bar with text directly on both\necho a |b\n       ^"
      ])
    // Also for a text that a command was given.
    _ = bot.say("!alias bad = \"echo `a\"")
    #expect(try bot.error("list x | bad")?.contains("a closing back-tick") == true)
    #expect(TestBot(.original).say("!echo a |b") == ["No results"])
  }

  @Test func itemsOfXargsHaveTheirOwnSubExpressions() throws {
    let bot = TestBot()
    try bot.engine.register(
      topics: [("rows", "rows")],
      [Registry.Handler(usage: "rows") { _ in .record(.init(["a", "b"], data: [["n": 1], ["n": 2]])) }])
    #expect(try bot.value("rows | xargs echo `render {{n}}`:") == ["1: a", "2: b"])
    #expect(try bot.value("rows | xargs echo %s=$(render {{n}} | echo <%s>)") == ["a=<1>", "b=<2>"])
    #expect(try bot.value("list x y | xargs echo `data`") == ["x x", "y y"])
  }

  @Test func nullsAndListsReadWell() throws {
    let bot = TestBot()
    #expect(try bot.value("that") == .null)
    #expect(bot.say("!that") == ["No results"])
    #expect(try bot.value("list a b | tail 0") == [])
    #expect(try bot.value("echo <$(list a b)>") == "<a b>")
    #expect(bot.say("!json parse [{\"n\": 1}, {\"n\": 2}]") == ["n: 1\nn: 2"])
    #expect(TestBot(.original).say("!json parse [{\"n\": 1}, {\"n\": 2}]") == ["n: 2"])
  }

  @Test func dataStayWithTheirItems() throws {
    let bot = TestBot()
    try bot.engine.register(
      topics: [("rows", "rows")],
      [Registry.Handler(usage: "rows") { _ in .record(.init(["a", "b", "a"], data: [["n": 1], ["n": 2], ["n": 3]])) }])
    #expect(try bot.value("rows | set | xargs render {{n}}") == ["1", "2"])
    #expect(try bot.value("rows | unique | xargs render {{n}}") == ["1", "2"])
    #expect(try bot.value("rows | count") == 3)
    #expect(try bot.engine.evaluate("list b a | sort", person: bot.alice, place: bot.place).evaluation.data == .null)
  }

  @Test func aliasesAreNamesNotPatterns() throws {
    let bot = TestBot()
    #expect(bot.say("!alias a.c = echo dot") == ["a.c alias created"])
    #expect(bot.say("!a.c") == ["dot"])
    #expect(bot.say("!abc").first?.contains("no command abc") == true)
    #expect(bot.say("!alias (x = echo y").first?.contains("the name of an alias") == true)
    // Two that call each other.
    _ = bot.say("!alias ping = pong")
    _ = bot.say("!alias pong = ping")
    #expect(bot.say("!ping").first?.contains("runs itself") == true)
    // Numbers beyond nine.
    let ten = (1...10).map { String($0) }
    #expect(Formatting.pseudoFormatN("$10 $2 $11 $0 $x", ten, prefix: "$") == "10 2  $0 $x")
    #expect(Formatting.pseudoFormatN("$10", ten, prefix: "$", isShort: true) == "10")
    #expect(Formatting.pseudoFormatN("$10", ["a"], prefix: "$", isShort: true) == "a0")
    // Collections and data go through, and errors stay errors.
    _ = bot.say("!alias first2 = \"sort | head 2\"")
    #expect(try bot.value("list c a b | first2") == ["a", "b"])
    _ = bot.say("!alias names = \"category names\"")
    #expect(try bot.value("names | render {{fun}}").text.contains("nothing to do with work"))
    _ = bot.say("!alias oops = \"error oh\"")
    #expect(try bot.error("oops | echo after") == "💥 Error in `error oh`: oh 💥")
  }

  @Test func repeatAndFiltersKnowWhoAsks() throws {
    let bot = TestBot()
    bot.engine.addHook("who") {
      $0.command == "who" ? .plain(.string("\($0.person?.name ?? "?") in \($0.place.room)")) : nil
    }
    #expect(try bot.value("repeat 2 who") == ["alice in #general", "alice in #general"])
    #expect(try bot.value("list x | xargs who") == ["alice in #general"])
    #expect(try bot.value("echo x | render {{.|yetibot:who}}") == "alice in #general")
  }

  @Test func rolesAllowCommands() {
    var configuration = Configuration()
    configuration.commandRoles = ["alias": ["moderator", "owner"]]
    configuration.adminUsers = ["U2"]
    let bot = TestBot(configuration)
    #expect(bot.say("!alias x = echo y").first?.contains("is for moderator, owner only") == true)
    #expect(bot.say("!list q | xargs alias x =").first?.contains("moderator, owner only") == true)
    #expect(bot.say("!alias x = echo y", by: bot.bob) == ["x alias created"])
    #expect(bot.say("!x") == ["y"])
    #expect(
      bot.say("!alias z = echo y", by: ChatPerson(id: "U9", name: "mo", roles: ["moderator"])) == ["z alias created"])
  }

  @Test func aRoomSwitchesForItself() {
    let bot = TestBot()
    _ = bot.say("!obs hello = echo seen")
    #expect(bot.say("hello") == ["seen"])
    #expect(bot.say("hello `echo x`") == ["x"])
    // What does not run is no command, which observers may see.
    _ = bot.say("!channel set embedded-commands false")
    #expect(bot.say("hello `echo x`") == ["seen"])
    _ = bot.say("!channel set observers false")
    #expect(bot.say("hello `echo x`").isEmpty)
  }

  @Test func theLatestCommandIsOnesOwn() {
    let bot = TestBot()
    _ = bot.say("!echo from alice")
    _ = bot.say("!echo from bob", by: bot.bob)
    #expect(bot.say("!!") == ["from alice"])
    #expect(TestBot().say("!!").first?.contains("has run no command yet") == true)
    _ = bot.say("talk `echo embedded`")
    #expect(bot.say("!!") == ["embedded"])
  }

  @Test func historyIsFoundByTheStore() throws {
    let bot = TestBot()
    for number in 0..<50 { _ = bot.say("line \(number)") }
    #expect(try bot.value("history -e | count") == "50")
    #expect(try bot.value("history -e | grep 4[89]$ | unwords").text.contains("line 48") == true)
    #expect(try bot.value("history -e | tail").text.hasSuffix("line 49"))
    #expect(try bot.value("history -e | grep nothing | count") == 0)
    #expect(try bot.value("history -s yesterday -e | count") == "50")
    #expect(try bot.value("history -v 3-days-ago -e | count") == "0")
    #expect(try bot.error("history -s whenever")?.contains("is no date") == true)
  }

  @Test func unknownWordsAreGuessed() {
    let bot = TestBot()
    #expect(bot.say("!ehco hi there").first?.contains("did you mean") == true)
    #expect(bot.say("!zzzzzzzzzz x").first?.contains("`help` lists") == true)
  }

  @Test func cronsAreChecked() {
    let bot = TestBot()
    #expect(bot.say("!cron 61 * * * * * * echo x").first?.contains("no fields of a cron") == true)
    #expect(bot.say("!cron 0 0 25 * * * * echo x").first?.contains("no fields of a cron") == true)
    bot.engine.addHook("who") { $0.command == "who" ? .plain(Value($0.person?.id)) : nil }
    _ = bot.say("!cron * * * * * * * who")
    #expect(bot.engine.runCrons(at: bot.milliseconds).isEmpty)
    #expect(bot.engine.runCrons(at: bot.milliseconds + 1000).first?.posts.map(\.text) == ["U1"])
  }

  @Test func verbsThatPeopleMiss() throws {
    let bot = TestBot()
    #expect(try bot.value("calc 2 * (3 + 4) - 2 ^ 3") == 6)
    #expect(try bot.value("calc 7 / 2") == .double(3.5))
    #expect(try bot.value("list a b | join \", \"") == "a, b")
    #expect(try bot.value("echo 5 | when ^5 calc %s * 2") == 10)
    #expect(try bot.value("echo 5 | when ^5 calc 2 *") == 10)
    #expect(try bot.value("echo 5 | cmd \"calc 2 * | echo x\"") == "x 10")
    #expect(try bot.value("echo 5 | cmd \"calc %s * 2 | echo x\"") == "x 10")
    #expect(try bot.value("list b a | cmd \"sort | join -\"") == "a-b")
    #expect(try bot.error("\"echo a\"")?.contains("no quotes") == true)
    #expect(try bot.value("list a b | join ' '") == "a b")
    #expect(try bot.value("list a b | join \"") == "a\"b")
    #expect(try bot.value(" echo a  |  echo b") == "b a ")
    #expect(try bot.value("list a b |\n  xargs  echo x") == ["x a", "x b"])
    #expect(bot.say("! echo hi") == ["hi"])
    #expect(try bot.value("calc 2 ^ 0.5 * 2 ^ 0.5 - 2").number?.magnitude ?? 1 < 1e-12)
    #expect(try bot.value("calc 8 ^ (1 / 3)") == 2)
    #expect(try bot.value("calc 2 ^ -2") == .double(0.25))
    #expect(try bot.error("calc (-8) ^ 0.5")?.contains("no such power") == true)
    #expect(try bot.error("calc 10 ^ 400")?.contains("no number") == true)
    #expect(try bot.error("calc 1 / 0")?.contains("divided by 0") == true)
    #expect(try bot.error("calc 1 +")?.contains("a number was expected") == true)
    #expect(try bot.value("range 1 5 | reduce calc %1 * %2") == 24)
    #expect(try bot.value(#"list ab cd | map "letters | reverse | unletters""#) == ["ba", "dc"])
    #expect(try bot.value(#"echo 12 days | when day "echo many:""#) == "many: 12 days")
    #expect(try bot.value(#"echo 12 | when day "echo many:""#) == "12")
    #expect(try bot.value(#"echo 12 | unless day "echo few:""#) == "few: 12")
    #expect(try bot.value("echo hello | replace l+ L") == "heLo")
    #expect(try bot.value("echo hello | tr a-y b-z") == "ifmmp")
    #expect(try bot.value("list a b c | nth -1") == "c")
    #expect(try bot.value("echo ab cd | title") == "Ab Cd")
    #expect(try bot.value("echo a/b | sed s/\\//-/") == "a-b")
    #expect(try bot.value("echo Aa | sed s/a/x/gi") == "xx")
  }

  @Test func listsKnowQuotes() throws {
    let bot = TestBot()
    #expect(try bot.value(#"list "a b" c"#) == ["a b", "c"])
    #expect(try bot.value(#"list "a, b", c, "d""#) == ["a, b", "c", "d"])
    #expect(try bot.value(#"list "a, b" c"#) == ["a, b", "c"])
    #expect(try bot.value(#"list 5" disk"#) == ["5\"", "disk"])
    #expect(try TestBot(.original).value(#"list "a b" c"#) == ["\"a", "b\"", "c"])
  }

  @Test func pastimes() throws {
    let bot = TestBot()
    _ = bot.say("!order pizza")
    _ = bot.say("!order for bob: soup")
    #expect(bot.say("!order show") == ["alice: pizza\nbob: soup"])
    #expect(bot.say("!order remove") == ["the order of alice is forgotten"])
    #expect(bot.say("!http 404") == ["404 Not Found"])
    #expect(bot.say("!poke bob") == ["pokes bob"])
    #expect(bot.say("!time zones").first?.contains("CET: UTC+1:00") == true)
  }

  @Test func datesAsPeopleSayThem() {
    // A Tuesday, 22:13:20 UTC.
    let now: Int64 = 1_700_000_000_000
    func text(_ date: String) -> String? {
      NaturalDate.parse(date, now: now).map { CivilTime(milliseconds: $0).text }
    }
    #expect(text("now") == "2023-11-14T22:13:20")
    #expect(text("today") == "2023-11-14T00:00:00")
    #expect(text("yesterday at 5pm") == "2023-11-13T17:00:00")
    #expect(text("tomorrow 14:30") == "2023-11-15T14:30:00")
    #expect(text("3 days ago") == "2023-11-11T22:13:20")
    #expect(text("a week ago") == "2023-11-07T22:13:20")
    #expect(text("in 2 hours") == "2023-11-15T00:13:20")
    #expect(text("next friday at noon") == "2023-11-17T12:00:00")
    #expect(text("last tuesday") == "2023-11-07T00:00:00")
    #expect(text("monday") == "2023-11-20T00:00:00")
    #expect(text("at 9 am") == "2023-11-14T09:00:00")
    #expect(text("2 weeks from now") == "2023-11-28T22:13:20")
    #expect(text("2020-02-29 14:30") == "2020-02-29T14:30:00")
    for bad in ["", "whenever", "3 whales ago", "friday at 25:00", "5", "in five", "tomorrow at 13pm"] {
      #expect(text(bad) == nil, "\(bad)")
    }
    #expect(NaturalDate.parse("today", now: now, utcOffset: 7200) == 1_699_999_200_000)
  }
}
