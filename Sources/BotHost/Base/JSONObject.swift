/// The members of a JSON object, in the order in which they were first set.
///
/// Names are told apart by their bytes, as JSON does, not by Unicode's canonical equivalence, as `String` does. Small
/// objects are searched from the front; larger ones keep an index by name.
public struct JSONObject: Sendable {
  /// A name and its value.
  public typealias Member = (key: String, value: JSONValue)

  /// The names, in order.
  public private(set) var keys: [String] = []
  /// The values, each at its name's place.
  public private(set) var values: [JSONValue] = []
  /// Where each name stands; empty while a search from the front is quicker.
  private var index: [ExactString: Int] = [:]

  private static let indexedFrom = 12

  public init() {}

  /// Of two members with one name the later wins and takes the place of the earlier one, as in ECMAScript.
  public init(_ members: some Sequence<(String, JSONValue)>) {
    for (key, value) in members { self[key] = value }
  }

  /// How many members there are.
  public var count: Int { keys.count }
  public var isEmpty: Bool { keys.isEmpty }

  /// The value of that name. Setting one that is there keeps its place; nil takes the member out.
  public subscript(key: String) -> JSONValue? {
    get { position(of: key).map { values[$0] } }
    set {
      switch (position(of: key), newValue) {
      case (let position?, let value?): values[position] = value
      case (nil, let value?): append(key, value)
      case (let position?, nil): remove(at: position)
      case (nil, nil): break
      }
    }
  }

  mutating func reserveCapacity(_ capacity: Int) {
    keys.reserveCapacity(capacity)
    values.reserveCapacity(capacity)
  }

  private func position(of key: String) -> Int? {
    if keys.count >= Self.indexedFrom { return index[ExactString(key)] }
    return keys.firstIndex { $0.utf8.elementsEqual(key.utf8) }
  }

  private mutating func append(_ key: String, _ value: JSONValue) {
    keys.append(key)
    values.append(value)
    if keys.count == Self.indexedFrom {
      rebuildIndex()
    } else if keys.count > Self.indexedFrom {
      index[ExactString(key)] = keys.count - 1
    }
  }

  private mutating func remove(at position: Int) {
    keys.remove(at: position)
    values.remove(at: position)
    rebuildIndex()
  }

  private mutating func rebuildIndex() {
    index.removeAll()
    guard keys.count >= Self.indexedFrom else { return }
    for (position, key) in keys.enumerated() { index[ExactString(key)] = position }
  }
}

extension JSONObject: RandomAccessCollection {
  public var startIndex: Int { 0 }
  public var endIndex: Int { keys.count }
  /// The member at a place; one that is not there stops the program, as with an array.
  public subscript(position: Int) -> Member { (keys[position], values[position]) }
}

extension JSONObject: Hashable {
  public static func == (left: JSONObject, right: JSONObject) -> Bool {
    guard left.count == right.count else { return false }
    return left.allSatisfy { right[$0.key] == $0.value }
  }

  public func hash(into hasher: inout Hasher) {
    // The order must not matter: the members' hashes are added.
    var sum = 0
    for (key, value) in self {
      var member = Hasher()
      member.combine(key)
      member.combine(value)
      sum &+= member.finalize()
    }
    hasher.combine(count)
    hasher.combine(sum)
  }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
  public init(dictionaryLiteral elements: (String, JSONValue)...) { self.init(elements) }
}

/// A string as its bytes are: `String`'s own equality takes composed and decomposed characters for one.
private struct ExactString: Hashable, Sendable {
  private let text: String

  init(_ text: String) { self.text = text }

  static func == (left: ExactString, right: ExactString) -> Bool { left.text.utf8.elementsEqual(right.text.utf8) }

  func hash(into hasher: inout Hasher) {
    var text = text
    text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
  }
}
