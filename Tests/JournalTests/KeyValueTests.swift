import Testing

@testable import BotHost

@Suite struct KeyValueTests {
  let directory = TestDirectory()

  @Test func entriesSurviveARestart() throws {
    var revision: UInt64 = 0
    do {
      let journal = try Journal(directory: directory.path)
      let store = try journal.store(of: "twitch")
      try store.put("a", "1")
      revision = try store.put("a", "2")
      try store.put("b", "")
      try store.remove("missing")
      #expect(try store.text("a") == "2")
      journal.close()
    }
    let journal = try Journal(directory: directory.path)
    let store = try journal.store(of: "twitch")
    #expect(try store.text("a") == "2")
    #expect(try store.get("a")?.revision == revision)
    #expect(try store.text("b") == "")
    #expect(try store.put("a", "3") > revision)
    #expect(try journal.store(of: "other").text("a") == nil)
  }

  @Test func revisionsAreCompared() throws {
    let journal = try Journal(directory: directory.path)
    let store = try journal.store(of: "p")
    let first = try store.put("k", "1", expected: 0)
    #expect(failure { try store.put("k", "2", expected: 0) } == .conflict(revision: first))
    let second = try store.put("k", "2", expected: first)
    #expect(second > first)
    #expect(failure { try store.put("k", "3", expected: first) } == .conflict(revision: second))
    #expect(failure { try store.put("new", "3", expected: 7) } == .conflict(revision: 0))
    try store.remove("k")
    let third = try store.put("k", "4", expected: 0)
    #expect(third > second)
    #expect(try store.text("k") == "4")
  }

  @Test func aConflictTakesTheWholeDeliveryBack() throws {
    let journal = try Journal(directory: directory.path)
    let store = try journal.store(of: "p")
    let topic = try journal.topic("t")
    let handler = try journal.consumer("h", of: topic)
    let position = try journal.append(topic, "event")
    try store.put("k", "old")
    let transaction = JournalTransaction()
    transaction.append(topic, "effect")
    try transaction.put(store, "other", "written before the conflict")
    try transaction.put(store, "k", "new", expected: 999_999)
    transaction.settle(handler, position: position)
    #expect(failure { _ = try journal.commit(transaction) } != nil)
    #expect(try store.text("k") == "old")
    #expect(try store.text("other") == nil)
    #expect(try journal.unsettled(handler).texts == ["event"])
    #expect(try store.usedBytes() == 4)
    // Others in the same group are not touched, and what comes after works.
    #expect(try store.put("k", "newer") > 0)
  }

  @Test func entriesExpire() throws {
    let clock = TestClock()
    let journal = try Journal(directory: directory.path, clock: clock)
    let store = try journal.store(of: "p")
    let revision = try store.put("k", "1", lifetime: 1000)
    try store.put("stays", "1")
    clock.advance(999)
    #expect(try store.text("k") == "1")
    clock.advance(1)
    #expect(try store.text("k") == nil)
    #expect(try store.keys("") == ["stays"])
    #expect(failure { try store.put("k", "2", expected: revision) } == .conflict(revision: 0))
    try store.put("k", "2", expected: 0)
    #expect(try store.text("k") == "2")
    try store.put("gone", "x", lifetime: 1)
    clock.advance(1)
    _ = try journal.run { (tables) throws(JournalError) in
      tables.kv.beginUnit()
      return try tables.kv.purge(now: .max - 1)
    }
    #expect(try store.usedBytes() == 2 + 6)
  }

  @Test func theQuotaIsPerInstance() throws {
    let clock = TestClock()
    let journal = try Journal(directory: directory.path, clock: clock)
    let small = try journal.store(of: "small", quota: 21)
    let other = try journal.store(of: "other", quota: 21)
    try small.put("k", "123456789", lifetime: 100)
    #expect(failure { try small.put("l", "12345678901") } == .noSpace)
    try other.put("l", "12345678901")
    try small.put("l", "123456789")
    // Replacing counts the difference, and what has expired makes room.
    try small.put("l", "1234567890")
    #expect(failure { try small.put("l", "12345678901") } == .noSpace)
    clock.advance(100)
    try small.put("l", "12345678901234567")
    #expect(try small.usedBytes() == 18)
    try small.remove("l")
    #expect(try small.usedBytes() == 0)
  }

  @Test func keysAndValuesAreBounded() throws {
    let journal = try Journal(directory: directory.path)
    let store = try journal.store(of: "p")
    #expect(failure { try store.put("", "x") } == .invalid)
    #expect(failure { try store.put(String(repeating: "k", count: 513), "x") } == .invalid)
    try store.put(String(repeating: "k", count: 512), "x")
    #expect(failure { _ = try store.get("") } == .invalid)
  }

  @Test func scansFollowTheBytesOfTheKeys() throws {
    let journal = try Journal(directory: directory.path)
    let store = try journal.store(of: "p")
    for key in ["b", "a", "a/2", "a/10", "a/1", "a0", "é", "\u{ff}"] { try store.put(key, "x") }
    #expect(try store.keys("a/") == ["a/1", "a/10", "a/2"])
    #expect(try store.keys("a/", after: "a/1", limit: 1) == ["a/10"])
    #expect(try store.keys("") == ["a", "a/1", "a/10", "a/2", "a0", "b", "é", "\u{ff}"])
    #expect(try store.keys("zz").isEmpty)
    // A prefix of the largest bytes has no successor.
    let high: [UInt8] = [255, 255, 1]
    try high.withUnsafeBytes { key in _ = try store.put(key, key) }
    #expect(try store.scan(prefix: [255, 255]).map(\.key) == [high])
  }

  @Test func revisionsNeverRepeat() throws {
    var seen: Set<UInt64> = []
    for _ in 0..<3 {
      let journal = try Journal(directory: directory.path)
      let store = try journal.store(of: "p")
      for number in 0..<50 {
        let revision = try store.put("k\(number % 7)", "x")
        #expect(seen.insert(revision).inserted)
        if number % 5 == 0 { try store.remove("k\(number % 7)") }
      }
      journal.close()
    }
  }
}
