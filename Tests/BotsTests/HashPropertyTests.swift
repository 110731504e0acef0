import Foundation
import SeededRandom
import Testing

@testable import BotHost

/// What must hold of the content hashes of every bot, over random bots of all constructs.
///
/// A failure prints the seed; `BOTHOST_SEED=… swift test --filter HashPropertyTests` repeats it.
@Suite struct HashPropertyTests {
  /// The tree of the bot `taco`; nil, and an issue, when it has errors.
  private func tree(_ text: String, _ manifests: [Manifest], _ comment: String) -> BotHashNode? {
    let (programs, diagnostics) = BotCompiler.compile(
      BotProject([SourceText(name: "b.yaml", text)]), manifests: manifests)
    guard !diagnostics.hasErrors, let program = programs.first(where: { $0.name == "taco" }) else {
      Issue.record("\(comment)\n\(diagnostics.map(\.description).joined(separator: "\n"))\n\(text)")
      return nil
    }
    return program.tree
  }

  /// However a bot is laid out, every node has the hash that it has.
  @Test func anyLayoutGivesTheSameHashes() throws {
    let manifests = try Plugins.all()
    for round in 0..<RandomSource.rounds {
      let seed = RandomSource.seed &+ UInt64(round)
      var generator = BotGenerator(RandomSource(seed: seed))
      let documents = generator.documents()
      var first: BotHashNode?
      for layout in 0..<4 {
        var writer = YAMLLayout(RandomSource(seed: seed &* 31 &+ UInt64(layout)))
        let text = writer.text(documents)
        guard let tree = tree(text, manifests, "BOTHOST_SEED=\(seed), layout \(layout)") else { return }
        let base = first ?? tree
        first = base
        let changes = tree.changes(from: base)
        guard changes.isEmpty, tree.hash == base.hash else {
          Issue.record("BOTHOST_SEED=\(seed), layout \(layout): \(changes)\n\(text)")
          return
        }
      }
    }
  }

  /// A literal that changes changes the nodes that hold it and those above them, and nothing else.
  @Test func aLiteralChangesThePathToTheRoot() throws {
    let manifests = try Plugins.all()
    var changed = 0
    for round in 0..<RandomSource.rounds {
      let seed = RandomSource.seed &+ UInt64(round)
      var generator = BotGenerator(RandomSource(seed: seed))
      let documents = generator.documents()
      var writer = YAMLLayout(RandomSource(seed: seed))
      guard let base = tree(writer.text(documents), manifests, "BOTHOST_SEED=\(seed)") else { return }
      let paths = base.paths()
      for _ in 0..<3 {
        let literal = generator.random.pick(generator.literals)
        let other = documents.map {
          $0.mapped { $0.replacingOccurrences(of: literal, with: "M" + literal.dropFirst()) }
        }
        guard let tree = tree(writer.text(other), manifests, "BOTHOST_SEED=\(seed), \(literal)") else { return }
        let holders = paths.filter { String(decoding: Self.own($0.value), as: UTF8.self).contains(literal) }.map(\.key)
        // A document that the bot does not use, or a default that is not needed, is not in its tree.
        let expected = Set(holders.flatMap { Self.above($0, paths) })
        let found = tree.changes(from: base)
        guard Set(found.changed) == expected, found.gone.isEmpty else {
          Issue.record("BOTHOST_SEED=\(seed), \(literal): \(found.changed) instead of \(expected.sorted())")
          return
        }
        if !expected.isEmpty { changed += 1 }
      }
    }
    #expect(changed > RandomSource.rounds, "most literals are in the tree, seed \(RandomSource.seed)")
  }

  /// The bytes of a node without its children.
  private static func own(_ node: BotHashNode) -> [UInt8] { JSONValue.object(node.fields).canonicalBytes() }

  /// A path and all above it. Labels may have slashes in them, so each beginning is looked up.
  private static func above(_ path: String, _ paths: [String: BotHashNode]) -> [String] {
    var found = ["/", path]
    for index in path.indices where path[index] == "/" {
      let start = String(path[..<index])
      if paths[start] != nil { found.append(start) }
    }
    return found
  }

  /// The generator makes all constructs, so that the tests above mean something.
  @Test func theGeneratorKnowsTheLanguage() throws {
    let manifests = try Plugins.all()
    var kinds: Set<String> = []
    for round in 0..<60 {
      var generator = BotGenerator(RandomSource(seed: UInt64(round)))
      var writer = YAMLLayout(RandomSource(seed: UInt64(round)))
      guard let tree = tree(writer.text(generator.documents()), manifests, "seed \(round)") else { return }
      kinds.formUnion(tree.paths().values.map(\.kind))
    }
    #expect(
      kinds == [
        "bot", "uses", "use", "state", "methods", "method", "handlers", "handler", "call", "json", "format", "let",
        "set",
        "expect", "assert", "if", "else", "for", "return",
      ])
  }
}
