/// Finds the copies of a message that a shared chat shows in several rooms: they have one `source-id`.
///
/// Remembers the newest ids as 64-bit hashes in a table of fixed size, an entry a slot: constant time, no allocation, and
/// what is forgotten is only ever old.
struct SharedChatFilter: Hashable, Sendable, Codable {
  private static let slots = 1024
  /// Empty until the first shared message; 0 is an unused slot.
  private var table: [UInt64] = []

  init() {}

  /// Whether the id is new. Remembers it.
  mutating func insert(_ id: ByteView) -> Bool {
    if table.isEmpty { table = [UInt64](repeating: 0, count: Self.slots) }
    let hash = id.fingerprint
    let slot = Int(truncatingIfNeeded: hash) & (Self.slots - 1)
    if table[slot] == hash { return false }
    table[slot] = hash
    return true
  }

  /// As one text, since a JSON number does not hold 64 bits everywhere.
  func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(table.filter { $0 != 0 }.map { String($0, radix: 16) }.joined(separator: " "))
  }

  init(from decoder: any Decoder) throws {
    let text = try decoder.singleValueContainer().decode(String.self)
    for word in text.split(separator: " ").prefix(Self.slots) {
      guard let hash = UInt64(word, radix: 16), hash != 0 else { continue }
      if table.isEmpty { table = [UInt64](repeating: 0, count: Self.slots) }
      table[Int(truncatingIfNeeded: hash) & (Self.slots - 1)] = hash
    }
  }
}

extension ByteView {
  /// A hash that stands for the bytes where a mistake once in 2^64 does no harm: FNV-1a, never 0.
  var fingerprint: UInt64 {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for index in 0..<count { hash = (hash ^ UInt64(self[index])) &* 0x100_0000_01B3 }
    // The low bits may choose a slot, so the high ones, which mix better, take part.
    hash ^= hash >> 32
    return hash == 0 ? 1 : hash
  }
}
