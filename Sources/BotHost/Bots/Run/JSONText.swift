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
    while true {
      // Eight bytes at a time, as long as none of them is a quote or a backslash.
      while index &+ 8 <= bytes.count {
        let word = bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self)
        if hasZero(word ^ 0x2222_2222_2222_2222) || hasZero(word ^ 0x5C5C_5C5C_5C5C_5C5C) { break }
        index &+= 8
      }
      guard index < bytes.count else { return false }
      let byte = bytes[index]
      if byte == 0x22 {
        index &+= 1
        return true
      }
      index &+= byte == 0x5C ? 2 : 1
    }
  }

  @inline(__always)
  private static func hasZero(_ word: UInt64) -> Bool {
    (word &- 0x0101_0101_0101_0101) & ~word & 0x8080_8080_8080_8080 != 0
  }

  /// Moves behind the value that begins at `index`, which is no blank.
  @inline(__always)
  static func skipValue(_ bytes: Bytes, _ index: inout Int) -> Bool {
    guard index < bytes.count else { return false }
    switch bytes[index] {
    case 0x22: return skipString(bytes, &index)
    case 0x7B, 0x5B: return skipNested(bytes, &index)
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

  private static func skipNested(_ bytes: Bytes, _ index: inout Int) -> Bool {
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
  }

  /// The next member of an object: `index` stands behind `{` or behind the member before. The name is without its
  /// quotes, escapes and all. Nil at the end, and where the text is no object.
  @inline(__always)
  static func nextMember(_ bytes: Bytes, _ index: inout Int, end: Int) -> (name: Range<Int>, value: Range<Int>)? {
    let bytes = Bytes(rebasing: bytes[..<end])
    skipBlanks(bytes, &index)
    guard index < bytes.count else { return nil }
    if bytes[index] == 0x2C {
      index &+= 1
      skipBlanks(bytes, &index)
    }
    let nameStart = index
    guard index < bytes.count, bytes[index] == 0x22, skipString(bytes, &index), index <= bytes.count else { return nil }
    let name = nameStart &+ 1..<index &- 1
    skipBlanks(bytes, &index)
    guard index < bytes.count, bytes[index] == 0x3A else { return nil }
    index &+= 1
    skipBlanks(bytes, &index)
    let start = index
    guard skipValue(bytes, &index), index <= bytes.count else { return nil }
    return (name, start..<index)
  }

  /// The value of an object's member; of two with one name the first.
  static func member(_ bytes: Bytes, in range: Range<Int>, named name: UnsafeBufferPointer<UInt8>) -> Range<Int>? {
    guard !range.isEmpty, bytes[range.lowerBound] == 0x7B else { return nil }
    var index = range.lowerBound + 1
    while let member = nextMember(bytes, &index, end: range.upperBound) {
      if matches(bytes, member.name, name) { return member.value }
    }
    return nil
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
  @inline(__always)
  static func matches(_ bytes: Bytes, _ range: Range<Int>, _ name: UnsafeBufferPointer<UInt8>) -> Bool {
    if range.count == name.count {
      var offset = 0
      while offset < name.count, bytes[range.lowerBound &+ offset] == name[offset] { offset &+= 1 }
      // An escape never stands for as many bytes as it has.
      if offset == name.count { return true }
    }
    return range.count > name.count && matchesEscaped(bytes, range, name)
  }

  private static func matchesEscaped(_ bytes: Bytes, _ range: Range<Int>, _ name: UnsafeBufferPointer<UInt8>) -> Bool {
    guard bytes[range].contains(0x5C) else { return false }
    return unescaped(bytes, range.lowerBound - 1..<range.upperBound + 1).map { $0.utf8.elementsEqual(name) } ?? false
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
