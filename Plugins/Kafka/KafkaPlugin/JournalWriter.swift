import BotPluginKit
import KafkaLog

/// Puts records into the host's journal from a thread of its own, so that the lane never waits for the disk: whatever has come while
/// some records were written is written next, in one step of the journal.
///
/// `add` and `finish` are for the lane.
final class JournalWriter: @unchecked Sendable {
  /// A record on its way: the event that it will be, and the call to answer when it is there.
  struct Entry {
    let topic: Topic
    let payload: [UInt8]
    let key: [UInt8]
    let correlation: [UInt8]
    let call: PendingCall
    /// What has to be kept before an offset from it may be given.
    let reservation: EmbeddedLog.Reservation?
    /// JSON, when it is on disk.
    let answer: [UInt8]
  }

  /// Where a record is.
  static func answer(topic: String, partition: Int32, offset: Int64) -> [UInt8] {
    // Kafka's names of topics need no escapes.
    var answer = Array("{\"topic\":\"\(topic)\",\"partition\":".utf8)
    Decimal.append(Int64(partition), to: &answer)
    answer.append(contentsOf: ",\"offset\":".utf8)
    Decimal.append(offset, to: &answer)
    answer.append(UInt8(ascii: "}"))
    return answer
  }

  /// Beyond that, calls are refused until some records are on disk.
  private static let limit = 20_000
  private static let byteLimit = 64 << 20
  /// Records of one step.
  private static let stepLimit = 512
  private static let stepBytes = 4 << 20

  private let host: Host
  private let lock = Monitor()

  // Guarded by `lock`.
  private var waiting: [Entry] = []
  private var bytes = 0
  private var isFinishing = false
  /// What to keep after the last record.
  private var last: [EmbeddedLog.Reservation] = []

  init(host: Host) { self.host = host }

  /// Starts the thread; after `finish` again.
  func start() throws(PluginError) {
    lock.lock()
    isFinishing = false
    lock.unlock()
    try host.thread("records") { [self] _ in run() }
  }

  /// Queues a record. Throws, and answers nothing, when too many wait already.
  func add(_ entry: Entry) throws(PluginError) {
    lock.lock()
    defer { lock.unlock() }
    if isFinishing { throw .retry("the plugin is being replaced", after: .milliseconds(10)) }
    guard waiting.count < Self.limit, bytes < Self.byteLimit else {
      throw .busy("the disk does not keep up: \(waiting.count) records wait for it already")
    }
    waiting.append(entry)
    bytes += entry.payload.count
    if waiting.count == 1 { lock.broadcast() }
  }

  /// Lets the thread end after the last record that waits and after what has to be kept then.
  func finish(keeping reservations: [EmbeddedLog.Reservation]) {
    lock.lock()
    isFinishing = true
    last += reservations
    lock.broadcast()
    lock.unlock()
  }

  // MARK: The thread

  private func run() {
    while let entries = next() {
      var rest = entries[...]
      while !rest.isEmpty {
        let step = rest.prefix(stepLength(rest))
        rest = rest.dropFirst(step.count)
        write(step)
      }
    }
    lock.lock()
    let reservations = last
    last = []
    lock.unlock()
    for reservation in reservations { try? keep(reservation) }
  }

  private func keep(_ reservation: EmbeddedLog.Reservation) throws(PluginError) {
    try host.kv.put("offset.\(reservation.topic)", reservation.end)
  }

  /// What has come; nil when nothing is left and nothing will come.
  private func next() -> [Entry]? {
    lock.lock()
    defer { lock.unlock() }
    while waiting.isEmpty {
      if isFinishing { return nil }
      _ = lock.wait(until: Monitor.now + 1_000_000_000)
    }
    defer {
      waiting = []
      bytes = 0
    }
    return waiting
  }

  /// How many of the entries go into one step. Events inherit the correlation of the call that carries them, unless they have their
  /// own: one that has none never goes with one that has.
  private func stepLength(_ entries: ArraySlice<Entry>) -> Int {
    var bytes = 0
    var count = 0
    let hasCorrelation = entries.first.map { !$0.correlation.isEmpty } ?? false
    for entry in entries {
      bytes += entry.payload.count
      if count == Self.stepLimit
        || (count > 0 && (bytes > Self.stepBytes || entry.correlation.isEmpty == hasCorrelation))
      {
        break
      }
      count += 1
    }
    return count
  }

  /// Writes records in one step: they are effects of the first of their calls, so that its answer puts all of them on disk. Where that
  /// call is over already, because its caller did not wait, the next one carries them.
  private func write(_ entries: ArraySlice<Entry>) {
    var rest = entries
    do throws(PluginError) {
      for case let reservation? in rest.map(\.reservation) { try keep(reservation) }
    } catch {
      for entry in rest { try? entry.call.fail(error) }
      return
    }
    while let carrier = rest.first {
      do throws(PluginError) {
        var written: [Entry] = []
        for entry in rest {
          do throws(PluginError) {
            try publish(entry, effectOf: carrier.call.token)
            written.append(entry)
          } catch {
            if error.code == .stale { throw error }
            try? entry.call.fail(error)
            // What it was an effect of has been answered: the others need another carrier.
            if entry.call === carrier.call { throw PluginError(.stale, error.message) }
          }
        }
        try reply(to: carrier)
        for entry in written.dropFirst() { try? reply(to: entry) }
        return
      } catch {
        rest = rest.dropFirst()
        guard error.code == .stale else {
          for entry in rest { try? entry.call.fail(error) }
          return
        }
      }
    }
  }

  private func publish(_ entry: Entry, effectOf carrier: DeliveryToken) throws(PluginError) {
    let result = entry.payload.withUnsafeBytes { payload in
      entry.key.withUnsafeBytes { key in
        entry.correlation.withUnsafeBytes { correlation in
          Result { () throws(PluginError) in
            try host.publish(entry.topic, json: payload, key: key, effectOf: carrier, correlationID: correlation)
          }
        }
      }
    }
    try result.get()
  }

  private func reply(to entry: Entry) throws(PluginError) {
    try entry.answer.withUnsafeBytes { json in Result { () throws(PluginError) in try entry.call.reply(json: json) } }
      .get()
  }
}
