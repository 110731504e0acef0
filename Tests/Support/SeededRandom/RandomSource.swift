import Foundation

/// What random tests draw from. SplitMix64: the same numbers for the same seed, everywhere.
public struct RandomSource: RandomNumberGenerator {
  private var state: UInt64

  public init(seed: UInt64) { state = seed }

  public mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  public mutating func below(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &self) }
  public mutating func one(in number: Int) -> Bool { below(number) == 0 }
  public mutating func pick<Element>(_ choices: [Element]) -> Element { choices[below(choices.count)] }

  /// Of a run's tests: BOTHOST_SEED, or another one each time. It is printed with every failure, so that the run can be
  /// repeated.
  public static let seed =
    ProcessInfo.processInfo.environment["BOTHOST_SEED"].flatMap(UInt64.init) ?? .random(in: 0...999_999)
  /// Whether random tests take their time.
  public static let isFull = ProcessInfo.processInfo.environment["BOTHOST_FULL"] == "1"
}
