import BotPluginKit
import CRDKafka
import Glibc
import KafkaLog

/// What became of a record that a consumer offered.
public enum Reception: Sendable {
  /// It is being handled, or has been; `settle` says when it is done.
  case taken
  /// There is no room now: it is offered again a little later, before any other of its partition.
  case busy
}

/// Takes records from a consumer. Called on the thread that polls.
public protocol RecordReceiver: AnyObject, Sendable {
  /// A record, borrowed until the call returns. Records of one partition come in their order.
  func received(_ record: IncomingRecord, _ reference: RecordReference) -> Reception

  /// The consumer owns these partitions now.
  func assigned(_ partitions: [TopicPartition])
}

/// A consumer that never commits past a record that has not been settled.
///
/// - The lowest open offset of each partition is what is committed: every second, when a partition is taken away, and at the end.
/// - A partition that was lost is not committed: its records come again where it goes.
/// - A partition with too many open records is paused; polling goes on, so that the group keeps this member.
///
/// `settle` may be called from any thread; `poll` always from the same one.
public final class KafkaConsumer: @unchecked Sendable {
  private let settings: [ClientSetting]
  private let topics: [String]
  private let revokeWait: Int64
  private unowned let receiver: any RecordReceiver
  private unowned let observer: any ClientObserver
  private let watch: ConnectionWatch

  // Guarded by `lock`.
  private let lock = Monitor()
  @exclusivity(unchecked) private var assignment: Assignment
  private var queue: OpaquePointer?
  /// The polling thread waits for records to be settled.
  private var isMakingRoom = false
  /// It is no longer to wait.
  private var isHurried = false

  // Used by the polling thread only.
  private var client: OpaquePointer?
  private var held: UnsafeMutablePointer<rd_kafka_message_t>?
  private var heldPauses: [TopicPartition] = []
  private var slotCache: [SlotKey: Int] = [:]
  /// That of the record before: most have the same.
  private var lastSlot: (key: SlotKey, slot: Int)?
  private var nextCommit: Int64 = 0
  private var renewAt: Int64 = 0
  private var renewals = 0

  private struct SlotKey: Hashable {
    let topic: UnsafeMutableRawPointer
    let partition: Int32
  }

  private static let commitInterval: Int64 = 1_000_000_000
  private static let batch = 500

  /// Makes the client and joins the group; it connects by itself, and while it is polled.
  ///
  /// - Parameters:
  ///   - settings: as `ClientSettings.merged` makes them.
  ///   - address: of the brokers, for messages.
  ///   - topics: names, and regular expressions that start with `^`.
  ///   - unsettledLimit: open records of one partition at which it is paused.
  ///   - revokeWait: how long a partition that is taken away may wait for its open records, in milliseconds.
  ///   - receiver: outlives the consumer.
  ///   - observer: outlives the consumer.
  public init(
    settings: [ClientSetting], address: String, topics: [String], unsettledLimit: Int, revokeWait: Int = 2000,
    receiver: any RecordReceiver, observer: any ClientObserver
  ) throws(ClientFailure) {
    self.settings = settings
    self.topics = topics
    self.revokeWait = Int64(revokeWait) * 1_000_000
    self.receiver = receiver
    self.observer = observer
    assignment = Assignment(limit: unsettledLimit)
    watch = ConnectionWatch(address: address, observer: observer)
    client = try makeClient()
  }

  deinit { close(seconds: 2) }

  /// Says that a record has been handled. What was taken away meanwhile changes nothing.
  public func settle(_ reference: RecordReference) {
    lock.lock()
    defer { lock.unlock() }
    let goesOn = assignment.settle(reference)
    // A thread that only waits for room is not woken for each record.
    if !isMakingRoom || !assignment.isAboveHalf { lock.broadcast() }
    if goesOn, let queue { rd_kafka_queue_yield(queue) }
  }

  /// Makes `poll` return without waiting for records to be settled, from now on: the owner is about to end.
  public func hurry() {
    lock.lock()
    isHurried = true
    lock.broadcast()
    lock.unlock()
  }

  /// Records that are not settled.
  public var open: Int {
    lock.lock()
    defer { lock.unlock() }
    return assignment.open
  }

  /// Waits until every record that was taken has been settled, while another thread polls or none does.
  /// - Parameter deadline: a reading of CLOCK_MONOTONIC, in nanoseconds.
  /// - Returns: how many are left open.
  public func waitForSettlement(until deadline: Int64) -> Int {
    lock.lock()
    defer { lock.unlock() }
    while assignment.open > 0, lock.wait(until: deadline) {}
    return assignment.open
  }

  /// Takes records for up to that time. One thread calls this again and again; the group gives a consumer up that does not poll for
  /// `max.poll.interval.ms`.
  public func poll(milliseconds: Int32) {
    guard client != nil, watch.fatal == nil else { return renew(milliseconds) }
    keepBooks()
    var patience = milliseconds
    if held != nil {
      // The one that is held goes first; until then only the group is served.
      if !offerHeld() { patience = min(milliseconds, 5) }
    }
    for _ in 0..<Self.batch {
      guard let client, let message = rd_kafka_consumer_poll(client, patience) else { break }
      patience = 0
      take(message)
      if held != nil { break }
    }
    makeRoom()
    keepBooks()
  }

  /// Waits for a moment where a partition has reached its limit, before it is paused: librdkafka throws away what it has fetched of a
  /// partition that is paused, and fetches it again. Handlers that keep up come down to half of the limit meanwhile; for slower ones one more
  /// fetch a second costs nothing. The group is served by librdkafka's own threads, and waits for a member's consent for far longer.
  private func makeRoom() {
    lock.lock()
    defer { lock.unlock() }
    guard assignment.isAtLimit else { return }
    let deadline = Monitor.now + Self.roomWait
    isMakingRoom = true
    while !isHurried, assignment.isAboveHalf, lock.wait(until: deadline) {}
    isMakingRoom = false
  }

  /// Nanoseconds.
  private static let roomWait: Int64 = 1_000_000_000

  /// Commits what has been settled, leaves the group and ends the client, in about that time at most. Call it when no thread polls any more.
  public func close(seconds: Int64) {
    guard let last = client else { return }
    dropHeld()
    BoundedCall.run(seconds: seconds) { [self] in
      commit(waiting: true)
      rd_kafka_consumer_close(last)
      lock.lock()
      if let queue { rd_kafka_queue_destroy(queue) }
      queue = nil
      lock.unlock()
      rd_kafka_destroy(last)
    }
    client = nil
  }

  // MARK: Making the client

  private func makeClient() throws(ClientFailure) -> OpaquePointer {
    let configuration = try ClientConfiguration.make(settings, opaque: Unmanaged.passUnretained(self).toOpaque())
    rd_kafka_conf_set_rebalance_cb(configuration) { client, code, partitions, opaque in
      guard let client, let partitions, let opaque else { return }
      Unmanaged<KafkaConsumer>.fromOpaque(opaque).takeUnretainedValue().rebalance(client, code, partitions)
    }
    rd_kafka_conf_set_offset_commit_cb(configuration) { _, code, offsets, opaque in
      guard let offsets, let opaque else { return }
      Unmanaged<KafkaConsumer>.fromOpaque(opaque).takeUnretainedValue().committed(code, offsets)
    }
    rd_kafka_conf_set_error_cb(configuration) { client, code, reason, opaque in
      guard let client, let opaque else { return }
      let text = reason.map { String(cString: $0) } ?? ""
      Unmanaged<KafkaConsumer>.fromOpaque(opaque).takeUnretainedValue().watch.error(
        client, KafkaErrorCode(rawValue: code), text)
    }
    rd_kafka_conf_set_stats_cb(configuration) { _, json, length, opaque in
      guard let json, let opaque else { return 0 }
      Unmanaged<KafkaConsumer>.fromOpaque(opaque).takeUnretainedValue().watch.statistics(
        UnsafeRawBufferPointer(start: json, count: length))
      return 0
    }
    rd_kafka_conf_set_log_cb(configuration) { client, level, facility, text in
      guard let client, let opaque = rd_kafka_opaque(client), let facility, let text else { return }
      Unmanaged<KafkaConsumer>.fromOpaque(opaque).takeUnretainedValue().watch.log(
        level: level, facility: String(cString: facility), text: String(cString: text))
    }
    let made = try ClientConfiguration.client(RD_KAFKA_CONSUMER, configuration)
    rd_kafka_poll_set_consumer(made)
    let list = rd_kafka_topic_partition_list_new(Int32(topics.count))
    defer { rd_kafka_topic_partition_list_destroy(list) }
    for topic in topics { rd_kafka_topic_partition_list_add(list, topic, RD_KAFKA_PARTITION_UA) }
    let code = rd_kafka_subscribe(made, list)
    guard code == RD_KAFKA_RESP_ERR_NO_ERROR else {
      rd_kafka_destroy(made)
      throw ClientFailure(
        KafkaErrorCode(rawValue: code.rawValue),
        "the topics \(topics.joined(separator: ", ")) cannot be consumed: \(String(cString: rd_kafka_err2str(code)))")
    }
    let consumerQueue = rd_kafka_queue_get_consumer(made)
    lock.lock()
    queue = consumerQueue
    lock.unlock()
    return made
  }

  /// Puts a new client in the place of one that has failed for good.
  private func renew(_ milliseconds: Int32) {
    if client != nil {
      observer.clientSays(.error, "the consumer failed: \(watch.fatal ?? "fatal error"); a new one joins the group")
      lock.lock()
      assignment.revoke(assignment.partitions)
      lock.unlock()
      close(seconds: 5)
      forgetSlots()
      renewals += 1
      renewAt = Monitor.now + min(30, 1 << min(renewals, 5)) * 1_000_000_000
    }
    guard Monitor.now >= renewAt else {
      _ = lock.pause(milliseconds: milliseconds)
      return
    }
    do throws(ClientFailure) {
      client = try makeClient()
      watch.renewed()
    } catch {
      observer.clientSays(.error, "no new consumer could be made: \(error.text)")
      renewAt = Monitor.now + 5_000_000_000
    }
  }

  // MARK: Records

  private func take(_ message: UnsafeMutablePointer<rd_kafka_message_t>) {
    let code = KafkaErrorCode(rawValue: message.pointee.err.rawValue)
    guard code == .none else {
      if let client { watch.error(client, code, String(cString: rd_kafka_message_errstr(message))) }
      rd_kafka_message_destroy(message)
      return
    }
    watch.works()
    if offer(message) {
      rd_kafka_message_destroy(message)
    } else {
      held = message
      pauseForHeld()
    }
  }

  /// Offers a record; answers whether it is done with.
  private func offer(_ message: UnsafeMutablePointer<rd_kafka_message_t>) -> Bool {
    guard let topic = message.pointee.rkt else { return true }
    let key = SlotKey(topic: UnsafeMutableRawPointer(topic), partition: message.pointee.partition)
    lock.lock()
    let slot =
      (lastSlot?.key == key ? lastSlot?.slot : slotCache[key])
      ?? assignment.slot(
        of: TopicPartition(topic: String(cString: rd_kafka_topic_name(topic)), partition: message.pointee.partition))
    // A record of a partition that has gone meanwhile belongs to its new owner.
    guard let slot, let reference = assignment.add(slot: slot, offset: message.pointee.offset) else {
      lock.unlock()
      return true
    }
    // Told at once, and not after a second.
    if assignment.isUnknownToGroup(slot: slot) { nextCommit = 0 }
    lock.unlock()
    if lastSlot?.key != key {
      slotCache[key] = slot
      lastSlot = (key, slot)
    }
    switch MessageView.withRecord(message, { receiver.received($0, reference) }) {
    case .taken: return true
    case .busy:
      lock.lock()
      assignment.withdraw(reference)
      lock.unlock()
      return false
    }
  }

  private func forgetSlots() {
    slotCache = [:]
    lastSlot = nil
  }

  private func offerHeld() -> Bool {
    guard let message = held else { return true }
    guard offer(message) else { return false }
    rd_kafka_message_destroy(message)
    held = nil
    lock.lock()
    let partitions = heldPauses.filter { assignment.slot(of: $0) != nil && !assignment.isPaused($0) }
    lock.unlock()
    heldPauses = []
    resume(partitions)
    return true
  }

  private func dropHeld() {
    if let held { rd_kafka_message_destroy(held) }
    held = nil
    heldPauses = []
  }

  /// Stops what is fetched while a record waits for room, so that polling only serves the group.
  private func pauseForHeld() {
    lock.lock()
    heldPauses = assignment.partitions.filter { !assignment.isPaused($0) }
    lock.unlock()
    pause(heldPauses)
  }

  // MARK: Pauses and commits

  private func keepBooks() {
    lock.lock()
    let pauses = assignment.takePauses()
    let resumes = assignment.takeResumes()
    lock.unlock()
    if !pauses.isEmpty { pause(pauses.filter { !heldPauses.contains($0) }) }
    if !resumes.isEmpty {
      if held == nil { resume(resumes) } else { heldPauses += resumes }
    }
    let now = Monitor.now
    if now >= nextCommit {
      nextCommit = now + Self.commitInterval
      commit(waiting: false)
    }
  }

  private func pause(_ partitions: [TopicPartition]) {
    guard !partitions.isEmpty, let client else { return }
    withList(partitions.map { ($0, nil) }) { _ = rd_kafka_pause_partitions(client, $0) }
  }

  private func resume(_ partitions: [TopicPartition]) {
    guard !partitions.isEmpty, let client else { return }
    withList(partitions.map { ($0, nil) }) { _ = rd_kafka_resume_partitions(client, $0) }
  }

  /// Commits the positions that have moved.
  private func commit(waiting: Bool, of partitions: [TopicPartition]? = nil) {
    guard let client else { return }
    lock.lock()
    let positions = assignment.takePositions(of: partitions)
    lock.unlock()
    guard !positions.isEmpty else { return }
    let code = withList(positions.map { ($0.partition, $0.offset) }) { rd_kafka_commit(client, $0, waiting ? 0 : 1) }
    if code != RD_KAFKA_RESP_ERR_NO_ERROR { failed(code, positions.map(\.partition)) }
  }

  /// The broker's answer to a commit.
  private func committed(_ code: rd_kafka_resp_err_t, _ offsets: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>)
  {
    guard code != RD_KAFKA_RESP_ERR_NO_ERROR, code != RD_KAFKA_RESP_ERR__NO_OFFSET else { return }
    failed(code, Self.partitions(of: offsets))
  }

  private func failed(_ code: rd_kafka_resp_err_t, _ partitions: [TopicPartition]) {
    lock.lock()
    assignment.uncommit(partitions)
    lock.unlock()
    switch KafkaErrorCode(rawValue: code.rawValue) {
    case .rebalanceInProgress, .illegalGeneration, .unknownMember, .assignmentLost, .state: break
    default:
      watch.once(
        "commit \(code.rawValue)", .warning,
        "offsets could not be committed (\(String(cString: rd_kafka_err2str(code)))); it is tried again each second")
    }
  }

  // MARK: The group

  private func rebalance(
    _ client: OpaquePointer, _ code: rd_kafka_resp_err_t, _ list: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>
  ) {
    let partitions = Self.partitions(of: list)
    forgetSlots()
    if code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS {
      lock.lock()
      assignment.assign(partitions)
      lock.unlock()
      rd_kafka_assign(client, list)
      watch.works()
    } else {
      // A pause would outlive the assignment.
      lock.lock()
      let paused = partitions.filter { assignment.isPaused($0) || heldPauses.contains($0) }
      lock.unlock()
      resume(paused)
      dropHeld()
      if rd_kafka_assignment_lost(client) == 0 {
        settleBeforeRevocation(of: partitions)
        commit(waiting: true, of: partitions)
      } else {
        observer.clientSays(
          .warning, "the group has taken \(partitions.count) partitions away without asking: their records come again")
      }
      lock.lock()
      assignment.revoke(partitions)
      lock.unlock()
      rd_kafka_assign(client, nil)
    }
    lock.lock()
    let owned = assignment.partitions
    lock.unlock()
    receiver.assigned(owned)
  }

  /// Gives open records a moment to end, so that fewer come twice.
  private func settleBeforeRevocation(of partitions: [TopicPartition]) {
    let deadline = Monitor.now + revokeWait
    lock.lock()
    defer { lock.unlock() }
    while partitions.contains(where: { assignment.open(in: $0) > 0 }), lock.wait(until: deadline) {}
  }

  private static func partitions(
    of list: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>
  ) -> [TopicPartition] {
    (0..<Int(list.pointee.cnt)).compactMap { index in
      guard let element = list.pointee.elems?[index], let topic = element.topic else { return nil }
      return TopicPartition(topic: String(cString: topic), partition: element.partition)
    }
  }

  private func withList<Result>(
    _ partitions: [(TopicPartition, Int64?)], _ body: (UnsafeMutablePointer<rd_kafka_topic_partition_list_t>?) -> Result
  ) -> Result {
    let list = rd_kafka_topic_partition_list_new(Int32(partitions.count))
    defer { rd_kafka_topic_partition_list_destroy(list) }
    for (partition, offset) in partitions {
      let element = rd_kafka_topic_partition_list_add(list, partition.topic, partition.partition)
      if let offset { element?.pointee.offset = offset }
    }
    return body(list)
  }
}
