import CBotHost
import Synchronization
import Testing

@testable import BotHost

@Suite struct TimerTests {
  private func set(_ endpoint: Endpoint, _ name: String, _ delay: UInt64, _ period: UInt64 = 0, _ payload: String = "")
    -> bh_rc
  {
    borrow(name) { name in
      borrow(payload) { payload in
        endpoint.setTimer(
          name: name, delay: delay, period: period,
          payload: bh_bytes(ptr: UnsafeRawPointer(payload.ptr)?.assumingMemoryBound(to: UInt8.self), len: payload.len))
      }
    }
  }

  private func advance(_ fixture: BusFixture, _ seconds: Double) {
    fixture.clock.advance(Int64(seconds * 1e9))
    fixture.bus.runTimers()
  }

  @Test func timersFireAsPrivateEventsAndMissedPeriodsAreOne() throws {
    let fixture = BusFixture()
    let (box, other) = (Box<Seen>(), Box<Seen>())
    let endpoint = try fixture.endpoint(
      "a",
      [
        fixture.handler("timer.*") {
          box.append(Seen($0)); return 0
        }
      ])
    _ = try fixture.endpoint(
      "b",
      [
        fixture.handler("timer.*") {
          other.append(Seen($0)); return 0
        }
      ])
    #expect(set(endpoint, "once", 1_000_000_000, 0, #"{"x":1}"#) == BH_OK)
    #expect(set(endpoint, "tick", 2_000_000_000, 1_000_000_000) == BH_OK)
    #expect(set(endpoint, "a b", 1) == BH_E_INVALID)
    #expect(set(endpoint, "x", 1, 0, "{") == BH_E_INVALID)
    advance(fixture, 0.9)
    #expect(box.count == 0)
    advance(fixture, 0.2)
    eventually { box.count == 1 && endpoint.isIdle }
    #expect(box.all[0].topic == "timer.once")
    #expect(box.all[0].payload == #"{"x":1}"#)
    #expect(endpoint.timerNames == ["tick"])
    endpoint.closeGate()
    for _ in 0..<20 { advance(fixture, 0.5) }
    #expect(endpoint.statistics().depth == 1)
    endpoint.openGate()
    eventually { box.count == 2 && endpoint.isIdle }
    advance(fixture, 1)
    eventually { box.count == 3 && endpoint.isIdle }
    #expect(borrow("tick") { endpoint.cancelTimer(name: $0) } == BH_OK)
    #expect(borrow("tick") { endpoint.cancelTimer(name: $0) } == BH_E_NOTFOUND)
    advance(fixture, 5)
    #expect(endpoint.isIdle && box.count == 3)
    #expect(other.count == 0)
  }

  @Test func aTimerIsReplacedAndLivesThroughAPlan() throws {
    let fixture = BusFixture()
    let box = Box<Seen>()
    let endpoint = try fixture.endpoint(
      "a",
      [
        fixture.handler("timer.**") {
          box.append(Seen($0)); return 0
        }
      ])
    #expect(set(endpoint, "x", 1_000_000_000, 0, "1") == BH_OK)
    #expect(set(endpoint, "x", 3_000_000_000, 0, "2") == BH_OK)
    advance(fixture, 1.5)
    #expect(box.count == 0)
    endpoint.closeGate()
    var plan = EndpointPlan(generation: 2)
    plan.standard = fixture.target {
      box.append(Seen($0)); return 0
    }
    try endpoint.install(plan)
    endpoint.openGate()
    advance(fixture, 2)
    eventually { box.count == 1 }
    #expect(box.all[0].payload == "2")
  }

  @Test func timersAreBounded() throws {
    let fixture = BusFixture()
    let endpoint = try fixture.endpoint("a")
    for number in 0..<Endpoint.maximumTimers { #expect(set(endpoint, "t\(number)", 1_000_000_000_000) == BH_OK) }
    #expect(set(endpoint, "more", 1) == BH_E_NOSPACE)
    #expect(set(endpoint, "t7", 1) == BH_OK)
  }

  @Test func theQueueHandsOutInOrderOfTime() {
    let clock = ManualClock()
    let source = BusClock.Source(clock)
    let queue = TimerQueue(clock: BusClock(source))
    defer { withExtendedLifetime(source) {} }
    let box = Box<Int>()
    var generator = SeededGenerator(seed: 7)
    var times = (0..<500).map { Int64($0) }
    times.shuffle(using: &generator)
    for time in times { queue.schedule(at: time * 10, .work { box.append(Int(time)) }) }
    queue.runDue(2495) { if case .work(let body) = $0 { body() } }
    #expect(box.all == Array(0..<250))
    #expect(queue.next == 2500)
  }

  @Test func theWheelFindsEachDeadlineOnce() throws {
    let slots = SlotTable()
    let wheel = DeadlineWheel(slots: slots, now: 0)
    var generator = SeededGenerator(seed: 11)
    var expected: [UInt32: Int64] = [:]
    var removed: [SlotPointer] = []
    for _ in 0..<2000 {
      let slot = try #require(slots.take())
      slot.pointee.deadline = Int64.random(in: 0...200_000_000_000, using: &generator)
      wheel.add(slot, slot.token)
      if Bool.random(using: &generator) {
        expected[slot.pointee.index] = slot.pointee.deadline
      } else {
        removed.append(slot)
      }
    }
    for slot in removed { wheel.remove(slot) }
    #expect(wheel.count == expected.count)
    var now: Int64 = 0
    while now < 201_000_000_000 {
      let before = now
      now += Int64.random(in: 0...3_000_000_000, using: &generator)
      wheel.advance(to: now) { slot, _ in
        let deadline = expected.removeValue(forKey: slot.pointee.index)
        #expect(deadline != nil && deadline! <= now && deadline! > before - 2 * DeadlineWheel.tick)
      }
    }
    #expect(expected.isEmpty && wheel.count == 0)
  }
}

/// Random numbers that are the same in every run.
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var value = state
    value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
    return value ^ (value >> 31)
  }
}
