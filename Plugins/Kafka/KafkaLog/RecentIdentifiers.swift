/// Remembers the last identifiers of records that have been handled, to drop what comes again.
public struct RecentIdentifiers: Sendable {
  private var known: Set<String> = []
  private var order: [String] = []
  private var next = 0
  private let limit: Int

  /// - Parameter limit: how many are remembered; the oldest is forgotten first.
  public init(limit: Int) {
    self.limit = max(1, limit)
  }

  /// Whether an identifier is among the last ones.
  public func contains(_ identifier: String) -> Bool { known.contains(identifier) }

  /// Remembers an identifier.
  public mutating func insert(_ identifier: String) {
    guard known.insert(identifier).inserted else { return }
    if order.count < limit {
      order.append(identifier)
      return
    }
    known.remove(order[next])
    order[next] = identifier
    next = (next + 1) % limit
  }
}
