import BotHost
import CSQLite
import Foundation
import Synchronization

/// Durable publishes through the journal's group commit, beside the same records written with SQLite's own batched inserts: one
/// prepared statement, one transaction a batch, the same settings (WAL, synchronous=FULL) and the same disk.
enum JournalBenchmark {
  static func run(_ report: Report) throws {
    let record = [UInt8](repeating: UInt8(ascii: "x"), count: 400)
    func row(
      _ what: String, beside batch: Int, _ count: Int, aim: Aim = .atLeastTimes(0.7), _ measure: () throws -> Double
    ) throws {
      let (own, peer) = try best(measure) { try SQLiteInserts.run(record: record, count: count, batch: batch) }
      report.add(
        Row(
          what: "durable publish, 400 bytes: \(what)", host: own, unit: "/s",
          peer: ("SQLite, \(batch) a transaction", peer),
          aim: aim))
    }
    for (window, count) in [(8192, 400_000), (1024, 200_000), (64, 40_000)] {
      try row("one publisher, groups of up to \(window)", beside: window, count) {
        try submitted(record: record, count: count, window: 2 * window)
      }
    }
    for (threads, count) in [(8, 8_000), (1, 1_500)] {
      try row(
        "\(threads) publisher\(threads == 1 ? "" : "s") that wait\(threads == 1 ? "s" : "")", beside: threads, count
      ) {
        try waited(record: record, count: count, threads: threads)
      }
    }
    try row("deliveries with 64 effects each", beside: 64, 60_000) { try deliveries(count: 60_000, effects: 64) }
  }
}

/// The best of three rounds of each, by turns, so that a busy moment of the machine meets both.
private func best(_ own: () throws -> Double, beside peer: () throws -> Double) throws -> (own: Double, peer: Double) {
  var best = (own: 0.0, peer: 0.0)
  for _ in 0..<3 {
    best.peer = max(best.peer, try peer())
    best.own = max(best.own, try own())
  }
  return best
}

private func seconds(_ body: () throws -> Void) rethrows -> Double {
  let began = DispatchTime.now().uptimeNanoseconds
  try body()
  return Double(DispatchTime.now().uptimeNanoseconds - began) / 1e9
}

private func withJournal<Value>(_ body: (Journal) throws -> Value) throws -> Value {
  let directory = try Place.temporary()
  defer { try? FileManager.default.removeItem(atPath: directory) }
  let journal = try Journal(directory: directory)
  defer { journal.close() }
  return try body(journal)
}

/// One thread publishes without waiting for each event, with at most `window` that are not acknowledged: one group is
/// gathered while another is written.
private func submitted(record: [UInt8], count: Int, window: Int) throws -> Double {
  try withJournal { journal in
    let topic = try journal.topic("bench", retention: .log)
    let monitor = Monitor()
    let done = Atomic<Int>(0)
    let time = try seconds {
      for index in 0..<count {
        if index - done.load(ordering: .relaxed) >= window {
          monitor.withLock { while index - done.load(ordering: .relaxed) > window / 2 { monitor.wait() } }
        }
        try record.withUnsafeBytes {
          try journal.submitAppend(topic, time: 1, record: $0) { _ in
            let number = done.add(1, ordering: .relaxed).newValue
            if number % max(1, window / 4) == 0 { monitor.withLock { monitor.signal() } }
          }
        }
      }
      try journal.flush()
    }
    return Double(count) / time
  }
}

/// Each of several threads waits until its event is on disk before the next.
private func waited(record: [UInt8], count: Int, threads: Int) throws -> Double {
  try withJournal { journal in
    let topic = try journal.topic("bench", retention: .log)
    let time = seconds {
      let running = (0..<threads).map { _ in
        HostThread(name: "publisher") {
          for _ in 0..<count / threads {
            record.withUnsafeBytes { _ = try? journal.append(topic, time: 1, record: $0) }
          }
        }
      }
      for thread in running { thread?.join() }
    }
    return Double(topic.next - 1) / time
  }
}

/// What an acknowledgement costs that brings so many events out, with their encoding.
private func deliveries(count: Int, effects: Int) throws -> Double {
  try withJournal { journal in
    let log = try BusJournal(journal: journal)
    try log.declare("bench", retention: .log)
    let event = StoredEvent(
      id: [1, 2], time: 1, topic: "bench", source: "source", key: Array("key".utf8),
      payload: [UInt8](repeating: UInt8(ascii: "x"), count: 340))
    let time = try seconds {
      for _ in 0..<count / effects {
        var batch = DurableBatch()
        batch.appends = (0..<effects).map { _ in .init(event: event, consumers: ["bench/handler"]) }
        let positions = try log.commit(batch)
        for position in positions { log.settle(.init(position: position, consumer: "bench/handler")) }
      }
    }
    return Double(count) / time
  }
}

/// The peer.
private enum SQLiteInserts {
  struct Failure: Error {
    let message: String
  }

  static func run(record: [UInt8], count: Int, batch: Int) throws -> Double {
    let directory = try Place.temporary()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    var database: OpaquePointer?
    guard sqlite3_open(directory + "/peer.db", &database) == SQLITE_OK, let database else {
      throw Failure(message: "cannot open")
    }
    defer { sqlite3_close(database) }
    func execute(_ sql: String) throws {
      guard sqlite3_exec(database, sql, nil, nil, nil) == SQLITE_OK else {
        throw Failure(message: String(cString: sqlite3_errmsg(database)))
      }
    }
    try execute(
      """
      PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 4000;
      PRAGMA cache_size = -16384;
      CREATE TABLE event(position INTEGER PRIMARY KEY, time INTEGER NOT NULL, record BLOB NOT NULL);
      """)
    var statement: OpaquePointer?
    sqlite3_prepare_v2(database, "INSERT INTO event(position, time, record) VALUES(?1, ?2, ?3)", -1, &statement, nil)
    defer { sqlite3_finalize(statement) }
    let time = try seconds {
      var position: Int64 = 0
      while position < count {
        try execute("BEGIN")
        for _ in 0..<batch {
          position += 1
          sqlite3_bind_int64(statement, 1, position)
          sqlite3_bind_int64(statement, 2, 1)
          try record.withUnsafeBytes {
            sqlite3_bind_blob(statement, 3, $0.baseAddress, Int32($0.count), nil)
            guard sqlite3_step(statement) == SQLITE_DONE else { throw Failure(message: "insert failed") }
          }
          sqlite3_reset(statement)
        }
        try execute("COMMIT")
      }
    }
    return Double(count) / time
  }
}
