import CBotHost
import Synchronization
import Testing

@testable import BotPluginKit

@Suite struct DeliveryTests {
  @Test func aDeliveryIsAcknowledgedLater() throws {
    try withPlugin { driver, plugin in
      var delivery: Delivery?
      plugin.onEvent = { delivery = $0.later() }
      #expect(driver.handle("raw", "{}") == BH_ASYNC)
      #expect(driver.host.settled.isEmpty)
      try delivery?.ack()
      #expect(driver.host.settled.map(\.rc) == [0])
      #expect(throws: PluginError(.stale, "the delivery has been settled already")) { try delivery?.ack() }
      #expect(throws: PluginError.self) { try delivery?.nack(PluginError.retry) }
      delivery = nil
      #expect(driver.host.settled.count == 1)
    }
  }

  @Test(arguments: [
    (PluginError.reject("bad"), BH_E_REJECT, "bad", UInt64(0)),
    (PluginError.retry("soon", after: .seconds(2)), BH_E_RETRY, "soon", UInt64(2_000_000_000)),
    (PluginError.timeout("slow"), BH_E_TIMEOUT, "slow", UInt64(0)),
  ])
  func aDeliveryFailsLater(error: PluginError, rc: Int, message: String, after: UInt64) throws {
    try withPlugin { driver, plugin in
      plugin.onEvent = { try $0.later().nack(error) }
      #expect(driver.handle("raw", "{}") == BH_ASYNC)
      #expect(
        driver.host.settled == [
          FakeHost.Settled(delivery: driver.lastDelivery, rc: Int32(rc), message: message, retryAfter: after)
        ])
    }
  }

  @Test func aDroppedDeliveryIsTriedAgainAndSaysWhy() throws {
    try withPlugin { driver, plugin in
      plugin.onEvent = { _ = $0.later() }
      #expect(driver.handle("raw", "{}") == BH_ASYNC)
      #expect(driver.host.settled.map(\.rc) == [Int32(BH_E_RETRY)])
      #expect(driver.host.settled[0].message == "the plugin dropped the delivery without settling it")
    }
  }

  @Test func aHandlerThatThrowsAfterLaterSettlesByItsError() throws {
    try withPlugin { driver, plugin in
      var delivery: Delivery?
      plugin.onEvent = {
        delivery = $0.later()
        throw PluginError.reject("no")
      }
      #expect(driver.handle("raw", "{}") == BH_E_REJECT)
      withExtendedLifetime(delivery) {}
    }
  }

  @Test func aTaskSettlesByHowItEnds() async throws {
    let host = FakeHost()
    let driver = try withPlugin(host) { driver, plugin in
      plugin.onEvent = { $0.later().task {} }
      #expect(driver.handle("raw", "{}") == BH_ASYNC)
      plugin.onEvent = { $0.later().task { throw PluginError.reject("bad") } }
      #expect(driver.handle("raw", "{}") == BH_ASYNC)
      return driver
    }
    await host.wait { $0.settled.count == 2 }
    #expect(Set(host.settled.map(\.rc)) == [0, Int32(BH_E_REJECT)])
    driver.destroy()
  }

  @Test func aTaskIsCancelledWhenNobodyWaitsForIt() async throws {
    let host = FakeHost()
    let driver = try withPlugin(host) { driver, plugin in
      plugin.onEvent = { $0.later().task { try await Task.sleep(for: .seconds(3600)) } }
      #expect(driver.handle("raw", "{}") == BH_ASYNC)
      return driver
    }
    let token = try #require(host.state.withLock { $0.watchers.keys.first })
    #expect(host.end(token, BH_E_TIMEOUT) == 1)
    await host.wait { $0.settled.count == 1 }
    // What it settles then the real host calls stale.
    #expect(host.settled.map(\.delivery) == [token])
    driver.destroy()
  }

  @Test func theEndOfADeliveryIsToldUnlessThePluginSettledIt() throws {
    try withPlugin { driver, plugin in
      var deliveries: [Delivery] = []
      let told = Mutex<[PluginError.Code]>([])
      plugin.onEvent = { event in
        let delivery = event.later()
        try delivery.onEnd { why in told.withLock { $0.append(why.code) } }
        deliveries.append(delivery)
      }
      for _ in 0..<3 { #expect(driver.handle("raw", "{}") == BH_ASYNC) }
      let host = driver.host
      #expect(host.end(deliveries[0].token.rawValue, BH_E_CANCELLED) == 1)
      #expect(host.end(deliveries[1].token.rawValue, BH_E_STALE) == 1)
      try deliveries[2].ack()
      #expect(host.end(deliveries[2].token.rawValue, BH_OK) == 1)
      #expect(told.withLock { $0 } == [.cancelled, .stale])
      #expect(throws: PluginError.self) { try deliveries[2].onEnd { _ in } }
      withExtendedLifetime(deliveries) {}
    }
  }

  @Test func aTaskOutlivesNoPlugin() async throws {
    let host = FakeHost()
    let driver = try withPlugin(host) { driver, plugin in
      plugin.onEvent = { $0.later().task { try await Task.sleep(for: .seconds(3600)) } }
      #expect(driver.handle("raw", "{}") == BH_ASYNC)
      return driver
    }
    // The task keeps its delivery alive; the end of the plugin cancels it, and the dead host is not called.
    driver.destroy()
    #expect(host.settled.isEmpty)
  }

  @Test func aKeptEventStaysReadableAndGoesBack() throws {
    try withPlugin { driver, plugin in
      var kept: KeptEvent?
      plugin.onEvent = { kept = try $0.keep() }
      #expect(driver.handle("raw", #"{"s":"still here"}"#) == BH_OK)
      let field = try kept?.withEvent { event in try event.field("/s")?.string }
      #expect(field == "still here")
      #expect(driver.host.state.withLock { ($0.retained, $0.released) } == (1, 0))
      kept = nil
      #expect(driver.host.state.withLock { ($0.retained, $0.released) } == (1, 1))
    }
  }

  @Test func afterTheEndTheHostIsNotCalled() throws {
    let host = FakeHost()
    var delivery: Delivery?
    var services: Host?
    try withPlugin(host) { driver, plugin in
      services = plugin.host
      plugin.onEvent = { delivery = $0.later() }
      driver.handle("raw", "{}")
      driver.destroy()
    }
    #expect(throws: Host.gone) { try delivery?.ack() }
    delivery = nil
    #expect(throws: Host.gone) { try services?.topic("a.b") }
    #expect(throws: Host.gone) { try services?.kv.entry("k") }
    services?.log(.error, "too late")
    #expect(host.settled.isEmpty)
    #expect(host.log.isEmpty)
    #expect(services?.monotonicTime == 0)
  }
}
