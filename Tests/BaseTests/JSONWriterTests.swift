import BotHost
import Testing

@Suite struct JSONWriterTests {
  @Test func commasAreTheWritersWork() {
    var writer = JSONWriter(capacity: 1)
    writer.beginObject()
    writer.key("a")
    writer.int(.min)
    writer.key("b")
    writer.beginArray()
    writer.uint(.max)
    writer.double(1)
    writer.double(.nan)
    writer.bool(true)
    writer.null()
    writer.beginObject()
    writer.endObject()
    writer.endArray()
    writer.key("c\"d")
    Array("[1, 2]".utf8).withUnsafeBytes { writer.raw($0) }
    writer.key("e")
    writer.string("")
    writer.endObject()
    #expect(
      writer.text
        == #"{"a":-9223372036854775808,"b":[18446744073709551615,1.0,null,true,null,{}],"c\"d":[1, 2],"e":""}"#)
    writer.reset()
    writer.int(0)
    #expect(writer.text == "0" && writer.count == 1)
  }

  @Test func everyByteAloneAndAmidOthers() throws {
    for byte in UInt8.min...UInt8.max {
      for prefix in 0...9 {
        let bytes = [UInt8](repeating: UInt8(ascii: "x"), count: prefix) + [byte] + Array("yyyyyyyyy".utf8)
        var writer = JSONWriter()
        bytes.withUnsafeBytes { writer.string(bytes: $0) }
        let expected = String(decoding: bytes, as: UTF8.self)
        #expect(try JSONValue(parsing: writer.text) == .string(expected), "byte \(byte) after \(prefix)")
      }
    }
  }

  @Test(arguments: 0..<50) func anyBytesBecomeJSON(seed: Int) throws {
    var random = SeededValues(seed: UInt64(seed))
    for _ in 0..<100 {
      let bytes = (0..<Int.random(in: 0...40, using: &random)).map { _ in
        Bool.random(using: &random)
          ? UInt8.random(in: 0...255, using: &random) : UInt8.random(in: 0xe0...0xf4, using: &random)
      }
      var writer = JSONWriter()
      bytes.withUnsafeBytes { writer.string(bytes: $0) }
      _ = try JSONValue(parsing: Array(writer.bytes))
    }
    // What is UTF-8 comes through as it is.
    let text = random.text()
    var writer = JSONWriter()
    writer.string(text)
    let parsed = try JSONValue(parsing: writer.text)
    #expect(Array(parsed.string?.utf8 ?? "".utf8) == Array(text.utf8))
  }
}
