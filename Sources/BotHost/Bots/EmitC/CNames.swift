/// Names and texts in emitted C.
enum CNames {
  /// An identifier for a path of names; two paths never get the same one.
  static func identifier(_ kind: String, _ path: [String]) -> String {
    if path.allSatisfy(isPlain) { return ([kind] + path).joined(separator: "__") }
    let digest = SHA256Digest.hexadecimal(of: Array(path.joined(separator: "\0").utf8)).prefix(12)
    let safe = path.joined(separator: "_").utf8.map { isLetter($0) ? Character(Unicode.Scalar($0)) : "_" }
    return "\(kind)_x\(digest)_" + String(safe)
  }

  /// Letters and digits with single `_` between them: then `__` can only stand between two names.
  private static func isPlain(_ name: String) -> Bool {
    let parts = name.utf8.split(separator: UInt8(ascii: "_"), omittingEmptySubsequences: false)
    return parts.allSatisfy { !$0.isEmpty && $0.allSatisfy(isLetter) }
  }

  private static func isLetter(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"):
      true
    default: false
    }
  }

  static func field(_ path: [String]) -> String { identifier("event", path) }
  static func local(_ name: String) -> String { identifier("local", [name]) }
  static func constant(_ constant: UnitSymbols.Constant) -> String {
    identifier("constant", split(constant.name) + constant.path)
  }
  static func state(_ state: UnitSymbols.Member) -> String { identifier("state", split(state.use) + split(state.name)) }
  static func method(_ method: UnitSymbols.Member) -> String {
    identifier("method", split(method.use) + [method.name])
  }
  static func pattern(_ pattern: String) -> String {
    "pattern__" + SHA256Digest.hexadecimal(of: Array(pattern.utf8)).prefix(16)
  }

  private static func split(_ path: String) -> [String] { path.split(separator: ".").map(String.init) }

  /// The name of a node's function until all of a bot's nodes are known: `n_` and the whole hash.
  static func placeholder(_ node: BotHashNode) -> String { "n_" + node.hash }

  /// A string literal.
  static func literal(_ bytes: [UInt8]) -> String {
    var text = "\""
    for byte in bytes {
      switch byte {
      case UInt8(ascii: "\""): text += "\\\""
      case UInt8(ascii: "\\"): text += "\\\\"
      case UInt8(ascii: "\n"): text += "\\n"
      // Two of them might begin a trigraph.
      case UInt8(ascii: "?"): text += "\\?"
      case 0x20..<0x7F: text.unicodeScalars.append(Unicode.Scalar(byte))
      default:
        // Three octal digits end by themselves; hexadecimal ones would go on.
        let digits = String(byte, radix: 8)
        text += "\\" + String(repeating: "0", count: 3 - digits.count) + digits
      }
    }
    return text + "\""
  }

  static func literal(_ text: String) -> String { literal(Array(text.utf8)) }

  /// A text for a comment.
  static func comment(_ text: String) -> String {
    String(text.replacing("*/", with: "* /").replacing("/*", with: "/ *").map { $0.isNewline ? " " : $0 })
  }
}

/// Why a bot cannot be emitted.
struct CEmitProblem: Error, CustomStringConvertible {
  let description: String
}
