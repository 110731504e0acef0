import Foundation
import Testing

@testable import KafkaLog

@Suite struct JSONTests {
  @Test(arguments: [
    "1", "-0", "0.5e+3", "\"\"", "\"\\u00e9\\n\"", "[]", "{}", " {\"a\" : [1, {\"b\": null}], \"c\": true} ", "false",
    "\"\\ud83d\\ude00\"",
  ])
  func takesJSON(text: String) {
    #expect(withBytes(text) { JSONCursor.isValue($0) })
  }

  @Test(arguments: [
    "", " ", "01", "1.", ".5", "1e", "+1", "nul", "tru", "\"", "\"\\x\"", "\"\\u12g4\"", "[1,]", "[1 2]", "{\"a\"}",
    "{\"a\":1,}", "{a:1}", "1 2", "\"\u{01}\"", "[", "{\"a\":",
  ])
  func refusesWhatIsNoJSON(text: String) {
    #expect(!withBytes(text) { JSONCursor.isValue($0) })
  }

  @Test func refusesDeepNestingInsteadOfOverflowing() {
    let deep = String(repeating: "[", count: 100_000)
    #expect(!withBytes(deep) { JSONCursor.isValue($0) })
    let allowed = String(repeating: "[", count: 100) + String(repeating: "]", count: 100)
    #expect(withBytes(allowed) { JSONCursor.isValue($0) })
  }

  @Test func agreesWithFoundationOnMutatedTexts() throws {
    let seed = Array("{\"a\":[1,-2.5e3,\"x\\u00e9\\\"\",true,null],\"b\":{\"c\":\"\u{1F600}\"}}".utf8)
    var numbers = Sequence64(state: 1)
    for _ in 0..<5000 {
      var bytes = seed
      for _ in 0..<Int.random(in: 1...3, using: &numbers) {
        let at = Int.random(in: 0..<bytes.count, using: &numbers)
        switch Int.random(in: 0..<3, using: &numbers) {
        case 0: bytes[at] = UInt8.random(in: 0x20...0x7E, using: &numbers)
        case 1: bytes.remove(at: at)
        default: bytes.insert(UInt8.random(in: 0x20...0x7E, using: &numbers), at: at)
        }
      }
      let ours = bytes.withUnsafeBytes { JSONCursor.isValue($0) }
      let theirs = (try? JSONSerialization.jsonObject(with: Data(bytes), options: .fragmentsAllowed)) != nil
      if ours && !theirs {
        // Foundation refuses what RFC 8259 permits: half of a surrogate pair, written as an escape.
        #expect(String(decoding: bytes, as: UTF8.self).contains("\\ud"), "\(String(decoding: bytes, as: UTF8.self))")
      }
      if theirs { #expect(ours, "\(String(decoding: bytes, as: UTF8.self))") }
    }
  }

  @Test func stringsComeBackAsTheyWere() {
    for text in ["", "plain", "q\"b\\s/", "\u{0}\u{1F}\n\r\t\u{8}\u{C}", "é😀", "\u{7F}"] {
      var out: [UInt8] = []
      JSONString.append(text, to: &out)
      out.withUnsafeBytes { bytes in
        #expect(JSONCursor.isValue(bytes))
        var cursor = JSONCursor(bytes)
        let string = cursor.string()
        #expect(string == text)
      }
    }
  }

  @Test func escapesAreRead() {
    withBytes("\"\\u0041\\u00e9\\ud83d\\ude00\\/\\b\"") { bytes in
      var cursor = JSONCursor(bytes)
      let string = cursor.string()
      #expect(string == "Aé😀/\u{8}")
    }
    withBytes("\"\\ud83dx\"") { bytes in
      var cursor = JSONCursor(bytes)
      let string = cursor.string()
      #expect(string == "\u{FFFD}x")
    }
  }

  @Test func tellsTextFromBytes() {
    var numbers = Sequence64(state: 2)
    for _ in 0..<5000 {
      var bytes = Array("aé€😀zzzzzzzzzz".utf8)
      for _ in 0..<Int.random(in: 0...2, using: &numbers) {
        bytes[Int.random(in: 0..<bytes.count, using: &numbers)] = UInt8.random(in: 0...255, using: &numbers)
      }
      let ours = bytes.withUnsafeBytes { UTF8Text.isValid($0) }
      #expect(ours == (String(validating: bytes, as: UTF8.self) != nil), "\(bytes)")
    }
  }

  @Test func writesBase64() {
    for count in 0..<20 {
      let bytes = (0..<count).map { UInt8($0 * 37 & 255) }
      var out: [UInt8] = []
      bytes.withUnsafeBytes { UTF8Text.appendBase64($0, to: &out) }
      #expect(String(decoding: out, as: UTF8.self) == Data(bytes).base64EncodedString())
    }
  }

  @Test func treesKeepOrderAndRefuseDoubleNames() throws {
    let tree = try #require(JSONTree(parsing: "{\"b\": [1, \"x\", true, null], \"a\": {\"c\": -2.5}}"))
    #expect(tree["b"] == .array([.number("1"), .string("x"), .bool(true), .null]))
    #expect(tree["a"]?["c"] == .number("-2.5"))
    #expect(tree["z"] == nil)
    #expect(JSONTree(parsing: "{\"a\": 1, \"a\": 2}") == nil)
    #expect(JSONTree(parsing: "{\"a\": 1") == nil)
  }
}
