import CBotHost
import Testing

@testable import BotPluginKit

@Suite struct HandlerTests {
  struct Unexpected: Error, CustomStringConvertible {
    var description: String { "the moon is full" }
  }

  @Test func everyFormOfRowRunsItsFunction() throws {
    try withPlugin { driver, plugin in
      let say = #"{"text":"a","count":1}"#
      #expect(driver.handle("raw", say) == BH_OK)
      #expect(driver.handle("outcome", say) == BH_STOP)
      #expect(driver.handle("outcome", "") == BH_SKIP)
      #expect(driver.handle("decoding", say) == BH_OK)
      #expect(driver.handle("decodingOutcome", #"{"text":"","count":1}"#) == BH_SKIP)
      #expect(driver.handle("method", say) == BH_OK)
      #expect(driver.handle("methodOutcome", say) == BH_SKIP)
      #expect(driver.handle("methodWithEvent", say) == BH_OK)
      #expect(driver.handle("methodWithEventOutcome", say) == BH_STOP)
      #expect(driver.handle("rawMethod", say) == BH_OK)
      #expect(driver.handle("rawMethodOutcome", say) == BH_STOP)
      #expect(driver.handle("handle", say) == BH_OK)
      #expect(plugin.said == ["a", "a", "chat.message a", "unnamed"])
    }
  }

  @Test func anEventWithoutABindingGoesToTheRowNamedHandle() throws {
    try withPlugin { driver, plugin in
      #expect(driver.handle(binding: 0, "1") == BH_OK)
      #expect(plugin.said == ["unnamed"])
    }
  }

  @Test func namesThatTheTableLacksAreNotBound() throws {
    try withPlugin { driver, _ in
      #expect(throws: PluginError(.notFound, #"the plugin's table has no row "onMessage""#)) {
        try driver.bind("onMessage")
      }
      // A method's name is no handler's.
      #expect(throws: PluginError.self) { try driver.bind("answer") }
      #expect(driver.handle(binding: 999, "{}") == BH_E_NOTFOUND)
      #expect(driver.host.lastError.contains("999"))
    }
  }

  @Test func whatAnEventSays() throws {
    try withPlugin { driver, plugin in
      var seen: [String] = []
      plugin.onEvent = { event in
        seen = [
          event.topic.string, event.key.string, event.source.string, event.correlationID.string,
          String(decoding: event.payload, as: UTF8.self), "\(event.id)", "\(event.sequence)", "\(event.time)",
          "\(event.deadline ?? 0)", "\(event.attempt)", "\(event.token.rawValue)",
          event.headers.map { "\($0.name)=\(String(decoding: $0.value, as: UTF8.self))" }.joined(),
        ]
        #expect(event.flags == [.json, .redelivered])
        #expect(event.contentType.isEmpty)
        #expect(event.topic == "some.topic")
        #expect(event.topic != "some.topics")
        #expect(event.headers["x-trace"].map { Array($0) } == Array("abc".utf8))
        #expect(event.headers["X-Trace"] == nil)
      }
      driver.handle("raw", #"{"a":1}"#, key: "k", topic: "some.topic")
      #expect(
        seen == ["some.topic", "k", "source", "corr", #"{"a":1}"#, "(7, 8)", "9", "10", "11", "2", "1", "x-trace=abc"])
    }
  }

  @Test func fieldsAreReadInPlace() throws {
    try withPlugin { driver, plugin in
      plugin.onEvent = { event in
        #expect(try event.field("/s")?.string == "text")
        #expect(try event.field("/i")?.int == 42)
        #expect(try event.field("/i")?.double == 42)
        #expect(try event.field("/d")?.double == 1.5)
        #expect(try event.field("/d")?.int == nil)
        #expect(try event.field("/b")?.bool == true)
        #expect(try event.field("/missing") == nil)
        guard case .null? = try event.field("/n") else { throw PluginError.reject("no null") }
        guard case .list(let list)? = try event.field("/l"), list == "[1]" else { throw PluginError.reject("no list") }
        guard case .map(let map)? = try event.field("/m"), map == #"{"x":1}"# else {
          throw PluginError.reject("no map")
        }
      }
      let payload = #"{"s":"text","i":42,"d":1.5,"b":true,"n":null,"l":[1],"m":{"x":1}}"#
      #expect(driver.handle("raw", payload) == BH_OK)
      plugin.onEvent = { _ = try $0.field("/s") }
      #expect(driver.handle("raw", "not json") == BH_E_INVALID)
      #expect(driver.host.lastError == "field /s: invalid")
    }
  }

  @Test(arguments: [
    (PluginError.retry, BH_E_RETRY), (.reject("no"), BH_E_REJECT), (.invalid("no"), BH_E_INVALID),
    (.denied("no"), BH_E_DENIED), (.notFound("no"), BH_E_NOTFOUND), (.busy("no"), BH_E_BUSY),
    (.timeout("no"), BH_E_TIMEOUT), (.cancelled("no"), BH_E_CANCELLED), (.noSpace("no"), BH_E_NOSPACE),
    (.unsupported("no"), BH_E_UNSUPPORTED), (.internal("no"), BH_E_INTERNAL), (.conflict("no"), BH_E_CONFLICT),
    (PluginError(.stale, "no"), BH_E_STALE), (PluginError(.cycle, "no"), BH_E_CYCLE),
  ])
  func aThrownErrorBecomesItsStatus(error: PluginError, status: Int) throws {
    try withPlugin { driver, plugin in
      plugin.failure = error
      #expect(driver.handle("raw", "{}") == Int32(status))
      #expect(driver.host.lastError == error.message)
    }
  }

  @Test func anyOtherErrorIsRetriedWithItsDescription() throws {
    try withPlugin { driver, plugin in
      plugin.failure = Unexpected()
      #expect(driver.handle("raw", "{}") == BH_E_RETRY)
      #expect(driver.host.lastError == "the moon is full")
    }
  }

  @Test func aSuccessThrownAsAnErrorIsStillAFailure() throws {
    try withPlugin { driver, plugin in
      plugin.failure = PluginError(PluginError.Code(rawValue: 0), "odd")
      #expect(driver.handle("raw", "{}") == BH_E_INTERNAL)
    }
  }

  @Test func aRetryWithADelayIsANack() throws {
    try withPlugin { driver, plugin in
      plugin.failure = PluginError.retry("later", after: .milliseconds(1500))
      #expect(driver.handle("raw", "{}") == BH_ASYNC)
      #expect(
        driver.host.settled == [
          FakeHost.Settled(
            delivery: driver.lastDelivery, rc: Int32(BH_E_RETRY), message: "later", retryAfter: 1_500_000_000)
        ])
    }
  }

  @Test(arguments: [
    (#"{"count":1}"#, #"the whole: "text" is missing"#),
    (#"{"text":1,"count":1}"#, "/text: expected a string"),
    (#"{"text":null,"count":1}"#, "/text: "),
    (#"{"text":"a","count":"b"}"#, "/count: expected an integer"),
    (#"{"text":"#, "the whole: "),
    ("", "the whole: expected an object"),
  ])
  func aPayloadThatDoesNotFitIsRejectedWithItsPlace(payload: String, message: String) throws {
    try withPlugin { driver, _ in
      #expect(driver.handle("method", payload) == BH_E_REJECT)
      #expect(driver.host.lastError.hasPrefix("the payload of chat.message is no Say: "))
      #expect(driver.host.lastError.contains(message), "\(driver.host.lastError)")
    }
  }

  @Test func pointersAreEscaped() {
    struct Key: CodingKey {
      var stringValue: String
      var intValue: Int?
      init(stringValue: String) { self.stringValue = stringValue }
      init(intValue: Int) { (stringValue, self.intValue) = ("", intValue) }
    }
    #expect(JSONCoding.pointer([Key(stringValue: "a/b~c"), Key(intValue: 3)]) == "/a~1b~0c/3")
  }
}
