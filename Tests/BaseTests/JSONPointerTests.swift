import BotHost
import Testing

@Suite struct JSONPointerTests {
  /// RFC 6901, section 5.
  @Test(arguments: [
    ("/foo", #"["bar","baz"]"#), ("/foo/0", #""bar""#), ("/", "0"), ("/a~1b", "1"), ("/c%d", "2"), ("/e^f", "3"),
    ("/g|h", "4"), ("/i\\j", "5"), ("/k\"l", "6"), ("/ ", "7"), ("/m~0n", "8"),
  ])
  func theExamples(pointer: String, expected: String) throws {
    let document = try JSONValue(
      parsing: #"{"foo":["bar","baz"],"":0,"a/b":1,"c%d":2,"e^f":3,"g|h":4,"i\\j":5,"k\"l":6," ":7,"m~n":8}"#)
    #expect(document.value(at: pointer)?.serialized() == expected)
    #expect(document.value(at: "") == document)
    #expect(JSONPointer(pointer)?.description == pointer)
  }

  @Test func whatDoesNotExistIsNil() {
    let document: JSONValue = ["a": [1, 2], "b": 3]
    for pointer in [
      "/x", "/a/2", "/a/-", "/a/01", "/a/+1", "/a/x", "/a/", "/b/c", "a", "/~", "/~2", "/a/99999999999999999999",
    ] {
      #expect(document.value(at: pointer) == nil, "\(pointer)")
    }
    #expect(JSONPointer("/~2") == nil && JSONPointer("x") == nil)
    #expect(JSONPointer("/~01")?.tokens == ["~1"])
  }

  @Test func valuesAreSet() throws {
    var document: JSONValue = ["a": [1, ["b": 2]]]
    func set(_ value: JSONValue, _ pointer: String) throws -> Bool {
      document.set(value, at: try #require(JSONPointer(pointer)))
    }
    #expect(try set("x", "/a/1/b"))
    #expect(try set("y", "/a/1/new"))
    #expect(try set("z", "/a/-"))
    #expect(try set("w", "/a/3"))
    #expect(document == ["a": [1, ["b": "x", "new": "y"], "z", "w"]])
    let before = document
    #expect(try !set(0, "/missing/x") && !set(0, "/a/9") && !set(0, "/a/0/x") && !set(0, "/a/-/x"))
    #expect(document == before)
    #expect(try set("all", ""))
    #expect(document == "all")
  }
}
