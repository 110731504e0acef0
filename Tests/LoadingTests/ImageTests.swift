import CBotHost
import CELF
import Foundation
import Testing

@testable import BotHost

@Suite("Images in the process")
struct ImageTests {
  private static let value = ImageExpectations.Function(name: "value", kind: 1)
  private static let small = ImageExpectations(
    plugin: "small", functions: [value, ImageExpectations.Function(name: "count", kind: 1)])

  private func load(
    _ library: String, _ staging: ImageStaging, _ registry: ImageRegistry, _ expectations: ImageExpectations = small,
    generation: UInt64 = 1
  ) throws -> Image {
    let staged = try staging.stage(library: library, plugin: expectations.plugin, generation: generation)
    return try registry.load(staged, try ImageInspection(staged, expecting: expectations), expecting: expectations)
  }

  @Test("two generations run beside each other, each with its own code and variables; plain ones go")
  func generations() throws {
    let staging = try Fixtures.staging()
    let registry = ImageRegistry()
    let one = try load(try Fixtures.plugin("plain"), staging, registry)
    let two = try load(try Fixtures.plugin("plain2", ["-DVALUE=2"]), staging, registry, generation: 2)
    let again = try load(try Fixtures.plugin("plain"), staging, registry, generation: 3)
    #expect(Fixtures.call(one.function("value")) == 1)
    #expect(Fixtures.call(two.function("value")) == 2)
    #expect(Fixtures.call(one.function("count")) == 1)
    #expect(Fixtures.call(one.function("count")) == 2)
    #expect(Fixtures.call(again.function("count")) == 1)
    #expect(one.function("create") == nil)
    #expect(one.descriptor?.name == "small")
    #expect(one.descriptor?.version == "1.0.0")
    #expect(registry.liveCount == 3)
    for image in [one, two, again] {
      #expect(MappedFiles.contains(image.staged.path) == true)
      #expect(image.retire() == .unmapped)
      #expect(image.retire() == .unmapped)
      #expect(MappedFiles.contains(image.staged.path) == false)
      #expect(access(image.staged.path, F_OK) != 0)
    }
    #expect(registry.liveCount == 0)
    #expect(registry.pinnedCount == 0)
  }

  @Test("a hard link, a symbolic link and the same path are the same image, and are refused; a copy is not")
  func identity() throws {
    let staging = try Fixtures.staging()
    let registry = ImageRegistry()
    let first = try load(try Fixtures.plugin("plain"), staging, registry)
    let hard = first.staged.path + ".hard"
    let soft = first.staged.path + ".soft"
    let copy = first.staged.path + ".copy"
    #expect(link(first.staged.path, hard) == 0)
    #expect(symlink(first.staged.path, soft) == 0)
    try FileManager.default.copyItem(atPath: first.staged.path, toPath: copy)
    func image(_ path: String) -> StagedImage {
      StagedImage(
        path: path, source: path, sourceDirectory: Fixtures.directory, place: .privateCopy, digest: first.staged.digest,
        size: first.staged.size)
    }
    for path in [first.staged.path, hard, soft] {
      let staged = image(path)
      let refusal = Fixtures.refusal {
        _ = try registry.load(staged, try ImageInspection(staged, expecting: Self.small), expecting: Self.small)
      }
      #expect(refusal?.cause == .notNew)
    }
    let staged = image(copy)
    let second = try registry.load(staged, try ImageInspection(staged, expecting: Self.small), expecting: Self.small)
    #expect(second.baseAddress != first.baseAddress)
    // The refusals took no reference that would keep the first mapped.
    for path in [hard, soft] { unlink(path) }
    #expect(first.retire() == .unmapped)
    #expect(second.retire() == .unmapped)
  }

  @Test("what is overwritten or cut short on disk goes on running unchanged")
  func overwritten() throws {
    let staging = try Fixtures.staging()
    let registry = ImageRegistry()
    let library = "\(Fixtures.directory)/operators.so"
    try FileManager.default.copyItem(atPath: try Fixtures.plugin("plain"), toPath: library)
    let image = try load(library, staging, registry)
    #expect(Fixtures.call(image.function("value")) == 1)
    let handle = try #require(FileHandle(forWritingAtPath: library))
    try handle.write(contentsOf: Data(Fixtures.bytes(try Fixtures.plugin("plain2", ["-DVALUE=2"]))))
    #expect(Fixtures.call(image.function("value")) == 1)
    try handle.truncate(atOffset: 0)
    #expect(Fixtures.call(image.function("value")) == 1)
    try handle.close()
    #expect(image.retire() == .unmapped)
  }

  @Test("a library that changes after it was looked at is refused")
  func changed() throws {
    let staging = try Fixtures.staging()
    let staged = try staging.stage(library: try Fixtures.plugin("plain"), plugin: "small", generation: 1)
    unlink(staged.path)
    try FileManager.default.copyItem(atPath: try Fixtures.plugin("plain2", ["-DVALUE=2"]), toPath: staged.path)
    #expect(Fixtures.refusal { _ = try ImageInspection(staged, expecting: Self.small) }?.cause == .unreadable)
  }

  @Test(
    "descriptors of a wrong size, version, name or nothing at all are refused",
    arguments: [
      ("size0", ["-DSIZE=0"], ImageRefusal.Cause.wrongDescriptor), ("size8", ["-DSIZE=8"], .wrongDescriptor),
      ("size183", ["-DSIZE=183"], .wrongDescriptor), ("sizehuge", ["-DSIZE=0x7fffffff"], .wrongDescriptor),
      ("major0", ["-DMAJOR=0"], .wrongABI), ("major2", ["-DMAJOR=2"], .wrongABI),
      ("named", ["-DNAME=\"other\""], .wrongDescriptor),
      ("nothing", ["-DIN_ENTRY=return NULL"], .wrongABI), ("nul", ["-DNAME=\"sm\\377ll\""], .wrongDescriptor),
    ])
  func descriptors(_ name: String, _ flags: [String], _ cause: ImageRefusal.Cause) throws {
    let staging = try Fixtures.staging()
    let registry = ImageRegistry()
    let library = try Fixtures.plugin("descriptor-\(name)", flags)
    let refusal = Fixtures.refusal { _ = try load(library, staging, registry) }
    #expect(refusal?.step == .load)
    #expect(refusal?.cause == cause)
    #expect(registry.liveCount == 0)
  }

  @Test("the manifest's version must be the descriptor's")
  func versions() throws {
    let staging = try Fixtures.staging()
    let registry = ImageRegistry()
    var expectations = Self.small
    expectations.version = "1.0.0"
    #expect(try load(try Fixtures.plugin("plain"), staging, registry, expectations).retire() == .unmapped)
    expectations.version = "1.0.1"
    #expect(
      Fixtures.refusal { _ = try load(try Fixtures.plugin("plain"), staging, registry, expectations) }?.cause
        == .wrongDescriptor)
  }

  @Test("a descriptor from a newer header is read as far as this host knows it")
  func newer() throws {
    let library = try Fixtures.c(
      "newer",
      """
      #include <bothost.h>
      static bh_rc create(bh_host *h, const bh_host_api *a, const bh_start *s, bh_self **o) { return BH_OK; }
      static void destroy(bh_self *s) {}
      static const struct { bh_plugin plugin; void *more[4]; } grown = {
        {.size = sizeof grown, .abi_major = 1, .abi_minor = 9, .name = {"small", 5}, .create = create,
         .destroy = destroy}, {0}};
      BH_EXPORT const bh_plugin *bh_plugin_entry_v1(uint32_t minor) { return &grown.plugin; }
      """)
    let staging = try Fixtures.staging()
    let image = try load(library, staging, ImageRegistry(), ImageExpectations(plugin: "small"))
    #expect(image.descriptor?.table.abi_minor == 9)
    #expect(image.descriptor?.table.create != nil)
    #expect(image.descriptor?.table.handle == nil)
    #expect(image.descriptor?.isReentrant == false)
    #expect(image.retire() == .unmapped)
  }

  @Test("an undefined symbol is named, and nothing is left behind")
  func undefined() throws {
    let library = try Fixtures.plugin("undefined", extra: "int not_there(void); int use(void) { return not_there(); }")
    let registry = ImageRegistry()
    let refusal = Fixtures.refusal { _ = try load(library, try Fixtures.staging(), registry) }
    #expect(refusal?.cause == .loaderRefused)
    #expect(refusal?.message.contains("not_there") == true)
    #expect(registry.liveCount == 0)
  }

  @Test("two builds of one Swift plugin run beside each other and are never unmapped")
  func swift() throws {
    let staging = try Fixtures.staging()
    let registry = ImageRegistry()
    let expectations = ImageExpectations(plugin: "swiftly", functions: [Self.value])
    // The same module name, as two builds of one plugin have it.
    let first = try Fixtures.swift("SwiftOne", swiftPlugin(1))
    let second = try Fixtures.swift("SwiftTwo", swiftPlugin(2), ["-module-name", "Module_SwiftOne"])
    let one = try load(first, staging, registry, expectations)
    let two = try load(second, staging, registry, expectations, generation: 2)
    #expect(Fixtures.call(one.function("value")) == 1)
    #expect(Fixtures.call(two.function("value")) == 2)
    guard case .pinned(let reasons) = one.retire() else {
      Issue.record("a Swift image was unmapped")
      return
    }
    #expect(reasons.contains(.swift(object: "SwiftOne.so")))
    #expect(MappedFiles.contains(one.staged.path) == true)
    #expect(registry.pinnedCount == 1)
    // A cast that makes the runtime walk every image's records: after an unmapping this is what crashes.
    let any: Any = ["host": 1]
    #expect(any as? any CustomStringConvertible != nil)
    #expect(any as? any Sequence<Int> == nil)
    #expect(Fixtures.call(two.function("value")) == 2)
  }

  @Test("unique symbols of g++ pin the image")
  func unique() throws {
    let library = try Fixtures.cpp(
      "uniqueplugin",
      """
      template <typename T> struct Box { static int value; };
      template <typename T> int Box<T>::value = 0;
      extern "C" int value() { return ++Box<int>::value; }
      #include <bothost.h>
      static bh_rc create(bh_host *, const bh_host_api *, const bh_start *, bh_self **) { return BH_OK; }
      static void destroy(bh_self *) {}
      extern "C" BH_EXPORT const bh_plugin *bh_plugin_entry_v1(uint32_t) {
        static bh_plugin plugin{};
        plugin.size = sizeof plugin; plugin.abi_major = 1; plugin.name = {"small", 5};
        plugin.create = create; plugin.destroy = destroy;
        return &plugin;
      }
      """)
    let image = try load(
      library, try Fixtures.staging(), ImageRegistry(), ImageExpectations(plugin: "small", functions: [Self.value]))
    #expect(Fixtures.call(image.function("value")) == 1)
    guard case .pinned(let reasons) = image.retire() else {
      Issue.record("an image with unique symbols was unmapped")
      return
    }
    #expect(reasons.contains { if case .uniqueSymbols = $0 { true } else { false } })
    #expect(MappedFiles.contains(image.staged.path) == true)
  }

  @Test("dlclose is not believed: an image that somebody else holds is reported as mapped")
  func verified() throws {
    let registry = ImageRegistry()
    let image = try load(try Fixtures.plugin("plain"), try Fixtures.staging(), registry)
    let other = try #require(dlopen(image.staged.path, RTLD_NOW | RTLD_LOCAL))
    defer { dlclose(other) }
    #expect(image.retire() == .pinned([.stillMapped]))
    #expect(registry.pinnedCount == 1)
  }

  @Test("what the host found leaking pins the image")
  func leaked() throws {
    let image = try load(try Fixtures.plugin("plain"), try Fixtures.staging(), ImageRegistry())
    #expect(image.retire(leaks: ["2 threads have not ended"]) == .pinned([.leaked("2 threads have not ended")]))
    #expect(MappedFiles.contains(image.staged.path) == true)
    #expect(Fixtures.call(image.function("value")) == 1)
  }

  @Test("a library of the system is loaded where it stands, twice if need be")
  func system() throws {
    let staging = try Fixtures.staging()
    let registry = ImageRegistry()
    let path = try #require(PluginDirectory.find("libcrypt.so.1", beside: "/", []))
    let expectations = ImageExpectations(
      plugin: "crypt",
      functions: [
        ImageExpectations.Function(
          name: "crypt", kind: 1, signature: try Signature(parsing: "cstring(cstring,cstring)"))
      ])
    let one = try load(path, staging, registry, expectations)
    let two = try load(path, staging, registry, expectations)
    #expect(one.function("crypt") == two.function("crypt"))
    #expect(one.descriptor == nil)
    #expect(one.retire() == .pinned([.systemLibrary]))
    #expect(two.function("crypt") != nil)
  }
}
