import Testing

@testable import TwitchChat

struct LimiterTests {
  @Test func `never more than the limit in any window`() {
    var dice = Dice(11)
    for _ in 0..<200 {
      let length = Int64.random(in: 1...1000, using: &dice)
      let limit = Int.random(in: 1...30, using: &dice)
      var window = SlidingWindow(length: length, capacity: limit + Int.random(in: 0...5, using: &dice))
      var times: [Int64] = []
      var now: Int64 = 0
      for _ in 0..<400 {
        now += Int64.random(in: 0...(length / 4 + 1), using: &dice)
        let at = window.earliest(limit: limit, now: now)
        #expect(at >= now)
        if at == now {
          window.record(at: now)
          times.append(now)
        } else if Bool.random(using: &dice) {
          // The promised time must be right, and not too late.
          now = at
          #expect(window.allows(limit: limit, now: now))
          if now > 0 { #expect(!window.allows(limit: limit, now: now - 1)) }
          window.record(at: now)
          times.append(now)
        }
      }
      for (index, time) in times.enumerated() {
        #expect(times[index...].prefix { $0 < time + length }.count <= limit)
      }
      #expect(window.count(now: now) <= limit)
    }
  }

  @Test func `a window keeps its events when its size changes`() {
    var window = SlidingWindow(length: 100, capacity: 5)
    for time in 0..<8 { window.record(at: Int64(time)) }
    let smaller = SlidingWindow(window, length: 100, capacity: 3)
    #expect(smaller.earliest(limit: 3, now: 8) == 105)
    let larger = SlidingWindow(window, length: 50, capacity: 10)
    #expect(larger.count(now: 8) == 5)
    #expect(larger.earliest(limit: 5, now: 8) == 53)
  }

  /// Random rooms, ranks and times, and a server that takes what it is given: its count must never be exceeded.
  @Test(arguments: 1...12)
  func `the session keeps within the server's limits`(_ seed: UInt64) throws {
    var dice = Dice(seed)
    let rooms = ["aa", "bb", "cc", "dd"]
    var script = try Script.connected(rooms) { $0.duplicates = .send }
    let ranks = ["", "vip/1", "moderator/1", "broadcaster/1"]
    var rankOf: [String: Int] = [:]
    for room in rooms {
      rankOf[room] = Int.random(in: 0..<4, using: &dice)
      script.line("@badges=\(ranks[rankOf[room] ?? 0]);mod=0 :tmi.twitch.tv USERSTATE #\(room)")
    }
    var sends: [(time: Int64, room: String)] = []
    var settled = 0
    let total = 300
    func collect() {
      for line in script.written() where line.hasPrefix("PRIVMSG") {
        let room = String(line.split(separator: " ")[1].dropFirst())
        sends.append((script.now, room))
        script.line("@badges=\(ranks[rankOf[room] ?? 0]);id=x;mod=0 :tmi.twitch.tv USERSTATE #\(room)")
      }
      settled += script.settled().count
    }
    for number in 0..<total {
      script.say(CommandID(number + 1), rooms[Int.random(in: 0..<4, using: &dice)], "text \(number)")
      collect()
      if Int.random(in: 0..<3, using: &dice) == 0 {
        let wait = Int64.random(in: 0...(2 * second), using: &dice)
        let until = script.now + wait
        while let at = script.wakeAt, at <= until {
          script.pass(at - script.now)
          collect()
        }
        script.now = until
      }
    }
    // All of them go out in the end, or expire and are told so.
    for _ in 0..<20_000 where settled < total {
      guard let at = script.wakeAt else { break }
      script.pass(max(0, at - script.now))
      collect()
    }
    #expect(settled == total)
    #expect(!sends.isEmpty)
    for (index, send) in sends.enumerated() {
      let before = sends[...index].filter { $0.time > send.time - 30 * second }
      let rank = rankOf[send.room] ?? 0
      #expect(before.count <= (rank >= 2 ? 100 : 20))
      if rank == 0, let last = sends[..<index].last(where: { $0.room == send.room }) {
        #expect(send.time - last.time >= second)
      }
    }
  }

  @Test func `a busy moderated room does not starve another`() throws {
    var script = try Script.connected(["mine", "other"])
    script.line("@badges=broadcaster/1;mod=0 :tmi.twitch.tv USERSTATE #mine")
    var otherAt: Int64?
    let start = script.now
    for number in 0..<2000 {
      script.say(0, "mine", "m\(number)")
      if number == 30 { script.say(0, "other", "hello") }
      script.pass(second / 5)
      for line in script.written() where line.hasPrefix("PRIVMSG") {
        if line.contains("#other") { otherAt = script.now }
        script.line(
          "@badges=\(line.contains("#mine") ? "broadcaster/1" : "");id=x :t USERSTATE \(line.split(separator: " ")[1])")
      }
    }
    let at = try #require(otherAt)
    #expect(at - start < 120 * second)
  }
}
