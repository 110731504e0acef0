import COpenSSL

/// A node of a bot's tree with the hash over itself and what it uses.
///
/// The bytes that are hashed are the RFC 8785 canonical JSON of `{"c":[[label,hash],…],"f":{fields},"k":kind,"v":1}`.
/// Comments, order of keys, quoting, file names and line numbers are not in it; a node's own label stands with its
/// parent, so that a renamed handler keeps its hash.
public struct BotHashNode: Sendable {
  public let kind: String
  public let fields: JSONObject
  /// Steps have the label "" and keep their order; children with names are sorted by the bytes of their labels.
  public let children: [(label: String, node: BotHashNode)]
  /// What is hashed.
  public let bytes: [UInt8]
  /// SHA-256, in lower-case hexadecimal digits.
  public let hash: String

  init(_ kind: String, fields: JSONObject = JSONObject(), children: [(label: String, node: BotHashNode)] = []) {
    self.kind = kind
    self.fields = fields
    self.children = children
    let table = children.map { JSONValue.array([.string($0.label), .string($0.node.hash)]) }
    let document: JSONObject = ["c": .array(table), "f": .object(fields), "k": .string(kind), "v": 1]
    bytes = JSONValue.object(document).canonicalBytes()
    hash = SHA256Digest.hexadecimal(of: bytes)
  }

  /// With children in the order of their labels' bytes.
  init(_ kind: String, fields: JSONObject = JSONObject(), named children: [(label: String, node: BotHashNode)]) {
    let sorted = children.sorted { $0.label.utf8.lexicographicallyPrecedes($1.label.utf8) }
    self.init(kind, fields: fields, children: sorted)
  }

  /// `n_` and sixteen digits of the hash: the name of the node in generated code.
  public var symbol: String { "n_" + hash.prefix(16) }

  /// The node and everything below it, by path: `/use/chat`, `/when/chat.message#Log/0`.
  public func paths() -> [String: BotHashNode] {
    var found: [String: BotHashNode] = [:]
    collect("", &found)
    return found
  }

  private func collect(_ path: String, _ found: inout [String: BotHashNode]) {
    found[path.isEmpty ? "/" : path] = self
    var index = 0
    for child in children {
      if child.label.isEmpty {
        child.node.collect("\(path)/\(index)", &found)
        index += 1
      } else {
        child.node.collect("\(path)/\(child.label)", &found)
      }
    }
  }

  /// What a change from `old` to this tree does to each path.
  public func changes(from old: BotHashNode?) -> BotChanges {
    let before = old?.paths() ?? [:]
    let after = paths()
    return BotChanges(
      kept: after.keys.filter { before[$0]?.hash == after[$0]?.hash }.sorted(),
      changed: after.keys.filter { before[$0]?.hash != after[$0]?.hash }.sorted(),
      gone: before.keys.filter { after[$0] == nil }.sorted())
  }
}

/// The paths of a tree that a change keeps, makes or changes, and removes.
public struct BotChanges: Sendable, Hashable {
  public var kept: [String]
  /// New, or with another hash than before.
  public var changed: [String]
  public var gone: [String]

  public var isEmpty: Bool { changed.isEmpty && gone.isEmpty }
}

enum SHA256Digest {
  static func hexadecimal(of bytes: [UInt8]) -> String {
    var digest = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
    var length: UInt32 = 0
    // SHA-256 of bytes in memory fails only when the library is broken; an empty hash then matches nothing.
    guard EVP_Digest(bytes, bytes.count, &digest, &length, EVP_sha256(), nil) == 1 else { return "" }
    let digits = Array("0123456789abcdef".utf8)
    var text: [UInt8] = []
    text.reserveCapacity(64)
    for byte in digest.prefix(Int(length)) {
      text.append(digits[Int(byte >> 4)])
      text.append(digits[Int(byte & 15)])
    }
    return String(decoding: text, as: UTF8.self)
  }
}
