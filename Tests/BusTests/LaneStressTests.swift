import CBotHost
import Glibc
import Synchronization
import Testing

@testable import BotHost

/// Several publishers against one lane whose gate opens and shuts and whose plans change meanwhile: what was accepted is handled once,
/// in the order of its publisher, whatever the lane does when it is full.
@Suite(.serialized) struct LaneStressTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var full: LaneOptions.Full
    var capacity: Int
    var spin: Int64
    var inline = false

    var testDescription: String { "\(full), \(capacity) events, spin \(spin)\(inline ? ", inline" : "")" }
  }

  static let cases = [
    Case(full: .wait, capacity: 8192, spin: 20_000), Case(full: .wait, capacity: 100, spin: 20_000),
    Case(full: .wait, capacity: 1, spin: 0), Case(full: .wait, capacity: 300, spin: 0),
    Case(full: .reject, capacity: 200, spin: 20_000), Case(full: .dropOldest, capacity: 50, spin: 0),
    Case(full: .dropOldest, capacity: 1000, spin: 20_000), Case(full: .wait, capacity: 100, spin: 20_000, inline: true),
  ]

  /// What the handler has seen: of each publisher the last number, and what was wrong.
  private final class Progress: @unchecked Sendable {
    var last: [Int64]
    var handled = 0
    var wrong: [String] = []
    let isDense: Bool

    init(publishers: Int, isDense: Bool) {
      last = Array(repeating: -1, count: publishers)
      self.isDense = isDense
    }

    /// On the lane alone.
    func see(_ event: UnsafePointer<bh_event>) {
      let numbers = UnsafeRawPointer(event.pointee.payload.ptr).loadUnaligned(as: (Int64, Int64).self)
      let (publisher, number) = (Int(numbers.0), numbers.1)
      if isDense ? number != last[publisher] + 1 : number <= last[publisher] {
        wrong.append("publisher \(publisher): \(number) after \(last[publisher])")
      }
      last[publisher] = number
      handled += 1
    }
  }

  @Test(arguments: cases) func whatIsAcceptedIsHandledOnceInOrder(_ row: Case) throws {
    let publishers = 3
    let each: Int64 = row.capacity == 1 ? 2_000 : 20_000
    let fixture = BusFixture(realClock: true)
    // What is refused or dropped leaves a hole in the numbers of its publisher.
    let progress = Progress(publishers: publishers, isDense: row.full == .wait)
    let options = LaneOptions(capacity: row.capacity, full: row.full, inline: row.inline, spin: row.spin)
    @Sendable func plan(_ generation: UInt32) throws -> EndpointPlan {
      var plan = EndpointPlan(generation: generation)
      plan.handlers = [
        try fixture.handler("numbers") { event in
          progress.see(event)
          return bh_rc(BH_OK)
        }
      ]
      return plan
    }
    let consumer = try fixture.endpoint("consumer", lane: options)
    consumer.closeGate()
    try consumer.install(plan(2))
    consumer.openGate()

    let accepted = Atomic<Int>(0)
    let threads = try (0..<publishers).map { publisher in
      let source = try fixture.endpoint("source-\(publisher)")
      return HostThread(name: "publisher") {
        for number in 0..<each {
          let rc = source.sendNumbers("numbers", Int64(publisher), number)
          if rc == BH_OK {
            accepted.wrappingAdd(1, ordering: .relaxed)
          } else if rc != BH_E_BUSY || row.full != .reject {
            Issue.record("refused: \(rc)")
          }
        }
      }
    }
    let isOver = Atomic<Bool>(false)
    let swaps = Atomic<Int>(0)
    let swapper = HostThread(name: "swapper") {
      var generation: UInt32 = 3
      repeat {
        consumer.closeGate()
        let rest = consumer.drain(deadline: SystemClock().monotonic + 60_000_000_000, policy: .abort)
        if rest != .drained { Issue.record("\(row): the lane did not come to rest: \(rest), \(consumer.statistics())") }
        do { try consumer.install(plan(generation)) } catch { Issue.record("\(error)") }
        consumer.openGate()
        generation += 1
        swaps.wrappingAdd(1, ordering: .relaxed)
        // Lets the lane go on for a moment, so that it is not always met at rest.
        sched_yield()
      } while !isOver.load(ordering: .acquiring)
    }
    for thread in threads { thread?.join() }
    isOver.store(true, ordering: .releasing)
    swapper?.join()
    eventually("the lane is empty") { consumer.isIdle }
    let handled = consumer.onLane(timeout: 60_000_000_000) { progress.handled }
    #expect(progress.wrong.prefix(3) == [])
    let numbers = consumer.statistics()
    #expect(handled == accepted.load(ordering: .relaxed) - Int(numbers.dropped))
    #expect(row.full != .wait || handled == publishers * Int(each))
    #expect(numbers.dropped == 0 || row.full == .dropOldest)
    #expect(numbers.depth == 0 && numbers.bytes == 0)
    #expect(numbers.oldestAge == 0)
    #expect(swaps.load(ordering: .relaxed) > 0)
    #expect(fixture.letters.box.count == 0)
  }

  /// A publisher that is sometimes slower and sometimes faster than the lane: the lane's thread falls asleep and is woken again and again,
  /// and none of that may lose an event.
  @Test(arguments: [0, 20_000] as [Int64]) func noWakeUpIsLost(spin: Int64) throws {
    let fixture = BusFixture(realClock: true)
    let seen = Atomic<Int64>(-1)
    _ = try fixture.endpoint(
      "consumer", lane: LaneOptions(capacity: 8, spin: spin),
      [
        fixture.handler("numbers") { event in
          let numbers = UnsafeRawPointer(event.pointee.payload.ptr).loadUnaligned(as: (Int64, Int64).self)
          seen.store(numbers.1, ordering: .releasing)
          return bh_rc(BH_OK)
        }
      ])
    let source = try fixture.endpoint("source")
    var random = SeededGenerator(seed: 7)
    var next: Int64 = 0
    for _ in 0..<4_000 {
      for _ in 0..<Int.random(in: 1...12, using: &random) {
        #expect(source.sendNumbers("numbers", 0, next) == BH_OK)
        next += 1
      }
      // Without another event to wake it by, the lane must come to the last one.
      if Int.random(in: 0..<4, using: &random) > 0 {
        let last = next - 1
        eventually("number \(last)") { seen.load(ordering: .acquiring) == last }
      }
    }
  }

  /// Threads in turn, each long enough to be leased the lane, while its thread takes it back for swaps and for what is queued:
  /// never are two inside the handler.
  @Test func aLeasedLaneHasOneThreadInItAtATime() throws {
    let fixture = BusFixture(realClock: true)
    let inside = Atomic<Int>(0)
    let handled = Atomic<Int>(0)
    let consumer = try fixture.endpoint(
      "consumer", lane: LaneOptions(inline: true, spin: 0),
      [
        fixture.handler("numbers") { _ in
          if inside.wrappingAdd(1, ordering: .sequentiallyConsistent).oldValue != 0 {
            Issue.record("two threads are in the lane")
          }
          inside.wrappingSubtract(1, ordering: .sequentiallyConsistent)
          handled.wrappingAdd(1, ordering: .relaxed)
          return bh_rc(BH_OK)
        }
      ])
    let publishers = 3
    let (turns, each) = (30, 3_000)
    let turn = Atomic<Int>(0)
    let threads = try (0..<publishers).map { publisher in
      let source = try fixture.endpoint("source-\(publisher)")
      return HostThread(name: "publisher") {
        for number in 0..<turns {
          // By turns at first, and in the end all at once.
          while number < turns / 2, turn.load(ordering: .acquiring) % publishers != publisher { sched_yield() }
          for index in 0..<each { _ = source.sendNumbers("numbers", Int64(publisher), Int64(index)) }
          turn.wrappingAdd(1, ordering: .acquiringAndReleasing)
        }
      }
    }
    let isOver = Atomic<Bool>(false)
    let swapper = HostThread(name: "swapper") {
      while !isOver.load(ordering: .acquiring) {
        consumer.closeGate()
        if consumer.drain(deadline: SystemClock().monotonic + 60_000_000_000, policy: .abort) != .drained {
          Issue.record("the lane did not come to rest")
        }
        if inside.load(ordering: .sequentiallyConsistent) != 0 {
          Issue.record("a thread is in the lane behind its gate")
        }
        consumer.openGate()
        // Long enough for a lease in between.
        usleep(2_000)
      }
    }
    for thread in threads { thread?.join() }
    isOver.store(true, ordering: .releasing)
    swapper?.join()
    eventually { consumer.isIdle && handled.load(ordering: .relaxed) == publishers * turns * each }
    #expect(fixture.bus.statistics().faults == 0)
  }

  @Test func theAgeOfTheOldestEventIsKnownWhileNothingMoves() throws {
    let fixture = BusFixture()
    let latch = Latch()
    let endpoint = try fixture.endpoint(
      "a",
      [
        fixture.handler("t") { _ in
          latch.wait()
          return 0
        }
      ], open: false)
    let source = try fixture.endpoint("source")
    #expect(endpoint.statistics().oldestAge == 0)
    source.send("t", "1")
    fixture.clock.advance(5_000)
    source.send("t", "2")
    fixture.clock.advance(1_000)
    endpoint.settle()
    // Behind the shut gate it waits in the queue, and while a handler runs in the batch.
    eventually { endpoint.statistics().oldestAge == 6_000 }
    endpoint.openGate()
    eventually { endpoint.statistics().running != nil }
    #expect(endpoint.statistics().oldestAge == 6_000)
    latch.open()
    eventually { endpoint.isIdle }
    #expect(endpoint.statistics().oldestAge == 0)
  }
}

extension Endpoint {
  /// Publishes two numbers as they lie in memory.
  func sendNumbers(_ topic: StaticString, _ first: Int64, _ second: Int64) -> bh_rc {
    withUnsafeBytes(of: (first, second)) { payload in
      var event = bh_outgoing()
      event.size = UInt32(MemoryLayout<bh_outgoing>.size)
      event.topic = bh_str(
        UnsafeRawBufferPointer(start: topic.utf8Start, count: topic.utf8CodeUnitCount))
      let type: StaticString = "application/octet-stream"
      event.content_type = bh_str(UnsafeRawBufferPointer(start: type.utf8Start, count: type.utf8CodeUnitCount))
      event.payload = bh_bytes(
        ptr: payload.baseAddress?.assumingMemoryBound(to: UInt8.self), len: payload.count)
      return publish(0, &event, generation: 1)
    }
  }
}
