/// A dictionary that knows which of its entries have not been handed over to the next build yet, for states that are too large to be
/// written while events wait. Written and read like a dictionary; `HandOver(\\.property)` does the rest.
///
/// ```swift
/// private var seen = TrackedDictionary<String, Int>()
/// …
/// seen[name, default: 0] += 1
/// ```
/// It pays for itself beyond some 64 KiB. While no swap is under way, a change costs a look at a flag more than in a dictionary.
public struct TrackedDictionary<Key: Hashable & Codable, Value: Codable>: ExpressibleByDictionaryLiteral {
  /// The entries, to be read.
  public private(set) var entries: [Key: Value]
  /// What has to be handed over; nil while no snapshot has been asked for.
  fileprivate var pending: Pending?

  fileprivate struct Pending {
    /// Entries of the snapshot.
    var untouched: [Key]
    /// Entries that were written since.
    var changed: Set<Key> = []

    var count: Int { untouched.count + changed.count }

    mutating func take(_ limit: Int) -> [Key] {
      var keys = Array(untouched.suffix(limit))
      untouched.removeLast(keys.count)
      let more = changed.prefix(limit - keys.count)
      keys += more
      changed.subtract(keys)
      return keys
    }
  }

  /// Bytes of a piece: JSON takes its time, and events wait for it.
  private static var pieceSize: Int { 16 << 10 }
  /// The bytes of an entry in the last piece, on average.
  private var entrySize = 64

  public init(_ entries: [Key: Value] = [:]) { self.entries = entries }

  public init(dictionaryLiteral elements: (Key, Value)...) {
    entries = Dictionary(elements) { _, last in last }
  }

  public var count: Int { entries.count }
  public var isEmpty: Bool { entries.isEmpty }
  public var keys: Dictionary<Key, Value>.Keys { entries.keys }

  /// The value of a key. To touch it for writing marks the key as changed, whether or not the value becomes another one.
  public subscript(key: Key) -> Value? {
    get { entries[key] }
    _modify {
      pending?.changed.insert(key)
      yield &entries[key]
    }
  }

  /// The same with a value for a key that is not there.
  public subscript(key: Key, default standard: @autoclosure () -> Value) -> Value {
    get { entries[key] ?? standard() }
    _modify {
      pending?.changed.insert(key)
      yield &entries[key, default: standard()]
    }
  }

  /// Takes all entries out, and marks their keys as changed.
  public mutating func removeAll() {
    pending?.changed.formUnion(entries.keys)
    entries.removeAll()
  }

  // MARK: Handing over

  /// A piece: entries that there are, and keys that are gone. The whole is written as a dictionary, so that a plugin whose property was one
  /// before needs no other version.
  private struct Piece: Codable {
    struct Entry: Codable {
      let key: Key
      let value: Value?
    }
    let entries: [Entry]
  }

  mutating func export(_ phase: StatePhase) throws(PluginError) -> StatePiece {
    switch phase {
    case .final:
      pending = nil
      return StatePiece(bytes: try JSONCoding.withJSON(of: entries) { Array($0) })
    case .snapshot:
      guard entries.count * entrySize > StatePiece.size else {
        throw PluginError.unsupported("the state is small: it is handed over as a whole")
      }
      pending = Pending(untouched: Array(entries.keys))
    case .changes, .rest:
      guard pending != nil else { throw PluginError.unsupported("nothing has been handed over before") }
    }
    let limit = phase == .rest ? Int.max : max(1, Self.pieceSize / entrySize)
    let keys = pending?.take(limit) ?? []
    let piece = Piece(entries: keys.map { Piece.Entry(key: $0, value: entries[$0]) })
    let bytes = try JSONCoding.withJSON(of: piece) { Array($0) }
    if !keys.isEmpty { entrySize = max(1, bytes.count / keys.count) }
    return StatePiece(bytes: bytes, hasMore: (pending?.count ?? 0) * entrySize > Self.pieceSize)
  }

  mutating func take(_ offer: StateOffer) throws(PluginError) {
    if offer.phase == .final {
      entries = try offer.decoded(as: [Key: Value].self)
      return
    }
    let piece = try offer.decoded(as: Piece.self)
    if offer.phase == .snapshot { entries.removeAll() }
    for entry in piece.entries { entries[entry.key] = entry.value }
  }
}

extension TrackedDictionary: Sendable where Key: Sendable, Value: Sendable {}
extension TrackedDictionary.Pending: Sendable where Key: Sendable, Value: Sendable {}
