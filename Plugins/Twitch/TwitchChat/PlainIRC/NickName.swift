/// The names of people on a plain IRC server.
enum NickName {
  /// RFC 1459, section 1.2. A server may allow more and says so only after the login.
  private static let length = 9

  /// The nick to try when one is in use: with `_` behind it while there is room, then with a number at its end that counts up. Nil when
  /// all have been tried.
  static func next(after nick: String) -> String? {
    var bytes = Array(nick.utf8)
    guard bytes.count >= length else { return nick + "_" }
    for index in bytes.indices.reversed() {
      switch bytes[index] {
      case 0x30..<0x39:
        bytes[index] += 1
        return String(decoding: bytes, as: UTF8.self)
      case 0x39: bytes[index] = 0x30
      default:
        // One digit more, in the place of the last character of the name.
        guard index > 0, bytes[index] < 0x80 else { return nil }
        bytes[index] = 0x30
        return String(decoding: bytes, as: UTF8.self)
      }
    }
    return nil
  }

  /// Whether a text can be the one person that a message goes to: no list, no room, no mask, nothing that ends the parameter.
  static func isOne(_ text: String) -> Bool {
    guard let first = text.utf8.first, !"#&+!:$@%~".utf8.contains(first) else { return false }
    return text.utf8.count <= 64 && text.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7F && !",!@*?".utf8.contains($0) }
  }

  /// The same for all spellings of a nick: servers take the two cases of an ASCII letter for one. Some take `{}|` for `[]\` too; those that do
  /// not would have two people here who are one, so that this is left.
  static func folded(_ nick: String) -> String {
    String(decoding: nick.utf8.map { (0x41...0x5A).contains($0) ? $0 + 0x20 : $0 }, as: UTF8.self)
  }
}
