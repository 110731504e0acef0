/// How an endpoint's lane is bounded, and who runs it.
public struct LaneOptions: Sendable, Hashable {
  /// What happens to an event that finds the lane full.
  public enum Full: Sendable, Hashable {
    /// The publisher waits; BH_E_BUSY where that would close a circle of waiting lanes.
    case wait
    /// The oldest queued event is dropped, counted and reported.
    case dropOldest
    /// The publisher gets BH_E_BUSY and no subscriber gets the event.
    case reject
  }

  /// Events that are accepted and not settled.
  public var capacity: Int
  /// Bytes of the same; one event is always accepted by an empty lane.
  public var capacityBytes: Int
  public var full: Full
  /// Deliver on the publisher's thread while the lane is idle. For short handlers only.
  public var inline: Bool
  /// Nanoseconds at most that the lane's thread looks for work before it sleeps, while work comes as soon as that.
  public var spin: Int64

  public init(
    capacity: Int = 8192, capacityBytes: Int = 32 << 20, full: Full = .wait, inline: Bool = false, spin: Int64 = 20_000
  ) {
    self.capacity = max(1, capacity)
    self.capacityBytes = max(1, capacityBytes)
    self.full = full
    self.inline = inline
    self.spin = spin
  }
}
