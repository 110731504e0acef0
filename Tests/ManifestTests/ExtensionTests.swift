import Testing

@testable import BotHost

/// Sections for other plugins are plain data within bounds.
@Suite struct ExtensionTests {
  private func nested(_ levels: Int) -> String {
    String(repeating: "[", count: levels) + String(repeating: "]", count: levels)
  }

  @Test func whatIsWithinBounds() throws {
    let text = String(repeating: "x", count: ManifestExtension.maximumSize - 2)
    let yaml = """
      extensions:
        deep: \(nested(ManifestExtension.maximumDepth))
        large: \(text)
        nothing:
        list: [1, 1.5, true, null, "a"]

      """
    let value = try manifest(head + yaml)
    #expect(value.extensions.map(\.plugin) == ["deep", "large", "nothing", "list"])
    #expect(value.extensions[2].content.isNull)
    #expect(value.extensions[3].content.array?.count == 5)
  }

  @Test func eachProblemIsNamedWithItsPlace() {
    let many = (0...ManifestExtension.maximumCount).map { "p\($0): 1" }.joined(separator: ", ")
    let large = String(repeating: "x", count: ManifestExtension.maximumSize)
    for (yaml, place, expected) in [
      ("extensions: {q: \(nested(17))}", "m.yaml:4:33", "'extensions.q': more than 16 lists and mappings"),
      ("extensions: {q: {a: [.inf]}}", "m.yaml:4:22", "is no value that JSON has"),
      ("extensions: {q: \(large)}", "m.yaml:4:14", "as JSON it has 65538 bytes, and at most 65536"),
      ("extensions: {\(many)}", "m.yaml:4:13", "there are 17 sections, and at most 16"),
      ("extensions: {a.b: 1}", "m.yaml:4:14", "'a.b' is no plugin"),
      ("extensions: [1]", "m.yaml:4:13", "expected a mapping of plugins"),
    ] {
      let found = problems(head + yaml)
      #expect(
        found.count == 1 && found[0].hasPrefix(place + ": ") && found[0].contains(expected),
        "\(found.map { $0.prefix(200) })")
    }
  }
}
