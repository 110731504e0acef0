/// Compares the compiler's content hashes with a file of golden ones.
///
/// The file has `base`, the nodes of one bot by path with the bytes that are hashed and their hash, and `edits`: for
/// each change of that bot, by name, the root's hash afterwards and the paths that changed and went.
public enum MerkleConformance {
  /// One way to run an edit: the bot's YAML before, and for each edit's name the YAML after.
  public struct Sources: Sendable {
    public var base: String
    public var edits: [String: String]
    public var manifests: [Manifest]

    public init(base: String, edits: [String: String], manifests: [Manifest]) {
      self.base = base
      self.edits = edits
      self.manifests = manifests
    }
  }

  /// Compares with a golden file.
  ///
  /// - Parameters:
  ///   - file: the golden file.
  ///   - directory: `bot.yaml`, `plugin.yaml` (the manifest of what the bot uses) and `edits.yaml` (by name, a list of
  ///     changes to the text of the bot, `{replace: …, with: …}`, each of a text that stands there once).
  /// - Returns: what differs, one line each; empty when everything is as the file says.
  public static func run(file: String, directory: String) -> [String] {
    do throws(Diagnostic) {
      let golden = try SourceText.read(file).get()
      let bot = try SourceText.read("\(directory)/bot.yaml").get()
      let plugin = try SourceText.read("\(directory)/plugin.yaml").get()
      let edits = try SourceText.read("\(directory)/edits.yaml").get()
      var diagnostics = Diagnostics()
      guard let manifest = Manifest.decode(plugin, diagnostics: &diagnostics),
        let list = YAMLParser.document(of: edits, diagnostics: &diagnostics), !diagnostics.hasErrors
      else { return diagnostics.map(\.description) }
      let base = String(decoding: bot.bytes, as: UTF8.self)
      var failures: [String] = []
      var sources = Sources(base: base, edits: [:], manifests: [manifest])
      for edit in list.mapping ?? [] {
        var text = base
        for change in edit.value.sequence ?? [] {
          guard let old = change["replace"]?.scalar?.text, let new = change["with"]?.scalar?.text,
            let changed = replaceOnce(old, with: new, in: text)
          else {
            failures.append("\(change.location): the text to replace does not stand there once")
            continue
          }
          text = changed
        }
        sources.edits[edit.key] = text
      }
      return failures + run(try JSONValue.parsed(golden), sources: sources)
    } catch {
      return [error.description]
    }
  }

  private static func replaceOnce(_ old: String, with new: String, in text: String) -> String? {
    let wanted = Array(old.utf8)
    let bytes = Array(text.utf8)
    guard !wanted.isEmpty, wanted.count <= bytes.count else { return nil }
    let places = (0...bytes.count - wanted.count).filter { bytes[$0..<$0 + wanted.count].elementsEqual(wanted) }
    guard places.count == 1 else { return nil }
    let end = places[0] + wanted.count
    return String(decoding: bytes[..<places[0]] + Array(new.utf8) + bytes[end...], as: UTF8.self)
  }

  /// The same for a file's content.
  public static func run(_ golden: JSONValue, sources: Sources) -> [String] {
    var failures: [String] = []
    guard let base = compile(sources.base, sources.manifests, "base", &failures) else { return failures }
    let found = base.paths()
    let expected = golden["base"]?.object ?? [:]
    if expected.isEmpty { failures.append("the golden file has no base") }
    for (path, node) in expected {
      guard let own = found[path] else {
        failures.append("base \(path): there is no such node")
        continue
      }
      check(own.kind, node["kind"], "base \(path) kind", &failures)
      check(String(decoding: own.bytes, as: UTF8.self), node["bytes"], "base \(path) bytes", &failures)
      check(own.hash, node["sha256"], "base \(path) sha256", &failures)
    }
    for path in found.keys.sorted() where expected[path] == nil {
      failures.append("base \(path): the golden file has no such node")
    }
    for (name, edit) in golden["edits"]?.object ?? [:] {
      guard let text = sources.edits[name] else {
        failures.append("edit '\(name)': there is no source for it")
        continue
      }
      guard let tree = compile(text, sources.manifests, "edit '\(name)'", &failures) else { continue }
      check(tree.hash, edit["root"], "edit '\(name)' root", &failures)
      let changes = tree.changes(from: base)
      checkPaths(changes.changed, edit["changed"], "edit '\(name)' changed", &failures)
      checkPaths(changes.gone, edit["gone"], "edit '\(name)' gone", &failures)
    }
    return failures
  }

  private static func compile(
    _ text: String, _ manifests: [Manifest], _ what: String, _ failures: inout [String]
  ) -> BotHashNode? {
    let project = BotProject([SourceText(name: "golden.yaml", text)])
    let (programs, diagnostics) = BotCompiler.compile(project, manifests: manifests)
    guard programs.count == 1, !diagnostics.hasErrors else {
      failures += diagnostics.map { "\(what): \($0)" }
      if !diagnostics.hasErrors { failures.append("\(what): \(programs.count) bots") }
      return nil
    }
    return programs[0].tree
  }

  private static func check(_ found: String, _ expected: JSONValue?, _ what: String, _ failures: inout [String]) {
    if expected?.string != found { failures.append("\(what): \(found) instead of \(expected?.string ?? "nothing")") }
  }

  private static func checkPaths(_ found: [String], _ expected: JSONValue?, _ what: String, _ failures: inout [String])
  {
    let wanted = (expected?.array ?? []).compactMap(\.string).sorted()
    if found.sorted() != wanted {
      failures.append("\(what): \(found.joined(separator: " ")) instead of \(wanted.joined(separator: " "))")
    }
  }
}

extension JSONValue {
  fileprivate static func parsed(_ source: SourceText) throws(Diagnostic) -> JSONValue {
    do throws(JSONParseError) {
      return try JSONValue(parsing: source.bytes)
    } catch {
      throw Diagnostic(.error, "\(error)", at: SourceLocation(file: source.name))
    }
  }
}
