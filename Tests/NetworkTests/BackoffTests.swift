import Testing

@testable import BotHost

struct BackoffTests {
  private let second: Int64 = 1_000_000_000

  @Test func pausesDoubleUpToTheMaximum() {
    var backoff = Backoff(minimum: second, maximum: 10 * second)
    let pauses = (0..<6).map { _ in backoff.next(chance: 0) / second }
    #expect(pauses == [1, 2, 4, 8, 10, 10])
  }

  @Test func chanceTakesAwayAtMostHalf() {
    for step in 0...10 {
      var backoff = Backoff(minimum: 8 * second, maximum: 8 * second)
      let pause = backoff.next(chance: Double(step) / 10)
      #expect(pause >= 4 * second && pause <= 8 * second)
    }
  }

  @Test func aStableConnectionStartsOver() {
    var backoff = Backoff(minimum: second, maximum: 60 * second, stableAfter: 10 * second)
    _ = backoff.next(chance: 0)
    _ = backoff.next(chance: 0)
    backoff.closed(afterOpenFor: 9 * second)
    #expect(backoff.next(chance: 0) == 4 * second)
    backoff.closed(afterOpenFor: 10 * second)
    #expect(backoff.next(chance: 0) == second)
  }

  @Test func neverOverflows() {
    var backoff = Backoff(minimum: 1, maximum: .max)
    for _ in 0..<200 { #expect(backoff.next(chance: 0.5) > 0 || backoff.failures < 3) }
  }
}
