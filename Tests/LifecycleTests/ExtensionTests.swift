import Testing

@testable import BotHost

/// A plugin sees what the manifests of others say for it, and nobody else's sections.
@Suite struct ExtensionTests {
  private static func other(_ sections: String) -> String { Actor.manifest("other", "extensions: \(sections)") }

  @Test func sectionsComeChangeAndGoWithTheirInstances() throws {
    let fixture = try HostFixture(
      ["actor": Actor.manifest(), "other": Self.other("{actor: {steps: [a]}, holder: 1}")],
      libraries: ["actor", "other"], configuration: "instances: {second: {plugin: other}}")
    try fixture.host.start()
    /// The step that each instance's section names.
    func steps() throws -> [String: String] {
      let sections = try fixture.host.call("actor.sections", .null).array ?? []
      #expect(sections.allSatisfy { $0["plugin"] == "other" })
      return Dictionary(
        sections.map { ($0["instance"]?.string ?? "", $0["content"]?["steps"]?.array?.first?.string ?? "") },
        uniquingKeysWith: { first, _ in first })
    }
    func revision() throws -> Int64? { try fixture.host.call("actor.revision", .null).int }

    #expect(try steps() == ["other": "a", "second": "a"])
    #expect(try fixture.host.call("other.sections", .null) == .array([]))
    let first = try revision()
    #expect(try revision() == first)

    try fixture.write("other", Self.other("{actor: {steps: [b]}}"))
    try fixture.host.swapInstance("other")
    #expect(try steps() == ["other": "b", "second": "a"])
    let swapped = try revision()
    #expect(swapped != first)

    try fixture.host.stopInstance("second")
    #expect(try steps() == ["other": "b"])
    #expect(try revision() != swapped)

    try fixture.host.startInstance("second")
    #expect(try steps() == ["other": "b", "second": "b"])
  }
}
