import CBotHost
import Glibc
import Synchronization
import Testing

@testable import BotHost

@Suite struct CallTests {
  private final class Holder: Sendable {
    private let value = Mutex<Endpoint?>(nil)
    /// Set before anything calls.
    var endpoint: Endpoint {
      get {
        guard let endpoint = value.withLock({ $0 }) else {
          preconditionFailure("a handler ran before its endpoint was known")
        }
        return endpoint
      }
      set { value.withLock { $0 = newValue } }
    }
  }

  @Test func aCallIsAnsweredOnTheCallersLane() throws {
    let fixture = BusFixture()
    let holder = Holder()
    let seen = Box<Seen>()
    holder.endpoint = try fixture.endpoint(
      "math",
      methods: [
        MethodSpec(
          name: "double",
          target: fixture.target { event in
            seen.append(Seen(event))
            let number = Int(Seen(event).payload) ?? 0
            return holder.endpoint.answer(event.pointee.delivery, "\(number * 2)")
          }),
        MethodSpec(
          name: "later",
          target: fixture.target {
            seen.append(Seen($0)); return bh_rc(BH_ASYNC)
          }),
        MethodSpec(
          name: "fail",
          target: fixture.target { _ in
            CallMessage.set(Int32(BH_E_INVALID), "no such thing")
            return bh_rc(BH_E_INVALID)
          }),
        MethodSpec(name: "silent", target: fixture.target { _ in 0 }),
      ])
    let caller = try fixture.endpoint("caller")
    let results = Box<String>()
    let onLane = Box<Bool>()
    func ask(_ method: String, _ argument: String = "21") -> bh_rc {
      caller.ask(method, argument) { rc, text in
        onLane.append(ThreadContext.current.pointee.isInside(caller.lane))
        results.append("\(rc) \(text)")
      }
    }
    #expect(ask("math.double") == BH_OK)
    eventually { results.count == 1 }
    #expect(seen.all[0].topic == "math.double")
    #expect(seen.all[0].source == "caller")
    #expect(ask("math.fail") == BH_OK)
    eventually { results.count == 2 }
    #expect(ask("math.silent") == BH_OK)
    eventually { results.count == 3 }
    #expect(ask("math.later") == BH_OK)
    eventually { holder.endpoint.statistics().inFlight == 1 }
    eventually { caller.statistics().outgoing == 1 }
    let token = seen.all[1].delivery
    #expect(holder.endpoint.ack(token, generation: 1) == BH_E_INVALID)
    #expect(holder.endpoint.answer(token, "{") == BH_E_INVALID)
    #expect(holder.endpoint.answer(token, #"{"x":1}"#) == BH_OK)
    #expect(holder.endpoint.answer(token, "2") == BH_E_INVALID)
    eventually { results.count == 4 }
    #expect(results.all == ["0 42", "\(BH_E_INVALID) no such thing", "0 ", "0 {\"x\":1}"])
    #expect(onLane.all == [true, true, true, true])
    #expect(ask("math.none") == BH_E_NOTFOUND)
    #expect(ask("math.double", "{") == BH_E_INVALID)
    eventually { caller.statistics().outgoing == 0 }
    eventually { holder.endpoint.statistics().inFlight == 0 }
    eventually { fixture.bus.deadlines.count == 0 }
  }

  @Test func callsTimeOutAndAreCancelled() throws {
    let fixture = BusFixture()
    let holder = Holder()
    let tokens = Box<bh_token>()
    holder.endpoint = try fixture.endpoint(
      "slow",
      methods: [
        MethodSpec(
          name: "wait",
          target: fixture.target {
            tokens.append($0.pointee.delivery); return bh_rc(BH_ASYNC)
          })
      ])
    let caller = try fixture.endpoint("caller")
    let results = Box<bh_rc>()
    #expect(caller.ask("slow.wait", "1", timeout: 1_000_000_000) { rc, _ in results.append(rc) } == BH_OK)
    var token: bh_token = 0
    #expect(caller.ask("slow.wait", "2", token: &token) { rc, _ in results.append(rc) } == BH_OK)
    eventually { holder.endpoint.statistics().inFlight == 2 }
    #expect(token != 0)
    #expect(try fixture.endpoint("stranger").cancel(token, generation: 1) == BH_E_STALE)
    #expect(caller.cancel(token, generation: 1) == BH_OK)
    #expect(caller.cancel(token, generation: 1) == BH_E_STALE)
    eventually { results.count == 1 }
    #expect(results.all == [bh_rc(BH_E_CANCELLED)])
    fixture.clock.advance(1_100_000_000)
    fixture.bus.runTimers()
    eventually { results.count == 2 }
    #expect(results.all[1] == BH_E_TIMEOUT)
    eventually { holder.endpoint.statistics().inFlight == 0 }
    for token in tokens.all { #expect(holder.endpoint.answer(token, "1") == BH_E_STALE) }
    eventually { fixture.bus.deadlines.count == 0 }
  }

  @Test func aCallThatWouldWaitForItselfIsRefused() throws {
    let fixture = BusFixture()
    let (a, b) = (Holder(), Holder())
    let refusals = Box<bh_rc>()
    a.endpoint = try fixture.endpoint(
      "a",
      methods: [
        MethodSpec(
          name: "m",
          target: fixture.target { event in
            let token = event.pointee.delivery
            _ = a.endpoint.ask("b.m", "1", cause: token) { rc, text in _ = a.endpoint.answer(token, text, rc: Int(rc)) }
            return bh_rc(BH_ASYNC)
          }),
        MethodSpec(name: "n", target: fixture.target { a.endpoint.answer($0.pointee.delivery, "7") }),
      ])
    b.endpoint = try fixture.endpoint(
      "b",
      methods: [
        MethodSpec(
          name: "m",
          target: fixture.target { event in
            let token = event.pointee.delivery
            refusals.append(b.endpoint.ask("a.m", "1", cause: token))
            refusals.append(b.endpoint.ask("b.m", "1", cause: token))
            // Another method of a caller is no circle.
            _ = b.endpoint.ask("a.n", "1", cause: token) { rc, text in _ = b.endpoint.answer(token, text, rc: Int(rc)) }
            return bh_rc(BH_ASYNC)
          })
      ])
    let results = Box<String>()
    fixture.bus.call("a.m", argument: []) { rc, text in results.append("\(rc) \(String(decoding: text, as: UTF8.self))")
    }
    eventually { results.count == 1 }
    #expect(results.all == ["0 7"])
    #expect(refusals.all == [bh_rc(BH_E_CYCLE), bh_rc(BH_E_CYCLE)])
  }

  @Test func hooksAnswerAmendPassAndAreOrderedByPriority() throws {
    let fixture = BusFixture()
    let (service, guardian) = (Holder(), Holder())
    let order = Box<String>()
    let tokens = Box<bh_token>()
    service.endpoint = try fixture.endpoint(
      "service",
      methods: [
        MethodSpec(
          name: "do",
          target: fixture.target { event in
            order.append("do \(Seen(event).payload)")
            return service.endpoint.answer(event.pointee.delivery, Seen(event).payload)
          })
      ])
    guardian.endpoint = try fixture.endpoint(
      "guardian",
      hooks: [
        HookSpec(
          method: "service.do",
          target: fixture.target { event in
            order.append("low \(Seen(event).payload)")
            if Seen(event).payload == "\"later\"" {
              tokens.append(event.pointee.delivery)
              return bh_rc(BH_ASYNC)
            }
            return bh_rc(BH_SKIP)
          }, priority: 1, timeout: 1_000_000_000, passesWhenLate: true),
        HookSpec(
          method: "service.do",
          target: fixture.target { event in
            let payload = Seen(event).payload
            order.append("high \(payload)")
            if payload == "\"deny\"" { return bh_rc(BH_E_DENIED) }
            if payload == "\"mine\"" { return guardian.endpoint.answer(event.pointee.delivery, "\"caught\"") }
            if payload == "\"change\"" {
              var text = #""changed""#
              let rc = text.withUTF8 {
                guardian.endpoint.amend(
                  event.pointee.delivery, argument: bh_bytes(ptr: $0.baseAddress, len: $0.count), generation: 1)
              }
              return rc == BH_OK ? bh_rc(BH_SKIP) : -1
            }
            return bh_rc(BH_SKIP)
          }, priority: 10),
      ])
    let results = Box<String>()
    func ask(_ argument: String) {
      let before = results.count
      fixture.bus.call("service.do", argument: Array(argument.utf8)) { rc, text in
        results.append("\(rc) \(String(decoding: text, as: UTF8.self))")
      }
      eventually { results.count > before || tokens.count > 0 }
    }
    ask("1")
    ask(#""change""#)
    ask(#""mine""#)
    ask(#""deny""#)
    #expect(results.all == ["0 1", #"0 "changed""#, #"0 "caught""#, "\(BH_E_DENIED) not permitted"])
    #expect(
      order.all == [
        "high 1", "low 1", "do 1", #"high "change""#, #"low "changed""#, #"do "changed""#, #"high "mine""#,
        #"high "deny""#,
      ])
    ask(#""later""#)
    eventually { guardian.endpoint.statistics().inFlight == 1 }
    #expect(guardian.endpoint.pass(tokens.all[0], generation: 1) == BH_OK)
    eventually { results.count == 5 }
    #expect(results.all[4] == #"0 "later""#)
    // One that takes too long is passed over, where its manifest says so.
    fixture.bus.call("service.do", argument: Array(#""later""#.utf8)) { rc, text in
      results.append("\(rc) \(String(decoding: text, as: UTF8.self))")
    }
    eventually { tokens.count == 2 && guardian.endpoint.statistics().inFlight == 1 }
    fixture.clock.advance(1_100_000_000)
    fixture.bus.runTimers()
    eventually { results.count == 6 }
    #expect(results.all[5] == #"0 "later""#)
    #expect(guardian.endpoint.pass(tokens.all[1], generation: 1) == BH_E_STALE)
  }

  @Test func aCallFailsWhenItsHookIsLate() throws {
    let fixture = BusFixture()
    let service = Holder()
    service.endpoint = try fixture.endpoint(
      "service",
      methods: [
        MethodSpec(name: "do", target: fixture.target { service.endpoint.answer($0.pointee.delivery, "1") })
      ])
    let guardian = try fixture.endpoint(
      "guardian",
      hooks: [
        HookSpec(method: "service.do", target: fixture.target { _ in bh_rc(BH_ASYNC) }, timeout: 1_000_000_000)
      ])
    let results = Box<String>()
    fixture.bus.call("service.do", argument: []) { rc, text in
      results.append("\(rc) \(String(decoding: text, as: UTF8.self))")
    }
    eventually { guardian.statistics().inFlight == 1 }
    fixture.clock.advance(1_100_000_000)
    fixture.bus.runTimers()
    eventually { results.count == 1 }
    #expect(results.all == ["\(BH_E_TIMEOUT) guardian, which hooks service.do, did not answer in time"])
    eventually { guardian.statistics().inFlight == 0 }
  }

  @Test func aHookIsAskedAboutTheCallsThatItMatches() throws {
    let fixture = BusFixture()
    let (service, helper) = (Holder(), Holder())
    func method(_ name: String) -> MethodSpec {
      MethodSpec(name: name, target: fixture.target { service.endpoint.answer($0.pointee.delivery, "\"own\"") })
    }
    service.endpoint = try fixture.endpoint("service", methods: [method("do"), method("other")])
    let revision = service.endpoint.revisionOfHooks
    #expect(service.endpoint.hooks(of: "do")?.count == 0 && service.endpoint.hooks(of: "none") == nil)
    func hook(_ method: String, _ answer: String, _ fields: [(String, String)], _ priority: Int32 = 0) throws
      -> HookSpec
    {
      HookSpec(
        method: method, target: fixture.target { helper.endpoint.answer($0.pointee.delivery, answer) },
        priority: priority, matches: try fields.map { try FieldMatch(pointer: $0.0, pattern: $0.1) },
        about: .object(["help": .string(answer)]))
    }
    helper.endpoint = try fixture.endpoint(
      "helper",
      hooks: [
        try hook("service.do", "\"word\"", [("/word", "greet")]),
        try hook("service.do", "\"both\"", [("/word", "gr.*|hi"), ("/user/name", "[a-c]+")], 5),
        try hook("service.*", "\"deep\"", [("/word", "dé+p")]),
      ])
    #expect(service.endpoint.revisionOfHooks != revision)
    let listed = service.endpoint.hooks(of: "do") ?? []
    #expect(listed.map { $0.hook.about["help"]?.string } == ["\"both\"", "\"word\"", "\"deep\""])
    #expect(listed.allSatisfy { $0.instance == "helper" })
    let results = Box<String>()
    func ask(_ method: String, _ argument: String) -> String {
      let before = results.count
      fixture.bus.call(method, argument: Array(argument.utf8)) { _, text in
        results.append(String(decoding: text, as: UTF8.self))
      }
      eventually { results.count > before }
      return results.all[before]
    }
    #expect(ask("service.do", #"{"word":"greet"}"#) == #""word""#)
    #expect(ask("service.do", #"{"word":"greet","user":{"name":"abc"}}"#) == #""both""#)
    #expect(ask("service.do", #"{"word":"greet","user":{"name":"abd"}}"#) == #""word""#)
    #expect(ask("service.do", #"{"word":"hi","user":{"name":"a"}}"#) == #""both""#)
    // The whole of the field has to match, and it has to be a text.
    #expect(ask("service.do", #"{"word":"greets"}"#) == #""own""#)
    #expect(ask("service.do", #"{"word":["greet"]}"#) == #""own""#)
    #expect(ask("service.do", "1") == #""own""#)
    #expect(ask("service.other", #"{"word":"d\u00e9p"}"#) == #""deep""#)
    // They go with their endpoint.
    let gone = service.endpoint.revisionOfHooks
    fixture.bus.remove(helper.endpoint)
    #expect(service.endpoint.revisionOfHooks != gone && service.endpoint.hooks(of: "do")?.count == 0)
    #expect(ask("service.do", #"{"word":"greet"}"#) == #""own""#)
  }

  @Test func manyCallsAreAnsweredFromAnotherThread() throws {
    let fixture = BusFixture(realClock: true)
    let holder = Holder()
    let tokens = Mutex<[bh_token]>([])
    holder.endpoint = try fixture.endpoint(
      "kafka",
      methods: [
        MethodSpec(
          name: "publish",
          target: fixture.target { event in
            tokens.withLock { $0.append(event.pointee.delivery) }
            return bh_rc(BH_ASYNC)
          })
      ])
    let caller = try fixture.endpoint("caller")
    let done = Atomic<Int>(0)
    let total = 20_000
    let stop = Atomic<Bool>(false)
    let worker = HostThread(name: "worker") {
      while !stop.load(ordering: .acquiring) {
        var mine: [bh_token] = []
        tokens.withLock { swap(&mine, &$0) }
        for token in mine { _ = holder.endpoint.answer(token, "{\"offset\":1}") }
      }
    }
    var made = 0
    while made < total {
      if caller.ask(
        "kafka.publish", "{\"n\":\(made)}",
        done: { rc, _ in if rc == BH_OK { done.wrappingAdd(1, ordering: .relaxed) } })
        == BH_OK
      {
        made += 1
      } else {
        sched_yield()
      }
    }
    eventually { done.load(ordering: .relaxed) == total }
    stop.store(true, ordering: .releasing)
    worker?.join()
    eventually { holder.endpoint.statistics().inFlight == 0 }
    eventually { fixture.bus.deadlines.count == 0 }
    // Two lanes have a slot each, and that of a call that was open last may just be on its way back.
    eventually { fixture.bus.slots.inUse == 2 }
  }

  @Test func effectsOfACallComeOutWithItsReply() throws {
    let fixture = BusFixture()
    let holder = Holder()
    let out = Box<String>()
    holder.endpoint = try fixture.endpoint(
      "a",
      methods: [
        MethodSpec(
          name: "m",
          target: fixture.target { event in
            holder.endpoint.send("out", Seen(event).payload, delivery: event.pointee.delivery)
            return Seen(event).payload == "1"
              ? holder.endpoint.answer(event.pointee.delivery, "1") : bh_rc(BH_E_INTERNAL)
          })
      ])
    _ = try fixture.endpoint(
      "sink",
      [
        fixture.handler("out") {
          out.append(Seen($0).payload); return 0
        }
      ])
    let results = Box<bh_rc>()
    fixture.bus.call("a.m", argument: Array("2".utf8)) { rc, _ in results.append(rc) }
    fixture.bus.call("a.m", argument: Array("1".utf8)) { rc, _ in results.append(rc) }
    eventually { results.count == 2 && out.count == 1 }
    #expect(out.all == ["1"])
    #expect(results.all == [bh_rc(BH_E_INTERNAL), bh_rc(BH_OK)])
  }

  // MARK: Hooks that fail

  private func hooked(
    _ fixture: BusFixture, passes: Bool, _ body: @escaping @Sendable (UnsafePointer<bh_event>) -> bh_rc
  ) throws -> (guardian: Endpoint, caller: Endpoint) {
    _ = try fixture.endpoint(
      "callee", methods: [MethodSpec(name: "m", target: fixture.target { _ in bh_rc(BH_OK) })])
    let hook = HookSpec(method: "callee.m", target: fixture.target(body), passesWhenFailed: passes)
    return (try fixture.endpoint("guardian", hooks: [hook]), try fixture.endpoint("caller"))
  }

  private func passedReasons(_ fixture: BusFixture) -> [String] {
    fixture.reports.all.compactMap { if case .hookPassed(_, let reason) = $0 { reason } else { nil } }
  }

  @Test(arguments: [true, false])
  func aHookThatFailsAtOnce(passes: Bool) throws {
    let fixture = BusFixture()
    let answers = Box<bh_rc>()
    let (guardian, caller) = try hooked(fixture, passes: passes) { _ in
      CallMessage.set(Int32(BH_E_INTERNAL), "broken")
      return bh_rc(BH_E_INTERNAL)
    }
    #expect(caller.ask("callee.m", "1") { rc, _ in answers.append(rc) } == BH_OK)
    eventually { answers.count == 1 }
    #expect(answers.all == [bh_rc(passes ? BH_OK : BH_E_INTERNAL)])
    #expect(passedReasons(fixture) == (passes ? ["broken"] : []))
    eventually { guardian.statistics().bindings.map(\.failed) == [passes ? 1 : 0] }
  }

  @Test(arguments: [true, false])
  func aHookThatFailsLater(passes: Bool) throws {
    let fixture = BusFixture()
    let (answers, tokens) = (Box<bh_rc>(), Box<bh_token>())
    let (guardian, caller) = try hooked(fixture, passes: passes) { event in
      tokens.append(event.pointee.delivery)
      return bh_rc(BH_ASYNC)
    }
    #expect(caller.ask("callee.m", "1") { rc, _ in answers.append(rc) } == BH_OK)
    eventually { guardian.statistics().inFlight == 1 }
    #expect(guardian.answer(tokens.all[0], "no", rc: BH_E_DENIED) == BH_OK)
    eventually { answers.count == 1 }
    #expect(answers.all == [bh_rc(passes ? BH_OK : BH_E_DENIED)])
    #expect(passedReasons(fixture) == (passes ? ["no"] : []))
    #expect(guardian.answer(tokens.all[0], "1") == BH_E_INVALID)
    eventually { guardian.isIdle }
  }

  @Test(arguments: [true, false])
  func aHookThatIsTakenOff(passes: Bool) throws {
    let fixture = BusFixture()
    let answers = Box<bh_rc>()
    let (guardian, caller) = try hooked(fixture, passes: passes) { _ in bh_rc(BH_ASYNC) }
    #expect(caller.ask("callee.m", "1") { rc, _ in answers.append(rc) } == BH_OK)
    eventually { guardian.statistics().inFlight == 1 }
    fixture.bus.remove(guardian)
    eventually { answers.count == 1 }
    #expect(answers.all == [bh_rc(passes ? BH_OK : BH_E_CANCELLED)])
  }

  @Test(arguments: [true, false])
  func aHookWhoseQueueIsFull(passes: Bool) throws {
    let fixture = BusFixture()
    let answers = Box<bh_rc>()
    _ = try fixture.endpoint(
      "callee", methods: [MethodSpec(name: "m", target: fixture.target { _ in bh_rc(BH_OK) })])
    let hook = HookSpec(
      method: "callee.m", target: fixture.target { _ in bh_rc(BH_SKIP) }, passesWhenFailed: passes)
    let guardian = try fixture.endpoint(
      "guardian", lane: LaneOptions(capacity: 1, spin: 0), [try fixture.handler("t") { _ in bh_rc(BH_OK) }],
      hooks: [hook],
      open: false)
    let caller = try fixture.endpoint("caller")
    #expect(caller.send("t", "1") == BH_OK)
    #expect(caller.ask("callee.m", "1") { rc, _ in answers.append(rc) } == (passes ? bh_rc(BH_OK) : bh_rc(BH_E_BUSY)))
    if passes { eventually { answers.count == 1 } }
    #expect(answers.all == (passes ? [bh_rc(BH_OK)] : []))
    guardian.openGate()
  }
}
