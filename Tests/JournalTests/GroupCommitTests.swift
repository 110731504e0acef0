import Glibc
import Synchronization
import Testing

@testable import BotHost

@Suite struct GroupCommitTests {
  let directory = TestDirectory()

  @Test func manyThreadsLoseNothingAndShareTransactions() throws {
    var options = JournalOptions()
    options.durability = .process
    let journal = try Journal(directory: directory.path, options: options)
    let topic = try journal.topic("t", retention: .log)
    let store = try journal.store(of: "p")
    let positions = Mutex<[Int64]>([])
    let failures = Mutex<[String]>([])
    let threads = (0..<8).map { number in
      HostThread(name: "test") {
        do {
          for index in 0..<100 {
            let position = try journal.append(topic, "\(number)/\(index)")
            positions.withLock { $0.append(position) }
            if index % 10 == 0 { try store.put("\(number)", "\(index)") }
          }
        } catch {
          failures.withLock { $0.append("\(error)") }
        }
      }
    }
    for thread in threads { try #require(thread).join() }
    #expect(failures.withLock { $0 } == [])
    #expect(positions.withLock { $0.sorted() } == Array(1...800))
    let records = try journal.read(topic, from: 0, limit: 1000).texts
    for number in 0..<8 {
      #expect(records.filter { $0.hasPrefix("\(number)/") } == (0..<100).map { "\(number)/\($0)" })
      #expect(try store.text("\(number)") == "90")
    }
  }

  @Test func completionsComeInOrder() throws {
    let journal = try Journal(directory: directory.path)
    let topic = try journal.topic("t", retention: .log)
    let positions = Mutex<[Int64]>([])
    for index in 0..<500 {
      try Array("\(index)".utf8).withUnsafeBytes {
        try journal.submitAppend(topic, time: 0, record: $0) { result in
          positions.withLock { $0.append((try? result.get()[0]) ?? -1) }
        }
      }
    }
    try journal.flush()
    #expect(positions.withLock { $0 } == Array(1...500))
  }

  @Test func aCompletionMaySubmitMore() throws {
    let journal = try Journal(directory: directory.path)
    let topic = try journal.topic("t", retention: .log)
    let ends = Monitor()
    let isDone = Atomic<Bool>(false)
    let first = JournalTransaction()
    first.append(topic, "first")
    try journal.submit(first) { _ in
      let second = JournalTransaction()
      second.append(topic, "second")
      try? journal.submit(second) { _ in
        ends.withLock {
          isDone.store(true, ordering: .releasing)
          ends.broadcast()
        }
      }
    }
    ends.withLock { while !isDone.load(ordering: .acquiring) { ends.wait() } }
    #expect(try journal.read(topic, from: 0).texts == ["first", "second"])
  }

  @Test func whatNobodyWaitsForIsWrittenAtTheEnd() throws {
    do {
      var options = JournalOptions()
      options.lazyDelay = 3_600_000_000_000
      let journal = try Journal(directory: directory.path, options: options)
      let topic = try journal.topic("t", retention: .log)
      let handler = try journal.consumer("h", of: topic)
      for _ in 0..<3 { _ = try journal.append(topic, "x") }
      journal.settleLazily(handler, position: 1)
      journal.settleLazily(handler, position: 3)
      journal.close()
    }
    let journal = try Journal(directory: directory.path)
    let handler = try journal.consumer("h", of: try journal.topic("t"))
    #expect(try journal.unsettled(handler).map(\.position) == [2])
  }

  @Test func lazySettlementsComeInTime() throws {
    var options = JournalOptions()
    options.lazyDelay = 1_000_000
    let journal = try Journal(directory: directory.path, options: options)
    let topic = try journal.topic("t", retention: .log)
    let handler = try journal.consumer("h", of: topic)
    _ = try journal.append(topic, "x")
    journal.settleLazily(handler, position: 1)
    // Only the reading connection is used here, which nothing but the delay can satisfy.
    while try !journal.unsettled(handler).isEmpty { sched_yield() }
  }

  @Test func aFullQueueWaitsAndGoesOn() throws {
    var options = JournalOptions()
    options.maxPendingBytes = 2000
    options.durability = .process
    let journal = try Journal(directory: directory.path, options: options)
    let topic = try journal.topic("t", retention: .log)
    let text = Array(String(repeating: "x", count: 500).utf8)
    for _ in 0..<200 { try text.withUnsafeBytes { try journal.submitAppend(topic, time: 0, record: $0) } }
    try journal.flush()
    #expect(topic.next == 201)
  }

  @Test func watchersSeeTheEndGrow() throws {
    let journal = try Journal(directory: directory.path)
    let topic = try journal.topic("t", retention: .log)
    let seen = Mutex<[Int64]>([])
    topic.watch { next in seen.withLock { $0.append(next) } }
    _ = try journal.append(topic, "1")
    _ = try journal.append(topic, "2")
    try journal.flush()
    #expect(seen.withLock { $0 } == [2, 3])
  }

  @Test func aReceiptHasWhatEachOperationGave() throws {
    let journal = try Journal(directory: directory.path)
    let topic = try journal.topic("t", retention: .log)
    let store = try journal.store(of: "p")
    _ = try journal.append(topic, "0")
    let transaction = JournalTransaction()
    transaction.append(topic, "1")
    try transaction.put(store, "k", "v")
    transaction.append(topic, "2")
    let receipt = try journal.commit(transaction)
    #expect(receipt.count == 3)
    #expect(receipt[0] == 2 && receipt[2] == 3)
    #expect(try store.get("k")?.revision == UInt64(receipt[1]))
    transaction.removeAll()
    #expect(transaction.isEmpty)
    #expect(try journal.commit(transaction).count == 0)
  }
}
