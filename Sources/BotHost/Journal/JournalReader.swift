/// One connection that reads, with its statements. Used by one thread at a time.
final class JournalReader {
  private let database: SQLiteConnection
  private let entry: SQLiteStatement
  private let entries: SQLiteStatement
  private let records: SQLiteStatement
  private let unsettled: SQLiteStatement
  private let letters: SQLiteStatement
  private let letter: SQLiteStatement

  init(path: String) throws(JournalError) {
    database = try SQLiteConnection(path: path, readOnly: true)
    entry = try database.prepare(
      """
      SELECT value, revision FROM kv WHERE instance = ?1 AND key = ?2 AND (expires = 0 OR expires > ?3)
      """)
    entries = try database.prepare(
      """
      SELECT key, value, revision FROM kv
      WHERE instance = ?1 AND key >= ?2 AND key > ?3 AND (?4 IS NULL OR key < ?4) AND (expires = 0 OR expires > ?5)
      ORDER BY key LIMIT ?6
      """)
    records = try database.prepare(
      "SELECT position, time, record FROM event WHERE position >= ?1 AND position < ?2 ORDER BY position LIMIT ?3")
    unsettled = try database.prepare(
      """
      SELECT position, time, record FROM event
      WHERE position >= ?1 + max(?2, (SELECT floor FROM consumer WHERE id = ?3)) AND position < ?4
      AND position - ?1 NOT IN (SELECT position FROM settled WHERE consumer = ?3)
      ORDER BY position LIMIT ?5
      """)
    letters = try database.prepare(
      """
      SELECT id, topic, handler, plugin, code, reason, attempts, published, buried, length(record) FROM dead
      WHERE id < ?1 AND (?2 IS NULL OR topic = ?2) AND (?3 IS NULL OR handler = ?3) AND (?4 IS NULL OR plugin = ?4)
      ORDER BY id DESC LIMIT ?5
      """)
    letter = try database.prepare(
      """
      SELECT id, topic, handler, plugin, code, reason, attempts, published, buried, length(record), record FROM dead
      WHERE id = ?1
      """)
  }

  func entry(
    _ instance: Int64, _ key: UnsafeRawBufferPointer, now: Int64
  ) throws(JournalError) -> KeyValueEntry? {
    entry.bind(1, instance)
    entry.bind(2, key)
    entry.bind(3, now)
    guard try entry.step() else { return nil }
    defer { entry.reset() }
    return KeyValueEntry(key: Array(key), value: Array(entry.blob(0)), revision: UInt64(bitPattern: entry.int(1)))
  }

  func entries(
    _ instance: Int64, prefix: [UInt8], after: [UInt8], limit: Int, maxBytes: Int, now: Int64
  ) throws(JournalError) -> [KeyValueEntry] {
    entries.bind(1, instance)
    entries.bind(2, copying: prefix)
    entries.bind(3, copying: after)
    if let end = Self.end(ofPrefix: prefix) { entries.bind(4, copying: end) } else { entries.bindNull(4) }
    entries.bind(5, now)
    entries.bind(6, Int64(limit))
    var found: [KeyValueEntry] = []
    var bytes = 0
    while try entries.step() {
      let value = Array(entries.blob(1))
      found.append(
        KeyValueEntry(key: Array(entries.blob(0)), value: value, revision: UInt64(bitPattern: entries.int(2))))
      bytes += value.count
      if bytes >= maxBytes {
        entries.reset()
        break
      }
    }
    return found
  }

  /// The first key after all that begin so; nil when there is none.
  private static func end(ofPrefix prefix: [UInt8]) -> [UInt8]? {
    var end = prefix
    while let last = end.popLast() {
      if last < 255 { return end + [last + 1] }
    }
    return nil
  }

  func records(
    _ topic: JournalTopic, from position: Int64, limit: Int, maxBytes: Int
  ) throws(JournalError) -> [JournalRecord] {
    records.bind(1, topic.row(max(0, min(position, JournalTopic.maxPosition))))
    records.bind(2, topic.row(0) + JournalTopic.maxPosition + 1)
    records.bind(3, Int64(limit))
    return try collect(records, maxBytes)
  }

  func unsettled(
    _ consumer: JournalConsumer, from position: Int64, limit: Int, maxBytes: Int
  ) throws(JournalError) -> [JournalRecord] {
    let base = consumer.topic << JournalTopic.positionBits
    unsettled.bind(1, base)
    unsettled.bind(2, max(0, min(position, JournalTopic.maxPosition)))
    unsettled.bind(3, consumer.id)
    unsettled.bind(4, base + JournalTopic.maxPosition + 1)
    unsettled.bind(5, Int64(limit))
    return try collect(unsettled, maxBytes)
  }

  private func collect(_ statement: SQLiteStatement, _ maxBytes: Int) throws(JournalError) -> [JournalRecord] {
    var found: [JournalRecord] = []
    var bytes = 0
    while try statement.step() {
      let record = Array(statement.blob(2))
      found.append(
        JournalRecord(position: JournalTopic.position(row: statement.int(0)), time: statement.int(1), bytes: record))
      bytes += record.count
      if bytes >= maxBytes {
        statement.reset()
        break
      }
    }
    return found
  }

  func deadLetters(_ filter: DeadLetterFilter, limit: Int) throws(JournalError) -> [DeadLetterEntry] {
    letters.bind(1, filter.before ?? .max)
    for (parameter, text) in zip(Int32(2)..., [filter.topic, filter.handler, filter.plugin]) {
      if let text { letters.bind(parameter, text) } else { letters.bindNull(parameter) }
    }
    letters.bind(5, Int64(limit))
    var found: [DeadLetterEntry] = []
    while try letters.step() { found.append(Self.letter(letters, record: [])) }
    return found
  }

  func deadLetter(_ number: Int64) throws(JournalError) -> DeadLetterEntry? {
    letter.bind(1, number)
    guard try letter.step() else { return nil }
    defer { letter.reset() }
    return Self.letter(letter, record: Array(letter.blob(10)))
  }

  private static func letter(_ row: SQLiteStatement, record: [UInt8]) -> DeadLetterEntry {
    var letter = DeadLetterEntry(
      topic: row.text(1), handler: row.text(2), plugin: row.text(3), code: Int32(truncatingIfNeeded: row.int(4)),
      reason: row.text(5), attempts: UInt32(clamping: row.int(6)), published: row.int(7), buried: row.int(8),
      record: record)
    letter.number = row.int(0)
    letter.recordBytes = Int(row.int(9))
    return letter
  }
}
