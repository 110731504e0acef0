import KafkaLog

/// A copy of a record that librdkafka has no room for now, or that has to be sent again.
struct PendingRecord {
  var slot: UnsafeMutablePointer<DeliverySlot>
  var topic: Int
  var key: [UInt8]?
  var value: [UInt8]?
  var headers: [(name: [UInt8], value: [UInt8]?)]

  init(
    slot: UnsafeMutablePointer<DeliverySlot>, topic: Int, key: UnsafeRawBufferPointer?, value: UnsafeRawBufferPointer?,
    headers: [RecordHeader]
  ) {
    self.slot = slot
    self.topic = topic
    self.key = key.map(Array.init)
    self.value = value.map(Array.init)
    self.headers = headers.map { (Array($0.name), $0.value.map(Array.init)) }
  }

  /// Lends the parts.
  func withParts<Result>(
    _ body: (UnsafeRawBufferPointer?, UnsafeRawBufferPointer?, [RecordHeader]) -> Result
  ) -> Result {
    Self.with(key) { key in
      Self.with(value) { value in lend(headers[...], [], { body(key, value, $0) }) }
    }
  }

  private func lend<Result>(
    _ rest: ArraySlice<(name: [UInt8], value: [UInt8]?)>, _ lent: [RecordHeader], _ body: ([RecordHeader]) -> Result
  ) -> Result {
    guard let first = rest.first else { return body(lent) }
    return first.name.withUnsafeBytes { name in
      Self.with(first.value) { value in
        lend(rest.dropFirst(), lent + [RecordHeader(name: name, value: value)], body)
      }
    }
  }

  private static func with<Result>(_ bytes: [UInt8]?, _ body: (UnsafeRawBufferPointer?) -> Result) -> Result {
    guard let bytes else { return body(nil) }
    return bytes.withUnsafeBytes { body($0) }
  }
}

/// Records in the order in which they are to be sent; taken from the front in constant time.
struct PendingQueue {
  private var records: [PendingRecord?] = []
  private var head = 0
  /// Bytes of keys and values.
  private(set) var bytes = 0

  var count: Int { records.count - head }
  var first: PendingRecord? { head < records.count ? records[head] : nil }

  mutating func append(_ record: PendingRecord) {
    bytes += Self.size(record)
    records.append(record)
  }

  mutating func removeFirst() {
    guard head < records.count else { return }
    if let record = records[head] { bytes -= Self.size(record) }
    records[head] = nil
    head += 1
    if head == records.count {
      records.removeAll(keepingCapacity: true)
      head = 0
    } else if head >= 1024, head * 2 >= records.count {
      records.removeFirst(head)
      head = 0
    }
  }

  /// Adds records at their places in the order.
  mutating func merge(_ others: [PendingRecord]) {
    let all = (records[head...].compactMap { $0 } + others).sorted {
      $0.slot.pointee.sequence < $1.slot.pointee.sequence
    }
    self = PendingQueue()
    for record in all { append(record) }
  }

  private static func size(_ record: PendingRecord) -> Int {
    (record.key?.count ?? 0) + (record.value?.count ?? 0) + 64
  }
}
