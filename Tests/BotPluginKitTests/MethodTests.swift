import CBotHost
import Testing

@testable import BotPluginKit

@Suite struct MethodTests {
  @Test(arguments: [
    ("answer", #"{"text":"a","count":1}"#, #"{"count":2,"text":"a!"}"#),
    ("note", #"{"text":"a","count":1}"#, ""),
    ("status", "", #"{"count":0,"text":"fine"}"#),
    ("reset", "{}", ""),
    ("call", "[1,2]", "[1,2]"),
    ("argumentAndCall", #"{"text":"a","count":1}"#, #""tester.argumentAndCall a""#),
    ("closureAnswer", #"{"text":"a","count":4}"#, #"{"count":5,"text":"a"}"#),
    ("closureNull", #"{"text":"a","count":4}"#, ""),
    ("closure", "{}", ""),
  ])
  func everyFormAnswers(method: String, argument: String, answer: String) throws {
    try withPlugin { driver, _ in
      #expect(driver.invoke(method, argument) == BH_OK)
      #expect(driver.host.replies == [FakeHost.Reply(call: driver.lastDelivery, rc: 0, text: answer)])
    }
  }

  @Test func aMethodThatTheHostDidNotBindIsFoundByItsName() throws {
    try withPlugin { driver, _ in
      #expect(driver.invoke(unbound: "tester.status", "") == BH_OK)
      #expect(driver.invoke(unbound: "status", "") == BH_OK)
      #expect(driver.invoke(unbound: "tester.nothing", "") == BH_E_NOTFOUND)
      #expect(driver.host.lastError.contains("tester.nothing"))
    }
  }

  @Test func anArgumentThatDoesNotFitIsInvalid() throws {
    try withPlugin { driver, _ in
      #expect(driver.invoke("answer", #"{"text":7}"#) == BH_E_INVALID)
      #expect(driver.host.lastError.hasPrefix("the argument of tester.answer is no Say: /text: expected a string"))
      #expect(driver.host.replies.isEmpty)
    }
  }

  @Test func whatAMethodThrowsIsTheAnswer() throws {
    struct Odd: Error {}
    try withPlugin { driver, plugin in
      plugin.onCall = { _ in throw PluginError.notFound("no such channel") }
      #expect(driver.invoke("closure", "{}") == BH_E_NOTFOUND)
      #expect(driver.host.lastError == "no such channel")
      plugin.onCall = { _ in throw Odd() }
      #expect(driver.invoke("closure", "{}") == BH_E_INTERNAL)
    }
  }

  @Test func aCallIsAnsweredOnce() throws {
    try withPlugin { driver, plugin in
      plugin.onCall = { call in
        try call.reply(1)
        #expect(throws: PluginError.self) { try call.reply(2) }
      }
      #expect(driver.invoke("closure", "{}") == BH_OK)
      #expect(driver.host.replies.map(\.text) == ["1"])
    }
  }

  @Test func aPendingCallIsAnsweredLater() throws {
    try withPlugin { driver, plugin in
      var pending: PendingCall?
      plugin.onCall = { pending = $0.later() }
      #expect(driver.invoke("closure", "{}") == BH_ASYNC)
      #expect(driver.host.replies.isEmpty)
      try pending?.reply(["x"])
      #expect(throws: PluginError.self) { try pending?.reply(["y"]) }
      #expect(driver.host.replies == [FakeHost.Reply(call: driver.lastDelivery, rc: 0, text: #"["x"]"#)])
    }
  }

  @Test func aPendingCallFails() throws {
    try withPlugin { driver, plugin in
      plugin.onCall = { try $0.later().fail(PluginError.busy("later")) }
      #expect(driver.invoke("closure", "{}") == BH_ASYNC)
      #expect(driver.host.replies.map(\.rc) == [Int32(BH_E_BUSY)])
      #expect(driver.host.replies.map(\.text) == ["later"])
    }
  }

  @Test func aDroppedCallFailsAndSaysSo() throws {
    try withPlugin { driver, plugin in
      plugin.onCall = { _ = $0.later() }
      #expect(driver.invoke("closure", "{}") == BH_ASYNC)
      #expect(driver.host.replies.map(\.rc) == [Int32(BH_E_INTERNAL)])
      #expect(driver.host.replies[0].text.contains("without answering"))
    }
  }

  @Test func aTaskAnswers() async throws {
    let host = FakeHost()
    let driver = try withPlugin(host) { driver, plugin in
      plugin.onCall = { $0.later().task { "done" } }
      #expect(driver.invoke("closure", "{}") == BH_ASYNC)
      return driver
    }
    await host.wait { !$0.replies.isEmpty }
    #expect(host.replies.map(\.text) == [#""done""#])
    driver.destroy()
  }

  @Test func aTaskOfACallIsCancelledWithIt() async throws {
    let host = FakeHost()
    let driver = try withPlugin(host) { driver, plugin in
      plugin.onCall = {
        $0.later().task { () async throws -> String in
          try await Task.sleep(for: .seconds(3600))
          return "slept"
        }
      }
      #expect(driver.invoke("closure", "{}") == BH_ASYNC)
      return driver
    }
    let token = try #require(host.state.withLock { $0.watchers.keys.first })
    #expect(host.end(token, BH_E_CANCELLED) == 1)
    await host.wait { !$0.replies.isEmpty }
    #expect(host.replies.map(\.rc) == [Int32(BH_E_CANCELLED)])
    driver.destroy()
  }

  // MARK: Hooks

  @Test func hooksPassAnswerAmendAndDeny() throws {
    try withPlugin { driver, plugin in
      #expect(driver.invoke("hook", "{}", BH_BIND_HOOK) == BH_SKIP)

      #expect(driver.invoke("hookMethod", "{}", BH_BIND_HOOK) == BH_OK)
      #expect(driver.host.replies.map(\.text) == [#""no""#])

      #expect(driver.invoke("hookDecoded", #"{"text":"ab","count":1}"#, BH_BIND_HOOK) == BH_SKIP)
      #expect(driver.host.state.withLock { $0.amended } == [#"{"count":1,"text":"AB"}"#])

      #expect(driver.invoke("hookDecoded", #"{"text":"bad","count":1}"#, BH_BIND_HOOK) == BH_E_DENIED)
      #expect(driver.host.lastError == "no bad words")
    }
  }

  @Test func aHookMayThinkAboutIt() throws {
    try withPlugin { driver, plugin in
      var pending: PendingCall?
      plugin.onHook = {
        pending = $0.later()
        return .handled
      }
      #expect(driver.invoke("hook", "{}", BH_BIND_HOOK) == BH_ASYNC)
      try pending?.pass(amended: ["changed"])
      #expect(driver.host.state.withLock { $0.passed } == [driver.lastDelivery])
      #expect(driver.host.state.withLock { $0.amended } == [#"["changed"]"#])

      plugin.onHook = { _ in .handled }
      #expect(driver.invoke("hook", "{}", BH_BIND_HOOK) == BH_E_INTERNAL)
    }
  }
}
