import Foundation
import Testing

@testable import KafkaLog

@Suite struct RecordEventTests {
  func payload(
    key: String? = nil, value: [UInt8]?, headers: [(String, String?)] = [], timestamp: Int64 = 1000
  ) throws -> [String: Any] {
    var writer = RecordEvent()
    let data = withRecord(timestamp: timestamp, key: key, value: value, headers: headers) { record in
      writer.withPayload(of: record) { Data($0) }
    }
    return try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
  }

  @Test func aChatRecordSaysItsMessage() throws {
    let text =
      "{\"channel\": \"#c\", \"message\": \"hi \\\"you\\\" \\u00e9\", \"reply_to\": null, \"n\": {\"message\": \"no\"}}"
    let event = try payload(key: "#c", value: Array(text.utf8))
    #expect(event["topic"] as? String == "t")
    #expect(event["partition"] as? Int == 0)
    #expect(event["offset"] as? Int == 7)
    #expect(event["ts"] as? Int == 1000)
    #expect(event["key"] as? String == "#c")
    #expect(event["channel"] as? String == "#c")
    #expect(event["message"] as? String == "hi \"you\" é")
    #expect(event["value"] as? String == "hi \"you\" é")
    #expect(event["reply_to"] is NSNull)
    #expect(event["raw"] as? String == text)
    #expect((event["json"] as? [String: Any])?["channel"] as? String == "#c")
  }

  @Test func plainTextIsTheMessage() throws {
    let event = try payload(value: Array("hello {world".utf8))
    #expect(event["value"] as? String == "hello {world")
    #expect(event["message"] as? String == "hello {world")
    #expect(event["channel"] is NSNull)
    #expect(event["json"] is NSNull)
    #expect(event["key"] is NSNull)
  }

  @Test func brokenJSONIsPlainText() throws {
    let event = try payload(value: Array("{\"message\": \"x\"".utf8))
    #expect(event["message"] as? String == "{\"message\": \"x\"")
    #expect(event["json"] is NSNull)
  }

  @Test func jsonWithoutAMessageIsItsOwnValue() throws {
    let event = try payload(value: Array("{\"message\": 5, \"a\": 1}".utf8))
    #expect(event["value"] as? String == "{\"message\": 5, \"a\": 1}")
    #expect(event["message"] is NSNull)
    #expect((event["json"] as? [String: Any])?["a"] as? Int == 1)
    #expect(try payload(value: Array("[1]".utf8))["json"] as? [Int] == [1])
  }

  @Test func bytesAreBase64AndTombstonesNull() throws {
    let event = try payload(value: [0xFF, 0x00, 0x41])
    #expect(event["value"] as? String == "/wBB")
    #expect(event["encoding"] as? String == "base64")
    #expect(event["message"] is NSNull)
    let tombstone = try payload(value: nil, timestamp: -1)
    #expect(tombstone["value"] is NSNull)
    #expect(tombstone["ts"] is NSNull)
    #expect(tombstone["encoding"] == nil)
  }

  @Test func headersAreAMapInWhichTheLastOfANameStands() throws {
    let event = try payload(value: [], headers: [("a", "1"), ("b", nil), ("a", "2")])
    let headers = try #require(event["headers"] as? [String: Any])
    #expect(headers["a"] as? String == "2")
    #expect(headers["b"] is NSNull)
    #expect(headers.count == 2)
  }

  @Test func whateverTheBytesThePayloadIsJSON() throws {
    var numbers = Sequence64(state: 4)
    var writer = RecordEvent()
    let seed = Array("{\"message\":\"a\\u00e9\",\"channel\":\"é\",\"x\":[1,{}]}".utf8)
    for _ in 0..<3000 {
      var bytes = seed
      for _ in 0..<Int.random(in: 0...3, using: &numbers) {
        bytes[Int.random(in: 0..<bytes.count, using: &numbers)] = UInt8.random(in: 0...255, using: &numbers)
      }
      withRecord(key: "k\"", value: bytes) { record in
        writer.withPayload(of: record) { payload in
          #expect(JSONCursor.isValue(payload), "\(String(decoding: payload, as: UTF8.self))")
        }
      }
    }
  }
}

@Suite struct ChatRecordTests {
  @Test func writesTheRecordOfALine() throws {
    let payload = """
      {"platform": "twitch", "instance": "twitch", "channel": {"id": "1", "name": "taco"},
      "author": {"id": "42", "name": "Tac\\u00f6", "bot": false, "roles": ["mod"]},
      "message": {"id": "m1", "text": "hi \\"there\\"", "reply_to": null}, "private": false}
      """
    var writer = ChatRecord()
    let (key, value) = try #require(
      withBytes(payload) { bytes in
        writer.withRecord(of: bytes, time: 5) {
          (String(decoding: $0, as: UTF8.self), String(decoding: $1, as: UTF8.self))
        }
      })
    #expect(key == "taco")
    let expected =
      "{\"v\":1,\"channel\":\"taco\",\"username\":\"Tac\\u00f6\",\"display_name\":\"Tac\\u00f6\",\"user_id\":\"42\","
      + "\"message\":\"hi \\\"there\\\"\",\"id\":\"m1\",\"ts\":5,\"action\":false,\"reply_to\":null}"
    #expect(value == expected)
  }

  @Test(arguments: [
    "{}", "[]", "{\"channel\": {\"name\": \"x\"}}", "{\"message\": {\"text\": \"x\"}}", "{\"channel\": ",
  ])
  func refusesWhatIsNoLine(payload: String) {
    var writer = ChatRecord()
    #expect(withBytes(payload) { writer.withRecord(of: $0, time: 0) { _, _ in true } } == nil)
  }
}

@Suite struct PublishRequestTests {
  func read(_ text: String) -> (fault: String?, parts: [String?]) {
    var request = PublishRequest()
    return withBytes(text) { bytes in
      let fault = request.read(bytes)
      func text(_ field: PublishRequest.Field) -> String? {
        request.withBytes(field, of: bytes) { $0.map { String(decoding: $0, as: UTF8.self) } }
      }
      let headers = request.headers.flatMap { [text($0.name), text($0.value)] }
      return (fault, [text(request.topic), text(request.key), text(request.value)] + headers)
    }
  }

  @Test func textIsSentAsText() {
    #expect(read("{\"key\": \"k\", \"value\": \"a\\nb\"}").parts == [nil, "k", "a\nb"])
  }

  @Test func otherValuesAreSentAsJSON() {
    #expect(read("{\"value\": {\"a\": [1, \"\\u00e9\"]}}").parts == [nil, nil, "{\"a\": [1, \"\\u00e9\"]}"])
    #expect(read("{\"value\": 12.50}").parts == [nil, nil, "12.50"])
    #expect(read("{\"value\": null, \"key\": \"k\"}").parts == [nil, "k", nil])
    #expect(read("{\"value\": null, \"key\": \"k\"}").fault == nil)
  }

  @Test func topicAndHeadersMayBeSaid() {
    let parts = read("{\"topic\": \"t\", \"value\": \"\", \"headers\": {\"a\": \"1\", \"b\\n\": \"x\\ty\"}}").parts
    #expect(parts == ["t", nil, "", "a", "1", "b\n", "x\ty"])
  }

  @Test(arguments: [
    ("{}", "there is no `value`"), ("[]", "the argument is no JSON object"),
    ("{\"value\": 1, \"key\": 2}", "`key` is no text"),
    ("{\"value\": 1, \"topic\": []}", "`topic` is no text"),
    ("{\"value\": 1, \"headers\": {\"a\": 1}}", "`headers` is no map"),
    ("{\"value\": 1, \"partition\": 1}", "`partition` is none of"), ("{\"value\": ", "the argument is no JSON object"),
  ])
  func saysWhatIsWrong(text: String, fault: String) throws {
    #expect(try #require(read(text).fault).contains(fault))
  }

  @Test func isUsedAgainWithoutRemains() {
    var request = PublishRequest()
    withBytes("{\"key\": \"a\\n\", \"value\": 1, \"headers\": {\"x\": \"y\"}}") { bytes in
      let fault = request.read(bytes)
      #expect(fault == nil)
    }
    withBytes("{\"value\": 2}") { bytes in
      let fault = request.read(bytes)
      #expect(fault == nil)
      #expect(request.key == .absent)
      #expect(request.headers.isEmpty)
    }
  }
}

@Suite struct DeadLetterTests {
  @Test func saysWhyAndWhereFrom() {
    withRecord(topic: "orders", partition: 3, offset: 99, value: []) { record in
      let headers = DeadLetter.headers(of: record, error: "no such channel")
      #expect(headers.map(\.name) == ["error", "source-topic", "source-partition", "source-offset"])
      #expect(headers.map(\.value) == ["no such channel", "orders", "3", "99"])
    }
  }

  @Test func aLongReasonIsCutAtACharacter() {
    withRecord(value: []) { record in
      let text = DeadLetter.headers(of: record, error: "x" + String(repeating: "é", count: 2000))[0].value
      #expect(text.utf8.count <= DeadLetter.reasonLimit)
      #expect(text.utf8.count > DeadLetter.reasonLimit - 4)
      #expect(!text.contains("\u{FFFD}"))
    }
  }

  @Test func oldHeadersOfTheKindAreLeftOut() {
    withRecord(value: [], headers: [("error", "old"), ("id", "5"), ("source-offset", "1")]) { record in
      #expect(record.headers.filter(DeadLetter.keeps).count == 1)
      #expect(record.header("id") == "5")
      #expect(record.header("none") == nil)
    }
  }
}
