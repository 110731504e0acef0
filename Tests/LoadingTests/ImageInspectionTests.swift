import CBotHost
import CELF
import Foundation
import Testing

@testable import BotHost

@Suite("A library is looked at without running it")
struct ImageInspectionTests {
  typealias Function = ImageExpectations.Function

  private func signature(_ text: String) throws -> Signature { try Signature(parsing: text) }

  @Test("a plain plugin in C may be unmapped")
  func plain() throws {
    let inspection = try Fixtures.inspect(file: try Fixtures.plugin("plain"))
    #expect(inspection.kind == .plugin)
    #expect(inspection.unloadSafety == .unmappable)
    #expect(inspection.needed.allSatisfy { $0.place == .system })
    #expect(inspection.buildID != nil)
  }

  @Test(
    "what is no library is refused",
    arguments: [
      ("", ImageRefusal.Cause.truncated), ("\u{7F}E", .truncated), ("hello, world", .notALibrary),
      ("#!/bin/sh\necho", .notALibrary),
      ("!<arch>\nfoo", .notALibrary), ("\u{7F}ELF", .truncated),
    ])
  func noLibrary(_ text: String, _ cause: ImageRefusal.Cause) {
    let refusal = Fixtures.refusal { try Fixtures.inspect(Array(text.utf8)) }
    #expect(refusal?.cause == cause)
    #expect(refusal?.step == .inspect)
  }

  @Test("a library is refused however it is truncated")
  func truncated() throws {
    let whole = try Fixtures.bytes(try Fixtures.plugin("plain"))
    #expect(throws: Never.self) { try Fixtures.inspect(whole) }
    var lengths = Array(0..<min(1024, whole.count))
    lengths += stride(from: 1024, to: whole.count, by: 97)
    lengths += Array((whole.count - 64)..<whole.count)
    for length in lengths {
      let refusal = Fixtures.refusal { try Fixtures.inspect(Array(whole[..<length])) }
      #expect(refusal?.cause == .truncated, "\(length) of \(whole.count) bytes: \(String(describing: refusal))")
    }
  }

  @Test(
    "a library for another machine is refused",
    arguments: [
      (4, UInt8(1)), (5, UInt8(2)), (7, UInt8(9)), (18, UInt8(40)), (18, UInt8(243)), (18, UInt8(3)),
    ])
  func otherMachine(_ offset: Int, _ value: UInt8) throws {
    var bytes = try Fixtures.bytes(try Fixtures.plugin("plain"))
    bytes[offset] = value
    let refusal = Fixtures.refusal { try Fixtures.inspect(bytes) }
    #expect(refusal?.cause == .wrongArchitecture)
  }

  @Test("an object file and a program are no libraries")
  func otherKinds() throws {
    let object = try Fixtures.build("object", "int f(void) { return 1; }", ["cc", "-c"], output: "object.o")
    let program = try Fixtures.build("main", "int main(void) { return 0; }", ["cc", "-pie", "-fPIE"], output: "main")
    let fixed = try Fixtures.build("main", "int main(void) { return 0; }", ["cc", "-no-pie"], output: "main-fixed")
    for path in [object, program, fixed] {
      #expect(Fixtures.refusal { _ = try Fixtures.inspect(file: path) }?.cause == .notALibrary)
    }
  }

  @Test("a library without the entry is refused, and one of another version says which")
  func entries() throws {
    let none = try Fixtures.c("noentry", "int f(void) { return 1; }")
    #expect(Fixtures.refusal { _ = try Fixtures.inspect(file: none) }?.cause == .missingSymbol("bh_plugin_entry_v1"))
    let two = try Fixtures.c("entry2", "int bh_plugin_entry_v2(void) { return 1; }")
    let refusal = Fixtures.refusal { _ = try Fixtures.inspect(file: two) }
    #expect(refusal?.cause == .wrongABI)
    #expect(refusal?.message.contains("version 2") == true)
    let data = try Fixtures.c("entrydata", "int bh_plugin_entry_v1 = 1;")
    #expect(Fixtures.refusal { _ = try Fixtures.inspect(file: data) }?.cause == .missingSymbol("bh_plugin_entry_v1"))
    let hidden = try Fixtures.c(
      "entryhidden", "__attribute__((visibility(\"hidden\"))) int bh_plugin_entry_v1(void) { return 1; }")
    #expect(Fixtures.refusal { _ = try Fixtures.inspect(file: hidden) }?.cause == .missingSymbol("bh_plugin_entry_v1"))
  }

  @Test("functions that the manifest calls: exported, bound by name, missing")
  func functions() throws {
    let path = try Fixtures.plugin("plain")
    let inspection = try Fixtures.inspect(
      file: path,
      ImageExpectations(
        plugin: "small",
        functions: [
          Function(name: "on_event", kind: UInt32(BH_BIND_HANDLER)),
          Function(name: "by_name", kind: UInt32(BH_BIND_METHOD)),
        ]))
    #expect(inspection.exported == ["on_event"])
    #expect(inspection.boundByName.map(\.name) == ["by_name"])
    let refusal = Fixtures.refusal {
      _ = try Fixtures.inspect(
        file: path,
        ImageExpectations(
          plugin: "small",
          functions: [Function(name: "by_name", kind: UInt32(BH_BIND_HANDLER), signature: try signature("i32(self)"))]))
    }
    #expect(refusal?.cause == .missingSymbol("by_name"))
  }

  @Test("an embedded signature must agree with the manifest's")
  func signatures() throws {
    let path = try Fixtures.plugin(
      "signed",
      extra: """
        #include <bothost.h>
        BH_EXPORT int32_t on_push(bh_self *s, const char *p, size_t n, int64_t i) { return 0; }
        BH_SIG(on_push, "i32(self, str,i64)");
        BH_EXPORT int32_t broken(bh_self *s) { return 0; }
        BH_SIG(broken, "i32(self");
        """)
    func cause(_ name: String, _ text: String?) throws -> ImageRefusal.Cause? {
      let wanted = try text.map { try signature($0) }
      return Fixtures.refusal {
        _ = try Fixtures.inspect(
          file: path, ImageExpectations(plugin: "small", functions: [Function(name: name, kind: 1, signature: wanted)]))
      }?.cause
    }
    #expect(try cause("on_push", "i32(self,str,i64)") == nil)
    #expect(try cause("on_push", "i32(self,str,i32)") == .signatureMismatch("on_push"))
    #expect(try cause("on_push", nil) == .signatureMismatch("on_push"))
    #expect(try cause("broken", "i32(self)") == .signatureMismatch("broken"))
    #expect(try cause("value", "i32()") == nil)
  }

  @Test("a library without glue needs signatures and no entry")
  func glueless() throws {
    let path = try Fixtures.c("glueless", "int twice(int x) { return 2 * x; } int data = 4;")
    let function = Function(name: "twice", kind: 1, signature: try signature("i32(i32)"))
    let inspection = try Fixtures.inspect(file: path, ImageExpectations(plugin: "any", functions: [function]))
    #expect(inspection.kind == .glueless)
    let data = Function(name: "data", kind: 1, signature: try signature("i32(i32)"))
    #expect(
      Fixtures.refusal { _ = try Fixtures.inspect(file: path, ImageExpectations(plugin: "any", functions: [data])) }?
        .cause
        == .missingSymbol("data"))
    let callback = Function(name: "twice", kind: 1, signature: try signature("i32(callback(i32))"))
    let pinned = try Fixtures.inspect(file: path, ImageExpectations(plugin: "any", functions: [callback]))
    #expect(pinned.unloadSafety == .pinned([.callbacks]))
  }

  @Test("what cannot live beside another build of itself is refused in the host and permitted in a worker")
  func staticTLS() throws {
    let path = try Fixtures.plugin(
      "statictls",
      extra:
        "static __thread int slot[64] __attribute__((tls_model(\"initial-exec\"))); int *tls(void) { return slot; }")
    #expect(Fixtures.refusal { _ = try Fixtures.inspect(file: path) }?.cause == .staticTLS)
    #expect(throws: Never.self) {
      _ = try Fixtures.inspect(file: path, ImageExpectations(plugin: "small", isolation: .process))
    }
  }

  @Test("memory that is both written to and run is refused")
  func memory() throws {
    let stack = try Fixtures.plugin("execstack", ["-Wl,-z,execstack"])
    #expect(Fixtures.refusal { _ = try Fixtures.inspect(file: stack) }?.cause == .executableStack)
    let text = try Fixtures.plugin(
      "textrel", extra: "int target; __asm__(\".text\\n.global where\\nwhere: .quad target\\n\");", ["-Wl,-z,notext"])
    #expect(Fixtures.refusal { _ = try Fixtures.inspect(file: text) }?.cause == .textRelocations)
  }

  @Test("a private helper library is refused by name, a missing one too")
  func needs() throws {
    let helper = try Fixtures.c("libhelper", "int helped(void) { return 1; }", ["-Wl,-soname,libhelper.so"])
    let path = try Fixtures.plugin(
      "needy", extra: "int helped(void); int use(void) { return helped(); }",
      ["-L\(Fixtures.directory)", "-Wl,-rpath,$ORIGIN"], libraries: ["-lhelper"])
    let refusal = Fixtures.refusal { _ = try Fixtures.inspect(file: path) }
    #expect(refusal?.cause == .privateLibrary("libhelper.so"))
    #expect(refusal?.message.contains(helper) == true)
    let worker = try Fixtures.inspect(file: path, ImageExpectations(plugin: "small", isolation: .process))
    #expect(worker.privateLibraries.map(\.path) == [helper])

    let lost = try Fixtures.plugin(
      "lost", extra: "int helped(void); int use(void) { return helped(); }", ["-L\(Fixtures.directory)"],
      libraries: ["-lhelper"])
    #expect(Fixtures.refusal { _ = try Fixtures.inspect(file: lost) }?.cause == .missingLibrary("libhelper.so"))
  }

  @Test("unique symbols, nodelete, threads, Go and stripped headers are told")
  func reasons() throws {
    let unique = try Fixtures.cpp(
      "unique",
      """
      #include <bothost.h>
      template <typename T> struct Box { static int value; };
      template <typename T> int Box<T>::value = 0;
      extern "C" BH_EXPORT int touch() { return ++Box<int>::value; }
      extern "C" BH_EXPORT const bh_plugin *bh_plugin_entry_v1(uint32_t) { return nullptr; }
      """)
    #expect(
      try Fixtures.inspect(file: unique).unloadSafety.reasons.contains {
        if case .uniqueSymbols(_, let first, let count) = $0 { first.contains("Box") && count == 1 } else { false }
      })
    let kept = try Fixtures.plugin("kept", ["-Wl,-z,nodelete"])
    #expect(try Fixtures.inspect(file: kept).unloadSafety == .pinned([.noDelete(object: "kept.so")]))
    let threaded = try Fixtures.plugin(
      "threaded",
      extra: "#include <pthread.h>\nvoid go(void *(*f)(void *)) { pthread_t t; pthread_create(&t, 0, f, 0); }")
    #expect(
      try Fixtures.inspect(file: threaded).unloadSafety
        == .pinned([.leavesPointers(object: "threaded.so", function: "pthread_create")]))
    let go = try Fixtures.plugin(
      "go", extra: "__attribute__((section(\".go.buildinfo\"), used)) static const char info[] = \"go\";")
    #expect(Fixtures.refusal { _ = try Fixtures.inspect(file: go) }?.cause == .goRuntime)
    let worker = try Fixtures.inspect(file: go, ImageExpectations(plugin: "small", isolation: .process))
    #expect(worker.unloadSafety == .pinned([.go(object: "go.so")]))

    var stripped = try Fixtures.bytes(try Fixtures.plugin("plain"))
    for index in 40..<48 { stripped[index] = 0 }
    for index in 58..<64 { stripped[index] = 0 }
    #expect(try Fixtures.inspect(stripped, as: "s.so").unloadSafety == .pinned([.unprovable(object: "s.so")]))
  }

  @Test("Swift is told by its sections, by what is needed, and through others")
  func swift() throws {
    let path = try Fixtures.swift("SwiftOne", swiftPlugin(1))
    let inspection = try Fixtures.inspect(file: path, ImageExpectations(plugin: "swiftly"))
    #expect(inspection.unloadSafety.reasons.first == .swift(object: "SwiftOne.so"))
    #expect(inspection.needed.contains { $0.name == "libswiftCore.so" && $0.place == .swiftRuntime && $0.isLoaded })

    let middle = try Fixtures.swift(
      "libmiddle", "@_cdecl(\"middle\") public func middle() -> Int32 { Int32(\"7\".count) }",
      ["-Xlinker", "-soname=libmiddle.so"])
    let over = try Fixtures.plugin(
      "over", extra: "int middle(void); int use(void) { return middle(); }",
      ["-L\(Fixtures.directory)", "-Wl,-rpath,$ORIGIN"],
      libraries: ["-lmiddle"])
    let safety = try Fixtures.inspect(file: over, ImageExpectations(plugin: "small", isolation: .process)).unloadSafety
    #expect(safety.reasons.contains(.swift(object: FileTree.name(of: middle))))
    #expect(!safety.reasons.contains(.swift(object: "over.so")))
  }

  @Test("random changes never crash the inspection")
  func mutations() throws {
    let original = try Fixtures.bytes(
      try Fixtures.plugin(
        "signed-mutant",
        extra: """
          #include <bothost.h>
          BH_EXPORT int32_t on_push(bh_self *s) { return 0; }
          BH_SIG(on_push, "i32(self)");
          """))
    let expectations = ImageExpectations(
      plugin: "small", functions: [Function(name: "on_push", kind: 1, signature: try signature("i32(self)"))])
    var random = SeededGenerator(seed: 0x5eed)
    var taken = 0
    var refused = 0
    for _ in 0..<1500 {
      var bytes = original
      let changes = Int.random(in: 1...12, using: &random)
      for _ in 0..<changes {
        // Most of a library is code and zeros; what is read lies at its beginning and its end.
        let place =
          switch Int.random(in: 0..<4, using: &random) {
          case 0: Int.random(in: 0..<64, using: &random)
          case 1: Int.random(in: 64..<1024, using: &random)
          case 2: Int.random(in: (bytes.count - 3000)..<bytes.count, using: &random)
          default: Int.random(in: 0..<bytes.count, using: &random)
          }
        let value: UInt8 =
          [0, 0xff, 0x7f, 0x80, UInt8.random(in: 0...255, using: &random)].randomElement(using: &random) ?? 0
        bytes[place] = value
      }
      if Bool.random(using: &random) && Bool.random(using: &random) {
        bytes.removeLast(Int.random(in: 0..<bytes.count, using: &random))
      }
      do {
        try Fixtures.inspect(bytes, as: "mutant.so", expectations)
        taken += 1
      } catch {
        #expect(error is ImageRefusal)
        refused += 1
      }
    }
    #expect(taken > 0 && refused > 0)
  }

  @Test("a refusal says the file, what is wrong and what to do")
  func text() throws {
    let refusal = Fixtures.refusal { try Fixtures.inspect(Array("nothing".utf8), as: "/plugins/x.so") }
    #expect(
      refusal?.description == "/plugins/x.so: is not an ELF file; a shared library was expected; link with -shared")
  }
}

/// A plugin in Swift, named `swiftly`.
func swiftPlugin(_ value: Int) -> String {
  """
  import CBotHost

  protocol Valued { var value: Int32 { get } }
  struct Holder: Valued { var value: Int32 { \(value) } }
  final class Mine { let text = "generation \(value)" }

  @_cdecl("value")
  public func value() -> Int32 {
    let any: Any = Holder()
    return ((any as? any Valued)?.value ?? -1) + Int32(Mine().text.contains("generation") ? 0 : 100)
  }

  nonisolated(unsafe) let descriptor: UnsafeMutablePointer<bh_plugin> = {
    let memory = UnsafeMutablePointer<bh_plugin>.allocate(capacity: 1)
    memory.initialize(to: bh_plugin())
    memory.pointee.size = UInt32(MemoryLayout<bh_plugin>.size)
    memory.pointee.abi_major = 1
    let name: StaticString = "swiftly"
    let text = UnsafeRawPointer(name.utf8Start).assumingMemoryBound(to: CChar.self)
    memory.pointee.name = bh_str(ptr: text, len: name.utf8CodeUnitCount)
    memory.pointee.create = { _, _, _, object in
      object?.pointee = OpaquePointer(bitPattern: 8)
      return 0
    }
    memory.pointee.destroy = { _ in }
    return memory
  }()

  @_cdecl("bh_plugin_entry_v1")
  public func entry(_ minor: UInt32) -> UnsafePointer<bh_plugin>? { UnsafePointer(descriptor) }
  """
}

/// Numbers that are the same in each run (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64
  init(seed: UInt64) { state = seed }
  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}
