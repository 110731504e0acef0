/// Finds a value by a name that lies somewhere in memory, without making a string of it.
public struct ByteTable<Value> {
  private var slots: [Int32] = Array(repeating: -1, count: 16)
  private var entries: [(name: [UInt8], value: Value)] = []

  public init() {}

  /// How many names there are.
  public var count: Int { entries.count }

  /// The value of a name.
  public func value(of name: UnsafeRawBufferPointer) -> Value? {
    var slot = Self.hash(name) & (slots.count - 1)
    while slots[slot] >= 0 {
      let index = Int(slots[slot])
      if entries[index].name.elementsEqual(name) { return entries[index].value }
      slot = (slot + 1) & (slots.count - 1)
    }
    return nil
  }

  /// Adds a name that is not there yet.
  public mutating func add(_ name: UnsafeRawBufferPointer, _ value: Value) {
    entries.append((Array(name), value))
    if entries.count * 2 > slots.count {
      slots = Array(repeating: -1, count: slots.count * 2)
      for index in entries.indices { place(index) }
    } else {
      place(entries.count - 1)
    }
  }

  /// Forgets all names.
  public mutating func removeAll() { self = ByteTable() }

  private mutating func place(_ index: Int) {
    var slot = entries[index].name.withUnsafeBytes { Self.hash($0) } & (slots.count - 1)
    while slots[slot] >= 0 { slot = (slot + 1) & (slots.count - 1) }
    slots[slot] = Int32(index)
  }

  /// FNV-1a.
  private static func hash(_ name: UnsafeRawBufferPointer) -> Int {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in name { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
    return Int(truncatingIfNeeded: hash ^ hash >> 32)
  }
}
