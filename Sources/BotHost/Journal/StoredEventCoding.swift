/// An event as bytes: what the journal keeps of durable topics and dead letters.
///
/// A version byte, then the fields in the order of `StoredEvent`, little-endian, each text and each byte string with its length
/// before it. A later version may add fields at the end.
public enum StoredEventCoding {
  private static let version: UInt8 = 1

  /// The event's bytes.
  public static func encode(_ event: StoredEvent) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(96 + event.payload.count + event.topic.utf8.count + event.source.utf8.count)
    bytes.append(version)
    append(event.id.first ?? 0, to: &bytes)
    append(event.id.count > 1 ? event.id[1] : 0, to: &bytes)
    append(UInt64(bitPattern: event.time), to: &bytes)
    append(event.topic, to: &bytes)
    append(event.source, to: &bytes)
    append(event.key, to: &bytes)
    append(event.correlation, to: &bytes)
    append(event.contentType, to: &bytes)
    append(UInt32(event.headers.count), to: &bytes)
    for header in event.headers {
      append(header.name, to: &bytes)
      append(header.value, to: &bytes)
    }
    append(event.payload, to: &bytes)
    return bytes
  }

  /// Nil when the bytes are no record, which only a damaged file can give.
  public static func decode(_ bytes: [UInt8]) -> StoredEvent? {
    bytes.withUnsafeBytes { decode($0) }
  }

  /// The same of bytes that are borrowed.
  public static func decode(_ bytes: UnsafeRawBufferPointer) -> StoredEvent? {
    var rest = Rest(bytes: bytes)
    guard rest.byte() == version, let high = rest.word(), let low = rest.word(), let time = rest.word(),
      let topic = rest.text(), let source = rest.text(), let key = rest.block(), let correlation = rest.text(),
      let contentType = rest.text(), let headerCount = rest.length(), headerCount <= bytes.count / 8
    else { return nil }
    var headers: [StoredEvent.Header] = []
    for _ in 0..<headerCount {
      guard let name = rest.text(), let value = rest.block() else { return nil }
      headers.append(.init(name: name, value: Array(value)))
    }
    guard let payload = rest.block() else { return nil }
    return StoredEvent(
      id: [high, low], time: Int64(bitPattern: time), topic: topic, source: source, key: Array(key),
      correlation: correlation, contentType: contentType, headers: headers, payload: Array(payload))
  }

  private static func append(_ value: some FixedWidthInteger, to bytes: inout [UInt8]) {
    withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
  }

  private static func append(_ text: String, to bytes: inout [UInt8]) {
    append(UInt32(text.utf8.count), to: &bytes)
    bytes.append(contentsOf: text.utf8)
  }

  private static func append(_ block: [UInt8], to bytes: inout [UInt8]) {
    append(UInt32(block.count), to: &bytes)
    bytes.append(contentsOf: block)
  }

  /// What has not been read yet.
  private struct Rest {
    let bytes: UnsafeRawBufferPointer
    var position = 0

    mutating func byte() -> UInt8? {
      guard position < bytes.count else { return nil }
      defer { position += 1 }
      return bytes[position]
    }

    mutating func word() -> UInt64? {
      guard bytes.count - position >= 8 else { return nil }
      defer { position += 8 }
      return UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self))
    }

    mutating func length() -> Int? {
      guard bytes.count - position >= 4 else { return nil }
      defer { position += 4 }
      return Int(UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: UInt32.self)))
    }

    mutating func block() -> UnsafeRawBufferPointer? {
      guard let length = length(), bytes.count - position >= length else { return nil }
      defer { position += length }
      return UnsafeRawBufferPointer(rebasing: bytes[position..<position + length])
    }

    mutating func text() -> String? { block().map { String(decoding: $0, as: UTF8.self) } }
  }
}
