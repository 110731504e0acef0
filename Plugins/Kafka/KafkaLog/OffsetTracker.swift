/// Knows, for one partition, up to which offset everything has been settled.
///
/// Records enter in the order of their offsets (with gaps: compaction and transaction markers leave some) and are settled in any order. What may
/// be stored is the offset behind the last record before the lowest open one: never past one that is still being handled.
public struct OffsetTracker: Sendable {
  private struct Entry {
    var offset: Int64
    var settled: Bool
  }

  private var ring: [Entry] = []
  private var head = 0
  /// Records that have entered and stand in the ring: open ones, and settled ones behind an open one.
  private var count = 0
  private var first: UInt64 = 0
  /// Records that are not settled.
  public private(set) var open = 0
  /// The offset to store: the next one to read after a restart; `nil` while nothing has been settled.
  public private(set) var position: Int64?

  /// A partition that has just been assigned.
  public init() {}

  /// The lowest offset that is not settled, if any is open.
  public var lowestOpen: Int64? { count == 0 ? nil : ring[head].offset }

  /// Notes a record that is being handled.
  /// - Returns: its number, to be settled by; numbers grow by one.
  public mutating func add(offset: Int64) -> UInt64 {
    if count == ring.count { grow() }
    ring[(head + count) & (ring.count - 1)] = Entry(offset: offset, settled: false)
    count += 1
    open += 1
    return first + UInt64(count - 1)
  }

  /// Notes that the record of that number has been handled.
  /// - Returns: whether `position` moved. A number that is unknown or settled already changes nothing.
  @discardableResult
  public mutating func settle(_ number: UInt64) -> Bool {
    guard number >= first, number - first < UInt64(count) else { return false }
    let index = (head + Int(number - first)) & (ring.count - 1)
    guard !ring[index].settled else { return false }
    ring[index].settled = true
    open -= 1
    guard number == first else { return false }
    while count > 0, ring[head].settled {
      position = ring[head].offset + 1
      head = (head + 1) & (ring.count - 1)
      first += 1
      count -= 1
    }
    return true
  }

  /// Takes back the record that was noted last, when it is that number and still open.
  mutating func withdrawLast(lowBits: UInt64, mask: UInt64) -> Bool {
    let number = first &+ ((lowBits &- first) & mask)
    guard count > 0, number == first + UInt64(count - 1) else { return false }
    let index = (head + count - 1) & (ring.count - 1)
    guard !ring[index].settled else { return false }
    count -= 1
    open -= 1
    return true
  }

  /// As `settle`, by the low bits of the number only; right as long as fewer records are open than the mask counts.
  @discardableResult
  mutating func settle(lowBits: UInt64, mask: UInt64) -> Bool {
    settle(first &+ ((lowBits &- first) & mask))
  }

  private mutating func grow() {
    var larger: [Entry] = []
    larger.reserveCapacity(max(64, ring.count * 2))
    for index in 0..<count { larger.append(ring[(head + index) & (ring.count - 1)]) }
    larger.append(contentsOf: repeatElement(Entry(offset: 0, settled: true), count: max(64, ring.count * 2) - count))
    ring = larger
    head = 0
  }
}
