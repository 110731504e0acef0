/// What a unit is generated for.
public enum UnitTarget: String, Sendable, CaseIterable {
  case interpreter
  case c
}

/// What a compiled unit is kept under: everything that its content depends on, as one SHA-256.
///
/// These are the node's content hash, the generator's version, the target, the types that its calls go to with the
/// manifests of their plugins, and the order in which the members of its records are written. That order is no part of the
/// content hash, because it means nothing in JSON; but it is seen in what a bot prints, so a unit must not be taken for one
/// with another order.
public struct UnitKey: Sendable, Hashable, CustomStringConvertible {
  /// 64 lower-case hexadecimal digits.
  public let description: String

  /// Part of every key: a generator that writes something else for the same node needs another number.
  static let generatorVersion = 1

  /// - Parameter use: the name of the use whose node it is; nil: it is none.
  init(_ node: BotHashNode, use: String? = nil, target: UnitTarget, types: BotTypeDigests) {
    var text = "bothost unit\n\(node.hash)\ngenerator \(Self.generatorVersion)\n\(target.rawValue)\n"
    for (use, digest) in types.below(node, use: use) { text += "\(use) \(digest)\n" }
    text += node.writtenDigest
    description = SHA256Digest.hexadecimal(of: Array(text.utf8))
  }

  /// Not a key of this form: nil.
  init?(_ text: String) {
    guard text.utf8.count == 64,
      text.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 || $0 >= 0x61 && $0 <= 0x66 })
    else { return nil }
    description = text
  }

  /// The first twelve digits, for people.
  public var short: String { String(description.prefix(12)) }
}

/// Digests of what bots can see of the types that a bot uses.
struct BotTypeDigests {
  /// By the name under `use`: the type and its plugin's digest.
  private var digests: [String: String] = [:]

  init(_ program: BotProgram, manifests: [Manifest]) {
    var known: [String: String] = [:]
    for requirement in program.requirements {
      guard let manifest = manifests.first(where: { $0.plugin == requirement.plugin }) else { continue }
      let digest = known[manifest.plugin] ?? manifest.botDigest
      known[manifest.plugin] = digest
      digests[requirement.use] = "\(requirement.plugin).\(requirement.type) \(digest)"
    }
  }

  /// Those that the calls in a node go to, or that the node is an instance of, by the bytes of their names.
  func below(_ node: BotHashNode, use: String?) -> [(use: String, digest: String)] {
    var found: [String: String] = [:]
    if let use { found[""] = digests[use] }
    collect(node, &found)
    return found.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }.map { ($0.key, $0.value) }
  }

  private func collect(_ node: BotHashNode, _ found: inout [String: String]) {
    if node.kind == "call", let method = node.fields["method"]?.string, let dot = method.lastIndex(of: ".") {
      let use = String(method[..<dot])
      found[use] = digests[use]
    }
    for child in node.children { collect(child.node, &found) }
  }
}

extension Manifest {
  /// A SHA-256 over what bots see of the plugin: its types, its methods and the fields of its topics.
  var botDigest: String {
    func list(_ fields: [Field]) -> JSONValue {
      .array(fields.map { [.string($0.name), .string($0.type.description), .bool($0.isOptional)] })
    }
    let document: JSONObject = [
      "plugin": .string(plugin),
      "methods": .array(
        methods.map { method in
          [
            .string(method.name), method.arguments.map(list) ?? .null,
            method.returns.map { .string($0.description) } ?? .null,
          ]
        }),
      "topics": .array(
        topics.map { [.string($0.name), .string($0.payload.description)] }),
      "types": .array(
        types.map { type in
          [
            .string(type.name), list(type.arguments), list(type.state),
            .array(type.events.map { [.string($0.name), .string($0.topic)] }),
            .array(type.methods.map { [.string($0.name), .string($0.method)] }),
          ]
        }),
    ]
    return SHA256Digest.hexadecimal(of: JSONValue.object(document).canonicalBytes())
  }
}

extension BotHashNode {
  /// A digest over the node and those below with the members of all mappings in the order in which they were written.
  fileprivate var writtenDigest: String {
    var bytes: [UInt8] = []
    writeInOrder(&bytes)
    return SHA256Digest.hexadecimal(of: bytes)
  }

  private func writeInOrder(_ bytes: inout [UInt8]) {
    bytes += JSONValue.object(fields).serializedBytes()
    for child in children {
      bytes.append(0x0A)
      child.node.writeInOrder(&bytes)
    }
  }
}
