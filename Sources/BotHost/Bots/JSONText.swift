/// Reads JSON text in place, without making values of it: finds where values begin and end.
///
/// Every reading is checked against the buffer's end, so that text that is no JSON gives nil, never a stray read.
enum JSONText {
  typealias Bytes = UnsafeRawBufferPointer

  @inline(__always)
  static func skipBlanks(_ bytes: Bytes, _ index: inout Int) {
    while index < bytes.count {
      let byte = bytes[index]
      guard byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else { return }
      index &+= 1
    }
  }

  /// Moves behind the string whose opening quote is at `index`; false when it does not end.
  @inline(__always)
  static func skipString(_ bytes: Bytes, _ index: inout Int) -> Bool {
    index &+= 1
    while index < bytes.count {
      let byte = bytes[index]
      if byte == 0x22 {
        index &+= 1
        return true
      }
      index &+= byte == 0x5C ? 2 : 1
    }
    return false
  }

  /// Moves behind the value that begins at `index`, which is no blank.
  static func skipValue(_ bytes: Bytes, _ index: inout Int) -> Bool {
    guard index < bytes.count else { return false }
    switch bytes[index] {
    case 0x22: return skipString(bytes, &index)
    case 0x7B, 0x5B:
      var depth = 0
      while index < bytes.count {
        switch bytes[index] {
        case 0x22:
          guard skipString(bytes, &index) else { return false }
          continue
        case 0x7B, 0x5B: depth &+= 1
        case 0x7D, 0x5D:
          depth &-= 1
          if depth == 0 {
            index &+= 1
            return true
          }
        default: break
        }
        index &+= 1
      }
      return false
    default:
      let start = index
      while index < bytes.count {
        let byte = bytes[index]
        if byte == 0x2C || byte == 0x7D || byte == 0x5D || byte <= 0x20 { break }
        index &+= 1
      }
      return index > start
    }
  }

  /// The value of an object's member; of two with one name the last, as parsers have it. `name` is UTF-8.
  static func member(_ bytes: Bytes, in range: Range<Int>, named name: [UInt8]) -> Range<Int>? {
    var found: Range<Int>?
    guard
      forEachMember(
        bytes, in: range,
        { key, value in
          if matches(bytes, key, name) { found = value }
        })
    else { return nil }
    return found
  }

  /// Calls `body` with the ranges of each member's name (without quotes, escaped) and value. False: no object.
  @inline(__always)
  static func forEachMember(_ bytes: Bytes, in range: Range<Int>, _ body: (Range<Int>, Range<Int>) -> Void) -> Bool {
    let bytes = Bytes(rebasing: bytes[..<range.upperBound])
    var index = range.lowerBound
    skipBlanks(bytes, &index)
    guard index < bytes.count, bytes[index] == 0x7B else { return false }
    index &+= 1
    skipBlanks(bytes, &index)
    if index < bytes.count, bytes[index] == 0x7D { return true }
    while index < bytes.count {
      skipBlanks(bytes, &index)
      let keyStart = index
      guard index < bytes.count, bytes[index] == 0x22, skipString(bytes, &index), index <= bytes.count else {
        return false
      }
      let key = keyStart + 1..<index - 1
      skipBlanks(bytes, &index)
      guard index < bytes.count, bytes[index] == 0x3A else { return false }
      index &+= 1
      skipBlanks(bytes, &index)
      let start = index
      guard skipValue(bytes, &index), index <= bytes.count else { return false }
      body(key, start..<index)
      skipBlanks(bytes, &index)
      guard index < bytes.count else { return false }
      if bytes[index] == 0x7D { return true }
      guard bytes[index] == 0x2C else { return false }
      index &+= 1
    }
    return false
  }

  /// The next element of a list: `index` stands behind `[` or behind the element before. Nil at the end.
  static func nextElement(_ bytes: Bytes, _ index: inout Int, end: Int) -> Range<Int>? {
    let bytes = Bytes(rebasing: bytes[..<end])
    skipBlanks(bytes, &index)
    guard index < bytes.count else { return nil }
    if bytes[index] == 0x2C {
      index &+= 1
      skipBlanks(bytes, &index)
    }
    guard index < bytes.count, bytes[index] != 0x5D else { return nil }
    let start = index
    guard skipValue(bytes, &index), index <= bytes.count else { return nil }
    return start..<index
  }

  /// Whether an escaped name, as it stands in the text, is `name`.
  static func matches(_ bytes: Bytes, _ range: Range<Int>, _ name: [UInt8]) -> Bool {
    if range.count == name.count {
      var isEqual = true
      for offset in 0..<name.count where bytes[range.lowerBound &+ offset] != name[offset] {
        isEqual = false
        break
      }
      // An escape never stands for as many bytes as it has.
      if isEqual { return true }
    }
    guard range.count > name.count, bytes[range].contains(0x5C) else { return false }
    return unescaped(bytes, range.lowerBound - 1..<range.upperBound + 1).map { Array($0.utf8) == name } ?? false
  }

  /// The text of a string with its quotes.
  static func unescaped(_ bytes: Bytes, _ range: Range<Int>) -> String? {
    guard range.count >= 2, bytes[range.lowerBound] == 0x22 else { return nil }
    let inner = range.lowerBound + 1..<range.upperBound - 1
    if !bytes[inner].contains(0x5C) { return String(decoding: bytes[inner], as: UTF8.self) }
    return (try? JSONValue(parsing: Bytes(rebasing: bytes[range])))?.string
  }

  /// A string's JSON text without the quotes.
  static func escaped(_ text: String) -> [UInt8] {
    Array(JSONValue.string(text).serializedBytes().dropFirst().dropLast())
  }
}

/// The fields that a program reads of an event, found in one pass over the payload.
struct JSONFieldTable: Sendable {
  /// One level of names.
  private struct Node: Sendable {
    var members: [(name: [UInt8], node: Int)] = []
    /// The position of the value itself, when it is wanted.
    var position: Int?
  }

  private var nodes = [Node()]
  private(set) var count = 0
  private var positions: [[String]: Int] = [:]

  /// The position of a path; the same path has one position. The empty path is the whole payload.
  mutating func position(of path: [String]) -> Int {
    if let position = positions[path] { return position }
    var node = 0
    for name in path {
      let bytes = Array(name.utf8)
      if let next = nodes[node].members.first(where: { $0.name == bytes }) {
        node = next.node
      } else {
        nodes.append(Node())
        nodes[node].members.append((bytes, nodes.count - 1))
        node = nodes.count - 1
      }
    }
    let position = count
    count += 1
    nodes[node].position = position
    positions[path] = position
    return position
  }

  /// Writes the range of each field to `ranges`, which has `count` elements; empty where there is none.
  func find(_ bytes: UnsafeRawBufferPointer, into ranges: inout [Range<Int>]) {
    for index in ranges.indices { ranges[index] = 0..<0 }
    var start = 0
    JSONText.skipBlanks(bytes, &start)
    find(0, bytes, start..<bytes.count, &ranges)
  }

  private func find(_ node: Int, _ bytes: UnsafeRawBufferPointer, _ range: Range<Int>, _ ranges: inout [Range<Int>]) {
    if let position = nodes[node].position { ranges[position] = range }
    guard !nodes[node].members.isEmpty else { return }
    _ = JSONText.forEachMember(bytes, in: range) { key, value in
      for member in nodes[node].members where JSONText.matches(bytes, key, member.name) {
        find(member.node, bytes, value, &ranges)
        return
      }
    }
  }
}
