import HTTPClient

/// Answers that may be asked for again with `If-None-Match`: a 304 costs nothing of the quota. In memory, bounded by number and size; those
/// that were not used for longest go first.
struct ETagStore {
  struct Entry {
    var tag: String
    var response: HTTPResponse
    fileprivate var used: UInt64
  }

  private static let most = 256
  private static let largest = 512 << 10
  private static let total = 16 << 20

  private var entries: [String: Entry] = [:]
  private var size = 0
  private var clock: UInt64 = 0

  /// A tag belongs to an address, a form of the answer and a token.
  static func key(_ address: HTTPAddress, _ accept: String, _ token: String) -> String {
    "\(address.text) \(accept) \(Digest.hexadecimal(token, digits: 16))"
  }

  mutating func entry(_ key: String) -> Entry? {
    guard var entry = entries[key] else { return nil }
    clock += 1
    entry.used = clock
    entries[key] = entry
    return entry
  }

  mutating func keep(_ response: HTTPResponse, for key: String) {
    remove(key)
    guard let tag = response.header("etag"), response.body.count <= Self.largest else { return }
    clock += 1
    entries[key] = Entry(tag: tag, response: response, used: clock)
    size += response.body.count
    while entries.count > Self.most || size > Self.total,
      let oldest = entries.min(by: { $0.value.used < $1.value.used })
    {
      remove(oldest.key)
    }
  }

  private mutating func remove(_ key: String) {
    if let entry = entries.removeValue(forKey: key) { size -= entry.response.body.count }
  }
}
