import SeededRandom

extension RandomSource {
  /// How many times a random test is repeated.
  static let rounds = isFull ? 1_000 : 40
}
