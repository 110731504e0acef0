/// Looks at UTF-8 in place.
enum UTF8Scan {
  /// The length of the well-formed sequence (Unicode, table 3-7) that begins at `offset`, or 0 when there is none.
  @inline(__always)
  static func length(at offset: Int, in text: UnsafeRawBufferPointer) -> Int {
    let first = text[offset]
    if first < 0x80 { return 1 }
    let left = text.count - offset
    func continues(_ index: Int, _ range: ClosedRange<UInt8> = 0x80...0xbf) -> Bool {
      index < left && range.contains(text[offset + index])
    }
    switch first {
    case 0xc2...0xdf: return continues(1) ? 2 : 0
    case 0xe0: return continues(1, 0xa0...0xbf) && continues(2) ? 3 : 0
    case 0xed: return continues(1, 0x80...0x9f) && continues(2) ? 3 : 0
    case 0xe1...0xef: return continues(1) && continues(2) ? 3 : 0
    case 0xf0: return continues(1, 0x90...0xbf) && continues(2) && continues(3) ? 4 : 0
    case 0xf4: return continues(1, 0x80...0x8f) && continues(2) && continues(3) ? 4 : 0
    case 0xf1...0xf3: return continues(1) && continues(2) && continues(3) ? 4 : 0
    default: return 0
    }
  }
}
