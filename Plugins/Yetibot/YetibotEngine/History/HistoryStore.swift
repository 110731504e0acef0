/// Where lines are remembered. Used by one thread at a time, the engine's.
public protocol HistoryStore: AnyObject {
  /// Keeps a line, and gives it its number.
  func append(_ entry: HistoryEntry) throws
  /// The lines that a query asks for, in its order. `random` is for the caller to resolve.
  func lines(_ query: HistoryQuery, _ limits: inout HistoryLimits) throws -> [HistoryEntry]
  /// How many lines there are for which the query's conditions hold.
  func count(_ query: HistoryQuery, _ limits: inout HistoryLimits) throws -> Int
}

/// Remembers the latest lines until the program ends.
public final class MemoryHistory: HistoryStore {
  private(set) var entries: [HistoryEntry] = []
  private var lastID: Int64 = 0
  private let capacity: Int

  public init(capacity: Int = 2000) { self.capacity = max(capacity, 1) }

  /// Begins with the lines that another one remembered.
  func take(_ lines: [HistoryEntry]) {
    entries = lines.suffix(capacity)
    lastID = lines.last?.id ?? 0
  }

  public func append(_ entry: HistoryEntry) {
    var entry = entry
    lastID += 1
    entry.id = lastID
    entries.append(entry)
    // The oldest go in batches: taking one from the front of an array moves all the others.
    if entries.count > capacity + capacity / 8 { entries.removeFirst(entries.count - capacity) }
  }

  public func lines(_ query: HistoryQuery, _ limits: inout HistoryLimits) -> [HistoryEntry] {
    var found: [HistoryEntry] = []
    let wanted = (query.limit ?? .max).addingReportingOverflow(query.offset)
    let most = wanted.overflow ? Int.max : wanted.partialValue
    let backwards = query.order == .newestFirst || query.order == .newestLast
    var index = backwards ? entries.count : -1
    while found.count < most, limits.patternSteps >= 0 {
      index += backwards ? -1 : 1
      guard entries.indices.contains(index) else { break }
      if query.holds(for: entries[index], &limits) { found.append(entries[index]) }
      if index & 255 == 0, limits.isTimeUp() { break }
    }
    found.removeFirst(min(query.offset, found.count))
    return query.order == .newestLast ? found.reversed() : found
  }

  public func count(_ query: HistoryQuery, _ limits: inout HistoryLimits) -> Int {
    entries.reduce(0) { $0 + (query.holds(for: $1, &limits) ? 1 : 0) }
  }
}
