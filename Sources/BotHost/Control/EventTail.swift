import CBotHost
import Glibc

/// `bothost tail`: events as they are published, and before them, on request, what the journal holds.
struct EventTail {
  private let host: Host
  private let pattern: TopicPattern
  private let from: String?

  init(_ host: Host, _ argument: JSONValue) throws {
    self.host = host
    let text = argument["pattern"]?.string ?? "**"
    guard let pattern = TopicPattern(text) else {
      let reason = TopicPattern.problem(with: text) ?? ""
      throw ControlError(.invalid, "'\(text)' is no topic pattern: \(reason)")
    }
    self.pattern = pattern
    from = argument["from"]?.string
  }

  func run(_ reply: ControlReply) throws -> JSONValue {
    guard let parts = host.running else { throw Host.NotRunning() }
    let queue = TailQueue()
    // The tap first, so that nothing falls between the journal's end and the first live event.
    let tap = try parts.bus.tap(pattern, capacity: 4096) { event in
      queue.add(bytes: event.pointee.payload.len) { Self.describe(event.pointee) }
    }
    defer { tap.cancel() }
    var seen: Set<String> = []
    if let from {
      guard try history(parts.journal.journal, from, reply, &seen) else { return .null }
    }
    var reported: UInt64 = 0
    while reply.isOpen, !host.isEnding {
      for item in queue.take(waiting: 200_000_000) {
        if let id = item["id"]?.string, seen.remove(id) != nil { continue }
        guard reply.item(item) else { return .null }
      }
      let dropped = tap.dropped + queue.dropped
      guard dropped > reported else { continue }
      guard reply.item(.object(["dropped": .int(Int64(clamping: dropped - reported))])) else { return .null }
      reported = dropped
    }
    return .object(["dropped": .int(Int64(clamping: tap.dropped + queue.dropped))])
  }

  /// What is in the journal of the matching topics, oldest first. False when the client has gone.
  private func history(
    _ journal: Journal, _ from: String, _ reply: ControlReply, _ seen: inout Set<String>
  ) throws -> Bool {
    var position: Int64 = 0
    if from != "earliest" {
      guard let number = Int64(from), number >= 0 else {
        throw ControlError(.invalid, "--from takes `earliest` or a position, not '\(from)'")
      }
      position = number
    }
    for topic in journal.topics where pattern.matches(topic.name) {
      var next = position
      while true {
        let records = try journal.read(topic, from: next)
        guard let last = records.last else { break }
        // What the tap may still bring again is among the last ones.
        if seen.count > 65_536 { seen.removeAll(keepingCapacity: true) }
        for record in records {
          guard let event = StoredEventCoding.decode(record.bytes) else { continue }
          let item = Self.describe(event, position: record.position)
          if let id = item["id"]?.string { seen.insert(id) }
          guard reply.item(item) else { return false }
        }
        next = last.position + 1
      }
    }
    return true
  }

  private static func payload(_ bytes: UnsafeRawBufferPointer, isJSON: Bool) -> JSONValue {
    let text = String(decoding: bytes, as: UTF8.self)
    return isJSON ? (try? JSONValue(parsing: text)) ?? .string(text) : .string(text)
  }

  private static func identity(_ high: UInt64, _ low: UInt64) -> String {
    func hex(_ word: UInt64) -> String {
      let digits = String(word, radix: 16)
      return String(repeating: "0", count: 16 - digits.count) + digits
    }
    return hex(high) + hex(low)
  }

  static func describe(_ event: bh_event) -> JSONValue {
    var object = JSONObject()
    object["topic"] = .string(event.topic.string)
    object["time"] = .string(Timestamp.rfc3339(event.time_unix_ns))
    object["source"] = .string(event.source.string)
    if event.key.len > 0 { object["key"] = .string(event.key.string) }
    object["payload"] = payload(event.payload.bytes, isJSON: event.content_type.len == 0)
    object["id"] = .string(identity(event.id.0, event.id.1))
    return .object(object)
  }

  static func describe(_ event: StoredEvent, position: Int64) -> JSONValue {
    var object = JSONObject()
    object["topic"] = .string(event.topic)
    object["time"] = .string(Timestamp.rfc3339(event.time))
    object["source"] = .string(event.source)
    if !event.key.isEmpty { object["key"] = .string(String(decoding: event.key, as: UTF8.self)) }
    object["payload"] = event.payload.withUnsafeBytes { payload($0, isJSON: event.contentType.isEmpty) }
    if event.id.count == 2 { object["id"] = .string(identity(event.id[0], event.id[1])) }
    object["position"] = .int(position)
    return .object(object)
  }
}

/// Between the lane that taps and the thread that sends. A client that does not read loses events, and is told how many; it
/// costs the host no more memory than the bounds here.
final class TailQueue: @unchecked Sendable {
  static let maximumEvents = 4096
  /// Of payloads. One that is larger alone still passes.
  static let maximumBytes = 8 << 20

  private let monitor = Monitor()
  private var items: [JSONValue] = []
  private var bytes = 0
  private var lost: UInt64 = 0

  /// Adds what `describe` makes of an event with a payload of so many bytes, if there is room.
  func add(bytes count: Int, _ describe: () -> JSONValue) {
    let hasRoom = monitor.withLock {
      if items.isEmpty || (items.count < Self.maximumEvents && bytes + count <= Self.maximumBytes) { return true }
      lost += 1
      return false
    }
    guard hasRoom else { return }
    // Not under the lock: parsing takes its time. Only the lane adds, so the room stays.
    let item = describe()
    monitor.withLock {
      items.append(item)
      bytes += count
      monitor.signal()
    }
  }

  /// How many found no room so far.
  var dropped: UInt64 { monitor.withLock { lost } }

  func take(waiting nanoseconds: Int64) -> [JSONValue] {
    monitor.withLock {
      if items.isEmpty { _ = monitor.wait(until: SystemClock().monotonic + nanoseconds) }
      defer {
        items = []
        bytes = 0
      }
      return items
    }
  }
}
