import Testing

@testable import YetibotEngine

/// What people expect of commands where the original does something else.
@Suite struct UserTests {
  @Test func whatIsPrintedGoesOnAsAText() throws {
    let bot = TestBot()
    #expect(try bot.value(#"json parse {"a": 3} | data $.a | echo it is"#) == "it is 3")
    #expect(try TestBot(.original).value(#"json parse {"a": 3} | data $.a"#) == "3\n")
  }

  @Test func itemsStandForTheirData() throws {
    let bot = TestBot()
    #expect(try bot.value(#"json parse [{"n":1},{"n":2}] | xargs render {{n}}"#) == ["1", "2"])
    #expect(try bot.value("list a b | xargs render <{{.}}>") == ["<a>", "<b>"])
  }

  @Test func pathsMayHaveSpacesInBrackets() throws {
    for configuration in [Configuration(), .original] {
      let bot = TestBot(configuration)
      let people = #"json parse {"a":[{"n":"Ann B","v":1},{"n":"c","v":2}]}"#
      #expect(try bot.value(people + #" | json path $.a[?(@.n = "Ann B")].v | sum"#) == 1)
      #expect(try bot.value(people + #" | data $.a[?(@.n="Ann B")].v and more"#).text.contains("1"))
      #expect(try bot.value(people + " | data $.a[1].v and [more]").text.trimmed == "2")
      #expect(throws: Raised.self) { try bot.value(people + " | data $.a[ and more") }
    }
    #expect(try TestBot().value(#"json parse [{"n":"x y"}] | pluck $[?(@.n="x y")].n"#) == ["x y"])
  }

  @Test func quotesProtectItemsAndExpressions() throws {
    let bot = TestBot()
    #expect(try bot.value(#"list "a b" c, d"#) == [#""a b" c"#, "d"])
    #expect(try bot.value(#"list "a, b" 'c d' e"#) == ["a, b", "c d", "e"])
    #expect(try bot.value(#"list "a, b", 'c "d"'"#) == ["a, b", #"c "d""#])
    #expect(try bot.value("list don't 'tis") == ["don't", "'tis"])
    #expect(try bot.value(#"list "" x"#) == ["", "x"])
    #expect(try bot.value(#"cmd "list b a | sort""#) == ["a", "b"])
    #expect(try bot.value(#"list ab cd | xargs cmd "letters %s | reverse | join""#) == ["ba", "dc"])
    #expect(try bot.value(#"cmd !echo "x""#) == #""x""#)
  }

  @Test func nothingIsReplacedByOr() throws {
    for configuration in [Configuration(), .original] {
      let bot = TestBot(configuration)
      #expect(try bot.value("letters | or none") == "none")
      #expect(try bot.value("echo | or none") == "none")
      #expect(try bot.value("list a | or none") == ["a"])
      #expect(try bot.value(#"json parse {"a": 1} | or none"#) == ["a": 1])
    }
  }

  @Test func numbersAreReadAsPeopleWriteThem() throws {
    let bot = TestBot()
    #expect(try bot.value("list +1 2 -0.5 | sum") == .double(2.5))
    #expect(try bot.value("list 2.5x 2.25y 10 -3 +1 | sortnum") == ["-3", "+1", "2.25y", "2.5x", "10"])
    #expect(try TestBot(.original).value("list 1.5 1.25 -3 | sortnum") == ["-3", "1.5", "1.25"])
    #expect(try bot.value("calc 1e3 + 2.5e-1") == .double(1000.25))
    #expect(try bot.error("calc 2e") != nil)
  }

  @Test func jsonIsReadToTheLetter() throws {
    for bad in ["01", ".5", "1.", "+1", "-", "1e", "1.e3", "0x1", #""\u+123""#] {
      #expect(throws: JSONText.Failure.self, "\(bad)") { try JSONText.parse(bad) }
    }
    #expect(try JSONText.parse("[0, -0, -1.5e+3, 1E2, 0.1]").items?.count == 5)
    #expect(try JSONText.parse(#""\ud83d\u0041\ud83d\ude00""#) == "\u{FFFD}A😀")
  }

  @Test func whiteSpaceOfAnyKindIsTrimmed() throws {
    #expect(try TestBot().value("trim \u{3000} a b\u{A0}\t") == "a b")
  }

  @Test func definitionsMayHaveLines() throws {
    let bot = TestBot()
    _ = bot.say("!alias both = \"list b a\n| sort\n| join -\"")
    #expect(bot.say("!both") == ["a-b"])
    _ = bot.say("!obs hi = \"echo a\n| echo b\"")
    #expect(bot.say("hi") == ["b a"])
    #expect(bot.say("!cron * * * * * * * \"echo a\n| echo c\"").first?.contains("cron created") == true)
    bot.milliseconds += 1000
    #expect(bot.engine.runCrons(at: bot.milliseconds).flatMap { $0.posts.map(\.text) } == ["c a"])
    _ = bot.say("!my poem = roses\nviolets")
    #expect(bot.say("!my poem") == ["roses\nviolets"])
    let original = TestBot(.original)
    _ = original.say("!alias one = echo a\nb")
    #expect(original.say("!one") == ["a"])
  }

  @Test func anInstanceHasItsOwnObserversAndCrons() {
    let bot = TestBot()
    func sayElsewhere(_ body: String) -> String {
      var event = ChatEvent(kind: .message, person: bot.bob, place: bot.place, body: body)
      event.place.instance = "other"
      return bot.engine.handle(event).map(\.text).joined()
    }
    _ = bot.say("!obs hi = echo x")
    _ = bot.say("!cron * * * * * * * echo x")
    #expect(sayElsewhere("!obs").contains("there are no observers"))
    #expect(sayElsewhere("!obs remove 1").contains("there are no observers"))
    #expect(sayElsewhere("!cron remove 1").contains("there is no cron 1"))
    #expect(sayElsewhere("!cron explain 1").contains("there is no cron 1"))
    #expect(bot.say("!obs remove 1") == ["observer 1 removed"])
    #expect(bot.say("!cron remove 1") == ["cron 1 removed"])
  }

  @Test func aRoomHasItsOwnBuffer() throws {
    let bot = TestBot()
    #expect(bot.say("!list a b | buffer") == ["a\nb"])
    #expect(bot.say("!buffer c") == ["a\nb\nc"])
    var event = ChatEvent(kind: .message, person: bot.bob, place: bot.place, body: "!buffer d")
    event.place.room = "#random"
    #expect(bot.engine.handle(event).map(\.text) == ["d"])
    #expect(bot.say("!buffer flush | count") == ["3"])
    event.body = "!buffer peek"
    #expect(bot.engine.handle(event).map(\.text) == ["d"])
    // In the original's way, the text is kept as well.
    #expect(try TestBot(.original).value("list a b | buffer | count") == 3)
  }

  @Test func optionsSayWhatTheyLack() throws {
    let bot = TestBot()
    #expect(try bot.error("history -s")?.contains("-s needs a value") == true)
    #expect(try bot.error("history -x -s")?.contains("there is no option -x;") == true)
    #expect(try bot.error("obs -e")?.isEmpty ?? true)
    #expect(try bot.error("obs x -u = y")?.contains("-u needs a value") == true)
  }

  @Test func datesArePutAsPeoplePutThem() throws {
    // Thursday, 2026-11-26 10:00:00 UTC.
    let now: Int64 = 1_795_687_200_000
    func date(_ text: String, utcOffset: Int64 = 0) -> String? {
      NaturalDate.parse(text, now: now, utcOffset: utcOffset).map { CivilTime(milliseconds: $0).spaced }
    }
    for (text, expected) in [
      ("now", "2026-11-26 10:00:00"), ("2020-02-29 at 5pm", "2020-02-29 17:00:00"),
      ("2020-02-29T10:20:30.5Z", "2020-02-29 10:20:30"), ("2020-02-29 10:20+02:00", "2020-02-29 08:20:00"),
      ("2020-02-29 10:20 -0130", "2020-02-29 11:50:00"), ("5pm tomorrow", "2026-11-27 17:00:00"),
      ("at noon on monday", "2026-11-30 12:00:00"), ("two days ago", "2026-11-24 10:00:00"),
      ("in half an hour", "2026-11-26 10:30:00"), ("half an hour ago", "2026-11-26 09:30:00"),
      ("1 day and 2 hours ago", "2026-11-25 08:00:00"), ("a month ago", "2026-10-26 10:00:00"),
      ("9 months ago", "2026-02-26 10:00:00"), ("last year", "2025-11-26 10:00:00"),
      ("in 3 months", "2027-02-26 10:00:00"), ("december 25", "2026-12-25 00:00:00"),
      ("5th of march", "2027-03-05 00:00:00"), ("mar 5, 2020 at 7:30am", "2020-03-05 07:30:00"),
      ("29 february", "2028-02-29 00:00:00"), ("next thursday", "2026-12-03 00:00:00"),
      ("thursday", "2026-11-26 00:00:00"), ("3 pm", "2026-11-26 15:00:00"), ("3 weeks from now", "2026-12-17 10:00:00"),
    ] { #expect(date(text) == expected, "\(text)") }
    for text in [
      "", "2020-02-30", "2020-02-29 garbage", "2021-02-29", "february 30", "5pm 6pm", "monday tuesday", "3 days",
      "13pm", "in", "half", "half 2 hours ago", "ago", "next", "the", "99999999 days ago", "2020-13-01",
    ] { #expect(date(text) == nil, "\(text)") }
    // Where nothing says in which zone, it is the bot's.
    #expect(date("2020-02-29 10:20", utcOffset: 3600) == "2020-02-29 09:20:00")
    #expect(date("2020-02-29 10:20Z", utcOffset: 3600) == "2020-02-29 10:20:00")
    // The last day of a month that has fewer.
    #expect(
      CivilTime(milliseconds: CivilTime.adding(months: -1, to: 1_774_915_200_000)).spaced == "2026-02-28 00:00:00")
  }
}
