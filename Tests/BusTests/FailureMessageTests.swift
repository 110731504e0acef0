import CBotHost
import Testing

@testable import BotHost

/// The reason that stands with a dead letter is that of the delivery itself.
@Suite struct FailureMessageTests {
  @Test func whatAnEarlierCallLeftExplainsNoLaterFailure() throws {
    let fixture = BusFixture()
    var handler = try fixture.handler("t") { event in
      if Seen(event).payload == "1" {
        // As a host function that refused something does, in a handler that does not mind.
        CallMessage.set(bh_rc(BH_E_DENIED), "not yours")
        return bh_rc(BH_OK)
      }
      if Seen(event).payload == "3" { CallMessage.set(bh_rc(BH_E_INVALID), "three is too many") }
      return bh_rc(BH_E_REJECT)
    }
    handler.retry = RetryPolicy(attempts: 1)
    _ = try fixture.endpoint("a", [handler])
    let source = try fixture.endpoint("source")
    for payload in ["1", "2", "3"] { source.send("t", payload) }
    eventually { fixture.letters.box.count == 2 }
    #expect(fixture.letters.box.all.map(\.reason) == ["rejected by the handler", "three is too many"])
  }
}
