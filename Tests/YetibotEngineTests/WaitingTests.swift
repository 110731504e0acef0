import Testing

@testable import YetibotEngine

/// Commands that take time: sleep, and what is too slow.
@Suite struct WaitingTests {
  /// A bot whose sleep only moves its clock.
  private func makeBot(_ configuration: Configuration = Configuration()) -> TestBot {
    let bot = TestBot(configuration)
    bot.engine.pause = { [unowned bot] milliseconds, _ in bot.milliseconds += milliseconds }
    return bot
  }

  @Test func sleepPassesOnWhatWasPiped() throws {
    let bot = makeBot()
    let start = bot.milliseconds
    #expect(try bot.value("sleep 1500") == "slept for 1500 milliseconds")
    #expect(try bot.value("echo a | sleep 1000 | echo b") == "b a")
    #expect(try bot.value("list a b | sleep 1 | join -") == "a-b")
    #expect(try bot.value("category names | sleep 1 | render {{fun}}").text.contains("nothing to do with work"))
    #expect(bot.milliseconds - start == 2502)
  }

  @Test func sleepHasLimits() throws {
    let bot = makeBot()
    #expect(try bot.error("sleep 10001")?.contains("at most 10000 milliseconds") == true)
    #expect(try bot.error("sleep 99999999999999999999")?.contains("at most 10000 milliseconds") == true)
    #expect(try bot.value("sleep soon | join").text.contains("sleep <milliseconds>"))
    // It counts against the message's time, and no longer than that is waited.
    let start = bot.milliseconds
    #expect(bot.say("!sleep 3000 | sleep 3000") == ["👮 `!sleep 3000 | sleep 3000` timed out after 5 seconds 👮"])
    #expect(bot.milliseconds - start == 5001)
    #expect(try TestBot().error("sleep 1")?.contains("nobody here who could wait") == true)
  }

  @Test func aSleepThatIsCutShortEndsTheMessage() {
    let bot = TestBot()
    bot.engine.pause = { _, _ in throw Raised("cut short", isLimit: true) }
    #expect(bot.say("!list a b | xargs sleep 10") == ["👮 cut short 👮"])
  }

  @Test func othersAreHandledMeanwhile() {
    let bot = TestBot()
    var meanwhile: [String] = []
    bot.engine.pause = { [unowned bot] milliseconds, _ in
      bot.milliseconds += milliseconds
      meanwhile += bot.engine.suspended { bot.say("!echo quick", by: bot.bob) }
    }
    #expect(bot.say("!tee before | sleep 10 | echo after") == ["before", "after before"])
    #expect(meanwhile == ["quick"])
  }

  @Test func whatIsTooSlowIsQuoted() {
    var configuration = Configuration()
    configuration.limits.milliseconds = 1500
    let bot = makeBot(configuration)
    let long = String(repeating: "x", count: 300)
    #expect(
      bot.say("!sleep 2000 \(long)") == [
        "👮 `!sleep 2000 \(String(repeating: "x", count: 188))…` timed out after 1500 milliseconds 👮"
      ])
  }

  @Test func commandsDoNotFlood() {
    let bot = TestBot()
    let said = bot.say("!range 200 | xargs tee")
    #expect(said.count == 101 && said.last?.contains("more than 100 messages") == true)
  }

  @Test func whatComesAgainIsRememberedOnce() throws {
    let bot = TestBot()
    var event = ChatEvent(kind: .message, person: bot.alice, place: bot.place, body: "!echo x")
    event.time = bot.milliseconds
    // Cut short the first time, after the line was remembered.
    bot.engine.addHook("cut") { _ in throw Raised("cut short", isLimit: true) }
    _ = bot.engine.handle(event)
    bot.engine.removeHook("cut")
    event.isRepeated = true
    bot.milliseconds += 500
    #expect(bot.engine.handle(event).map(\.text) == ["x"])
    #expect(try bot.value("history -y | count") == "1")
    // The same words at another time are another line.
    event.time = bot.milliseconds
    _ = bot.engine.handle(event)
    #expect(try bot.value("history -y | count") == "2")
  }

  @Test func anotherEngineGoesOn() throws {
    let bot = TestBot()
    _ = bot.say("hello")
    _ = bot.say("!cron stop", by: bot.bob)
    bot.engine.note(adapter: "test", instance: "other", isConnected: false)
    bot.milliseconds += 60_000
    let next = TestBot()
    next.milliseconds = bot.milliseconds
    next.engine.take(bot.engine.remembered)
    #expect(try next.value("uptime") == "1 minute")
    #expect(try next.value("users | unwords") == "alice bob")
    #expect(try next.value("cron status") == "the crons are stopped")
    #expect(try next.value("channel list") == ["#general"])
    #expect(try next.value("history -e -y").text.hasSuffix("hello"))
    #expect(next.engine.adapters.map(\.instance) == ["test", "other"])
    #expect(next.engine.adapters.last?.isConnected == false)
  }
}
