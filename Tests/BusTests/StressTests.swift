import CBotHost
import Glibc
import Synchronization
import Testing

@testable import BotHost

/// Random answers, acknowledgements from other threads, gates that open and shut: in the end every event has been
/// settled once for each handler, in the order of its key, and nothing is left over.
@Suite(.serialized) struct StressTests {
  @Test(arguments: [1, 2, 3, 4, 5, 6] as [UInt64]) func everyEventIsSettledOnceInOrder(seed: UInt64) throws {
    let fixture = BusFixture({ $0.maximumPayload = 1 << 20 }, realClock: true)
    let keys = 5
    let each = 400
    let slotsBefore = fixture.bus.slots.inUse
    /// What one handler has finished, by key.
    struct Progress {
      var next: [Int: Int] = [:]
      var wrong: [String] = []
      var settled = 0
    }
    let progress = (0..<2).map { _ in Box2(Progress()) }
    let open = Mutex<[(Int, bh_token, Int, Int)]>([])
    let random = Mutex(SeededGenerator(seed: seed))
    @Sendable func roll(_ upper: Int) -> Int { random.withLock { Int.random(in: 0..<upper, using: &$0) } }
    let endpoints = Mutex<[Endpoint]>([])

    func handler(_ index: Int) throws -> HandlerSpec {
      var spec = try fixture.handler("work.*", id: "h") { event in
        let payload = Seen(event).payload.split(separator: " ").compactMap { Int($0) }
        let (key, number) = (payload[0], payload[1])
        progress[index].change { progress in
          // A retry begins with the number that has not been settled yet: order by first entry, and the key is held.
          if (progress.next[key] ?? 0) != number {
            progress.wrong.append("\(key): \(number), expected \(progress.next[key] ?? 0)")
          }
        }
        func settle() {
          progress[index].change { progress in
            progress.next[key] = number + 1
            progress.settled += 1
          }
        }
        switch roll(10) {
        case 0: return bh_rc(BH_E_RETRY)
        case 1, 2, 3:
          open.withLock { $0.append((index, event.pointee.delivery, key, number)) }
          return bh_rc(BH_ASYNC)
        case 4:
          settle()
          return bh_rc(BH_SKIP)
        default:
          let endpoint = endpoints.withLock { $0[index] }
          endpoint.send("result.\(index)", "\(key)", delivery: event.pointee.delivery)
          settle()
          return bh_rc(BH_OK)
        }
      }
      spec.retry = RetryPolicy(attempts: 1000, backoffMinimum: 1, backoffMaximum: 100_000)
      return spec
    }
    let made = try (0..<2).map { index in
      try fixture.endpoint(
        "e\(index)", lane: LaneOptions(capacity: 64, inline: index == 1, spin: 0), [handler(index)], open: false)
    }
    endpoints.withLock { $0 = made }
    for endpoint in made { endpoint.openGate() }
    let results = Atomic<Int>(0)
    _ = try fixture.endpoint(
      "sink", lane: LaneOptions(spin: 0),
      [
        fixture.handler("result.*") { _ in
          results.wrappingAdd(1, ordering: .relaxed); return 0
        }
      ])

    let stop = Atomic<Bool>(false)
    let settler = HostThread(name: "settler") {
      while !stop.load(ordering: .acquiring) {
        var mine: [(Int, bh_token, Int, Int)] = []
        open.withLock { swap(&mine, &$0) }
        for (index, token, key, number) in mine {
          let endpoint = endpoints.withLock { $0[index] }
          if roll(4) == 0 {
            if endpoint.nack(token, BH_E_RETRY) != BH_OK { Issue.record("a nack was refused") }
            continue
          }
          // Before the acknowledgement: the next event of the key may start within it.
          progress[index].change { progress in
            progress.next[key] = number + 1
            progress.settled += 1
          }
          if endpoint.ack(token, generation: 1) != BH_OK { Issue.record("an ack was refused") }
        }
        usleep(100)
      }
    }
    let gates = HostThread(name: "gates") {
      while !stop.load(ordering: .acquiring) {
        let endpoint = endpoints.withLock { $0[roll(2)] }
        endpoint.closeGate()
        usleep(UInt32(roll(300)))
        endpoint.openGate()
        usleep(UInt32(roll(1000)))
      }
    }
    var publishers: [HostThread?] = []
    for key in 0..<keys {
      let source = try fixture.endpoint("source-\(key)")
      publishers.append(
        HostThread(name: "p\(key)") {
          for number in 0..<each {
            let rc = source.send("work.\(key)", "\(key) \(number)", key: "\(key)", contentType: "text/plain")
            if rc != BH_OK { Issue.record("refused: \(rc)") }
          }
        })
    }
    for thread in publishers { thread?.join() }
    eventually("everything is settled") { progress.allSatisfy { $0.value.settled == keys * each } }
    stop.store(true, ordering: .releasing)
    for thread in [settler, gates] { thread?.join() }
    for endpoint in made { endpoint.openGate() }
    eventually("nothing is left over") { made.allSatisfy(\.isIdle) }
    for index in 0..<2 {
      #expect(progress[index].value.wrong.prefix(3) == [])
      #expect(progress[index].value.settled == keys * each)
    }
    let handled = made.reduce(UInt64(0)) {
      $0 + $1.statistics().bindings[0].handled + $1.statistics().bindings[0].skipped
    }
    #expect(handled == UInt64(2 * keys * each))
    #expect(fixture.bus.statistics().faults == 0)
    #expect(fixture.letters.box.count == 0)
    eventually { fixture.bus.deadlines.count == 0 }
    // Each lane keeps one slot for its next delivery: those of the sources and the sink came since the first count.
    eventually { fixture.bus.slots.inUse - slotsBefore == 2 + 1 + keys }
    fixture.bus.stop(timeout: 0)
    #expect(results.load(ordering: .relaxed) > 0)
  }

  @Test func memoryOfEventsIsGivenBack() throws {
    let fixture = BusFixture(realClock: true)
    let count = Atomic<Int>(0)
    let endpoints = try (0..<3).map { index in
      try fixture.endpoint(
        "e\(index)", lane: LaneOptions(spin: 0),
        [
          fixture.handler("t") { _ in
            count.wrappingAdd(1, ordering: .relaxed); return 0
          }
        ])
    }
    let source = try fixture.endpoint("source")
    for number in 0..<20_000 { source.send("t", "\"\(String(repeating: "x", count: number % 700))\"") }
    eventually { count.load(ordering: .relaxed) == 60_000 && endpoints.allSatisfy(\.isIdle) }
    // 20,000 events were about 150 blocks; those of other tests that run now are few.
    eventually { EventArena.chunksInUse.load(ordering: .relaxed) < 100 }
  }
}

/// A value behind a lock.
final class Box2<Value: Sendable>: Sendable {
  private let stored: Mutex<Value>
  init(_ value: Value) { stored = Mutex(value) }
  var value: Value { stored.withLock { $0 } }
  func change(_ body: (inout Value) -> Void) { stored.withLock { body(&$0) } }
}
