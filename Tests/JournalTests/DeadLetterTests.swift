import Testing

@testable import BotHost

@Suite struct DeadLetterTests {
  let directory = TestDirectory()

  private func letter(_ topic: String, _ handler: String = "p/h", text: String = "event") -> DeadLetterEntry {
    DeadLetterEntry(
      topic: topic, handler: handler, plugin: "p", code: -2, reason: "because", attempts: 3, published: 5, buried: 9,
      record: Array(text.utf8))
  }

  private func bury(_ journal: Journal, _ letters: DeadLetterEntry...) throws -> [Int64] {
    let transaction = JournalTransaction()
    for letter in letters { transaction.bury(letter) }
    let receipt = try journal.commit(transaction)
    return (0..<letters.count).map { receipt[$0] }
  }

  @Test func lettersAreListedShownAndRemoved() throws {
    let journal = try Journal(directory: directory.path)
    let numbers = try bury(journal, letter("a"), letter("b", "p/other"), letter("a", text: "last"))
    #expect(try journal.deadLetters().map(\.number) == numbers.reversed())
    #expect(try journal.deadLetters(DeadLetterFilter(topic: "a")).map(\.number) == [numbers[2], numbers[0]])
    #expect(try journal.deadLetters(DeadLetterFilter(handler: "p/other")).map(\.topic) == ["b"])
    #expect(try journal.deadLetters(DeadLetterFilter(before: numbers[1])).map(\.number) == [numbers[0]])
    #expect(try journal.deadLetters(limit: 1).map(\.number) == [numbers[2]])
    let listed = try #require(try journal.deadLetters().first)
    #expect(listed.record.isEmpty && listed.recordBytes == 4)
    let shown = try #require(try journal.deadLetter(numbers[2]))
    #expect(shown.record == Array("last".utf8))
    #expect(shown.reason == "because" && shown.attempts == 3 && shown.code == -2)
    #expect(shown.published == 5 && shown.buried == 9)
    #expect(try journal.removeDeadLetters([numbers[0], 999]) == 1)
    #expect(try journal.deadLetter(numbers[0]) == nil)
    #expect(try journal.deadLetterTotals() == (2, 9))
  }

  @Test func replayIsOneStep() throws {
    let journal = try Journal(directory: directory.path)
    let topic = try journal.topic("a")
    let handler = try journal.consumer("p/h", of: topic)
    let number = try bury(journal, letter("a"))[0]
    let found = try #require(try journal.deadLetter(number))
    let transaction = JournalTransaction()
    found.record.withUnsafeBytes { transaction.append(topic, time: 1, consumers: [handler], record: $0) }
    transaction.removeDeadLetter(number)
    _ = try journal.commit(transaction)
    #expect(try journal.deadLetters().isEmpty)
    #expect(try journal.unsettled(handler).texts == ["event"])
  }

  @Test func theOldestGoWhenThereAreTooMany() throws {
    var options = JournalOptions()
    options.deadLetters.count = 3
    let journal = try Journal(directory: directory.path, options: options, clock: TestClock())
    var numbers: [Int64] = []
    for index in 0..<5 { numbers += try bury(journal, letter("t\(index)")) }
    #expect(try journal.deadLetters().map(\.number) == [numbers[4], numbers[3], numbers[2]])
  }

  @Test func lettersOfSizeAndAgeGoToo() throws {
    var options = JournalOptions()
    options.deadLetters.bytes = 12
    options.deadLetters.age = 1000
    let clock = TestClock()
    let journal = try Journal(directory: directory.path, options: options, clock: clock)
    var fresh = letter("a")
    fresh.buried = clock.unix
    _ = try bury(journal, fresh)
    _ = try bury(journal, fresh)
    let last = try bury(journal, fresh)[0]
    #expect(try journal.deadLetters().count == 2)
    clock.advance(2000)
    _ = try journal.run { (tables) throws(JournalError) in try tables.dead.enforce(now: 1_000_000_002_000) }
    #expect(try journal.deadLetters().isEmpty)
    // Numbers are not used again.
    #expect(try bury(journal, fresh)[0] > last)
  }
}
