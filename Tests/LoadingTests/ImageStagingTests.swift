import Foundation
import Testing

@testable import BotHost

@Suite("Private copies")
struct ImageStagingTests {
  private func status(_ path: String) -> stat {
    var status = stat()
    #expect(lstat(path, &status) == 0)
    return status
  }

  @Test("each is a new file that nobody writes to, under a path of its own")
  func copies() throws {
    let staging = try Fixtures.staging()
    let source = try Fixtures.plugin("plain")
    let first = try staging.stage(library: source, plugin: "../we ird", generation: 1)
    let second = try staging.stage(library: source, plugin: "../we ird", generation: 1)
    #expect(first.path != second.path)
    #expect(first.digest == second.digest)
    #expect(Set([source, first.path, second.path].map { status($0).st_ino }).count == 3)
    #expect(status(first.path).st_mode & 0o777 == 0o500)
    #expect(first.path.hasPrefix(staging.run.path + "/images/"))
    #expect(!first.path.contains("/../"))
    #expect(try Fixtures.bytes(first.path) == Fixtures.bytes(source))
    #expect(first.sourceDirectory == Fixtures.directory)
    staging.discard(first)
    #expect(access(first.path, F_OK) != 0)
  }

  @Test("a link is followed to what it means, and the digest is SHA-256")
  func digest() throws {
    let staging = try Fixtures.staging()
    let file = "\(Fixtures.directory)/abc"
    try "abc".write(toFile: file, atomically: true, encoding: .utf8)
    let link = "\(Fixtures.directory)/link-to-abc"
    try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: "abc")
    let staged = try staging.stage(library: link, plugin: "p", generation: 7)
    // FIPS 180-4's example.
    #expect(staged.digest.description == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    #expect(staged.digest.short == "ba7816bf8f01")
    #expect(status(staged.path).st_mode & S_IFMT == S_IFREG)
    #expect(staged.path.contains("/7-ba7816bf8f01-"))
  }

  @Test("what cannot be read is refused", arguments: ["/nonexistent/x.so", "/dev/null", "/"])
  func unreadable(_ path: String) throws {
    let staging = try Fixtures.staging()
    let refusal = Fixtures.refusal { _ = try staging.stage(library: path, plugin: "p", generation: 1) }
    #expect(refusal?.step == .stage)
    #expect(refusal?.library == path)
  }

  @Test("a library of the system stays where it is")
  func system() throws {
    let staging = try Fixtures.staging()
    let path = try #require(PluginDirectory.find("libcrypt.so.1", beside: "/", []))
    let staged = try staging.stage(library: path, plugin: "crypt", generation: 1)
    #expect(staged.place == .system)
    #expect(staged.path == FileTree.realPath(path))
  }

  @Test("directories of the system are known")
  func systemDirectories() throws {
    let libc = try #require(SystemLibraries().candidates(for: "libc.so.6").first { access($0, F_OK) == 0 })
    #expect(SystemLibraries().isSystem(try #require(FileTree.realPath(libc))))
    #expect(!SystemLibraries().isSystem(try Fixtures.plugin("plain")))
    #expect(!SystemLibraries().isSystem("/nowhere/libc.so.6"))
  }

  @Test("directories of hosts that died are removed, those of the living are not")
  func stale() throws {
    let base = "\(Fixtures.directory)/stale"
    let living = try RunDirectory(below: base)
    let dead = "\(base)/host-1-1"
    try FileManager.default.createDirectory(atPath: "\(dead)/images/p", withIntermediateDirectories: true)
    try "x".write(toFile: "\(dead)/images/p/1.so", atomically: true, encoding: .utf8)
    try "".write(toFile: "\(dead)/host.lock", atomically: true, encoding: .utf8)
    let young = "\(base)/host-2-2"
    try FileManager.default.createDirectory(atPath: young, withIntermediateDirectories: true)
    let other = "\(base)/other"
    try FileManager.default.createDirectory(atPath: other, withIntermediateDirectories: true)
    #expect(RunDirectory.removeStale(below: base) == 1)
    #expect(access(dead, F_OK) != 0)
    for path in [living.path, young, other] { #expect(access(path, F_OK) == 0, "\(path)") }
    #expect(status(living.path).st_mode & 0o777 == 0o700)
    let next = try RunDirectory(below: base)
    #expect(next.path != living.path)
    living.remove()
    #expect(access(living.path, F_OK) != 0)
  }
}
