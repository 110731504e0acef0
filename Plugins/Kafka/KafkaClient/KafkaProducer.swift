import BotPluginKit
import CRDKafka
import Glibc
import KafkaLog

/// Hears how records ended. Called on the thread that polls.
public protocol DeliveryReceiver: AnyObject, Sendable {
  /// The broker has the record. `topic` is NUL-terminated and borrowed.
  func delivered(token: UInt64, topic: UnsafePointer<CChar>, partition: Int32, offset: Int64)

  /// The record was given up.
  func failed(token: UInt64, code: KafkaErrorCode, text: String)
}

/// What became of a call of `produce`.
public enum Acceptance: Sendable, Equatable {
  /// The record is under way; a report will come.
  case taken
  /// Neither the client nor the waiting room has space; no report will come.
  case full
  /// The record cannot be sent; no report will come.
  case refused(KafkaErrorCode)
}

/// A producer that loses, doubles and reorders nothing by itself: idempotent, `acks=all`, a report for every record.
///
/// - While librdkafka's queue is full, records wait in their order in a bounded room of the producer's own.
/// - After a fatal error of librdkafka, the producer makes a new client and sends again, in order, what has no report. What the old client had
///   sent without an answer may then be there twice.
///
/// `produce` may be called from any thread; `poll` always from the same one, which also hears the reports.
public final class KafkaProducer: @unchecked Sendable {
  private let settings: [ClientSetting]
  private let pendingLimit: Int
  private let pendingBytes: Int
  // Both outlive the producer.
  private unowned(unsafe) let receiver: any DeliveryReceiver
  private unowned(unsafe) let observer: any ClientObserver
  private let watch: ConnectionWatch

  // Guarded by `lock`.
  private let lock = Monitor()
  @exclusivity(unchecked) private var client: OpaquePointer?
  private var topicNames: [[UInt8]] = []
  @exclusivity(unchecked) private var topicNumbers = ByteTable<Int>()
  @exclusivity(unchecked) private var topicHandles: [OpaquePointer?] = []
  @exclusivity(unchecked) private var slots = DeliverySlots()
  @exclusivity(unchecked) private var pending = PendingQueue()
  @exclusivity(unchecked) private var sequence: UInt64 = 0
  @exclusivity(unchecked) private var outstanding = 0
  private var closed = false
  private var broken = false

  // Used by the polling thread only.
  @exclusivity(unchecked) private var freedHead: UnsafeMutablePointer<DeliverySlot>?
  @exclusivity(unchecked) private var freedTail: UnsafeMutablePointer<DeliverySlot>?
  @exclusivity(unchecked) private var freed = 0
  private var resend: [PendingRecord] = []
  private var renewals = 0
  private var renewAt: Int64 = 0

  /// Topics that one producer can write to: each costs memory until the end.
  public static let topicLimit = 10_000
  private static let drainChunk = 256
  /// A client that has worked for so many nanoseconds is replaced at once when it fails.
  private static let calm: Int64 = 600_000_000_000

  /// Makes the client; it connects by itself, and while it is polled.
  ///
  /// - Parameters:
  ///   - settings: as `ClientSettings.merged` makes them.
  ///   - address: of the brokers, for messages.
  ///   - pendingLimit: records that may wait while librdkafka's queue is full.
  ///   - pendingBytes: the same in bytes.
  ///   - receiver: outlives the producer.
  ///   - observer: outlives the producer.
  public init(
    settings: [ClientSetting], address: String, pendingLimit: Int = 100_000, pendingBytes: Int = 128 << 20,
    receiver: any DeliveryReceiver, observer: any ClientObserver
  ) throws(ClientFailure) {
    self.settings = settings
    self.pendingLimit = pendingLimit
    self.pendingBytes = pendingBytes
    self.receiver = receiver
    self.observer = observer
    watch = ConnectionWatch(address: address, observer: observer)
    client = try makeClient()
  }

  deinit {
    close()
    slots.deallocate()
  }

  private func makeClient() throws(ClientFailure) -> OpaquePointer {
    let configuration = try ClientConfiguration.make(settings, opaque: Unmanaged.passUnretained(self).toOpaque())
    rd_kafka_conf_set_dr_msg_cb(configuration) { _, message, opaque in
      guard let message, let opaque else { return }
      Unmanaged<KafkaProducer>.fromOpaque(opaque)._withUnsafeGuaranteedRef { $0.report(message) }
    }
    rd_kafka_conf_set_error_cb(configuration) { client, code, reason, opaque in
      guard let client, let opaque else { return }
      let text = reason.map { String(cString: $0) } ?? ""
      Unmanaged<KafkaProducer>.fromOpaque(opaque).takeUnretainedValue().watch.error(
        client, KafkaErrorCode(rawValue: code), text)
    }
    rd_kafka_conf_set_stats_cb(configuration) { _, json, length, opaque in
      guard let json, let opaque else { return 0 }
      Unmanaged<KafkaProducer>.fromOpaque(opaque).takeUnretainedValue().watch.statistics(
        UnsafeRawBufferPointer(start: json, count: length))
      return 0
    }
    rd_kafka_conf_set_log_cb(configuration) { client, level, facility, text in
      guard let client, let opaque = rd_kafka_opaque(client), let facility, let text else { return }
      Unmanaged<KafkaProducer>.fromOpaque(opaque).takeUnretainedValue().watch.log(
        level: level, facility: String(cString: facility), text: String(cString: text))
    }
    return try ClientConfiguration.client(RD_KAFKA_PRODUCER, configuration)
  }

  /// A number for a topic's name, for `produce`; `nil` when the name is none, or there are too many.
  public func topic(_ name: UnsafeRawBufferPointer) -> Int? {
    lock.lock()
    defer { lock.unlock() }
    if let number = topicNumbers.value(of: name) { return number }
    guard topicNames.count < Self.topicLimit, TopicName.fault(in: String(decoding: name, as: UTF8.self)) == nil else {
      return nil
    }
    topicNumbers.add(name, topicNames.count)
    topicNames.append(Array(name))
    topicHandles.append(nil)
    return topicNames.count - 1
  }

  /// Sends a record.
  ///
  /// - Parameters:
  ///   - topic: from `topic(_:)`.
  ///   - key: decides on the partition; records with the same key keep their order.
  ///   - value: `nil` is a tombstone.
  ///   - token: comes back in the report.
  ///
  /// Everything is copied before the call returns. Never waits for the broker.
  public func produce(
    topic: Int, key: UnsafeRawBufferPointer?, value: UnsafeRawBufferPointer?, headers: [RecordHeader] = [],
    token: UInt64
  ) -> Acceptance {
    lock.lock()
    defer { lock.unlock() }
    guard !closed, topicNames.indices.contains(topic) else { return .refused(.state) }
    guard pending.count == 0, !broken else { return wait(topic, key, value, headers, token) }
    sequence += 1
    let slot = slots.take(token: token, sequence: sequence)
    // Before it is sent: its report may be here before `send` returns.
    slot.pointee.place = .client
    switch send(topic, key, value, headers, slot) {
    case .none:
      outstanding += 1
      return .taken
    case .queueFull, .fatal:
      slot.pointee.place = .nowhere
      slots.give(slot, slot)
      return wait(topic, key, value, headers, token)
    case let code:
      slot.pointee.place = .nowhere
      slots.give(slot, slot)
      return .refused(code)
    }
  }

  /// Records without a report, those that wait included.
  public var unreported: Int {
    lock.lock()
    defer { lock.unlock() }
    return outstanding
  }

  /// Handles reports and news for up to that time, and sends what waits. One thread calls this again and again, at least every 100 ms.
  public func poll(milliseconds: Int32) {
    if let client {
      rd_kafka_poll(client, milliseconds)
    } else {
      _ = lock.pause(milliseconds: milliseconds)
    }
    giveBack()
    if watch.fatal != nil || broken { renew() }
    drain()
  }

  /// Waits until every record has its report, while another thread polls.
  /// - Parameter deadline: a reading of CLOCK_MONOTONIC, in nanoseconds.
  /// - Returns: how many records are left without one.
  public func waitForReports(until deadline: Int64) -> Int {
    lock.lock()
    defer { lock.unlock() }
    while outstanding > 0, lock.wait(until: deadline) {}
    return outstanding
  }

  /// Ends the client. What has no report is reported as purged, to be sent again by whoever sent it; call it when no thread polls any more.
  public func close() {
    lock.lock()
    let last = client
    let waiting = pending
    closed = true
    pending = PendingQueue()
    lock.unlock()
    guard last != nil || waiting.count > 0 else { return }
    if let last {
      rd_kafka_purge(last, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT)
      let deadline = Monitor.now + 1_000_000_000
      repeat { rd_kafka_poll(last, 10) } while rd_kafka_outq_len(last) > 0 && Monitor.now < deadline
      giveUpUnreported("the producer is closing")
    }
    var rest = waiting
    while let record = rest.first {
      receiver.failed(token: record.slot.pointee.token, code: .purgedInQueue, text: "the producer is closing")
      rest.removeFirst()
      free(record.slot)
    }
    giveBack()
    if let last { destroy(last) }
    client = nil
  }

  /// Makes the client fail as librdkafka does when it can no longer promise its order; for tests of the recovery.
  func failForTesting() {
    lock.lock()
    if let client { rd_kafka_test_fatal_error(client, RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER, "a test") }
    lock.unlock()
  }

  // MARK: Sending, with the lock held

  private func send(
    _ topic: Int, _ key: UnsafeRawBufferPointer?, _ value: UnsafeRawBufferPointer?, _ headers: [RecordHeader],
    _ slot: UnsafeMutablePointer<DeliverySlot>
  ) -> KafkaErrorCode {
    guard let client, let handle = topicHandles[topic] ?? openTopic(topic) else { return .fatal }
    let code: KafkaErrorCode
    if headers.isEmpty {
      let result = rd_kafka_produce(
        handle, RD_KAFKA_PARTITION_UA, RD_KAFKA_MSG_F_COPY, UnsafeMutableRawPointer(mutating: value?.present),
        value?.count ?? 0, key?.present, key?.count ?? 0, slot)
      code = result == 0 ? .none : KafkaErrorCode(rawValue: rd_kafka_last_error().rawValue)
    } else {
      code = send(client, handle, key, value, headers, slot)
    }
    // A client that has failed refuses every record. `produceva` gives the failure's cause as the reason then, which is not the record's.
    return code != .none && isFatal() ? .fatal : code
  }

  private func send(
    _ client: OpaquePointer, _ handle: OpaquePointer, _ key: UnsafeRawBufferPointer?, _ value: UnsafeRawBufferPointer?,
    _ headers: [RecordHeader], _ slot: UnsafeMutablePointer<DeliverySlot>
  ) -> KafkaErrorCode {
    guard let list = rd_kafka_headers_new(headers.count) else { return .queueFull }
    for header in headers {
      _ = rd_kafka_header_add(
        list, header.name.baseAddress?.assumingMemoryBound(to: CChar.self), header.name.count, header.value?.present,
        header.value?.count ?? 0)
    }
    var parts: [rd_kafka_vu_t] = []
    parts.reserveCapacity(7)
    func part(_ kind: rd_kafka_vtype_t, _ fill: (inout rd_kafka_vu_t) -> Void) {
      var part = rd_kafka_vu_t()
      part.vtype = kind
      fill(&part)
      parts.append(part)
    }
    part(RD_KAFKA_VTYPE_RKT) { $0.u.rkt = handle }
    // Only ever "unassigned": with a partition that does not exist librdkafka before 2.12.0 frees the headers twice.
    part(RD_KAFKA_VTYPE_PARTITION) { $0.u.i32 = RD_KAFKA_PARTITION_UA }
    part(RD_KAFKA_VTYPE_MSGFLAGS) { $0.u.i = RD_KAFKA_MSG_F_COPY }
    part(RD_KAFKA_VTYPE_VALUE) {
      $0.u.mem.ptr = UnsafeMutableRawPointer(mutating: value?.present)
      $0.u.mem.size = value?.count ?? 0
    }
    part(RD_KAFKA_VTYPE_KEY) {
      $0.u.mem.ptr = UnsafeMutableRawPointer(mutating: key?.present)
      $0.u.mem.size = key?.count ?? 0
    }
    part(RD_KAFKA_VTYPE_HEADERS) { $0.u.headers = list }
    part(RD_KAFKA_VTYPE_OPAQUE) { $0.u.ptr = UnsafeMutableRawPointer(slot) }
    guard let failure = rd_kafka_produceva(client, parts, parts.count) else { return .none }
    let code = KafkaErrorCode(rawValue: rd_kafka_error_code(failure).rawValue)
    rd_kafka_error_destroy(failure)
    // For a topic that does not exist the message is made, and its headers with it freed, before the error comes.
    if code != .unknownTopic, code != .unknownPartition { rd_kafka_headers_destroy(list) }
    return code
  }

  private func openTopic(_ topic: Int) -> OpaquePointer? {
    guard let client else { return nil }
    let name = topicNames[topic].map { CChar(bitPattern: $0) } + [0]
    let handle = rd_kafka_topic_new(client, name, nil)
    topicHandles[topic] = handle
    return handle
  }

  private func wait(
    _ topic: Int, _ key: UnsafeRawBufferPointer?, _ value: UnsafeRawBufferPointer?, _ headers: [RecordHeader],
    _ token: UInt64
  ) -> Acceptance {
    guard pending.count < pendingLimit, pending.bytes < pendingBytes else { return .full }
    sequence += 1
    let slot = slots.take(token: token, sequence: sequence)
    slot.pointee.place = .waiting
    pending.append(PendingRecord(slot: slot, topic: topic, key: key, value: value, headers: headers))
    outstanding += 1
    return .taken
  }

  // MARK: The polling thread

  /// One record's report.
  private func report(_ message: UnsafePointer<rd_kafka_message_t>) {
    guard let slot = message.pointee._private?.assumingMemoryBound(to: DeliverySlot.self) else { return }
    let code = KafkaErrorCode(rawValue: message.pointee.err.rawValue)
    if code == .none {
      watch.works()
      receiver.delivered(
        token: slot.pointee.token, topic: rd_kafka_topic_name(message.pointee.rkt),
        partition: message.pointee.partition,
        offset: message.pointee.offset)
      free(slot)
      return
    }
    if !closed, watch.fatal != nil || isFatal() {
      keep(message, slot)
      return
    }
    let reason = String(cString: rd_kafka_err2str(message.pointee.err))
    let mayBeThere = rd_kafka_message_status(message) == RD_KAFKA_MSG_STATUS_POSSIBLY_PERSISTED
    receiver.failed(
      token: slot.pointee.token, code: code,
      text: mayBeThere ? "\(reason); the broker may have it all the same" : reason)
    free(slot)
  }

  /// Reports what a client that is polled no more still has: nobody else will.
  private func giveUpUnreported(_ text: String) {
    lock.lock()
    let left = slots.taken(at: .client)
    lock.unlock()
    for slot in left {
      receiver.failed(token: slot.pointee.token, code: .purgedInFlight, text: text)
      free(slot)
    }
  }

  private func isFatal() -> Bool {
    guard let client else { return false }
    return rd_kafka_fatal_error(client, nil, 0) != RD_KAFKA_RESP_ERR_NO_ERROR
  }

  /// Copies a record that the failed client gives back.
  private func keep(_ message: UnsafePointer<rd_kafka_message_t>, _ slot: UnsafeMutablePointer<DeliverySlot>) {
    let name = UnsafeRawBufferPointer(
      start: rd_kafka_topic_name(message.pointee.rkt), count: strlen(rd_kafka_topic_name(message.pointee.rkt)))
    lock.lock()
    let topic = topicNumbers.value(of: name) ?? 0
    slot.pointee.place = .waiting
    lock.unlock()
    MessageView.withRecord(message) { record in
      resend.append(
        PendingRecord(slot: slot, topic: topic, key: record.key, value: record.value, headers: record.headers))
    }
  }

  private func free(_ slot: UnsafeMutablePointer<DeliverySlot>) {
    slot.pointee.place = .nowhere
    slot.pointee.next = freedHead
    if freedTail == nil { freedTail = slot }
    freedHead = slot
    freed += 1
  }

  /// Hands freed slots over, all at once.
  private func giveBack() {
    guard let head = freedHead, let tail = freedTail else { return }
    lock.lock()
    slots.give(head, tail)
    outstanding -= freed
    if outstanding == 0 { lock.broadcast() }
    lock.unlock()
    (freedHead, freedTail, freed) = (nil, nil, 0)
  }

  /// Sends what waits, as far as there is room.
  private func drain() {
    var more = true
    while more {
      lock.lock()
      more = pending.count > 0 && !broken
      var refused: [(token: UInt64, code: KafkaErrorCode)] = []
      var room = Self.drainChunk
      while more, room > 0, let record = pending.first {
        let code = record.withParts { key, value, headers in send(record.topic, key, value, headers, record.slot) }
        switch code {
        case .none:
          record.slot.pointee.place = .client
          pending.removeFirst()
        case .queueFull, .fatal: more = false
        default:
          pending.removeFirst()
          refused.append((record.slot.pointee.token, code))
          free(record.slot)
        }
        room -= 1
      }
      lock.unlock()
      for (token, code) in refused {
        receiver.failed(
          token: token, code: code, text: String(cString: rd_kafka_err2str(rd_kafka_resp_err_t(code.rawValue))))
      }
      giveBack()
    }
  }

  /// Puts a new client in the place of one that has failed for good.
  private func renew() {
    lock.lock()
    let failed = client
    broken = true
    lock.unlock()
    if let failed {
      observer.clientSays(
        .error, "the producer failed: \(watch.fatal ?? "fatal error"); a new one sends again what has no report")
      rd_kafka_purge(failed, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT)
      let deadline = Monitor.now + 10_000_000_000
      while rd_kafka_outq_len(failed) > 0, Monitor.now < deadline { rd_kafka_poll(failed, 10) }
      giveUpUnreported("the failed producer has not given it back")
      giveBack()
      lock.lock()
      pending.merge(resend)
      resend = []
      client = nil
      for index in topicHandles.indices {
        if let handle = topicHandles[index] { rd_kafka_topic_destroy(handle) }
        topicHandles[index] = nil
      }
      lock.unlock()
      destroyClient(failed)
      // One that fails again and again is not made in a tight loop.
      renewals = Monitor.now - renewAt > Self.calm ? 1 : renewals + 1
      renewAt = Monitor.now + (renewals <= 1 ? 0 : min(30, 1 << min(renewals, 5)) * 1_000_000_000)
    }
    guard Monitor.now >= renewAt else { return }
    do throws(ClientFailure) {
      let fresh = try makeClient()
      watch.renewed()
      lock.lock()
      client = fresh
      broken = false
      lock.unlock()
    } catch {
      observer.clientSays(.error, "no new producer could be made: \(error.text)")
      renewAt = Monitor.now + 5_000_000_000
    }
  }

  private func destroy(_ last: OpaquePointer) {
    for handle in topicHandles { if let handle { rd_kafka_topic_destroy(handle) } }
    topicHandles = topicHandles.map { _ in nil }
    destroyClient(last)
  }

  private func destroyClient(_ last: OpaquePointer) {
    BoundedCall.run(seconds: 2) { rd_kafka_destroy(last) }
  }
}
