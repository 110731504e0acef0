import Synchronization

/// A piece of a lane's queue: this header, then the items. Publishers fill the last one while the executor empties the first.
struct LaneBlock {
  /// Set before any item of the next block is counted as queued.
  var next: UnsafeMutablePointer<LaneBlock>?

  /// Items a block.
  static let items = 127

  static func make() -> UnsafeMutablePointer<LaneBlock> {
    let bytes = MemoryLayout<LaneItem>.stride * (items + 1)
    let memory = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64)
    let block = memory.bindMemory(to: LaneBlock.self, capacity: 1)
    block.initialize(to: LaneBlock(next: nil))
    return block
  }
}

extension UnsafeMutablePointer<LaneBlock> {
  @inline(__always)
  var items: UnsafeMutablePointer<LaneItem> {
    (UnsafeMutableRawPointer(self) + MemoryLayout<LaneItem>.stride).assumingMemoryBound(to: LaneItem.self)
  }
}

/// The queue of a lane: a list of blocks without a bound of its own, because what is forced in goes beyond the lane's.
///
/// What a publisher writes becomes the executor's by the store to `queued`, and a block becomes the publishers' again by the
/// exchange of `spareBlock`; nothing else passes between the two.
extension UnsafeMutablePointer<LaneState> {
  /// Items in the queue. Exact for the executor and, where the oldest may be dropped, under the lock.
  @inline(__always)
  var queueLength: Int { pointee.queued.load(ordering: .acquiring) &- pointee.taken.load(ordering: .relaxed) }

  /// With the lock held: adds an item at the end.
  @inline(__always)
  func append(_ item: LaneItem) {
    if pointee.tailIndex == LaneBlock.items { addBlock() }
    (pointee.tailBlock.items + pointee.tailIndex).initialize(to: item)
    pointee.tailIndex &+= 1
    pointee.accepted &+= 1
    pointee.acceptedBytes &+= UInt64(item.event.pointee.bytes)
    pointee.queued.store(pointee.queued.load(ordering: .relaxed) &+ 1, ordering: .releasing)
  }

  @inline(never)
  private func addBlock() {
    let block = pointee.spareBlock.exchange(nil, ordering: .acquiring) ?? LaneBlock.make()
    block.pointee.next = nil
    pointee.tailBlock.pointee.next = block
    pointee.tailBlock = block
    pointee.tailIndex = 0
  }

  /// Moves queued items to the executor, without the lock; with it where the oldest may be dropped. False when there are none.
  @inline(__always)
  func takeBatch() -> Bool {
    // Where the oldest may be dropped, most of the queue stays where it can be.
    let limit = pointee.full == .dropOldest ? 16 : LaneState.batchLimit
    let count = min(queueLength, limit)
    guard count > 0 else { return false }
    var done = 0
    while done < count {
      if pointee.headIndex == LaneBlock.items { leaveBlock() }
      let piece = min(count &- done, LaneBlock.items &- pointee.headIndex)
      (pointee.batch + done).update(from: pointee.headBlock.items + pointee.headIndex, count: piece)
      pointee.headIndex &+= piece
      done &+= piece
    }
    pointee.taken.store(pointee.taken.load(ordering: .relaxed) &+ count, ordering: .relaxed)
    pointee.batchTime.store(pointee.batch.pointee.event.pointee.time, ordering: .relaxed)
    pointee.batchIndex = 0
    pointee.batchCount = count
    return true
  }

  /// The first block is empty and there is another one: an item in it was counted.
  @inline(never)
  private func leaveBlock() {
    guard let next = pointee.headBlock.pointee.next else { return }
    let emptied = pointee.headBlock
    pointee.headBlock = next
    pointee.headIndex = 0
    pointee.spareBlock.exchange(emptied, ordering: .releasing)?.deallocate()
  }

  /// Takes the oldest queued item out; nil when all are with the executor. By the executor, or with the lock held where the
  /// oldest may be dropped.
  func takeOldest() -> LaneItem? {
    guard queueLength > 0 else { return nil }
    if pointee.headIndex == LaneBlock.items { leaveBlock() }
    let item = pointee.headBlock.items[pointee.headIndex]
    pointee.headIndex += 1
    pointee.taken.store(pointee.taken.load(ordering: .relaxed) &+ 1, ordering: .relaxed)
    return item
  }

  /// With the lock held: when the oldest event that is not delivered was published, as far as that can be seen from outside;
  /// 0: there is none.
  var oldestTime: Int64 {
    guard pointee.accepted != pointee.finished.load(ordering: .acquiring) else { return 0 }
    // Asleep, the executor takes nothing, and needs the lock to wake up. Awake, it has its batch.
    guard pointee.sleeping else { return pointee.batchTime.load(ordering: .relaxed) }
    if pointee.batchIndex < pointee.batchCount { return pointee.batch[pointee.batchIndex].event.pointee.time }
    guard queueLength > 0 else { return 0 }
    let isBlockEmpty = pointee.headIndex == LaneBlock.items
    guard let block = isBlockEmpty ? pointee.headBlock.pointee.next : pointee.headBlock else { return 0 }
    return block.items[isBlockEmpty ? 0 : pointee.headIndex].event.pointee.time
  }
}
