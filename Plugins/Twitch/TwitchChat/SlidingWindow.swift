/// Counts events in the last `length` nanoseconds.
///
/// A server's buckets refill at a phase that nobody knows; a limit that holds in *every* window of the length holds in
/// theirs. Keeps the times of the newest `capacity` events, in a ring that is allocated once.
public struct SlidingWindow: Hashable, Sendable, Codable {
  /// Nanoseconds.
  public let length: Int64
  /// The largest limit that can be asked about.
  public let capacity: Int
  /// Oldest first.
  private var times: [Int64]
  private var head = 0

  public init(length: Int64, capacity: Int) {
    self.length = max(1, length)
    self.capacity = max(1, capacity)
    times = []
  }

  /// A window of another length or size with the events of this one.
  public init(_ other: SlidingWindow, length: Int64, capacity: Int) {
    self.init(length: length, capacity: capacity)
    for time in other.ordered.suffix(self.capacity) { record(at: time) }
  }

  private var ordered: [Int64] { Array(times[head...] + times[..<head]) }

  /// The `index`-th newest time, counted from 0.
  private func newest(_ index: Int) -> Int64 {
    let position = (times.count < capacity ? times.count : head) - 1 - index
    return times[position >= 0 ? position : position + times.count]
  }

  /// The earliest time, at or after `now`, at which one more event keeps within `limit` events in any window.
  public func earliest(limit: Int, now: Int64) -> Int64 {
    let limit = min(max(limit, 1), capacity)
    guard times.count >= limit else { return now }
    return max(now, newest(limit - 1) + length)
  }

  /// Whether one more event may happen now.
  public func allows(limit: Int, now: Int64) -> Bool { earliest(limit: limit, now: now) <= now }

  /// Notes an event. Times never go back: an earlier one counts as the latest.
  public mutating func record(at time: Int64) {
    let time = times.isEmpty ? time : max(time, newest(0))
    if times.count < capacity {
      // The ring is not full, so `head` is 0 and the end is the newest.
      times.append(time)
    } else {
      times[head] = time
      head = (head + 1) % capacity
    }
  }

  /// The number of events in the window that ends now.
  public func count(now: Int64) -> Int {
    var total = 0
    while total < times.count, newest(total) > now - length { total += 1 }
    return total
  }
}
