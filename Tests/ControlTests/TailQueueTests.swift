import Testing

@testable import BotHost

@Suite struct TailQueueTests {
  @Test func aReaderThatDoesNotReadCostsNoMoreThanTheBounds() {
    let queue = TailQueue()
    for number in 0..<(TailQueue.maximumEvents + 100) { queue.add(bytes: 1) { .int(Int64(number)) } }
    #expect(queue.dropped == 100)
    let items = queue.take(waiting: 0)
    #expect(items.count == TailQueue.maximumEvents)
    #expect(items.last == .int(Int64(TailQueue.maximumEvents - 1)))
    // Room again.
    queue.add(bytes: 1) { .int(7) }
    #expect(queue.take(waiting: 0) == [.int(7)])
    #expect(queue.dropped == 100)
  }

  @Test func aPayloadOfAnySizePassesAlone() {
    let queue = TailQueue()
    queue.add(bytes: TailQueue.maximumBytes * 2) { .int(1) }
    queue.add(bytes: 1) { .int(2) }
    #expect(queue.dropped == 1)
    #expect(queue.take(waiting: 0) == [.int(1)])
  }

  @Test func whatIsDroppedIsNotDescribed() {
    let queue = TailQueue()
    queue.add(bytes: TailQueue.maximumBytes) { .int(1) }
    var described = 0
    queue.add(bytes: 1) {
      described += 1
      return .int(2)
    }
    #expect(described == 0)
  }
}
