import Foundation
import Synchronization
import Testing

@testable import BotHost

/// What the files of a running host declare no more.
@Suite(.serialized)
struct DeclarationTests {
  private let gone = "ends: the files declare it no more"

  @Test func anInstanceThatIsGoneFromTheConfigurationEnds() throws {
    let fixture = try HostFixture(
      ["actor": Actor.manifest(), "other": Actor.manifest("other")], libraries: ["actor", "other"],
      configuration: "instances: {second: {plugin: actor}, third: {plugin: actor}}")
    try fixture.host.start()
    try fixture.host.stopInstance("third")
    try fixture.configure("plugins: {actor: {config: {label: first}}}")
    fixture.host.reload()
    #expect(fixture.host.instances.map(\.name).sorted() == ["actor", "other"])
    fixture.expectLog("second: \(gone)")
    fixture.expectLog("third: \(gone)")
    #expect(fixture.host.instances.allSatisfy { $0.state == .running })
    #expect(!fixture.host.metricsText().contains("second"))
    // Its name is free.
    try fixture.configure("instances: {second: {plugin: other}}")
    fixture.host.reload()
    #expect(try fixture.instance("second").state == .running)
  }

  @Test func whatWaitsForItIsHandledFirst() throws {
    let fixture = try HostFixture(
      ["actor": Actor.manifest()],
      configuration: "instances: {second: {plugin: actor, config: {mode: slow}}}")
    try fixture.host.start()
    let bus = try #require(fixture.host.running?.bus)
    // One is under way, and the other one stands behind it.
    try fixture.work()
    try fixture.work()
    try fixture.configure("")
    fixture.host.reload()
    #expect(fixture.host.instances.map(\.name) == ["actor"])
    #expect(bus.statistics().deadLetters == 0)
    try fixture.expectCount(2)
  }

  @Test func whatAnOperatorHasStartedStays() throws {
    let fixture = try HostFixture(
      ["actor": Actor.manifest("actor", "start: on-use"), "other": Actor.manifest("other", "start: on-use")],
      libraries: ["actor", "other"], configuration: "plugins: {other: {start: auto}}")
    try fixture.host.start()
    #expect(fixture.host.instances.map(\.name) == ["other"])
    try fixture.host.startInstance("actor")
    try fixture.configure("plugins: {other: {start: on-use}}")
    fixture.host.reload()
    #expect(fixture.host.instances.map(\.name) == ["actor"])
    #expect(try fixture.instance().state == .running)
    fixture.expectLog("other: \(gone)")
  }

  @Test func nothingEndsBecauseOfAFileThatCannotBeUnderstood() throws {
    let fixture = try HostFixture(
      ["actor": Actor.manifest(), "operator": "bothost: 1\nkind: host\ninstances: {second: {plugin: actor}}\n"])
    try fixture.host.start()
    #expect(fixture.host.instances.count == 2)
    try fixture.write("operator", "bothost: 1\nkind: [host\n")
    fixture.host.reload()
    #expect(fixture.host.instances.allSatisfy { $0.state == .running } && fixture.host.instances.count == 2)
    fixture.expectLog("second: the files declare it no more, and it goes on: ")
    try fixture.write("actor", "bothost: 1\nplugin: actor\nlibrary: [\n")
    fixture.host.reload()
    #expect(fixture.host.instances.count == 2)
  }

  @Test func aFileThatItsWriterHasOnlyJustBegunSaysNothing() throws {
    let fixture = try HostFixture(
      ["actor": Actor.manifest()],
      configuration: "plugins: {actor: {config: {label: one}}}\ninstances: {second: {plugin: actor}}")
    try fixture.host.start()
    let file = fixture.directory.appendingPathComponent("host.yaml")
    try Data().write(to: file)
    fixture.host.reload()
    fixture.expectLog("the file is empty")
    fixture.expectLog("no configuration is taken over until the files are in order")
    #expect(fixture.host.instances.count == 2)
    #expect(try fixture.instance().configuration["label"] == .string("one"))
  }

  @Test func anOperatorsFileBesideTheManifestsThatIsBrokenResetsNothing() throws {
    let text = "bothost: 1\nkind: host\nplugins: {actor: {config: {label: one}}}\n"
    let fixture = try HostFixture(["actor": Actor.manifest(), "operator": text])
    try fixture.host.start()
    try fixture.write("operator", text + "instances: [\n")
    fixture.host.reload()
    fixture.expectLog("no configuration is taken over until the files are in order")
    #expect(try fixture.instance().configuration["label"] == .string("one"))
    try fixture.write("operator", text.replacing("one", with: "two"))
    fixture.host.reload()
    #expect(try fixture.instance().configuration["label"] == .string("two"))
  }

  /// A file that is emptied and filled again and again, as shells and some editors do: what it declares all the time never ends.
  @Test func aFileThatIsWrittenInPlaceIsReadWhole() throws {
    let fixture = try HostFixture(["actor": Actor.manifest()], configuration: "instances: {second: {plugin: actor}}")
    try fixture.host.start()
    let path = fixture.directory.appendingPathComponent("host.yaml").path
    let written = Mutex(false)
    let writer = Thread {
      for label in 0..<60 {
        let text = "bothost: 1\nkind: host\ninstances: {second: {plugin: actor, config: {label: l\(label)}}}\n"
        guard let file = fopen(path, "w") else { return }
        usleep(5_000)
        fputs(text, file)
        fclose(file)
      }
      written.withLock { $0 = true }
    }
    writer.start()
    while !written.withLock({ $0 }) { fixture.host.reload() }
    fixture.host.reload()
    #expect(try fixture.instance("second").configuration["label"] == .string("l59"))
    #expect(try fixture.instance("second").generation?.number == 1)
  }

  @Test func aPluginWhoseManifestIsTakenAwayEndsByWatching() throws {
    let fixture = try HostFixture(
      ["actor": Actor.manifest(), "other": Actor.manifest("other")], libraries: ["actor", "other"], watch: true)
    try fixture.host.start()
    let plugins = fixture.directory.appendingPathComponent("plugins")
    // A library alone is a mistake that is put right by putting it back.
    try FileManager.default.removeItem(at: plugins.appendingPathComponent("libactor.so"))
    try FileManager.default.removeItem(at: plugins.appendingPathComponent("other.yaml"))
    fixture.expectLog("other: stopped")
    fixture.expectLog("other: \(gone)")
    #expect(try fixture.instance().state == .running)
  }
}
