import CJSON
import Testing

@testable import BotHost

@Suite struct JSONPayloadTests {
  private func isJSON(_ text: String) -> Bool {
    Array(text.utf8).withUnsafeBytes { Bus.isJSON($0.baseAddress, $0.count, 0) }
  }

  private func isJSON(_ bytes: [UInt8]) -> Bool { bytes.withUnsafeBytes { Bus.isJSON($0.baseAddress, $0.count, 0) } }

  @Test(arguments: [
    "1", " -0.5e+10 ", "\"\"", "\"é😀\\u00e9\\ud83d\\ude00\\n\"", "[]", "[ ]", "{}", "{ }",
    "[1,[2,{\"a\":[null,true,false]}]]",
    "{\"a\":{\"b\":[]},\"c\":1}", "123456789012345678901234567890", "1e999", "\t\r\n[ 1 , 2 ]\n",
  ]) func accepted(_ text: String) { #expect(isJSON(text)) }

  @Test(arguments: [
    "", " ", "{", "}", "[1,]", "[,1]", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{a:1}", "01", "-", "1.", ".5", "1e", "+1",
    "nul", "nulll",
    "\"", "\"\\x\"", "\"\\u12g4\"", "\"\\ud800\"", "\"\\udc00\"", "\"\\ud800\\u0041\"", "\"\n\"", "[1] 2", "[1}", "{]",
    "'a'", "NaN",
    "\u{FEFF}1", "[1 2]", "{\"a\" 1}",
  ]) func refused(_ text: String) { #expect(!isJSON(text)) }

  @Test(
    arguments: [
      [0x22, 0x80, 0x22], [0x22, 0xC0, 0x80, 0x22], [0x22, 0xE0, 0x80, 0x80, 0x22], [0x22, 0xED, 0xA0, 0x80, 0x22],
      [0x22, 0xF4, 0x90, 0x80, 0x80, 0x22], [0x22, 0xF5, 0x80, 0x80, 0x80, 0x22], [0x22, 0xE2, 0x82, 0x22],
      [0x22, 0xFF, 0x22],
      [0x22, 0x00, 0x22], [0x31, 0x00],
    ] as [[UInt8]]) func bytesThatAreNoUTF8AreRefused(_ bytes: [UInt8])
  { #expect(!isJSON(bytes)) }

  @Test func depthIsBounded() {
    #expect(isJSON(String(repeating: "[", count: 1024) + String(repeating: "]", count: 1024)))
    #expect(!isJSON(String(repeating: "[", count: 1025) + String(repeating: "]", count: 1025)))
    #expect(!isJSON(String(repeating: "[", count: 1_000_000)))
  }

  /// The plain check and the vectorised one, which long payloads get, agree on texts and on what mutations make of
  /// them.
  @Test func bothChecksAgree() {
    var generator = SeededGenerator(seed: 3)
    let pieces = [
      "{\"key\":[1,2.5e3,null,true]}", "\"a \\\"quoted\\\" text \\u00e9 é 😀\"", "[[],{},\"\"]", "-12",
      "{\"a\":{\"b\":{\"c\":0}}}",
    ]
    for round in 0..<400 {
      var text =
        "[" + (0..<12).map { _ in pieces[Int.random(in: 0..<pieces.count, using: &generator)] }.joined(separator: ",")
      text += ",\"" + String(repeating: "x", count: 260) + "\"]"
      var bytes = Array(text.utf8)
      if round % 4 != 0 {
        for _ in 0..<(round % 3 + 1) {
          let place = Int.random(in: 0..<bytes.count, using: &generator)
          switch round % 5 {
          case 0: bytes.remove(at: place)
          case 1: bytes.insert(UInt8.random(in: 0...255, using: &generator), at: place)
          default:
            bytes[place] = [0x22, 0x5C, 0x7B, 0x7D, 0x2C, 0x30, 0x0A, 0xC3].randomElement(using: &generator) ?? 0
          }
        }
      }
      let plain = isJSON(bytes)
      let padded = bytes + [UInt8](repeating: 0x20, count: 64)
      let vectorised = padded.withUnsafeBytes { Bus.isJSON($0.baseAddress, bytes.count, 64) }
      #expect(plain == vectorised, "\(String(decoding: bytes, as: UTF8.self))")
    }
  }

  @Test func pointersFollowRFC6901() throws {
    let json = #"{"foo":["bar","baz"],"":0,"a/b":1,"c%d":2,"e^f":3,"g|h":4,"i\\j":5,"k\"l":6," ":7,"m~n":8}"#
    func value(_ pointer: String) -> String? {
      var (json, pointer) = (json, pointer)
      return json.withUTF8 { json in
        pointer.withUTF8 { pointer in
          var value = cj_value()
          let found = cj_field(
            UnsafeRawPointer(json.baseAddress!).assumingMemoryBound(to: CChar.self), json.count,
            UnsafeRawPointer(pointer.baseAddress)?.assumingMemoryBound(to: CChar.self), pointer.count, &value)
          guard found == 0 else { return found == 1 ? nil : "malformed" }
          return String(decoding: UnsafeRawBufferPointer(start: value.text, count: value.length), as: UTF8.self)
        }
      }
    }
    #expect(value("") == json)
    #expect(value("/foo") == #"["bar","baz"]"#)
    #expect(value("/foo/0") == "bar")
    #expect(value("/foo/1") == "baz")
    #expect(value("/") == "0")
    #expect(value("/a~1b") == "1")
    #expect(value("/c%d") == "2")
    #expect(value("/i\\j") == "5")
    #expect(value("/k\"l") == "6")
    #expect(value("/ ") == "7")
    #expect(value("/m~0n") == "8")
    for missing in ["/foo/2", "/foo/01", "/foo/-", "/foo/x", "/nope", "/foo/0/x", "/a"] {
      #expect(value(missing) == nil)
    }
    for bad in ["foo", "/a~", "/a~2"] { #expect(value(bad) == "malformed") }
  }

  @Test func topicsAreFoundAndBounded() {
    let table = TopicTable()
    func intern(_ name: String) -> Int? {
      var name = name
      return name.withUTF8 { table.intern($0, isDurable: { _ in false })?.pointee.index }
    }
    for number in 0..<5000 { #expect(intern("topic.\(number)") == number) }
    for number in 0..<5000 { #expect(intern("topic.\(number)") == number) }
    #expect(intern("not a topic") == nil)
    #expect(table.count == 5000)
  }
}
