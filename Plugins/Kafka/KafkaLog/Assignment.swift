/// A topic's partition.
public struct TopicPartition: Sendable, Hashable, CustomStringConvertible {
  public var topic: String
  public var partition: Int32

  public init(topic: String, partition: Int32) {
    self.topic = topic
    self.partition = partition
  }

  public var description: String { "\(topic)/\(partition)" }
}

/// Names a record that is being handled: its partition, the time that the partition was assigned, and the record's number there.
///
/// It fits into 64 bits so that it can travel through a C callback. What was handed out before a partition went away is recognised by
/// its epoch and changes nothing any more.
public struct RecordReference: Sendable, Hashable {
  /// The bits: 12 of epoch, 16 of slot, 36 of number.
  public let bits: UInt64

  /// Takes over the bits of a reference.
  public init(bits: UInt64) { self.bits = bits }

  init(slot: Int, epoch: UInt64, number: UInt64) {
    bits = (epoch & 0xFFF) << 52 | UInt64(slot) << 36 | number & Self.numberMask
  }

  var slot: Int { Int(bits >> 36 & 0xFFFF) }
  var epoch: UInt64 { bits >> 52 }
  var number: UInt64 { bits & Self.numberMask }

  static let numberMask: UInt64 = 0xF_FFFF_FFFF
}

/// The partitions that a consumer owns, with what is open in each: what may be stored, and what has to be paused.
///
/// A value without threads or clocks; its owner guards it.
public struct Assignment: Sendable {
  /// The most partitions that one consumer can own.
  public static let partitionLimit = 0x1_0000

  /// How many records of one partition may be open before it is paused.
  public let limit: Int
  /// How many records may be open over all partitions before all are paused.
  public let totalLimit: Int

  private struct Slot {
    var partition: TopicPartition?
    var epoch: UInt64 = 0
    var tracker = OffsetTracker()
    /// The position that has been handed to `commit`.
    var committed: Int64?
    var paused = false
  }

  private var slots: [Slot] = []
  private var index: [TopicPartition: Int] = [:]
  /// Records open over all partitions.
  public private(set) var open = 0

  /// - Parameters:
  ///   - limit: open records of one partition at which it is paused; at half of it the partition goes on.
  ///   - totalLimit: the same over all partitions. Less than what the lane of a handler holds, so that many partitions cannot fill one: whoever
  ///     publishes into a full lane waits, and a consumer must not.
  public init(limit: Int, totalLimit: Int = 6000) {
    self.limit = max(1, limit)
    self.totalLimit = max(self.limit, totalLimit)
  }

  /// The partitions owned now.
  public var partitions: [TopicPartition] { slots.compactMap(\.partition) }

  /// The number by which `add` finds a partition without hashing its name; `nil` when it is not owned.
  public func slot(of partition: TopicPartition) -> Int? { index[partition] }

  /// Takes partitions over; one that is owned already stays as it is.
  public mutating func assign(_ partitions: [TopicPartition]) {
    for partition in partitions where index[partition] == nil {
      let free = slots.firstIndex { $0.partition == nil }
      guard free != nil || slots.count < Self.partitionLimit else { continue }
      let slot = free ?? slots.count
      if free == nil { slots.append(Slot()) }
      slots[slot] = Slot(partition: partition, epoch: (slots[slot].epoch + 1) & 0xFFF)
      index[partition] = slot
    }
  }

  /// Gives partitions up: what is open there is forgotten, and comes again where the partition goes to.
  public mutating func revoke(_ partitions: [TopicPartition]) {
    for partition in partitions {
      guard let slot = index.removeValue(forKey: partition) else { continue }
      open -= slots[slot].tracker.open
      slots[slot] = Slot(epoch: slots[slot].epoch)
    }
  }

  /// Notes a record that is being handled; `nil` when the partition is not owned.
  public mutating func add(slot: Int, offset: Int64) -> RecordReference? {
    guard slots.indices.contains(slot), slots[slot].partition != nil else { return nil }
    open += 1
    let number = slots[slot].tracker.add(offset: offset)
    return RecordReference(slot: slot, epoch: slots[slot].epoch, number: number)
  }

  /// Takes back the record that was noted last in its partition: nobody has taken it.
  public mutating func withdraw(_ reference: RecordReference) {
    let slot = reference.slot
    guard slots.indices.contains(slot), slots[slot].epoch == reference.epoch else { return }
    if slots[slot].tracker.withdrawLast(lowBits: reference.number, mask: RecordReference.numberMask) { open -= 1 }
  }

  /// Notes that a record has been handled. A reference from before a revocation changes nothing.
  /// - Returns: whether its partition is paused and may now go on: `takeResumes` has it.
  @discardableResult
  public mutating func settle(_ reference: RecordReference) -> Bool {
    let slot = reference.slot
    guard slots.indices.contains(slot), slots[slot].partition != nil, slots[slot].epoch == reference.epoch else {
      return false
    }
    let before = slots[slot].tracker.open
    slots[slot].tracker.settle(lowBits: reference.number, mask: RecordReference.numberMask)
    open -= before - slots[slot].tracker.open
    return slots[slot].paused && slots[slot].tracker.open <= limit / 2 && open <= totalLimit / 2
  }

  /// Records open in one partition.
  public func open(in partition: TopicPartition) -> Int {
    index[partition].map { slots[$0].tracker.open } ?? 0
  }

  /// Whether a partition's first records are here and its group does not know yet where it began: one that starts at the end of a topic and
  /// dies before its first commit would begin behind them.
  public func isUnknownToGroup(slot: Int) -> Bool {
    slots[slot].committed == nil && slots[slot].tracker.position == nil
  }

  /// Positions that have moved since the last call, of all partitions or of the given ones; before anything is settled, that of the first
  /// record.
  ///
  /// They count as committed from now on; `uncommit` takes that back.
  public mutating func takePositions(of partitions: [TopicPartition]? = nil) -> [(
    partition: TopicPartition, offset: Int64
  )] {
    var moved: [(partition: TopicPartition, offset: Int64)] = []
    for slot in slots.indices {
      guard let partition = slots[slot].partition,
        let position = slots[slot].tracker.position ?? slots[slot].tracker.lowestOpen,
        position != slots[slot].committed, partitions?.contains(partition) ?? true
      else { continue }
      slots[slot].committed = position
      moved.append((partition, position))
    }
    return moved
  }

  /// Says that a commit of these partitions failed: their positions are given out again.
  public mutating func uncommit(_ partitions: [TopicPartition]) {
    for partition in partitions {
      if let slot = index[partition] { slots[slot].committed = nil }
    }
  }

  /// The partitions that have reached the limit and were not paused before. They count as paused from now on.
  ///
  /// The book is the consumer's own, and only what stands in it is resumed: librdkafka before 2.4.0 fetches again from an old position when a
  /// partition is resumed that was not paused.
  public mutating func takePauses() -> [TopicPartition] {
    take(paused: false, open: (open >= totalLimit ? 0 : limit)...Int.max)
  }

  /// The paused partitions that have come down to half of the limit. They count as running from now on.
  public mutating func takeResumes() -> [TopicPartition] {
    guard open <= totalLimit / 2 else { return [] }
    return take(paused: true, open: 0...limit / 2)
  }

  /// Whether a partition that is not paused has reached the limit, or all together theirs.
  public var isAtLimit: Bool { mostOpen.map { $0 >= limit || open >= totalLimit } ?? false }

  /// Whether a partition that is not paused has more than half of the limit open, or all together have of theirs.
  public var isAboveHalf: Bool { mostOpen.map { $0 > limit / 2 || open > totalLimit / 2 } ?? false }

  /// The most that one partition has open that is not paused; nil: all are paused.
  private var mostOpen: Int? {
    var most: Int?
    for slot in slots where slot.partition != nil && !slot.paused { most = max(most ?? 0, slot.tracker.open) }
    return most
  }

  /// Whether a partition is paused.
  public func isPaused(_ partition: TopicPartition) -> Bool {
    index[partition].map { slots[$0].paused } ?? false
  }

  private mutating func take(paused: Bool, open range: ClosedRange<Int>) -> [TopicPartition] {
    var taken: [TopicPartition] = []
    for slot in slots.indices {
      guard let partition = slots[slot].partition, slots[slot].paused == paused,
        range.contains(slots[slot].tracker.open)
      else { continue }
      slots[slot].paused = !paused
      taken.append(partition)
    }
    return taken
  }
}
