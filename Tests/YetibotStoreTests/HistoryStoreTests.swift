import Foundation
import Testing
import YetibotEngine

@testable import YetibotStore

/// A directory that is removed at the end.
final class TemporaryDirectory {
  let path: String

  init() throws {
    path = NSTemporaryDirectory() + "yetibot-store-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }
}

/// Both stores must answer alike.
@Suite struct HistoryStoreTests {
  enum Kind: CaseIterable, Sendable { case memory, file }

  let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  func make(_ kind: Kind, capacity: Int? = nil) throws -> any HistoryStore {
    switch kind {
    case .memory: MemoryHistory(capacity: capacity ?? 100_000)
    case .file: try SQLiteHistory(path: directory.path + "/history.db", capacity: capacity)
    }
  }

  static func entry(
    _ body: String, by name: String? = "alice", in room: String = "#general", isCommand: Bool = false,
    isPrivate: Bool = false, at time: Int64 = 0
  ) -> HistoryEntry {
    HistoryEntry(
      body, by: name.map { ChatPerson(id: "id-\($0)", name: $0) },
      in: ChatPlace(adapter: "test", instance: "test", room: room, isPrivate: isPrivate), isCommand: isCommand,
      correlationID: "1-1", createdAt: time)
  }

  static func bodies(_ store: any HistoryStore, _ query: HistoryQuery) throws -> [String] {
    var limits = HistoryLimits()
    return try store.lines(query, &limits).map(\.body)
  }

  @Test(arguments: Kind.allCases) func ordersLimitsAndConditions(_ kind: Kind) throws {
    let store = try make(kind)
    for number in 0..<10 { try store.append(Self.entry("line \(number)", at: Int64(number * 1000))) }
    try store.append(Self.entry("!history x", isCommand: true))
    try store.append(Self.entry("answer", by: nil))
    try store.append(Self.entry("secret", in: "bob", isPrivate: true))
    try store.append(Self.entry("elsewhere", by: "bob", in: "#random"))
    let here: [HistoryQuery.Condition] = [.visible(in: "#general"), .instance("test"), .room("#general")]
    #expect(try Self.bodies(store, HistoryQuery(here, limit: 2)) == ["line 0", "line 1"])
    #expect(try Self.bodies(store, HistoryQuery(here, order: .newestFirst, limit: 2)) == ["answer", "!history x"])
    #expect(try Self.bodies(store, HistoryQuery(here, order: .newestLast, limit: 2)) == ["!history x", "answer"])
    #expect(try Self.bodies(store, HistoryQuery(here, limit: 1, offset: 4)) == ["line 4"])
    #expect(
      try Self.bodies(
        store, HistoryQuery(here + [.noCommandBeginning("!history"), .notByBot], order: .newestLast, limit: 1))
        == ["line 9"])
    #expect(
      try Self.bodies(store, HistoryQuery(here + [.since(3000), .until(5000)])) == ["line 3", "line 4", "line 5"])
    #expect(try Self.bodies(store, HistoryQuery([.visible(in: "#general"), .userNames(["bob"])])) == ["elsewhere"])
    #expect(try Self.bodies(store, HistoryQuery([.visible(in: "bob"), .room("bob")])) == ["secret"])
    #expect(try Self.bodies(store, HistoryQuery([.rooms([])])).isEmpty)
    #expect(
      try Self.bodies(store, HistoryQuery([.matches(try Pattern(#"line [3-5]"#))], limit: 2)) == ["line 3", "line 4"])
    #expect(try Self.bodies(store, HistoryQuery([.matches(try Pattern("LINE"))])).isEmpty)
    #expect(try Self.bodies(store, HistoryQuery([.hasWords(["WHERE", "el"])])) == ["elsewhere"])
    #expect(try Self.bodies(store, HistoryQuery([.byBot])) == ["answer"])
    var limits = HistoryLimits()
    #expect(try store.count(HistoryQuery(here), &limits) == 12)
    #expect(try store.count(HistoryQuery(here + [.matches(try Pattern("9$"))]), &limits) == 1)
    #expect(try store.lines(HistoryQuery([.id(3)]), &limits).map(\.id) == [3])
  }

  @Test(arguments: Kind.allCases) func whatIsKeptComesBackWhole(_ kind: Kind) throws {
    let store = try make(kind)
    var entry = Self.entry("it's \"quoted\" \0 – ünï 👍🏽\nsecond line", at: 1_700_000_000_123)
    entry.command = "echo x"
    entry.isError = true
    try store.append(entry)
    entry.id = 1
    var limits = HistoryLimits()
    #expect(try store.lines(HistoryQuery([]), &limits) == [entry])
    #expect(try Self.bodies(store, HistoryQuery([.matches(try Pattern("\"quoted\""))])) == [entry.body])
    #expect(try Self.bodies(store, HistoryQuery([.hasWords(["'"])])) == [entry.body])
  }

  @Test(arguments: Kind.allCases) func theOldestGo(_ kind: Kind) throws {
    let store = try make(kind, capacity: 20)
    for number in 0..<100 { try store.append(Self.entry("unique\(number)end")) }
    let left = try Self.bodies(store, HistoryQuery([]))
    #expect(left.last == "unique99end")
    #expect((20...23).contains(left.count))
    #expect(try Self.bodies(store, HistoryQuery([.matches(try Pattern("unique1end"))])).isEmpty)
    #expect(try Self.bodies(store, HistoryQuery([.hasWords(["unique99end"])])) == ["unique99end"])
  }

  /// Random lines and random queries: the file answers what the memory answers.
  @Test func bothAgree() throws {
    let seed: UInt64 = 20
    var random = SplitMix64(seed: seed)
    let memory = try make(.memory)
    let file = try SQLiteHistory(path: directory.path + "/history.db")
    let words = ["foo", "bar", "!history", "!echo", "baz qux", "Foo", "ab", "a.c", "%", "_", "\"", "'", "é"]
    let names = ["alice", "bob", "carol"]
    let rooms = ["#a", "#b", "alice"]
    func pick<Element>(_ list: [Element]) -> Element { list[Int.random(in: 0..<list.count, using: &random)] }
    var entries: [HistoryEntry] = []
    for number in 0..<400 {
      let isByBot = Int.random(in: 0..<4, using: &random) == 0
      let room = pick(rooms)
      let entry = Self.entry(
        (0..<Int.random(in: 1...4, using: &random)).map { _ in pick(words) }.joined(separator: " "),
        by: isByBot ? nil : pick(names), in: room, isCommand: !isByBot && Bool.random(using: &random),
        isPrivate: room == "alice", at: Int64(number))
      try memory.append(entry)
      entries.append(entry)
    }
    try file.batch { for entry in entries { try file.append(entry) } }
    for _ in 0..<500 {
      var conditions: [HistoryQuery.Condition] = [.visible(in: pick(rooms))]
      for _ in 0..<Int.random(in: 0...4, using: &random) {
        let all: [HistoryQuery.Condition] = [
          .instance("test"), .room(pick(rooms)), .rooms([pick(rooms), pick(rooms)]), .noCommandBeginning("!history"),
          .notByBot, .byBot, .noCommand, .command, .userID("id-bob"), .userNames([pick(names), pick(names)]),
          .since(Int64.random(in: 0..<400, using: &random)), .until(Int64.random(in: 0..<400, using: &random)),
          .notPrivate,
          .matches(try Pattern(pick(["fo+", "^!echo", "(foo|bar) baz", "b.z", "baz qux$", "a\\.c", "\""]))),
          .hasWords([pick(words)]), .id(Int64.random(in: 0..<450, using: &random)),
        ]
        conditions.append(pick(all))
      }
      let query = HistoryQuery(
        conditions, order: pick([.oldestFirst, .newestFirst, .newestLast]),
        limit: pick([nil, 1, 3, 50]), offset: pick([0, 0, 2]))
      var limits = HistoryLimits()
      let expected = try memory.lines(query, &limits)
      #expect(try file.lines(query, &limits) == expected, "seed \(seed): \(query)")
      #expect(try file.count(query, &limits) == memory.count(query, &limits), "seed \(seed): \(query)")
    }
  }

  /// Many lines: what is asked of them is found, and how long it takes is printed. 200,000 with BOTHOST_FULL=1, else a thousand.
  @Test func manyLines() throws {
    let isFull = ProcessInfo.processInfo.environment["BOTHOST_FULL"] == "1"
    let count = isFull ? 200_000 : 1000
    let store = try SQLiteHistory(path: directory.path + "/many.db")
    func measure<Result>(_ what: String, _ body: () throws -> Result) throws -> Result {
      let start = ContinuousClock.now
      let result = try body()
      if isFull { print("\(count) lines: \(what) in \(ContinuousClock.now - start)") }
      return result
    }
    try measure("kept") {
      for start in stride(from: 0, to: count, by: 1000) {
        try store.batch {
          for number in start..<start + 1000 {
            try store.append(
              Self.entry(
                "line \(number) of some length, as people write them", by: "user\(number % 50)",
                in: "#room\(number % 20)", isCommand: number % 3 == 0, at: Int64(number) * 1000))
          }
        }
      }
    }
    func lines(_ what: String, _ query: HistoryQuery) throws -> Int {
      var limits = HistoryLimits()
      return try measure(what) { try store.lines(query, &limits).count }
    }
    let room: [HistoryQuery.Condition] = [.visible(in: "#room7"), .instance("test"), .room("#room7")]
    #expect(try lines("the last three of a room", HistoryQuery(room, order: .newestLast, limit: 3)) == 3)
    var limits = HistoryLimits()
    #expect(try measure("the count of a room") { try store.count(HistoryQuery(room), &limits) } == count / 20)
    let rare = try Pattern("line \(count - 13) of")
    #expect(try lines("a rare text in a room", HistoryQuery(room + [.matches(rare)], limit: 10)) == 1)
    #expect(
      try lines(
        "the latest of a person",
        HistoryQuery([.instance("test"), .userNames(["user3"])], order: .newestFirst, limit: 1)) == 1)
    #expect(try lines("five seconds", HistoryQuery([.instance("test"), .since(5000), .until(9000)])) == 5)
  }

  @Test func linesSurviveTheProgram() throws {
    let path = directory.path + "/kept.db"
    do {
      let store = try SQLiteHistory(path: path)
      try store.append(Self.entry("kept"))
    }
    let store = try SQLiteHistory(path: path)
    try store.append(Self.entry("new"))
    #expect(try Self.bodies(store, HistoryQuery([])) == ["kept", "new"])
    var status = stat()
    #expect(stat(path, &status) == 0)
    #expect(status.st_mode & 0o077 == 0)
  }

  @Test func aBatchIsAllOrNothing() throws {
    struct Stop: Error {}
    let store = try SQLiteHistory(path: directory.path + "/batch.db")
    #expect(throws: Stop.self) {
      try store.batch {
        try store.append(Self.entry("lost"))
        throw Stop()
      }
    }
    try store.batch { try store.append(Self.entry("kept")) }
    #expect(try Self.bodies(store, HistoryQuery([])) == ["kept"])
  }

  @Test func aDamagedFileIsPutAside() throws {
    let path = directory.path + "/damaged.db"
    try Data(repeating: 0x5A, count: 8192).write(to: URL(fileURLWithPath: path))
    let (store, damage) = try SQLiteHistory.open(path: path, capacity: nil)
    #expect(damage?.isDamaged == true)
    try store.append(Self.entry("new"))
    #expect(try Self.bodies(store, HistoryQuery([])) == ["new"])
    #expect(FileManager.default.fileExists(atPath: path + ".damaged"))
  }

  @Test func aSearchEndsWhenItsLimitsAreReached() throws {
    for kind in Kind.allCases {
      let store = try make(kind)
      for _ in 0..<2000 { try store.append(Self.entry("aaaaaaaaaaaaaaaaaaaaaaaa")) }
      var limits = HistoryLimits(patternSteps: 1000)
      let found = try store.lines(HistoryQuery([.matches(try Pattern("(a|b)*c"))]), &limits)
      #expect(found.isEmpty)
      #expect(limits.patternSteps < 0)
      var rounds = 0
      var timed = HistoryLimits(isTimeUp: {
        rounds += 1
        return true
      })
      #expect(try store.lines(HistoryQuery([]), &timed).count < 2000)
      #expect(rounds == 1)
    }
  }

  /// The plan of a search in a room must not go through all lines.
  @Test func questionsUseTheIndexes() throws {
    let path = directory.path + "/plan.db"
    let store = try SQLiteHistory(path: path)
    let here: [HistoryQuery.Condition] = [.visible(in: "#general"), .instance("test"), .room("#general")]
    for (conditions, index) in [
      (here, "USING INDEX yetibot_history"), (here + [.notByBot, .noCommand], "USING INDEX yetibot_history"),
      ([.instance("test"), .userNames(["bob"])], "USING INDEX yetibot_history"),
      ([.matches(try Pattern("needle"))], "VIRTUAL TABLE INDEX"),
    ] {
      let plan = try store.plan(of: HistoryQuery(conditions, limit: 1))
      #expect(plan.contains(index), "\(plan)")
      #expect(!plan.contains("SCAN yetibot_history\n"), "\(plan)")
    }
  }
}
