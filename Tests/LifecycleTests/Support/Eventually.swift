import Testing

@testable import BotHost

/// Waits until something becomes true; a minute of patience is only ever used up by a failure.
func eventually(
  _ what: @autoclosure () -> String = "", sourceLocation: Testing.SourceLocation = #_sourceLocation,
  _ isSo: () throws -> Bool
) throws {
  var failure: (any Error)?
  let clock = SystemClock()
  let isThere = waitUntil(clock.monotonic + 60_000_000_000, clock) {
    do { return try isSo() } catch {
      failure = error
      return true
    }
  }
  if let failure { throw failure }
  #expect(isThere, "it never happened: \(what())", sourceLocation: sourceLocation)
}
