import CBotHost
import Foundation
import Testing

@testable import BotHost

@Suite("The examples in C and without glue")
struct ExampleTests {
  private func manifest(_ path: String) throws -> Manifest {
    let file = "\(Fixtures.root)/Plugins/Examples/\(path)"
    guard case .success(let source) = SourceText.read(file) else { throw Fixtures.Failure(description: "no \(file)") }
    var diagnostics = Diagnostics()
    let manifest = Manifest.decode(source, diagnostics: &diagnostics)
    #expect(diagnostics.all.map(\.description) == [])
    return try #require(manifest)
  }

  /// A running word counter: a host, an image and an object.
  private final class Counter {
    let host = ForeignHost()
    let image: Image
    let object: OpaquePointer
    let table: bh_plugin

    init(_ manifest: Manifest, staging: ImageStaging, registry: ImageRegistry) throws {
      let source = try String(
        contentsOfFile: "\(Fixtures.root)/Plugins/Examples/c/Sources/wordcount.c", encoding: .utf8)
      // As the file's head says, and with every warning an error.
      let library = try Fixtures.build(
        "wordcount", source, ["cc", "-std=c99", "-O2", "-Wall", "-Wextra", "-Werror", "-pedantic", "-shared", "-fPIC"],
        output: "libWordCountC.so")
      let expectations = ImageExpectations(manifest, isolation: .thread)
      let staged = try staging.stage(library: library, plugin: manifest.plugin, generation: 1)
      let inspection = try ImageInspection(staged, expecting: expectations)
      #expect(inspection.exported == ["on_message", "count", "tell"])
      #expect(inspection.unloadSafety == .unmappable)
      image = try registry.load(staged, inspection, expecting: expectations)
      table = try #require(image.descriptor).table
      var object: OpaquePointer?
      var start = bh_start()
      start.size = UInt32(MemoryLayout<bh_start>.size)
      let create = try #require(table.create)
      #expect(create(host.object, UnsafePointer(host.api), &start, &object) == bh_rc(BH_OK))
      self.object = try #require(object)
    }

    func call(_ name: String, _ payload: String) throws -> bh_rc {
      let function = unsafeBitCast(try #require(image.function(name)), to: ForeignFunction.Handler.self)
      return ForeignHost.withEvent(payload) { function(object, $0) }
    }

    func say(_ channel: String, _ text: String, bot: Bool = false) throws -> bh_rc {
      try call(
        "on_message",
        JSONValue.object([
          "channel": ["name": .string(channel)], "message": ["text": .string(text)], "author": ["bot": .bool(bot)],
        ])
        .serialized())
    }

    func count(_ channel: String) throws -> String? {
      #expect(try call("count", JSONValue.object(["channel": .string(channel)]).serialized()) == bh_rc(BH_OK))
      return host.state.withLock { $0.replies.last }
    }

    func state() throws -> [UInt8] {
      let sink = ProbeSink()
      let export = try #require(table.export_state)
      #expect(export(object, UInt32(BH_STATE_FINAL), 1, ProbeSink.write, sink.pointer) == bh_rc(BH_OK))
      return sink.bytes
    }

    func take(_ state: [UInt8], format: String = "wordcount", version: UInt32 = 1) throws -> bh_rc {
      let take = try #require(table.import_state)
      return state.withUnsafeBufferPointer { bytes in
        ProbeHost.withText(format) {
          take(object, UInt32(BH_STATE_FINAL), $0, version, bh_bytes(ptr: bytes.baseAddress, len: bytes.count))
        }
      }
    }

    func end() -> Image.Retirement {
      table.destroy?(object)
      return image.retire()
    }
  }

  @Test("the word counter counts by channel, keeps its counts over a swap and leaves nothing mapped")
  func wordcount() throws {
    let manifest = try manifest("c/wordcount-c.yaml")
    let staging = try Fixtures.staging()
    let registry = ImageRegistry()
    let old = try Counter(manifest, staging: staging, registry: registry)
    #expect(try old.say("lobby", "one two  three\n") == bh_rc(BH_OK))
    #expect(try old.say("lobby", "") == bh_rc(BH_OK))
    #expect(try old.say("l\u{e9}\n7", "\tvier ") == bh_rc(BH_OK))
    #expect(try old.say("lobby", "I am a bot", bot: true) == bh_rc(BH_SKIP))
    #expect(try old.call("on_message", #"{"channel":{"name":"x"}}"#) == bh_rc(BH_E_REJECT))
    #expect(old.host.lastError == "/message/text is no text")
    #expect(try old.call("on_message", #"{"channel":{"name":7},"message":{"text":""}}"#) == bh_rc(BH_E_REJECT))
    #expect(try old.call("count", "{}") == bh_rc(BH_E_INVALID))
    #expect(try old.count("lobby") == #"{"words":3,"messages":2}"#)
    #expect(try old.count("nobody") == #"{"words":0,"messages":0}"#)
    for index in 0..<3000 { #expect(try old.say("channel \(index)", "word") == bh_rc(BH_OK)) }

    let new = try Counter(manifest, staging: staging, registry: registry)
    #expect(try new.take(try old.state()) == bh_rc(BH_OK))
    #expect(try new.count("lobby") == #"{"words":3,"messages":2}"#)
    #expect(try new.count("l\u{e9}\n7") == #"{"words":1,"messages":1}"#)
    #expect(try new.count("channel 2999") == #"{"words":1,"messages":1}"#)
    #expect(try new.state().count == old.state().count)
    #expect(old.end() == .unmapped)
    #expect(try new.say("lobby", "again") == bh_rc(BH_OK))
    #expect(try new.count("lobby") == #"{"words":4,"messages":3}"#)
    #expect(new.end() == .unmapped)
  }

  @Test("a damaged state is refused, byte by byte")
  func damaged() throws {
    let counter = try Counter(
      try manifest("c/wordcount-c.yaml"), staging: try Fixtures.staging(), registry: ImageRegistry())
    for text in [
      "1", "1 2", "1 2 3:", "1 2 3:abc", "1 2 3:abcd\n", "x 2 1:a\n", "99999999999999999999 1 1:a\n",
      "1 1 18446744073709551615:a\n",
    ] {
      #expect(try counter.take(Array(text.utf8)) == bh_rc(BH_E_INVALID), "\(text)")
    }
    #expect(try counter.take(Array("1 2 1:a\n".utf8), version: 2) == bh_rc(BH_E_UNSUPPORTED))
    #expect(try counter.take([], format: "other") == bh_rc(BH_E_UNSUPPORTED))
    #expect(try counter.take([]) == bh_rc(BH_OK))
    #expect(try counter.take(Array("1 2 1:a\n".utf8)) == bh_rc(BH_OK))
    #expect(try counter.count("a") == #"{"words":1,"messages":2}"#)
    #expect(counter.end() == .unmapped)
  }

  @Test("libcrypt hashes what is said, by its manifest alone")
  func crypt() throws {
    let manifest = try manifest("glueless/crypt.yaml")
    let path = try #require(PluginDirectory.find(manifest.library, beside: "\(Fixtures.root)/x.yaml", []))
    let expectations = ImageExpectations(manifest, isolation: .thread)
    let staged = try Fixtures.staging().stage(library: path, plugin: manifest.plugin, generation: 1)
    let inspection = try ImageInspection(staged, expecting: expectations)
    #expect(inspection.kind == .glueless)
    #expect(inspection.unloadSafety == .pinned([.systemLibrary]))
    let image = try ImageRegistry().load(staged, inspection, expecting: expectations)
    let host = ForeignHost()
    let handler = manifest.handlers[0]
    let function = try ForeignFunction(
      "crypt", at: try #require(image.function("crypt")), signature: try #require(handler.signature),
      arguments: handler.arguments,
      use: .handler(emits: handler.emits), environment: host.environment)
    #expect(host.deliver(function, #"{"message": {"text": "hello"}}"#) == bh_rc(BH_OK))
    #expect(host.payloads == [try hashed("hello")])
    #expect(host.deliver(function, #"{"message": {}}"#) == bh_rc(BH_E_REJECT))

    let declaration = manifest.methods[0]
    let method = try ForeignFunction(
      "crypt", at: try #require(image.function("crypt")), signature: try #require(declaration.signature),
      arguments: declaration.bindings, use: .method, environment: host.environment)
    #expect(host.deliver(method, #"{"text": "other"}"#) == bh_rc(BH_OK))
    #expect(host.state.withLock { $0.replies } == [try hashed("other")])
  }

  /// The hash as another program has it, as JSON.
  private func hashed(_ text: String) throws -> String {
    let hash = try Fixtures.run(["openssl", "passwd", "-5", "-salt", "bothost", text])
    return JSONValue.string(hash.trimmingCharacters(in: .newlines)).serialized()
  }
}
