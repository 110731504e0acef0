/// The badges of a sender, `set/version,set/version`, read in place.
@frozen
public struct Badges: Sequence, IteratorProtocol {
  /// One badge: `subscriber/24` is the set `subscriber` in version `24`.
  @frozen
  public struct Badge {
    public let set: ByteView
    /// Empty when the server gives none.
    public let version: ByteView

    @inlinable
    init(set: ByteView, version: ByteView) {
      self.set = set
      self.version = version
    }
  }

  @usableFromInline let bytes: ByteView
  @usableFromInline var position = 0

  /// Walks over the value of a `badges` or `badge-info` tag.
  @inlinable
  public init(_ value: ByteView) { bytes = value }

  @inlinable
  public mutating func next() -> Badge? {
    while position < bytes.count {
      let end = bytes.firstIndex(of: 0x2C, from: position) ?? bytes.count
      let item = bytes.slice(position, end)
      position = end + 1
      let slash = item.firstIndex(of: 0x2F) ?? item.count
      let badge = Badge(set: item.slice(0, slash), version: item.suffix(from: slash + 1))
      if !badge.set.isEmpty { return badge }
    }
    return nil
  }

  /// Whether there is a badge of that set.
  @inlinable
  public func contains(_ set: StaticString) -> Bool {
    var iterator = self
    while let badge = iterator.next() {
      if badge.set.equals(set) { return true }
    }
    return false
  }
}
