import Glibc
import Synchronization

/// The durable side of the host: topics that survive a crash, the plugins' state, the dead letters. One SQLite file,
/// `bothost.db`, in the data directory of one host.
///
/// All writes go through one thread, which puts everything that waits into one transaction (group commit) and then lets all
/// callers go on, so that a hundred threads share one `fdatasync`. Reads have connections of their own and see whatever
/// was committed before they began.
///
/// Thread-safe. What a call has acknowledged survives `kill -9`; with `Durability.power` also the loss of power.
public final class Journal: Sendable {
  public let directory: String
  /// The file's path.
  public let path: String
  let readers: JournalReaders
  let writer: JournalWriter
  private let clock: any HostClock
  private let lock: DataDirectory

  private struct Names {
    var topics: [String: JournalTopic] = [:]
  }

  private let names = Mutex(Names())

  /// Opens the journal of a directory, which is made on demand, and brings an older file up to date.
  ///
  /// Throws when another host uses the directory, and when the file is damaged, no journal, or of a later version: the
  /// message says which, and what to do.
  public init(
    directory: String, options: JournalOptions = JournalOptions(), clock: any HostClock = SystemClock(),
    log: HostLog? = nil
  ) throws(JournalError) {
    self.directory = directory
    self.clock = clock
    lock = try DataDirectory(directory)
    path = directory + "/bothost.db"
    // SQLite gives its files the mode of the first one: what plugins store is nobody else's business.
    let file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard file >= 0 else {
      throw JournalError(.io, "\(path): the journal cannot be opened: \(String(cString: strerror(errno)))")
    }
    Glibc.close(file)
    let database = try SQLiteConnection(path: path, readOnly: false)
    try JournalSchema.prepare(database)
    try database.execute(
      """
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = \(options.durability == .power ? "FULL" : "NORMAL");
      PRAGMA wal_autocheckpoint = 4000;
      PRAGMA journal_size_limit = 67108864;
      PRAGMA cache_size = -16384;
      PRAGMA temp_store = MEMORY;
      """)
    let tables = try JournalTables(database, options: options, clock: clock)
    readers = JournalReaders(path: path)
    writer = try JournalWriter(tables: tables, options: options, log: log)
    for topic in tables.topics.handles { names.withLock { $0.topics[topic.name] = topic } }
  }

  deinit { close() }

  /// Writes what waits, closes the file and lets another host have the directory. Later calls throw `.closed`. Not from a
  /// completion.
  public func close() {
    writer.close()
    readers.close()
    lock.release()
    names.withLock { $0 = Names() }
  }

  var now: Int64 { clock.unix }

  // MARK: - Transactions

  /// Puts the transaction on disk and waits until it is there. Throws when nothing of it was written.
  public func commit(_ transaction: JournalTransaction) throws(JournalError) -> JournalReceipt {
    guard !transaction.isEmpty else { return JournalReceipt(outcome: BatchOutcome(), firstResult: 0, count: 0) }
    return try writer.commit(transaction)
  }

  /// Queues the transaction and returns; `completion` runs on the journal's thread when it is on disk, or has failed, in
  /// the order of submission. It must be quick and must not wait for anything; it may submit more.
  /// Waits only while more than `maxPendingBytes` are queued already.
  public func submit(
    _ transaction: JournalTransaction, completion: @escaping @Sendable (Result<JournalReceipt, JournalError>) -> Void
  ) throws(JournalError) {
    try writer.submit(transaction, completion: completion)
  }

  /// Adds one event and waits until it is on disk: its position. See `JournalTransaction.append`.
  public func append(
    _ topic: JournalTopic, time: Int64, consumers: [JournalConsumer]? = nil, record: UnsafeRawBufferPointer
  ) throws(JournalError) -> Int64 {
    try writer.append(topic, time, consumers, record)
  }

  /// The same without waiting. See `submit`.
  public func submitAppend(
    _ topic: JournalTopic, time: Int64, consumers: [JournalConsumer]? = nil, record: UnsafeRawBufferPointer,
    completion: (@Sendable (Result<JournalReceipt, JournalError>) -> Void)? = nil
  ) throws(JournalError) {
    try writer.submitAppend(topic, time, consumers, record, completion)
  }

  /// Marks an event as handled some time soon, together with whatever is written next, or after `lazyDelay`. A crash
  /// before that brings the event back.
  public func settleLazily(_ consumer: JournalConsumer, position: Int64) {
    writer.settleLazily(consumer, position)
  }

  /// Waits until everything submitted before is on disk and its completions have run. Not from a completion.
  public func flush() throws(JournalError) {
    let monitor = Monitor()
    let result = Mutex<Result<JournalReceipt, JournalError>?>(nil)
    try writer.submit(JournalTransaction()) { end in
      monitor.withLock {
        result.withLock { $0 = end }
        monitor.broadcast()
      }
    }
    monitor.withLock { while result.withLock({ $0 == nil }) { monitor.wait() } }
    _ = try result.withLock { $0 }?.get()
  }

  /// Runs `body` on the journal's thread inside a transaction.
  func run<Value: Sendable>(
    _ body: @escaping @Sendable (JournalTables) throws(JournalError) -> Value
  ) throws(JournalError) -> Value {
    let box = Mutex<Value?>(nil)
    try writer.run { (tables) throws(JournalError) in
      let value = try body(tables)
      box.withLock { $0 = value }
    }
    guard let value = box.withLock({ $0 }) else { throw JournalError(.closed, "the journal is closed") }
    return value
  }

  // MARK: - Topics

  /// The durable topic of that name, made when it is not there. `retention` holds from now on, also after a restart; nil
  /// leaves it as it is, which is `.untilSettled` for a new topic.
  public func topic(_ name: String, retention: JournalRetention? = nil) throws(JournalError) -> JournalTopic {
    if let known = names.withLock({ $0.topics[name] }), retention == nil || retention == known.retention {
      return known
    }
    guard (1...255).contains(name.utf8.count) else {
      throw JournalError(.invalid, "a topic's name has 1 to 255 bytes, this one has \(name.utf8.count)")
    }
    let topic = try run { (tables) throws(JournalError) in
      try tables.topics.register(topic: name, retention: retention)
    }
    names.withLock { $0.topics[name] = topic }
    return topic
  }

  /// The topic, if the journal has it.
  public func existingTopic(_ name: String) -> JournalTopic? { names.withLock { $0.topics[name] } }

  /// All topics in the journal, by name.
  public var topics: [JournalTopic] {
    names.withLock { Array($0.topics.values) }.sorted { $0.name < $1.name }
  }

  /// The consumer of that name, made when it is not there; one that is there goes on where it was.
  public func consumer(
    _ name: String, of topic: JournalTopic, kind: JournalConsumer.Kind = .handler, from start: JournalStart = .latest
  ) throws(JournalError) -> JournalConsumer {
    guard (1...512).contains(name.utf8.count) else {
      throw JournalError(.invalid, "a consumer's name has 1 to 512 bytes, this one has \(name.utf8.count)")
    }
    return try run { (tables) throws(JournalError) in
      try tables.topics.register(consumer: name, of: topic, kind: kind, from: start)
    }
  }

  /// The consumers of a topic and the position below which each has settled everything.
  public func consumers(
    of topic: JournalTopic
  ) throws(JournalError) -> [(consumer: JournalConsumer, position: Int64)] {
    try run { (tables) throws(JournalError) in
      tables.topics.consumers(of: topic).map { (consumer: $0.consumer, position: $0.floor) }
    }
  }

  /// The position below which the consumer has settled everything: where a reader goes on.
  public func position(of consumer: JournalConsumer) throws(JournalError) -> Int64 {
    let position = try run { (tables) throws(JournalError) in tables.topics.position(of: consumer) }
    guard let position else { throw JournalError(.notFound, "no consumer '\(consumer.name)'") }
    return position
  }

  /// Forgets a consumer: no event is kept for it any more.
  public func remove(_ consumer: JournalConsumer) throws(JournalError) {
    try run { (tables) throws(JournalError) in try tables.topics.remove(consumer: consumer) }
  }

  /// Reads events from a position on, in order, up to `limit` of them and about `maxBytes` of records. A position that
  /// is gone already counts as the oldest one that is there. An empty answer means that there is none yet.
  public func read(
    _ topic: JournalTopic, from position: Int64, limit: Int = 256, maxBytes: Int = 4 << 20
  ) throws(JournalError) -> [JournalRecord] {
    try readers.with { (reader) throws(JournalError) in
      try reader.records(topic, from: position, limit: limit, maxBytes: maxBytes)
    }
  }

  /// The same for those that the consumer has not settled: what has to be delivered again after a start. Go on after
  /// the last position.
  public func unsettled(
    _ consumer: JournalConsumer, from position: Int64 = 0, limit: Int = 256, maxBytes: Int = 4 << 20
  ) throws(JournalError) -> [JournalRecord] {
    try readers.with { (reader) throws(JournalError) in
      try reader.unsettled(consumer, from: position, limit: limit, maxBytes: maxBytes)
    }
  }

  // MARK: - State

  /// The store of an instance, with this quota in bytes from now on.
  public func store(
    of instance: String, quota: Int64 = KeyValueStore.defaultQuota
  ) throws(JournalError) -> KeyValueStore {
    let id = try run { (tables) throws(JournalError) in try tables.kv.register(instance, quota: quota) }
    return KeyValueStore(id: id, instance: instance, journal: self)
  }

  // MARK: - Dead letters

  /// Dead letters, the newest first, without their events.
  public func deadLetters(
    _ filter: DeadLetterFilter = DeadLetterFilter(), limit: Int = 100
  ) throws(JournalError) -> [DeadLetterEntry] {
    try readers.with { (reader) throws(JournalError) in try reader.deadLetters(filter, limit: limit) }
  }

  /// One dead letter with its event; nil when there is none of that number.
  public func deadLetter(_ number: Int64) throws(JournalError) -> DeadLetterEntry? {
    try readers.with { (reader) throws(JournalError) in try reader.deadLetter(number) }
  }

  /// Removes dead letters; how many of them were there.
  @discardableResult
  public func removeDeadLetters(_ numbers: [Int64]) throws(JournalError) -> Int {
    try run { (tables) throws(JournalError) in
      var removed = 0
      for number in numbers { removed += Int(try tables.dead.remove(number)) }
      return removed
    }
  }

  /// How many dead letters there are, and the bytes of their events.
  public func deadLetterTotals() throws(JournalError) -> (count: Int64, bytes: Int64) {
    try run { (tables) throws(JournalError) in (count: tables.dead.count, bytes: tables.dead.bytes) }
  }
}

/// One event of a durable topic as it was appended.
public struct JournalRecord: Sendable, Hashable {
  public let position: Int64
  /// Nanoseconds since 1970.
  public let time: Int64
  public let bytes: [UInt8]
}
