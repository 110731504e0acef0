import Testing

@testable import YetibotEngine

@Suite struct CronTests {
  private func words(_ schedule: String) throws -> String {
    try #require(CronSchedule(schedule, isStrict: true), "\(schedule)").words
  }

  @Test func schedulesAreSaidInWords() throws {
    #expect(try words("* * * * * * *") == "every second")
    #expect(try words("0 30 17 * * * *") == "at 17:30:00")
    #expect(try words("0 30 17 2-6 * * *") == "at 17:30:00, on Monday to Friday")
    #expect(try words("0 /5 * * * * *") == "at second 0 of every 5th minute")
    #expect(try words("/10 * * * * * *") == "every 10th second")
    #expect(try words("5 * 9-17 * * * *") == "at second 5 of every minute of hour 9 to 17")
    #expect(try words("0 0 12 1,7 * * *") == "at 12:00:00, on Sunday and Saturday")
    #expect(try words("0 0 0 * 1,15 1 *") == "at 00:00:00, on day 1 and 15 of the month, in January")
    #expect(
      try words("0 0 0 * /10 /3 2030-2040/2")
        == "at 00:00:00, on every 10th day of the month, in every 3rd month, in every 2nd year from 2030 to 2040")
    #expect(try words("0 10-30/2 * * * * *") == "at second 0 of every 2nd minute from 10 to 30")
    #expect(try words("0 1,2,3 * * * * *") == "at second 0 of minute 1, 2 and 3")
  }

  /// Wednesday, 2026-11-25 21:00:00 UTC.
  private let now: Int64 = 1_795_640_400_000

  private func next(_ schedule: String, count: Int = 2, utcOffset: Int64 = 0) throws -> [String] {
    try #require(CronSchedule(schedule), "\(schedule)").next(count, after: now, utcOffset: utcOffset)
      .map { CivilTime(milliseconds: $0, utcOffset: utcOffset).spaced }
  }

  @Test func theNextTimesAreFound() throws {
    #expect(CivilTime(milliseconds: now).spaced == "2026-11-25 21:00:00")
    #expect(try next("* * * * * * *") == ["2026-11-25 21:00:01", "2026-11-25 21:00:02"])
    #expect(try next("0 0 21 * * * *") == ["2026-11-26 21:00:00", "2026-11-27 21:00:00"])
    #expect(try next("0 0 0 * 29 2 *") == ["2028-02-29 00:00:00", "2032-02-29 00:00:00"])
    #expect(try next("0 0 12 1 * * *") == ["2026-11-29 12:00:00", "2026-12-06 12:00:00"])
    #expect(try next("0 30 23 * * * *", utcOffset: 19_800) == ["2026-11-26 23:30:00", "2026-11-27 23:30:00"])
    #expect(try next("0 0 0 * 1 1 2027") == ["2027-01-01 00:00:00"])
    #expect(try next("0 0 0 * * * 2020").isEmpty)
    #expect(try next("0 0 0 * 31 2 *").isEmpty)
  }

  /// What is found is due, nothing before it is, and the order is that of time.
  @Test func theNextTimesAreThoseAtWhichItRuns() throws {
    var random = SplitMix64(seed: 5)
    func field(_ range: ClosedRange<Int>) -> String {
      let number = Int.random(in: range, using: &random)
      switch Int.random(in: 0..<5, using: &random) {
      case 0: return "/\(max(number, 1))"
      case 1: return "\(range.lowerBound)-\(number)"
      case 2: return "\(number)"
      default: return "*"
      }
    }
    for _ in 0..<60 {
      let text = "\(field(0...59)) \(field(0...59)) * * * * *"
      let schedule = try #require(CronSchedule(text))
      let found = schedule.next(5, after: now)
      var slow: [Int64] = []
      var moment = now + 1000
      while slow.count < found.count, moment < now + 14_400_000 {
        if schedule.matches(CivilTime(milliseconds: moment)) { slow.append(moment) }
        moment += 1000
      }
      #expect(found.prefix(slow.count) == slow[...], "\(text)")
    }
  }

  @Test func cronsAreExplained() throws {
    let bot = TestBot()
    #expect(
      try bot.value("cron explain 0 30 17 * * * *") == [
        "at 17:30:00", "next at 2023-11-15 17:30:00", "next at 2023-11-16 17:30:00", "next at 2023-11-17 17:30:00",
      ])
    _ = bot.say("!cron 0 0 9 * * * * echo morning")
    #expect(try bot.value("cron explain 1 | head") == "at 09:00:00")
    #expect(try bot.value("cron explain 0 0 9 * * * 2020").items?.last == "it does not run any more")
    #expect(try bot.error("cron explain 7")?.contains("there is no cron 7") == true)
    #expect(try bot.error("cron explain 0 0 25 * * * *")?.contains("no fields of a cron") == true)
    #expect(try bot.error("cron explain * * * * * *")?.contains("no fields of a cron") == true)
  }

  @Test func thereIsAnEndOfCrons() throws {
    let bot = TestBot(rows: Rows(capacities: ["cron": 2]))
    for _ in 0..<2 { #expect(bot.say("!cron * * * * * * * echo x").first?.contains("created") == true) }
    #expect(bot.say("!cron * * * * * * * echo x").first?.contains("too many crons") == true)
    #expect(bot.engine.rows["cron"].count == 2)
  }

  @Test func noSecondIsMissedOrTakenTwice() {
    let bot = TestBot()
    bot.milliseconds = 1_600_000_000_000
    _ = bot.say("!cron 5 * * * * * * echo five")
    _ = bot.say("!cron /2 * * * * * * echo even")
    /// 22:14:00 and so many milliseconds.
    func run(_ milliseconds: Int64) -> [String] {
      bot.engine.runCrons(at: 1_700_000_040_000 + milliseconds).flatMap { $0.posts.map(\.text) }
    }
    #expect(run(1) == ["even"])
    #expect(run(999).isEmpty)
    #expect(run(1000).isEmpty)
    // The seconds from 2 to 6 were not asked about.
    #expect(run(6100) == ["five", "even"])
    #expect(run(6900).isEmpty)
    // A clock that is put back a little has nothing due again; one that is put back far begins anew.
    #expect(run(5000).isEmpty)
    #expect(run(-3_595_000) == ["five"])
    // An hour that nobody asked about is not made good.
    _ = bot.say("!cron remove 2")
    #expect(run(58_000) == ["five"])
    #expect(run(64_000).isEmpty)
    #expect(run(65_000) == ["five"])
  }
}
