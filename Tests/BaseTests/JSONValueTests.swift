import Foundation
import Testing

@testable import BotHost

@Suite struct JSONValueTests {
  @Test func readsWhatItWrites() throws {
    let value = try JSONValue(parsing: #" {"a":[1,-2.5,true,null,"x\u00e9\n"],"b":{"c":9223372036854775807}} "#)
    #expect(value.serialized() == #"{"a":[1,-2.5,true,null,"xé\n"],"b":{"c":9223372036854775807}}"#)
    #expect(value["b"]?["c"]?.int == .max)
    #expect(value["a"]?[1]?.double == -2.5 && value["a"]?[9] == nil && value["missing"] == nil)
  }

  @Test func integersAreExact() throws {
    #expect(try JSONValue(parsing: "-9223372036854775808") == .int(.min))
    #expect(try JSONValue(parsing: "9223372036854775807") == .int(.max))
    #expect(try JSONValue(parsing: "9223372036854775808") == .double(9223372036854775808))
    #expect(try JSONValue(parsing: "18446744073709551616") == .double(18446744073709551616))
    #expect(try JSONValue(parsing: "123456789012345678901234567890") == .double(1.2345678901234568e29))
    #expect(try JSONValue(parsing: "-0") == .int(0))
    #expect(try JSONValue(parsing: "-0.0").serialized() == "-0.0")
    #expect(try JSONValue(parsing: "1e-400") == .double(0))
    #expect(throws: JSONParseError.self) { try JSONValue(parsing: "1e400") }
    #expect(JSONValue.double(2).int == 2 && JSONValue.double(2.5).int == nil && JSONValue.double(1e30).int == nil)
  }

  @Test(arguments: [
    ("", 0, "empty"), ("  ", 2, "end of the text"), ("[1,]", 3, "expected a value"), ("{\"a\" 1}", 5, "':'"),
    ("{\"a\":1,}", 7, "name in quotes"), ("[1 2]", 3, "',' or ']'"), ("tru", 0, "'true'"), ("01", 0, "begin with 0"),
    ("1.", 2, "digit"), ("1e", 2, "exponent"), ("-", 1, "digit"), ("\"a", 0, "no end"), ("\"\\x\"", 1, "escape"),
    ("\"\\u12\"", 1, "hexadecimal"), ("\"\\ud800\"", 1, "surrogate"), ("\"\\udc00\"", 1, "surrogate"),
    ("\"a\nb\"", 2, "control"), ("1 1", 2, "end of the text"), ("NaN", 0, "value"), ("'a'", 0, "value"),
    ("\u{feff}1", 0, "byte order mark"), ("1e999", 0, "too large"), ("{\"a\":1", 6, "'}'"), ("[", 1, "end of the text"),
  ])
  func saysWhereAndWhat(text: String, offset: Int, message: String) {
    let error = #expect(throws: JSONParseError.self) { try JSONValue(parsing: text) }
    #expect(error?.offset == offset, "\(text): \(String(describing: error))")
    #expect(error?.message.contains(message) == true, "\(text): \(String(describing: error))")
  }

  @Test func errorsHaveLineAndColumn() {
    let error = #expect(throws: JSONParseError.self) { try JSONValue(parsing: "{\n  \"a\": 1,\n  b\n}") }
    #expect(error?.line == 3 && error?.column == 3)
    #expect(error?.description == "line 3, column 3: expected a member's name in quotes, found 'b'")
    let utf8 = #expect(throws: JSONParseError.self) { try JSONValue(parsing: [34, 97, 0xff, 34]) }
    #expect(utf8?.offset == 2 && utf8?.message.contains("UTF-8") == true)
  }

  @Test func depthAndSizeAreBounded() throws {
    func nested(_ depth: Int) -> String {
      String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
    }
    _ = try JSONValue(parsing: nested(JSONValue.defaultMaxDepth))
    let error = #expect(throws: JSONParseError.self) {
      try JSONValue(parsing: nested(JSONValue.defaultMaxDepth + 1))
    }
    #expect(error?.message.contains("deeper") == true)
    #expect(throws: JSONParseError.self) { try JSONValue(parsing: nested(100_000)) }
    _ = try JSONValue(parsing: "[[1]]", maxDepth: 2)
    #expect(throws: JSONParseError.self) { try JSONValue(parsing: "[[[1]]]", maxDepth: 2) }
    #expect(throws: JSONParseError.self) { try JSONValue(parsing: "12345", maxBytes: 4) }
  }

  @Test func ofTwoMembersTheLaterWins() throws {
    let value = try JSONValue(parsing: #"{"a":1,"b":2,"a":3}"#)
    #expect(value.serialized() == #"{"a":3,"b":2}"#)
  }

  @Test func namesAreToldApartByTheirBytes() throws {
    // é composed and decomposed: equal as Swift strings, two names in JSON.
    let value = try JSONValue(parsing: #"{"\u00e9":1,"e\u0301":2}"#)
    #expect(value.object?.count == 2)
    #expect(value["\u{e9}"] == 1 && value["e\u{301}"] == 2)
  }

  @Test func objectsKeepOrderAndFindMembers() {
    var object = JSONObject()
    for number in 0..<100 { object["k\(number)"] = .int(Int64(number)) }
    #expect(object.keys == (0..<100).map { "k\($0)" })
    #expect((0..<100).allSatisfy { object["k\($0)"] == .int(Int64($0)) })
    object["k50"] = nil
    object["k3"] = "three"
    #expect(object["k50"] == nil && object.count == 99 && object["k99"] == 99 && object[3].value == "three")
    for number in stride(from: 99, through: 5, by: -1) { object["k\(number)"] = nil }
    #expect(object.keys == ["k0", "k1", "k2", "k3", "k4"] && object["k4"] == 4)
    let a: JSONValue = ["x": 1, "y": 2]
    let b: JSONValue = ["y": 2, "x": 1]
    #expect(a == b && a.hashValue == b.hashValue && a != ["x": 1, "y": 3] && a != ["x": 1])
  }

  @Test func settingMembersMakesObjects() {
    var value = JSONValue.null
    value["a"] = 1
    value["b"] = nil
    #expect(value == ["a": 1])
  }

  @Test func prettyPrinting() {
    let value: JSONValue = ["a": [1, 2], "b": ["c": []], "d": [["e": 1]], "f": [:]]
    #expect(
      value.prettyPrinted() == """
        {
          "a": [1, 2],
          "b": {
            "c": []
          },
          "d": [
            {
              "e": 1
            }
          ],
          "f": {}
        }
        """)
  }

  @Test(arguments: 0..<200) func roundTrip(seed: Int) throws {
    var random = SeededValues(seed: UInt64(seed))
    let value = random.value(depth: 5)
    #expect(try JSONValue(parsing: value.serialized()) == value)
    #expect(try JSONValue(parsing: value.prettyPrinted()) == value)
    #expect(try JSONValue(parsing: value.serializedBytes()) == value)
    let canonical = value.canonical()
    #expect(try JSONValue(parsing: canonical).canonical() == canonical)
    #expect(canonical == String(decoding: value.canonicalBytes(), as: UTF8.self))
  }

  /// simdjson and the careful reader are two parsers of one language.
  @Test(arguments: 0..<100) func theTwoReadersAgree(seed: Int) {
    var random = SeededValues(seed: UInt64(seed))
    let whole = Array(random.value(depth: 4).serialized().utf8)
    for _ in 0..<40 {
      var text = whole
      for _ in 0..<Int.random(in: 0...3, using: &random) where !text.isEmpty {
        let position = Int.random(in: 0..<text.count, using: &random)
        switch Int.random(in: 0..<4, using: &random) {
        case 0: text[position] = UInt8.random(in: 0...255, using: &random)
        case 1: text.remove(at: position)
        case 2: text.insert(Array("{}[],:\"\\0-eE. tfn".utf8).randomElement(using: &random) ?? 0, at: position)
        default: text.removeSubrange(position...)
        }
      }
      let fast = try? JSONValue(parsing: text)
      let careful = text.withUnsafeBytes { bytes -> JSONValue? in
        var reader = JSONReader(bytes, maxDepth: JSONValue.defaultMaxDepth)
        return try? reader.readDocument()
      }
      #expect(fast == careful, "\(String(decoding: text, as: UTF8.self))")
    }
  }
}

/// Random values and numbers out of a seed (SplitMix64).
struct SeededValues: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed &* 0x9e37_79b9_7f4a_7c15 &+ 1 }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }

  mutating func text() -> String {
    let alphabet: [Unicode.Scalar] = [
      "a", "b", "\"", "\\", "/", "\n", "\u{0}", "\u{1f}", "\u{7f}", "é", "€", "😀", "\u{2028}",
    ]
    var text = String.UnicodeScalarView()
    for _ in 0..<Int.random(in: 0...20, using: &self) { text.append(alphabet.randomElement(using: &self) ?? "x") }
    return String(text)
  }

  mutating func value(depth: Int) -> JSONValue {
    switch Int.random(in: 0..<(depth > 0 ? 8 : 6), using: &self) {
    case 0: return .null
    case 1: return .bool(Bool.random(using: &self))
    case 2: return .int(Int64(bitPattern: next()) >> Int64.random(in: 0..<64, using: &self))
    case 3:
      let double = Double(bitPattern: next())
      return .double(double.isFinite ? double : 0.5)
    case 4: return .double((Double.random(in: -1e6...1e6, using: &self) * 100).rounded() / 100)
    case 5: return .string(text())
    case 6: return .array((0..<Int.random(in: 0...5, using: &self)).map { _ in value(depth: depth - 1) })
    default:
      var object = JSONObject()
      for _ in 0..<Int.random(in: 0...16, using: &self) { object[text()] = value(depth: depth - 1) }
      return .object(object)
    }
  }
}
