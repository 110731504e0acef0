import KafkaLog

/// Lends a text's bytes.
func withBytes<Result>(_ text: String, _ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
  try Array(text.utf8).withUnsafeBytes { try body($0) }
}

/// Lends a record with these parts.
func withRecord<Result>(
  topic: String = "t", partition: Int32 = 0, offset: Int64 = 7, timestamp: Int64 = 1000, key: String? = nil,
  value: [UInt8]?, headers: [(String, String?)] = [], _ body: (IncomingRecord) throws -> Result
) rethrows -> Result {
  let names = headers.map { Array($0.0.utf8) }
  let values = headers.map { $0.1.map { Array($0.utf8) } }
  func lend(_ index: Int, _ lent: [RecordHeader], _ record: IncomingRecord) throws -> Result {
    guard index < headers.count else {
      var record = record
      record.headers = lent
      return try body(record)
    }
    return try names[index].withUnsafeBytes { name in
      guard let value = values[index] else {
        return try lend(index + 1, lent + [RecordHeader(name: name, value: nil)], record)
      }
      return try value.withUnsafeBytes { value in
        try lend(index + 1, lent + [RecordHeader(name: name, value: value)], record)
      }
    }
  }
  return try withBytes(topic) { topic in
    try withBytes(key ?? "") { keyBytes in
      try (value ?? []).withUnsafeBytes { valueBytes in
        try lend(
          0, [],
          IncomingRecord(
            topic: topic, partition: partition, offset: offset, timestamp: timestamp, key: key == nil ? nil : keyBytes,
            value: value == nil ? nil : valueBytes, headers: []))
      }
    }
  }
}

/// Numbers without chance: the same in each run.
struct Sequence64: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    var mixed = state
    mixed ^= mixed >> 33
    mixed = mixed &* 0xFF51_AFD7_ED55_8CCD
    return mixed ^ (mixed >> 33)
  }
}
