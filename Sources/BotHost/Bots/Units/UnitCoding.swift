/// Writes the parts of a compiled unit: numbers of variable length, and counted bytes.
struct UnitWriter {
  private(set) var bytes: [UInt8] = []

  /// Seven bits a byte, the lowest first; the top bit says that more follow.
  mutating func number(_ value: Int) {
    var rest = UInt64(bitPattern: Int64(value))
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }

  mutating func text(_ value: [UInt8]) {
    number(value.count)
    bytes += value
  }

  mutating func text(_ value: String) { text(Array(value.utf8)) }
}

/// Reads them again. Everything is checked against the end, so that no bytes make it read astray.
struct UnitReader {
  private let bytes: [UInt8]
  private var position = 0

  /// The bytes are no unit of this version.
  struct Fault: Error {}

  /// How deep values may stand in each other.
  static let depthLimit = 256

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  var isAtEnd: Bool { position == bytes.count }

  /// From 0 to `limit`.
  mutating func number(upTo limit: Int = Int(Int32.max)) throws(Fault) -> Int {
    var value: UInt64 = 0
    var shift: UInt64 = 0
    while true {
      guard position < bytes.count, shift < 63 else { throw Fault() }
      let byte = bytes[position]
      position += 1
      value |= UInt64(byte & 0x7F) << shift
      shift += 7
      if byte < 0x80 { break }
    }
    guard value <= UInt64(limit) else { throw Fault() }
    return Int(value)
  }

  /// Below `count`: a place in a table.
  mutating func index(below count: Int) throws(Fault) -> Int {
    guard count > 0 else { throw Fault() }
    return try number(upTo: count - 1)
  }

  /// How many of something follow; each takes a byte at least.
  mutating func count() throws(Fault) -> Int {
    let count = try number()
    guard count <= bytes.count - position else { throw Fault() }
    return count
  }

  mutating func text() throws(Fault) -> [UInt8] {
    let length = try count()
    defer { position += length }
    return Array(bytes[position..<position + length])
  }

  mutating func string() throws(Fault) -> String {
    let bytes = try text()
    guard let string = String(validating: bytes, as: UTF8.self) else { throw Fault() }
    return string
  }

  mutating func list<Element>(_ element: (inout UnitReader) throws(Fault) -> Element) throws(Fault) -> [Element] {
    var elements: [Element] = []
    for _ in 0..<(try count()) { elements.append(try element(&self)) }
    return elements
  }
}
