import Foundation

/// Waits until something is so, by asking again and again; a minute of patience is only ever used up by a failure.
func eventually(_ what: String, _ holds: () throws -> Bool) throws {
  let limit = Date(timeIntervalSinceNow: 60)
  while try !holds() {
    guard Date() < limit else { throw RunningProgram.Failure(description: "not within a minute: \(what)") }
  }
}
