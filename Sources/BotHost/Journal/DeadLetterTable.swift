/// The writing side of the dead letters. Used by the journal's thread alone, inside a transaction.
final class DeadLetterTable {
  private(set) var count: Int64 = 0
  private(set) var bytes: Int64 = 0
  private let limits: DeadLetterLimits
  private let add: SQLiteStatement
  private let find: SQLiteStatement
  private let erase: SQLiteStatement
  private let oldest: SQLiteStatement

  init(_ database: SQLiteConnection, limits: DeadLetterLimits) throws(JournalError) {
    self.limits = limits
    add = try database.prepare(
      """
      INSERT INTO dead(topic, handler, plugin, code, reason, attempts, published, buried, record)
      VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) RETURNING id
      """)
    find = try database.prepare("SELECT length(record) FROM dead WHERE id = ?1")
    erase = try database.prepare("DELETE FROM dead WHERE id = ?1")
    oldest = try database.prepare("SELECT id, length(record), buried FROM dead ORDER BY id LIMIT 256")
    try load(database)
  }

  func load(_ database: SQLiteConnection) throws(JournalError) {
    count = try database.integer("SELECT count(*) FROM dead") ?? 0
    bytes = try database.integer("SELECT coalesce(sum(length(record)), 0) FROM dead") ?? 0
  }

  func bury(_ letter: DeadLetterEntry) throws(JournalError) -> Int64 {
    add.bind(1, letter.topic)
    add.bind(2, letter.handler)
    add.bind(3, letter.plugin)
    add.bind(4, Int64(letter.code))
    add.bind(5, letter.reason)
    add.bind(6, Int64(letter.attempts))
    add.bind(7, letter.published)
    add.bind(8, letter.buried)
    add.bind(9, copying: letter.record)
    var number: Int64 = 0
    while try add.step() { number = add.int(0) }
    count += 1
    bytes += Int64(letter.record.count)
    return number
  }

  /// 1 when it was there, else 0.
  func remove(_ number: Int64) throws(JournalError) -> Int64 {
    find.bind(1, number)
    var size: Int64?
    while try find.step() { size = find.int(0) }
    guard let size else { return 0 }
    erase.bind(1, number)
    try erase.run()
    count -= 1
    bytes -= size
    return 1
  }

  /// Whether `enforce` would remove something for its number or size; age is looked at now and then.
  var isOverLimit: Bool { count > limits.count || bytes > limits.bytes }

  /// Removes the oldest letters that are too many, too large or too old: up to 256. False when there was none.
  func enforce(now: Int64) throws(JournalError) -> Bool {
    guard count > 0 else { return false }
    var victims: [Int64] = []
    var leftCount = count
    var leftBytes = bytes
    while try oldest.step() {
      let isOld = now.subtractingReportingOverflow(oldest.int(2)).partialValue > limits.age
      guard isOld || leftCount > limits.count || leftBytes > limits.bytes else {
        oldest.reset()
        break
      }
      victims.append(oldest.int(0))
      leftCount -= 1
      leftBytes -= oldest.int(1)
    }
    for victim in victims { _ = try remove(victim) }
    return !victims.isEmpty
  }
}
