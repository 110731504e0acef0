/// Members in the order in which they were put in. Equality does not look at the order.
public struct ValueMap: Sendable, Hashable, Sequence {
  public typealias Member = (key: String, value: Value)

  private var storage: [Member] = []
  /// The place of each key; only kept for maps that are too long to be searched.
  private var places: [String: Int] = [:]
  private static let searched = 8

  public init() {}

  /// Of several members with one key the last one counts, at the place of the first.
  public init(_ members: some Sequence<(String, Value)>) {
    for (key, value) in members { self[key] = value }
  }

  /// Members whose keys are known to differ.
  init(distinct members: [Member]) {
    storage = members
    if storage.count > Self.searched { index(all: true) }
  }

  public var count: Int { storage.count }
  public var isEmpty: Bool { storage.isEmpty }
  public var keys: [String] { storage.map(\.key) }
  public var values: [Value] { storage.map(\.value) }

  public func makeIterator() -> IndexingIterator<[Member]> { storage.makeIterator() }

  private func place(of key: String) -> Int? {
    storage.count > Self.searched ? places[key] : storage.firstIndex { $0.key == key }
  }

  public subscript(key: String) -> Value? {
    get { place(of: key).map { storage[$0].value } }
    set {
      switch (place(of: key), newValue) {
      case (let place?, let value?): storage[place].value = value
      case (let place?, nil):
        storage.remove(at: place)
        index(all: true)
      case (nil, let value?):
        storage.append((key, value))
        index(all: false)
      case (nil, nil): break
      }
    }
  }

  private mutating func index(all: Bool) {
    guard storage.count > Self.searched else { return }
    if all || places.isEmpty || storage.count == Self.searched + 1 {
      places = [:]
      for (place, member) in storage.enumerated() { places[member.key] = place }
    } else if let last = storage.last {
      places[last.key] = storage.count - 1
    }
  }

  /// `key: value`, one for each member.
  public var lines: [String] { storage.map { "\($0.key): \(DataText.scalar($0.value))" } }

  public static func == (left: ValueMap, right: ValueMap) -> Bool {
    left.count == right.count && left.allSatisfy { right[$0.key] == $0.value }
  }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(count)
    var mixed = 0
    for member in storage { mixed ^= member.key.hashValue }
    hasher.combine(mixed)
  }
}
