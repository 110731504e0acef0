/// What is remembered of a record from `produce` until its report. Its address travels through librdkafka as the message's opaque.
struct DeliverySlot {
  /// Where a record is.
  enum Place {
    case nowhere
    /// In a queue of the producer's own.
    case waiting
    /// With librdkafka, which owes a report.
    case client
  }

  /// The caller's.
  var token: UInt64
  /// Position in the order of `produce`.
  var sequence: UInt64
  /// The next free slot.
  var next: UnsafeMutablePointer<DeliverySlot>?
  var place = Place.nowhere
}

/// Slots that never move: taken by the thread that produces and given back, many at once, by the one that polls. Guarded by its owner.
struct DeliverySlots {
  private var free: UnsafeMutablePointer<DeliverySlot>?
  private var chunks: [UnsafeMutablePointer<DeliverySlot>] = []
  private static let chunk = 1024

  mutating func take(token: UInt64, sequence: UInt64) -> UnsafeMutablePointer<DeliverySlot> {
    let slot = free ?? grow()
    free = slot.pointee.next
    slot.pointee = DeliverySlot(token: token, sequence: sequence, next: nil)
    return slot
  }

  /// Gives back a chain of slots, linked by `next` from `head` to `tail`.
  mutating func give(
    _ head: UnsafeMutablePointer<DeliverySlot>, _ tail: UnsafeMutablePointer<DeliverySlot>
  ) {
    tail.pointee.next = free
    free = head
  }

  /// The slots of all records that are at a place, in the order of `produce`.
  func taken(at place: DeliverySlot.Place) -> [UnsafeMutablePointer<DeliverySlot>] {
    chunks.flatMap { chunk in (0..<Self.chunk).map { chunk + $0 } }.filter { $0.pointee.place == place }
      .sorted { $0.pointee.sequence < $1.pointee.sequence }
  }

  /// Frees all memory. Nothing that was taken may be used any more.
  mutating func deallocate() {
    for chunk in chunks { chunk.deallocate() }
    chunks = []
    free = nil
  }

  /// Memory for more; the first of them.
  private mutating func grow() -> UnsafeMutablePointer<DeliverySlot> {
    let chunk = UnsafeMutablePointer<DeliverySlot>.allocate(capacity: Self.chunk)
    for index in 0..<Self.chunk {
      (chunk + index).initialize(
        to: DeliverySlot(token: 0, sequence: 0, next: index + 1 < Self.chunk ? chunk + index + 1 : nil))
    }
    chunks.append(chunk)
    return chunk
  }
}
