import SeededRandom

extension RandomSource {
  /// A text with a few of its bytes changed, taken out or doubled.
  mutating func mutated(_ text: String) -> [UInt8] {
    var bytes = Array(text.utf8)
    for _ in 0...below(3) {
      guard !bytes.isEmpty else { return bytes }
      let place = below(bytes.count)
      switch below(4) {
      case 0: bytes[place] = pick(Array("\\#;=<>@[]()'\" -,\n\r\t.*!~${}:/+".utf8))
      case 1: bytes.remove(at: place)
      case 2: bytes.insert(UInt8(below(256)), at: place)
      default:
        let end = min(bytes.count, place + below(12))
        bytes.insert(contentsOf: bytes[place..<end], at: end)
      }
    }
    return bytes
  }
}
