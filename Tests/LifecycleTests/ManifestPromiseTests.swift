import Testing

@testable import BotHost

/// What a manifest and the host's services promise, seen over a whole host.
@Suite(.serialized)
struct ManifestPromiseTests {
  @Test func equalitiesKeepAHandlersEventsApart() throws {
    let fixture = try HostFixture(["actor": Actor.manifest()])
    try fixture.host.start()
    let orders = [
      #"{"dish":"taco","size":2}"#, #"{"dish":"taco","size":3}"#, #"{"dish":"salsa","size":2}"#, #"{"size":2}"#, "[]",
      #"{"dish":["taco"],"size":2}"#, #"{"dish":"taco","size":2,"extra":true}"#,
    ]
    for order in orders {
      try fixture.host.publish(topic: "orders", payload: Array(order.utf8), key: "", contentType: "application/json")
    }
    // Events of one source come in order: this one is the last.
    try fixture.work()
    try fixture.expectCount(3)
  }

  @Test func spansAreMeasured() throws {
    let fixture = try HostFixture(["actor": Actor.manifest()])
    try fixture.host.start()
    for _ in 0..<2 { _ = try fixture.host.call("actor.traced", .object([:])) }
    #expect(fixture.host.metricsText().contains(#"bothost_span_us_count{instance="actor",span="work"} 2"#))
    fixture.expectLog("span work")
  }
}
