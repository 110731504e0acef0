import Foundation
import Testing

@testable import BotHost

@Suite struct JournalFileTests {
  let directory = TestDirectory()

  @Test func aSecondHostIsRefusedWithThePid() throws {
    let journal = try Journal(directory: directory.path)
    let path = directory.path
    #expect(failure { _ = try Journal(directory: path) } == .inUse(pid: getpid()))
    withExtendedLifetime(journal) {}
  }

  @Test func theDirectoryIsFreeAfterTheJournalIsGone() throws {
    do { try Journal(directory: directory.path).close() }
    try Journal(directory: directory.path).close()
  }

  @Test func filesAreTheOwnersAlone() throws {
    let journal = try Journal(directory: directory.path)
    try journal.store(of: "p").put("k", "v")
    for name in ["", "/bothost.db", "/bothost.db-wal", "/bothost.lock"] {
      let mode = try FileManager.default.attributesOfItem(atPath: directory.path + name)[.posixPermissions] as? Int
      #expect((mode ?? 0o777) & 0o077 == 0, "\(name)")
    }
  }

  @Test func nothingIsAcceptedIntoAFileThatHasBeenTakenAway() throws {
    let journal = try Journal(directory: directory.path)
    let store = try journal.store(of: "p")
    try store.put("k", "1")
    let aside = directory.database + "-aside"
    try FileManager.default.moveItem(atPath: directory.database, toPath: aside)
    let removed = #expect(throws: JournalError.self) { try store.put("k", "2") }
    #expect(removed?.message.contains("has removed") == true, "\(String(describing: removed))")
    try Data().write(to: URL(fileURLWithPath: directory.database))
    let replaced = #expect(throws: JournalError.self) { try store.put("k", "3") }
    #expect(replaced?.message.contains("another file") == true, "\(String(describing: replaced))")
    try FileManager.default.removeItem(atPath: directory.database)
    try FileManager.default.moveItem(atPath: aside, toPath: directory.database)
    try store.put("k", "4")
    #expect(try store.text("k") == "4")
  }

  @Test func aFileThatIsNoDatabaseIsRefused() throws {
    try write(Data(String(repeating: "this is no database ", count: 100).utf8))
    let path = directory.path
    #expect(failure { _ = try Journal(directory: path) } == .corrupt)
  }

  @Test func aDatabaseOfAnotherProgramIsRefused() throws {
    try write(Data())
    let other = try SQLiteConnection(path: directory.database, readOnly: false)
    try other.execute("CREATE TABLE photos(id INTEGER PRIMARY KEY)")
    let path = directory.path
    let error = #expect(throws: JournalError.self) { _ = try Journal(directory: path) }
    #expect(error?.kind == .corrupt && error?.message.contains("another program") == true)
  }

  @Test func aLaterFormatIsRefused() throws {
    do { try Journal(directory: directory.path).close() }
    try SQLiteConnection(path: directory.database, readOnly: false).execute("PRAGMA user_version = 99")
    let path = directory.path
    let known = JournalSchema.version
    #expect(failure { _ = try Journal(directory: path) } == .newerSchema(found: 99, known: known))
  }

  /// Damage anywhere gives an error with the path in it, or a journal that works on what is left; never a crash.
  @Test(arguments: 0..<24) func damageIsSaidNotDiedOf(seed: Int) throws {
    var random = SeededGenerator(seed: UInt64(seed))
    do {
      let journal = try Journal(directory: directory.path)
      let topic = try journal.topic("t", retention: .log)
      let handler = try journal.consumer("h", of: topic)
      let store = try journal.store(of: "p")
      for number in 0..<60 {
        _ = try journal.append(topic, String(repeating: "\(number) ", count: 40), consumers: [handler])
        try store.put("k\(number)", String(repeating: "v", count: 100))
      }
      journal.close()
    }
    var bytes = try Data(contentsOf: URL(fileURLWithPath: directory.database))
    if seed % 4 == 0 {
      bytes = bytes.prefix(Int.random(in: 1..<bytes.count, using: &random))
    } else {
      for _ in 0..<(seed % 3 == 0 ? 200 : 20) {
        bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
      }
    }
    try write(bytes)
    do {
      let journal = try Journal(directory: directory.path)
      let topic = try journal.topic("t")
      let handler = try journal.consumer("h", of: topic)
      _ = try journal.unsettled(handler)
      _ = try journal.read(topic, from: 0)
      _ = try journal.append(topic, "more")
      let store = try journal.store(of: "p")
      _ = try store.scan(prefix: [])
      try store.put("k1", "w")
    } catch let error as JournalError {
      #expect(error.message.contains("bothost.db") || error.kind == .noSpace || error.kind == .invalid, "\(error)")
    }
  }

  @Test func aFullDiskRefusesAndTheJournalGoesOn() throws {
    let journal = try Journal(directory: directory.path)
    let topic = try journal.topic("t", retention: .log)
    let handler = try journal.consumer("h", of: topic)
    let store = try journal.store(of: "p")
    let kept = try journal.append(topic, "kept")
    // SQLite's own limit stands for the disk's: both end in SQLITE_FULL.
    let limit: @Sendable (Int) throws -> Void = { pages in
      try journal.run { (tables) throws(JournalError) in
        _ = try tables.database.integer("PRAGMA max_page_count = \(pages)")
      }
    }
    try limit(1)
    let large = String(repeating: "x", count: 200_000)
    let transaction = JournalTransaction()
    transaction.append(topic, large)
    transaction.settle(handler, position: kept)
    #expect(failure { _ = try journal.commit(transaction) } == .diskFull)
    #expect(failure { try store.put("k", large) } == .diskFull)
    // Nothing of it has happened.
    #expect(try journal.unsettled(handler).texts == ["kept"])
    #expect(try store.usedBytes() == 0)
    try limit(1_000_000)
    #expect(try journal.append(topic, "after") == kept + 1)
    try store.put("k", large)
    #expect(try journal.read(topic, from: 0).texts == ["kept", "after"])
  }

  @Test func aClosedJournalSaysSo() throws {
    let journal = try Journal(directory: directory.path)
    let topic = try journal.topic("t")
    let store = try journal.store(of: "p")
    journal.close()
    journal.close()
    #expect(failure { _ = try journal.append(topic, "x") } == .closed)
    #expect(failure { try store.put("k", "v") } == .closed)
    #expect(failure { _ = try store.get("k") } == .closed)
  }

  private func write(_ data: Data) throws {
    try FileManager.default.createDirectory(atPath: directory.path, withIntermediateDirectories: true)
    for suffix in ["-wal", "-shm"] { try? FileManager.default.removeItem(atPath: directory.database + suffix) }
    try data.write(to: URL(fileURLWithPath: directory.database))
  }
}
