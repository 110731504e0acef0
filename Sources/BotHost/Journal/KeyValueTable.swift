/// The writing side of the plugins' state. Used by the journal's thread alone, inside a transaction.
final class KeyValueTable {
  /// Bytes of keys and values by instance.
  private(set) var used: [Int64: Int64] = [:]
  private var quotas: [Int64: Int64] = [:]
  private let names: SQLiteStatement
  private let addName: SQLiteStatement
  private let find: SQLiteStatement
  private let write: SQLiteStatement
  private let erase: SQLiteStatement
  private let expired: SQLiteStatement
  private let eraseRow: SQLiteStatement
  private let sum: SQLiteStatement
  private let storeCounter: SQLiteStatement
  private var nextRevision: Int64 = 1
  private var reservedRevision: Int64 = 1
  /// What the current unit has changed, to be taken back when it fails.
  private var undo: [(instance: Int64, bytes: Int64)] = []
  private var reservedBefore: Int64 = 1

  /// Revisions are reserved in blocks, so that they never repeat after a crash, without a write for each.
  private static let block: Int64 = 4096

  init(_ database: SQLiteConnection) throws(JournalError) {
    names = try database.prepare("SELECT id FROM instance WHERE name = ?1")
    addName = try database.prepare("INSERT INTO instance(name) VALUES(?1) RETURNING id")
    find = try database.prepare(
      "SELECT id, revision, expires, length(value) FROM kv WHERE instance = ?1 AND key = ?2")
    write = try database.prepare(
      """
      INSERT INTO kv(instance, key, revision, expires, value) VALUES(?1, ?2, ?3, ?4, ?5)
      ON CONFLICT(instance, key) DO UPDATE SET revision = ?3, expires = ?4, value = ?5
      """)
    erase = try database.prepare("DELETE FROM kv WHERE instance = ?1 AND key = ?2")
    expired = try database.prepare(
      """
      SELECT id, instance, length(key) + length(value) FROM kv WHERE expires > 0 AND expires <= ?1 LIMIT 1000
      """)
    eraseRow = try database.prepare("DELETE FROM kv WHERE id = ?1")
    sum = try database.prepare("SELECT coalesce(sum(length(key) + length(value)), 0) FROM kv WHERE instance = ?1")
    storeCounter = try database.prepare("INSERT OR REPLACE INTO counter(name, value) VALUES('revision', ?1)")
    try load(database)
  }

  /// Reads what is in memory anew, after a transaction that failed.
  func load(_ database: SQLiteConnection) throws(JournalError) {
    reservedRevision = try database.integer("SELECT value FROM counter WHERE name = 'revision'") ?? 1
    nextRevision = reservedRevision
    undo.removeAll()
    let instances = Array(used.keys)
    for instance in instances { used[instance] = try sumOf(instance) }
  }

  /// The number of an instance; its quota holds from now on.
  func register(_ instance: String, quota: Int64) throws(JournalError) -> Int64 {
    names.bind(1, instance)
    var id: Int64?
    while try names.step() { id = names.int(0) }
    if id == nil {
      addName.bind(1, instance)
      while try addName.step() { id = addName.int(0) }
    }
    guard let id else { throw JournalError(.io, "the journal gave no number for instance '\(instance)'") }
    quotas[id] = quota
    if used[id] == nil { used[id] = try sumOf(id) }
    return id
  }

  private func sumOf(_ instance: Int64) throws(JournalError) -> Int64 {
    sum.bind(1, instance)
    var bytes: Int64 = 0
    while try sum.step() { bytes = sum.int(0) }
    return bytes
  }

  func beginUnit() {
    undo.removeAll(keepingCapacity: true)
    reservedBefore = reservedRevision
  }

  /// The unit's writes have been rolled back.
  func abandonUnit() {
    for change in undo { used[change.instance, default: 0] -= change.bytes }
    undo.removeAll(keepingCapacity: true)
    reservedRevision = reservedBefore
    nextRevision = min(nextRevision, reservedRevision)
  }

  private func count(_ instance: Int64, _ bytes: Int64) {
    used[instance, default: 0] += bytes
    undo.append((instance, bytes))
  }

  func put(
    _ instance: Int64, _ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer, expected: UInt64,
    expires: Int64, now: Int64
  ) throws(JournalError) -> Int64 {
    let found = try look(instance, key, now: now)
    let current = UInt64(bitPattern: found.revision)
    guard expected == anyRevision || expected == current else {
      let name = String(decoding: key.prefix(64), as: UTF8.self)
      let state = current == 0 ? "there is none" : "it is at \(current)"
      throw JournalError(
        .conflict(revision: current), "the entry '\(name)' was expected at revision \(expected), but \(state)")
    }
    let change = Int64(key.count + value.count) - found.bytes
    let quota = quotas[instance] ?? KeyValueStore.defaultQuota
    if change > 0, used[instance, default: 0] + change > quota { _ = try purge(now: now) }
    let wanted = used[instance, default: 0] + change
    guard change <= 0 || wanted <= quota else {
      throw JournalError(
        .noSpace,
        "the instance's state would have \(wanted) bytes; permissions.kv_bytes allows \(quota)")
    }
    let revision = try takeRevision()
    write.bind(1, instance)
    write.bind(2, key)
    write.bind(3, revision)
    write.bind(4, expires)
    write.bind(5, value)
    try write.run()
    count(instance, change)
    return revision
  }

  func remove(_ instance: Int64, _ key: UnsafeRawBufferPointer, now: Int64) throws(JournalError) {
    let found = try look(instance, key, now: now)
    guard found.bytes > 0 else { return }
    erase.bind(1, instance)
    erase.bind(2, key)
    try erase.run()
    count(instance, -found.bytes)
  }

  /// Removes up to a thousand entries that have expired, of all instances; false when there was none.
  func purge(now: Int64) throws(JournalError) -> Bool {
    var rows: [(id: Int64, instance: Int64, bytes: Int64)] = []
    expired.bind(1, now)
    while try expired.step() { rows.append((expired.int(0), expired.int(1), expired.int(2))) }
    for row in rows {
      try eraseRow(row.id)
      count(row.instance, -row.bytes)
    }
    return !rows.isEmpty
  }

  /// The current revision, 0 when there is none, and the bytes of the entry. An expired one is removed on the way.
  private func look(
    _ instance: Int64, _ key: UnsafeRawBufferPointer, now: Int64
  ) throws(JournalError) -> (revision: Int64, bytes: Int64) {
    find.bind(1, instance)
    find.bind(2, key)
    var row: (id: Int64, revision: Int64, expires: Int64, bytes: Int64)?
    while try find.step() { row = (find.int(0), find.int(1), find.int(2), find.int(3) + Int64(key.count)) }
    guard let row else { return (0, 0) }
    if row.expires == 0 || row.expires > now { return (row.revision, row.bytes) }
    try eraseRow(row.id)
    count(instance, -row.bytes)
    return (0, 0)
  }

  private func eraseRow(_ id: Int64) throws(JournalError) {
    eraseRow.bind(1, id)
    try eraseRow.run()
  }

  private func takeRevision() throws(JournalError) -> Int64 {
    if nextRevision == reservedRevision {
      storeCounter.bind(1, reservedRevision + Self.block)
      try storeCounter.run()
      reservedRevision += Self.block
    }
    defer { nextRevision += 1 }
    return nextRevision
  }
}
