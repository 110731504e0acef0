import Testing

@testable import BotHost

@Suite struct JSONValueTests {
  @Test func readsWhatItWrites() throws {
    let value = try JSONValue(parsing: #" {"a":[1,-2.5,true,null,"x\u00e9\n"],"b":{"c":9223372036854775807}} "#)
    #expect(value.serialized() == #"{"a":[1,-2.5,true,null,"xé\n"],"b":{"c":9223372036854775807}}"#)
    #expect(value["b"]?["c"]?.int == .max)
  }
}
