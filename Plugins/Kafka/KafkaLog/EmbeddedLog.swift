/// Numbers the records of topics that the host itself keeps (`brokers: embedded`): offsets grow by one for each record of a topic.
///
/// So that a restart, also after a crash, never gives an offset twice, numbers are reserved in blocks: what is kept is the end of the block, and after a
/// crash the rest of the block is left out.
public struct EmbeddedLog: Sendable {
  /// What has to be kept before the offset may be used.
  public struct Reservation: Sendable, Equatable {
    public let topic: String
    /// The first offset that a later start may give.
    public let end: Int64
  }

  private var topics: [String: (next: Int64, reserved: Int64)] = [:]
  private let block: Int64

  /// - Parameter block: how many offsets are reserved at once.
  public init(block: Int64 = 10_000) {
    self.block = max(1, block)
  }

  /// Whether the topic's kept number has been taken over.
  public func knows(_ topic: String) -> Bool { topics[topic] != nil }

  /// Takes over what was kept of a topic: the end of the last reservation, 0 when there is none.
  public mutating func restore(_ topic: String, end: Int64) {
    topics[topic] = (end, end)
  }

  /// The next offset of a topic, and what has to be kept first, if anything.
  public mutating func next(_ topic: String) -> (offset: Int64, reservation: Reservation?) {
    var entry = topics[topic] ?? (0, 0)
    let offset = entry.next
    entry.next += 1
    var reservation: Reservation?
    if offset >= entry.reserved {
      entry.reserved = offset + block
      reservation = Reservation(topic: topic, end: entry.reserved)
    }
    topics[topic] = entry
    return (offset, reservation)
  }

  /// Gives up what is known of a topic, so that its kept number is asked for again.
  public mutating func forget(_ topic: String) { topics[topic] = nil }

  /// What to keep at an orderly end, so that the next start goes on without a gap.
  public mutating func settle() -> [Reservation] {
    topics.keys.sorted().compactMap { topic in
      guard let entry = topics[topic], entry.next != entry.reserved else { return nil }
      topics[topic] = (entry.next, entry.next)
      return Reservation(topic: topic, end: entry.next)
    }
  }
}
