import Foundation
import Testing

@testable import BotHost

@Suite struct HashTests {
  static let golden = repository.appendingPathComponent("Tests/Support/Golden").path

  @Test func goldenFile() {
    let failures = MerkleConformance.run(file: Self.golden + "/merkle-vectors.json", directory: Self.golden)
    #expect(failures.isEmpty, "\(failures.joined(separator: "\n"))")
  }

  /// The comparison notices a wrong hash, a node too many and a missing edit.
  @Test func theComparisonCanFail() throws {
    let data = try Data(contentsOf: URL(fileURLWithPath: Self.golden + "/merkle-vectors.json"))
    let text = String(decoding: data, as: UTF8.self)
    for change in [
      ("420c313321811821f12b720bdd84364877098d4b63baced373d57ce9283f9b40", "0"), ("/use/stdout\"", "/use/other\""),
      ("log_level literal debug", "log_level literal x"), ("\"/when/chat.sent#LogSent\",", ""),
    ] {
      let broken = try JSONValue(parsing: text.replacingOccurrences(of: change.0, with: change.1))
      let file = NSTemporaryDirectory() + "golden-" + UUID().uuidString
      try Data(broken.serialized().utf8).write(to: URL(fileURLWithPath: file))
      defer { try? FileManager.default.removeItem(atPath: file) }
      #expect(!MerkleConformance.run(file: file, directory: Self.golden).isEmpty, "\(change.0)")
    }
  }

  static let steps = """
    - json: {who: "${event.username}", text: "<${event.message}>", n: [1, 2.5, true, null]}
      as: line
    - log.publish: {key: "${event.channel}", value: "${line}"}
    - if: {value: "${event.bits}", gt: 100}
      do:
        - chat.say: {channel: "${event.channel}", text: thanks}
      else:
        - for: word
          in: ${event.words}
          do:
            - stdout.write: "${word}"
    """

  /// However the YAML is laid out, the hashes are the same.
  @Test func layoutDoesNotCount() throws {
    let base = try program(botText(Self.steps)).tree.hash
    let quoted = Self.steps.replacingOccurrences(of: "text: thanks", with: "\"text\": 'thanks'")
    #expect(try program(botText(quoted)).tree.hash == base)
    let reordered = Self.steps.replacingOccurrences(
      of: "{key: \"${event.channel}\", value: \"${line}\"}", with: "\n    value: ${line}\n    key: ${event.channel}")
    #expect(try program(botText(reordered)).tree.hash == base)
    #expect(try program("# above\n" + botText(Self.steps + "\n# below")).tree.hash == base)
  }

  /// Any single literal changes exactly the nodes on its way to the root.
  @Test func oneLiteralChangesThePathToTheRoot() throws {
    let base = try program(botText(Self.steps)).tree
    for (old, new, node) in [
      ("thanks", "thank you", "2/0"), ("gt: 100", "gt: 101", "2"), ("2.5", "2.75", "0"), ("<${", "[${", "0"),
      ("key: \"${event.channel}\"", "key: fixed", "1"),
      ("stdout.write: \"${word}\"", "stdout.write: \"!${word}\"", "2/else/0/0"),
    ] {
      #expect(Self.steps.contains(old))
      let tree = try program(botText(Self.steps.replacingOccurrences(of: old, with: new))).tree
      let changes = tree.changes(from: base)
      var expected = ["/", "/when", "/when/chat.message#H"]
      var path = "/when/chat.message#H"
      for part in node.split(separator: "/") {
        path += "/\(part)"
        expected.append(path)
      }
      #expect(changes.changed == expected.sorted(), "\(old)")
      #expect(changes.gone.isEmpty)
    }
  }

  @Test func equalStepsHaveOneHash() throws {
    let text = botText("- stdout.write: ${event.raw}\n- stdout.write: ${event.raw}")
    let paths = try program(text).tree.paths()
    #expect(paths["/when/chat.message#H/0"]?.hash == paths["/when/chat.message#H/1"]?.hash)
    #expect(paths["/when/chat.message#H/0"]?.hash == "f56acdc3537be680080bbb474f822e156508186888e888b0041287c825773380")
    #expect(paths["/when/chat.message#H/0"]?.symbol == "n_f56acdc3537be680")
  }

  /// A mapping that is written down is never taken for a reference.
  @Test func literalMappingsAreNotReferences() throws {
    let reference = try program(botText("- json: {x: \"${event.raw}\"}\n- log.publish: {value: \"${it}\"}")).tree
    let literal = try program(
      botText("- json: {x: {$ref: event.raw, type: string}}\n- log.publish: {value: \"${it}\"}")
    ).tree
    #expect(reference.paths()["/when/chat.message#H/0"]?.hash != literal.paths()["/when/chat.message#H/0"]?.hash)
  }

  @Test func noOldTreeMakesEverythingNew() throws {
    let tree = try program(botText("- stdout.write: x")).tree
    #expect(tree.changes(from: nil).changed.count == tree.paths().count)
    #expect(tree.changes(from: tree).isEmpty)
  }
}
