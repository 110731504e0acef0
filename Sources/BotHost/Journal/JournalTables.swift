/// The journal as its one writing thread sees it: the connection, its statements, and what is kept in memory.
final class JournalTables {
  let database: SQLiteConnection
  let topics: JournalTopicTable
  let kv: KeyValueTable
  let dead: DeadLetterTable
  private let clock: any HostClock
  private let place: FilePlace?

  init(_ database: SQLiteConnection, options: JournalOptions, clock: any HostClock) throws(JournalError) {
    self.database = database
    self.clock = clock
    topics = try JournalTopicTable(database)
    kv = try KeyValueTable(database)
    dead = try DeadLetterTable(database, limits: options.deadLetters)
    begin = try database.prepare("BEGIN IMMEDIATE")
    commit = try database.prepare("COMMIT")
    rollback = try database.prepare("ROLLBACK")
    openUnit = try database.prepare("SAVEPOINT unit")
    closeUnit = try database.prepare("RELEASE unit")
    undoUnit = try database.prepare("ROLLBACK TO unit")
    place = FilePlace(database.path)
  }

  private let begin: SQLiteStatement
  private let commit: SQLiteStatement
  private let rollback: SQLiteStatement
  private let openUnit: SQLiteStatement
  private let closeUnit: SQLiteStatement
  private let undoUnit: SQLiteStatement

  /// Runs `body` as one transaction. When it throws, nothing has happened, on disk or in memory.
  func transaction(_ body: () throws(JournalError) -> Void) throws(JournalError) {
    try begin.run()
    do {
      try body()
      try topics.save()
      try commit.run()
    } catch {
      // A full disk may have rolled back already.
      try? rollback.run()
      try topics.load(database)
      try kv.load(database)
      try dead.load(database)
      throw error
    }
    topics.publish()
  }

  /// Puts a batch on disk in one transaction. Units that fail for a reason of their own leave it; whatever else goes
  /// wrong is thrown, and then nothing of the batch was written.
  func apply(_ batch: PendingBatch) throws(JournalError) {
    let now = clock.unix
    batch.outcome.prepareResults(batch.resultCount)
    try place?.check()
    try transaction { () throws(JournalError) in
      for index in batch.units.indices {
        let unit = batch.units[index]
        guard unit.isConditional else {
          try apply(batch, unit, now, conditional: false)
          continue
        }
        if let failure = try applyConditional(batch, unit, now) {
          batch.outcome.fail(unit: index, failure)
        } else {
          try apply(batch, unit, now, conditional: false)
        }
      }
      if topics.hasMuchToTrim() { _ = try topics.trim(now: now, limit: 8192) }
      if dead.isOverLimit { _ = try dead.enforce(now: now) }
    }
  }

  /// What the unit's own conditions say, or nil when they hold.
  private func applyConditional(
    _ batch: PendingBatch, _ unit: PendingBatch.Unit, _ now: Int64
  ) throws(JournalError) -> JournalError? {
    try openUnit.run()
    kv.beginUnit()
    do {
      try apply(batch, unit, now, conditional: true)
      try closeUnit.run()
      return nil
    } catch {
      switch error.kind {
      case .conflict, .noSpace, .notFound, .invalid:
        try undoUnit.run()
        try closeUnit.run()
        kv.abandonUnit()
        return error
      default:
        throw error
      }
    }
  }

  /// Runs the operations of a unit: those that may fail by themselves, or the others.
  private func apply(
    _ batch: PendingBatch, _ unit: PendingBatch.Unit, _ now: Int64, conditional: Bool
  ) throws(JournalError) {
    let operations = batch.operations
    var offset = unit.start
    while offset < unit.end {
      let header = operations.header(at: offset)
      switch header.kind {
      case OperationBuffer.Kind.append where !conditional:
        let owners = header.c < 0 ? nil : operations.second(header, at: offset)
        let position = try topics.append(
          topic: header.a, time: header.b, owners: owners, record: operations.first(header, at: offset))
        batch.outcome.results[unit.firstResult + Int(header.slot)] = position
      case OperationBuffer.Kind.settle where !conditional:
        topics.settle(consumer: header.a, position: header.b)
      case OperationBuffer.Kind.seek where !conditional:
        try topics.seek(consumer: header.a, to: header.b)
      case OperationBuffer.Kind.put where conditional:
        let revision = try kv.put(
          header.a, operations.first(header, at: offset), operations.second(header, at: offset),
          expected: UInt64(bitPattern: header.b), expires: header.c, now: now)
        batch.outcome.results[unit.firstResult + Int(header.slot)] = revision
      case OperationBuffer.Kind.remove where conditional:
        try kv.remove(header.a, operations.first(header, at: offset), now: now)
      case OperationBuffer.Kind.rare:
        try applyRare(batch, unit, header, conditional: conditional)
      default:
        break
      }
      offset += header.size
    }
  }

  private func applyRare(
    _ batch: PendingBatch, _ unit: PendingBatch.Unit, _ header: OperationBuffer.Header, conditional: Bool
  ) throws(JournalError) {
    switch batch.rare[unit.firstRare + Int(header.a)] {
    case .bury(let letter) where !conditional:
      batch.outcome.results[unit.firstResult + Int(header.slot)] = try dead.bury(letter)
    case .removeDead(let number) where !conditional:
      _ = try dead.remove(number)
    case .run(let body) where conditional:
      try body(self)
    default:
      break
    }
  }

  /// The work that can wait for a quiet moment, a piece of it. False when there is none left.
  func maintain() throws(JournalError) -> Bool {
    let now = clock.unix
    var hasMore = false
    try transaction { () throws(JournalError) in
      kv.beginUnit()
      let trimmed = try topics.trim(now: now, limit: 4096)
      let purged = try kv.purge(now: now)
      let enforced = try dead.enforce(now: now)
      hasMore = trimmed || purged || enforced
    }
    return hasMore
  }
}
