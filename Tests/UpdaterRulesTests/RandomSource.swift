import Foundation

/// SplitMix64: the same numbers for the same seed, everywhere.
struct RandomSource: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  mutating func below(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &self) }
  mutating func one(in number: Int) -> Bool { below(number) == 0 }
  mutating func pick<Element>(_ choices: [Element]) -> Element { choices[below(choices.count)] }

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

  /// Of a run's tests: BOTHOST_SEED, or another one each time. It is printed with every failure.
  static let seed = ProcessInfo.processInfo.environment["BOTHOST_SEED"].flatMap(UInt64.init) ?? .random(in: 0...999_999)
  static let isFull = ProcessInfo.processInfo.environment["BOTHOST_FULL"] == "1"
}
