import Synchronization

/// The writing side of the durable topics and of how far their consumers are. Used by the journal's thread alone, inside
/// a transaction.
final class JournalTopicTable {
  private final class TopicState {
    let handle: JournalTopic
    var first: Int64
    var next: Int64
    var bytes: Int64
    var consumers: [ConsumerState] = []
    var isDirty = false

    init(handle: JournalTopic, first: Int64, next: Int64, bytes: Int64) {
      self.handle = handle
      self.first = first
      self.next = next
      self.bytes = bytes
    }

    /// All positions below it are settled by every handler.
    var floor: Int64 {
      var floor = next
      for consumer in consumers where consumer.handle.kind == .handler { floor = min(floor, consumer.floor) }
      return floor
    }
  }

  private final class ConsumerState {
    let handle: JournalConsumer
    var floor: Int64
    /// Settled positions beyond the floor.
    var beyond: Set<Int64> = []
    /// Those of them that are not on disk.
    var unsaved: [Int64] = []
    var hasSaved = false
    var isDirty = false

    init(handle: JournalConsumer, floor: Int64) {
      self.handle = handle
      self.floor = floor
    }

    func settle(_ position: Int64) {
      guard position >= floor else { return }
      isDirty = true
      guard position == floor else {
        if beyond.insert(position).inserted { unsaved.append(position) }
        return
      }
      floor += 1
      while !beyond.isEmpty, beyond.remove(floor) != nil { floor += 1 }
    }
  }

  /// By number; the numbers are small.
  private var topics: [TopicState?] = []
  private var consumers: [ConsumerState?] = []
  private var dirtyTopics: [TopicState] = []
  private var dirtyConsumers: [ConsumerState] = []

  private let insert: SQLiteStatement
  private let saveTopic: SQLiteStatement
  private let saveFloor: SQLiteStatement
  private let saveBeyond: SQLiteStatement
  private let eraseBeyond: SQLiteStatement
  private let addTopic: SQLiteStatement
  private let saveRetention: SQLiteStatement
  private let addConsumer: SQLiteStatement
  private let eraseConsumer: SQLiteStatement
  private let oldest: SQLiteStatement
  private let eraseEvents: SQLiteStatement

  init(_ database: SQLiteConnection) throws(JournalError) {
    insert = try database.prepare("INSERT INTO event(position, time, record) VALUES(?1, ?2, ?3)")
    saveTopic = try database.prepare("UPDATE topic SET first = ?2, next = ?3, bytes = ?4 WHERE id = ?1")
    saveFloor = try database.prepare("UPDATE consumer SET floor = ?2 WHERE id = ?1")
    saveBeyond = try database.prepare("INSERT OR IGNORE INTO settled(consumer, position) VALUES(?1, ?2)")
    eraseBeyond = try database.prepare("DELETE FROM settled WHERE consumer = ?1 AND position < ?2")
    addTopic = try database.prepare(
      """
      INSERT INTO topic(name, first, next, bytes, keep_age, keep_bytes, keep_count, max_bytes)
      VALUES(?1, 1, 1, 0, ?2, ?3, ?4, ?5) RETURNING id
      """)
    saveRetention = try database.prepare(
      "UPDATE topic SET keep_age = ?2, keep_bytes = ?3, keep_count = ?4, max_bytes = ?5 WHERE id = ?1")
    addConsumer = try database.prepare(
      "INSERT INTO consumer(topic, name, kind, floor) VALUES(?1, ?2, ?3, ?4) RETURNING id")
    eraseConsumer = try database.prepare("DELETE FROM consumer WHERE id = ?1")
    oldest = try database.prepare(
      """
      SELECT position, time, length(record) FROM event WHERE position >= ?1 AND position < ?2
      ORDER BY position LIMIT ?3
      """)
    eraseEvents = try database.prepare("DELETE FROM event WHERE position >= ?1 AND position < ?2")
    try load(database)
  }

  /// Reads what is in memory anew: at the start, and after a transaction that failed.
  func load(_ database: SQLiteConnection) throws(JournalError) {
    let known = Dictionary(uniqueKeysWithValues: topics.compactMap { $0 }.map { ($0.handle.id, $0.handle) })
    topics = []
    consumers = []
    dirtyTopics = []
    dirtyConsumers = []
    let topicRows = try database.prepare(
      "SELECT id, name, first, next, bytes, keep_age, keep_bytes, keep_count, max_bytes FROM topic")
    while try topicRows.step() {
      let id = topicRows.int(0)
      let handle = known[id] ?? JournalTopic(id: id, name: topicRows.text(1), retention: .untilSettled)
      handle.use(
        JournalRetention(
          age: topicRows.int(5), bytes: topicRows.int(6), count: topicRows.int(7), maxBytes: topicRows.int(8)))
      let state = TopicState(handle: handle, first: topicRows.int(2), next: topicRows.int(3), bytes: topicRows.int(4))
      set(state)
      touch(state)
    }
    let consumerRows = try database.prepare("SELECT id, topic, name, kind, floor FROM consumer")
    while try consumerRows.step() {
      let handle = JournalConsumer(
        id: consumerRows.int(0), topic: consumerRows.int(1), name: consumerRows.text(2),
        kind: .init(rawValue: consumerRows.int(3)) ?? .handler)
      set(ConsumerState(handle: handle, floor: consumerRows.int(4)))
    }
    let settled = try database.prepare("SELECT consumer, position FROM settled")
    while try settled.step() {
      guard let consumer = consumer(settled.int(0)) else { continue }
      consumer.beyond.insert(settled.int(1))
      consumer.hasSaved = true
    }
    publish()
  }

  private func set(_ topic: TopicState) {
    let index = Int(topic.handle.id)
    while topics.count <= index { topics.append(nil) }
    topics[index] = topic
  }

  private func set(_ consumer: ConsumerState) {
    let index = Int(consumer.handle.id)
    while consumers.count <= index { consumers.append(nil) }
    consumers[index] = consumer
    topic(consumer.handle.topic)?.consumers.append(consumer)
  }

  @inline(__always)
  private func topic(_ id: Int64) -> TopicState? {
    id >= 0 && id < topics.count ? topics[Int(id)] : nil
  }

  @inline(__always)
  private func consumer(_ id: Int64) -> ConsumerState? {
    id >= 0 && id < consumers.count ? consumers[Int(id)] : nil
  }

  private func touch(_ topic: TopicState) {
    guard !topic.isDirty else { return }
    topic.isDirty = true
    dirtyTopics.append(topic)
  }

  // MARK: - Operations

  /// Every topic that is in the journal.
  var handles: [JournalTopic] { topics.compactMap { $0?.handle } }

  func register(topic name: String, retention: JournalRetention?) throws(JournalError) -> JournalTopic {
    if let known = topics.compactMap({ $0 }).first(where: { $0.handle.name == name }) {
      if let retention {
        saveRetention.bind(1, known.handle.id)
        Self.bind(retention, to: saveRetention)
        try saveRetention.run()
        known.handle.use(retention)
      }
      return known.handle
    }
    let retention = retention ?? .untilSettled
    addTopic.bind(1, name)
    Self.bind(retention, to: addTopic)
    var id: Int64 = 0
    while try addTopic.step() { id = addTopic.int(0) }
    let state = TopicState(handle: JournalTopic(id: id, name: name, retention: retention), first: 1, next: 1, bytes: 0)
    set(state)
    return state.handle
  }

  private static func bind(_ retention: JournalRetention, to statement: SQLiteStatement) {
    statement.bind(2, retention.age)
    statement.bind(3, retention.bytes)
    statement.bind(4, retention.count)
    statement.bind(5, retention.maxBytes)
  }

  func register(
    consumer name: String, of handle: JournalTopic, kind: JournalConsumer.Kind, from start: JournalStart
  ) throws(JournalError) -> JournalConsumer {
    guard let topic = topic(handle.id) else { throw JournalError(.notFound, "no topic '\(handle.name)'") }
    if let known = topic.consumers.first(where: { $0.handle.name == name }) {
      guard known.handle.kind == kind else {
        throw JournalError(.invalid, "consumer '\(name)' of topic '\(handle.name)' is of another kind")
      }
      return known.handle
    }
    let floor =
      switch start {
      case .earliest: topic.first
      case .latest: topic.next
      case .position(let position): max(topic.first, min(position, topic.next))
      }
    addConsumer.bind(1, handle.id)
    addConsumer.bind(2, name)
    addConsumer.bind(3, kind.rawValue)
    addConsumer.bind(4, floor)
    var id: Int64 = 0
    while try addConsumer.step() { id = addConsumer.int(0) }
    let state = ConsumerState(
      handle: JournalConsumer(id: id, topic: handle.id, name: name, kind: kind), floor: floor)
    set(state)
    return state.handle
  }

  func consumers(of handle: JournalTopic) -> [(consumer: JournalConsumer, floor: Int64)] {
    topic(handle.id)?.consumers.map { ($0.handle, $0.floor) } ?? []
  }

  /// The handlers of a topic with what each has settled.
  func progress(of handle: JournalTopic) -> [(consumer: JournalConsumer, floor: Int64, beyond: Set<Int64>)] {
    let all = topic(handle.id)?.consumers ?? []
    return all.filter { $0.handle.kind == .handler }.map { ($0.handle, $0.floor, $0.beyond) }
  }

  func position(of handle: JournalConsumer) -> Int64? { consumer(handle.id)?.floor }

  /// Forgets a consumer: what only it had not settled is not kept for it any more.
  func remove(consumer handle: JournalConsumer) throws(JournalError) {
    guard let state = consumer(handle.id), let topic = topic(handle.topic) else { return }
    eraseBeyond.bind(1, handle.id)
    eraseBeyond.bind(2, Int64.max)
    try eraseBeyond.run()
    eraseConsumer.bind(1, handle.id)
    try eraseConsumer.run()
    topic.consumers.removeAll { $0 === state }
    consumers[Int(handle.id)] = nil
    dirtyConsumers.removeAll { $0 === state }
    touch(topic)
  }

  /// `owners`: the handlers that must settle the event; nil: all.
  @inline(__always)
  func append(
    topic id: Int64, time: Int64, owners: UnsafeRawBufferPointer?, record: UnsafeRawBufferPointer
  ) throws(JournalError) -> Int64 {
    guard let topic = topic(id) else { throw JournalError(.notFound, "no topic with number \(id)") }
    let position = topic.next
    guard position < JournalTopic.maxPosition else {
      throw JournalError(.noSpace, "topic '\(topic.handle.name)' has used up its positions")
    }
    insert.bind(1, topic.handle.row(position))
    insert.bind(2, time)
    insert.bind(3, record)
    try insert.run()
    topic.next = position + 1
    topic.bytes += Int64(record.count)
    touch(topic)
    guard let owners else { return position }
    for consumer in topic.consumers where consumer.handle.kind == .handler {
      if !Self.contains(owners, consumer.handle.id) { settle(consumer, position) }
    }
    return position
  }

  private static func contains(_ owners: UnsafeRawBufferPointer, _ id: Int64) -> Bool {
    var offset = 0
    while offset < owners.count {
      if owners.loadUnaligned(fromByteOffset: offset, as: Int64.self) == id { return true }
      offset += 8
    }
    return false
  }

  @inline(__always)
  func settle(consumer id: Int64, position: Int64) {
    guard let consumer = consumer(id) else { return }
    settle(consumer, position)
  }

  @inline(__always)
  private func settle(_ consumer: ConsumerState, _ position: Int64) {
    let wasDirty = consumer.isDirty
    consumer.settle(position)
    if consumer.isDirty, !wasDirty { dirtyConsumers.append(consumer) }
  }

  func seek(consumer id: Int64, to position: Int64) throws(JournalError) {
    guard let consumer = consumer(id), let topic = topic(consumer.handle.topic) else {
      throw JournalError(.notFound, "no such consumer")
    }
    consumer.floor = max(topic.first, min(position, topic.next))
    consumer.beyond.removeAll()
    consumer.unsaved.removeAll()
    eraseBeyond.bind(1, id)
    eraseBeyond.bind(2, Int64.max)
    try eraseBeyond.run()
    consumer.hasSaved = false
    if !consumer.isDirty {
      consumer.isDirty = true
      dirtyConsumers.append(consumer)
    }
  }

  // MARK: - The end of a transaction

  /// Writes what has changed about topics and consumers: one row each, however many events there were.
  func save() throws(JournalError) {
    for consumer in dirtyConsumers {
      saveFloor.bind(1, consumer.handle.id)
      saveFloor.bind(2, consumer.floor)
      try saveFloor.run()
      if consumer.hasSaved {
        eraseBeyond.bind(1, consumer.handle.id)
        eraseBeyond.bind(2, consumer.floor)
        try eraseBeyond.run()
      }
      for position in consumer.unsaved where consumer.beyond.contains(position) {
        saveBeyond.bind(1, consumer.handle.id)
        saveBeyond.bind(2, position)
        try saveBeyond.run()
      }
      consumer.unsaved.removeAll(keepingCapacity: true)
      consumer.hasSaved = !consumer.beyond.isEmpty
      consumer.isDirty = false
      if let topic = topic(consumer.handle.topic) { touch(topic) }
    }
    dirtyConsumers.removeAll(keepingCapacity: true)
    for topic in dirtyTopics {
      saveTopic.bind(1, topic.handle.id)
      saveTopic.bind(2, topic.first)
      saveTopic.bind(3, topic.next)
      saveTopic.bind(4, topic.bytes)
      try saveTopic.run()
    }
  }

  /// After the commit: what others may see.
  func publish() {
    for topic in dirtyTopics {
      topic.isDirty = false
      topic.handle.publish(first: topic.first, next: topic.next, bytes: topic.bytes)
    }
    dirtyTopics.removeAll(keepingCapacity: true)
  }

  /// Whether so many settled events lie about that removing them should not wait for a quiet moment.
  func hasMuchToTrim() -> Bool {
    dirtyTopics.contains { $0.handle.retention.count < $0.next - $0.first - 1024 && $0.floor - $0.first > 1024 }
  }

  /// Removes settled events that retention does not keep, up to `limit` of each topic. False when there was none.
  func trim(now: Int64, limit: Int64) throws(JournalError) -> Bool {
    var hasTrimmed = false
    for case let topic? in topics where topic.first < topic.floor {
      let retention = topic.handle.retention
      let end = topic.floor
      var kept = topic.first
      var bytes = topic.bytes
      oldest.bind(1, topic.handle.row(topic.first))
      oldest.bind(2, topic.handle.row(end))
      oldest.bind(3, limit)
      var reachedKept = false
      var rows: Int64 = 0
      while try oldest.step() {
        let position = JournalTopic.position(row: oldest.int(0))
        let (until, isForEver) = oldest.int(1).addingReportingOverflow(retention.age)
        guard bytes > retention.bytes || topic.next - position > retention.count || (!isForEver && until <= now) else {
          oldest.reset()
          reachedKept = true
          kept = position
          break
        }
        bytes -= oldest.int(2)
        rows += 1
        kept = position + 1
      }
      // Nothing more before the floor: positions that a failed transaction left unused are passed over too.
      if !reachedKept, rows < limit { kept = end }
      guard kept > topic.first else { continue }
      eraseEvents.bind(1, topic.handle.row(topic.first))
      eraseEvents.bind(2, topic.handle.row(kept))
      try eraseEvents.run()
      topic.first = kept
      topic.bytes = bytes
      touch(topic)
      hasTrimmed = hasTrimmed || rows > 0
    }
    return hasTrimmed
  }
}
