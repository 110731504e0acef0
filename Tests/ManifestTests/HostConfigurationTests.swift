import Foundation
import Testing

@testable import BotHost

@Suite struct HostConfigurationTests {
  func decode(_ yaml: String) throws -> (HostConfiguration?, [String]) {
    var diagnostics = Diagnostics()
    let value = HostConfiguration.decode(try tree(yaml), diagnostics: &diagnostics)
    return (value, diagnostics.map(\.description))
  }

  @Test func instances() throws {
    let (value, found) = try decode(
      """
      bothost: 1
      kind: host
      plugins:
        twitch: {config: {username: taco}, lane: {events: 5}, restart: {policy: never}, isolation: process}
      instances:
        second: {plugin: twitch, config: {username: burrito}, start: on-use}
      """)
    #expect(found.isEmpty, "\(found)")
    let first = try #require(value?.instance("twitch"))
    let second = try #require(value?.instance("second"))
    #expect(first.plugin == "twitch" && second.plugin == "twitch" && second.start == .onUse)
    #expect(first.lane(over: LanePolicy(events: 9, full: .reject)) == LanePolicy(events: 5, full: .reject))
    #expect(first.restart(over: RestartPolicy()).policy == .never)
    #expect(second.lane(over: LanePolicy(events: 9)) == LanePolicy(events: 9))
    #expect(first.config.entries.map(\.name) == ["username"] && first.isolation == .process)
  }

  @Test(arguments: [
    ("plugins: {a: {plugin: b}}", "unknown key 'plugin' in 'plugins.a'"),
    ("instances: {sys: {plugin: a}}", "that name is the host's"),
    ("instances: {a: {}}", "the key 'plugin' is missing in 'instances.a'"),
    ("plugins: {a: {}}\ninstances: {a: {plugin: a}}", "the instance 'a' is configured in line 3 already"),
    ("plugins: {a: {lane: {full: sometimes}}}", "expected wait, drop-oldest or reject"),
  ])
  func oneProblem(yaml: String, expected: String) throws {
    let (_, found) = try decode("bothost: 1\nkind: host\n" + yaml)
    #expect(found.count == 1 && found[0].contains(expected), "\(found)")
  }

  @Test func unknownPlugins() throws {
    let (value, _) = try decode(
      "bothost: 1\nkind: host\nplugins: {q: {}}\ninstances: {p: {plugin: p}, r: {plugin: pp}}")
    var diagnostics = Diagnostics()
    value?.check(against: [try manifest(head)], diagnostics: &diagnostics)
    #expect(diagnostics.errorCount == 2, "\(diagnostics.map(\.description))")
  }
}

@Suite struct PluginDirectoryTests {
  let root: String

  init() throws {
    root = NSTemporaryDirectory() + "bothost-manifest-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: root + "/lib", withIntermediateDirectories: true)
  }

  func write(_ name: String, _ text: String) throws {
    try Data(text.utf8).write(to: URL(fileURLWithPath: "\(root)/\(name)"))
  }

  @Test func aDirectory() throws {
    defer { try? FileManager.default.removeItem(atPath: root) }
    try write("a.yaml", "bothost: 1\nplugin: a\nlibrary: liba.so\nversion: 1.2.0\n")
    try write("b.yml", "bothost: 1\nplugin: b\nlibrary: lib/libb.so\nrequires: {a: ^1, c: ^1}\n")
    try write("c.yaml", "bothost: 1\nplugin: a\nlibrary: liba.so\n")
    try write("d.yaml", "bothost: 1\nplugin: d\nlibrary: libmissing.so\n")
    try write("e.yaml", "bothost: 1\nplugin: e\nlibrary: liba.so\nnonsense: 1\n")
    try write("f.yaml", "bothost: 1\nplugin: f\nlibrary: libc.so.6\n")
    try write("g.yaml", "bothost: 1\nplugin: g\nlibrary: liba.so\n---\nx: 1\n")
    try write("host.yaml", "bothost: 1\nkind: host\nplugins: {zz: {}}\n")
    try write("taco.yaml", "bothost: 1\nkind: bot\nname: taco\n")
    try write("broken.yaml", "a: [")
    try write("empty.yaml", "")
    try write(".hidden.yaml", "a: [")
    try write("other.txt", "a: [")
    try write("liba.so", "")
    try write("lib/libb.so", "")
    let found = PluginDirectory.load([root])
    let text = found.diagnostics.sorted().map { $0.description.replacingOccurrences(of: root + "/", with: "") }
    let expected = [
      "b.yml:4:19: error: the plugin 'b' requires 'c', which is not there",
      "broken.yaml:2:1: error:", "c.yaml:2:9: error: the plugin 'a' is declared a second time; the first is a.yaml:1:1",
      "d.yaml:3:10: error: the library 'libmissing.so' is not there", "e.yaml:4:1: error: unknown key 'nonsense'",
      "empty.yaml:1:1: warning: the file is empty", "g.yaml:5:1: error: a second document",
      "host.yaml:3:11: error: there is no plugin 'zz'",
    ]
    #expect(text.count == expected.count, "\(text)")
    for (line, start) in zip(text, expected) { #expect(line.hasPrefix(start), "\(line)") }
    #expect(found.plugins.map(\.manifest.plugin) == ["a", "b", "d", "e", "f", "g"])
    #expect(found.plugins.map(\.isUsable) == [true, true, false, false, true, false])
    #expect(found.plugin("a")?.libraryPath == root + "/liba.so")
    #expect(found.plugin("b")?.libraryPath == root + "/lib/libb.so")
    #expect(found.plugin("f")?.libraryPath?.hasSuffix("/libc.so.6") == true, "the system's")
    #expect(found.botFiles.map(\.name) == [root + "/taco.yaml"])
    #expect(found.hosts.count == 1)
    #expect(found.diagnostics.rendered(sources: found.sources).contains("4 | nonsense: 1"))
  }

  @Test func aFileIsReadOnlyWhenItsWriterIsDone() throws {
    defer { try? FileManager.default.removeItem(atPath: root) }
    try write("host.yaml", "bothost: 1\n")
    #expect(try SourceText.read(root + "/host.yaml").get().bytes == Array("bothost: 1\n".utf8))
    let changed = try FileManager.default.attributesOfItem(atPath: root + "/host.yaml")[.modificationDate] as? Date
    // The file system's clock lags by one of its ticks.
    #expect(try Date().timeIntervalSince(#require(changed)) >= Double(SettledFile.quiet) / 1e9)
    // A time of another clock tells nothing, and is not waited for.
    let future = Date(timeIntervalSinceNow: 3_600)
    try FileManager.default.setAttributes([.modificationDate: future], ofItemAtPath: root + "/host.yaml")
    #expect(try SourceText.read(root + "/host.yaml").get().bytes.count == 11)
  }

  @Test func librariesBesideOrInTheDirectories() throws {
    defer { try? FileManager.default.removeItem(atPath: root) }
    try write("a.yaml", "bothost: 1\nplugin: a\nlibrary: libx.so\n")
    try write("lib/libx.so", "")
    #expect(PluginDirectory.load([root]).diagnostics.hasErrors)
    #expect(!PluginDirectory.load([root], checksLibraries: false).diagnostics.hasErrors)
    #expect(PluginDirectory.load([root, root + "/lib"]).plugin("a")?.libraryPath == root + "/lib/libx.so")
    #expect(PluginDirectory.load([root + "/lib"], files: [root + "/a.yaml"]).plugin("a")?.isUsable == true)
    #expect(PluginDirectory.load([root, root + "/", root + "/."], checksLibraries: false).plugins.count == 1)
  }

  @Test func whatCannotBeRead() {
    defer { try? FileManager.default.removeItem(atPath: root) }
    let found = PluginDirectory.load([root + "/nope"], files: [root + "/x.yaml", root + "/lib"])
    #expect(found.diagnostics.map(\.message).count == 3)
    #expect(found.diagnostics.map(\.message).contains { $0.contains("No such file or directory") })
    #expect(found.diagnostics.map(\.message).contains("is no regular file"))
  }
}
