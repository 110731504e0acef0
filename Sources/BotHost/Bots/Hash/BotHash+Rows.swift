/// A node as a line of a listing.
public struct BotTreeRow: Sendable {
  /// `/when/chat.message#Log/0`.
  public var path: String
  /// How deep below the root.
  public var depth: Int
  /// What the node is called in its parent; for a step what it does: the method that it calls.
  public var name: String
  public var node: BotHashNode

  /// Path, kind, name and hash.
  public var json: JSONValue {
    .object([
      "path": .string(path), "kind": .string(node.kind), "name": .string(name), "hash": .string(node.hash),
    ])
  }
}

extension BotHashNode {
  /// The node and everything below it, each before its children, in their order.
  public func rows(name: String = "") -> [BotTreeRow] {
    var rows: [BotTreeRow] = []
    collect("", 0, name, &rows)
    return rows
  }

  private func collect(_ path: String, _ depth: Int, _ name: String, _ rows: inout [BotTreeRow]) {
    rows.append(BotTreeRow(path: path.isEmpty ? "/" : path, depth: depth, name: name, node: self))
    var index = 0
    for child in children {
      if child.label.isEmpty {
        let words = child.node.fields["method"]?.string ?? child.node.fields["var"]?.string ?? ""
        child.node.collect("\(path)/\(index)", depth + 1, words, &rows)
        index += 1
      } else {
        child.node.collect("\(path)/\(child.label)", depth + 1, child.label, &rows)
      }
    }
  }
}
