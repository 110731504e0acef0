/// Looks through JSON text eight bytes at a time.
enum JSONScan {
  private static let ones: UInt64 = 0x0101_0101_0101_0101
  private static let highs: UInt64 = 0x8080_8080_8080_8080

  /// The offset of the first byte at or after `index` that a JSON string does not carry as it is: a quote, a backslash, a control
  /// character; the end of `bytes` when there is none.
  @inline(__always)
  static func endOfPlainRun(_ bytes: UnsafeRawBufferPointer, from index: Int) -> Int {
    var index = index
    while index &+ 8 <= bytes.count {
      let word = bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self)
      // In each byte the highest bit: below 0x20, or equal to the other two. A borrow can only mark a byte behind one that is marked rightly.
      let control = (word &- ones &* 0x20) & ~word
      let quote = word ^ (ones &* 0x22)
      let slash = word ^ (ones &* 0x5C)
      let found = (control | (quote &- ones) & ~quote | (slash &- ones) & ~slash) & highs
      if found != 0 { return index &+ UInt64(littleEndian: found).trailingZeroBitCount / 8 }
      index &+= 8
    }
    while index < bytes.count {
      let byte = bytes[index]
      if byte < 0x20 || byte == 0x22 || byte == 0x5C { break }
      index &+= 1
    }
    return index
  }
}
