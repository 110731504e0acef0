import Foundation
import Testing

@testable import BotPluginKit

@Suite struct JSONBufferTests {
  private func text(of value: some TextBytes) -> String {
    var json = JSONBuffer()
    json.append(value)
    return json.string
  }

  @Test func commasComeByThemselves() {
    var json = JSONBuffer(capacity: 1)
    json.beginObject()
    json.field("a", "x")
    json.field("b", -5)
    json.field("c", true)
    json.key("d")
    json.beginArray()
    json.append(1)
    json.append(1.5)
    json.appendNull()
    json.beginObject()
    json.endObject()
    json.beginArray()
    json.endArray()
    json.raw(#"{"z":1}"#)
    json.raw("[]" as StaticString)
    json.append(false)
    json.endArray()
    json.key(text: "e\"")
    json.append(Double.infinity)
    json.endObject()
    #expect(json.string == #"{"a":"x","b":-5,"c":true,"d":[1,1.5,null,{},[],{"z":1},[],false],"e\"":null}"#)
    json.removeAll()
    json.append(2)
    #expect(json.string == "2")
    #expect(json.count == 1)
  }

  @Test(arguments: [Int64.min, -1, 0, 9, 10, .max])
  func numbers(_ number: Int64) {
    var json = JSONBuffer()
    json.append(number)
    #expect(json.string == String(number))
  }

  @Test func theLargestNumber() {
    var json = JSONBuffer()
    json.append(UInt64.max)
    #expect(json.string == String(UInt64.max))
  }

  @Test func preparedPiecesJoin() {
    var json = JSONBuffer()
    Array(#"{"a":1,"#.utf8).withUnsafeBytes { json.verbatim($0) }
    json.field("b", 2)
    Array("}".utf8).withUnsafeBytes { json.verbatim($0) }
    #expect(json.string == #"{"a":1,"b":2}"#)
  }

  @Test func everyAsciiByteReadsBackWhereverItStands() throws {
    for byte in UInt8(0)..<128 {
      for before in 0..<10 {
        let bytes = Array(repeating: UInt8(ascii: "a"), count: before) + [byte] + Array("tail of it".utf8)
        let json = text(of: bytes)
        let read = try JSONDecoder().decode(String.self, from: Data(json.utf8))
        #expect(Array(read.utf8) == bytes, "byte \(byte) after \(before)")
      }
    }
  }

  @Test(arguments: ["", "é", "漢字とかな", "👩‍👩‍👧‍👦 flags 🇫🇷", "a\u{7f}b", "\u{2028}", "\u{10FFFF}", "x\u{80}y\u{7FF}\u{800}"])
  func unicodeReadsBack(_ value: String) throws {
    #expect(try JSONDecoder().decode(String.self, from: Data(text(of: value).utf8)) == value)
  }

  /// Whatever the bytes: what comes out is JSON of valid UTF-8, and bytes that were valid come back.
  @Test func anyBytesBecomeAString() throws {
    var generator = SystemRandomNumberGenerator()
    let corpus: [[UInt8]] = [
      [0xC0, 0xAF], [0xE0, 0x80, 0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xF0, 0x82, 0x82, 0xAC], [0xFF],
      [0xE2, 0x82], [0xF0, 0x9F, 0x98], [0x80], [0xC3],
    ]
    var cases = corpus
    for _ in 0..<2_000 {
      let length = Int.random(in: 0..<40, using: &generator)
      cases.append((0..<length).map { _ in UInt8.random(in: 0...255, using: &generator) })
    }
    for bytes in cases {
      let json = text(of: bytes)
      let read = try JSONDecoder().decode(String.self, from: Data(json.utf8))
      let repaired = String(decoding: bytes, as: UTF8.self)
      if !repaired.unicodeScalars.contains("\u{FFFD}") {
        #expect(Array(read.utf8) == bytes)
      } else {
        #expect(read.unicodeScalars.contains("\u{FFFD}"), "\(bytes)")
      }
      #expect(
        read.unicodeScalars.filter { $0 != "\u{FFFD}" } == repaired.unicodeScalars.filter { $0 != "\u{FFFD}" },
        "\(bytes)")
    }
  }
}

@Suite struct ChatVocabularyTests {
  @Test func theFastWriterSaysWhatCodableSays() throws {
    let message = ChatMessage(
      platform: "twitch", instance: "twitch-2", channel: ChatChannel(id: "1", name: "kitchen"),
      author: ChatUser(id: "2", name: "Ann \"A\"", bot: true, roles: ["moderator"]),
      message: ChatText(id: "m", text: "taco\n🌮", replyTo: "n"), private: true)
    var json = JSONBuffer()
    ChatMessage.write(
      to: &json, platform: "twitch", instance: "twitch-2", channelID: "1", channelName: "kitchen", authorID: "2",
      authorName: "Ann \"A\"", bot: true, roles: #"["moderator"]"#, messageID: "m", text: "taco\n🌮", replyTo: "n",
      private: true)
    #expect(try JSONDecoder().decode(ChatMessage.self, from: Data(json.bytes)) == message)
    #expect(
      try JSONDecoder().decode(ChatMessage.self, from: JSONEncoder().encode(message)) == message)
    #expect(message.orderingKey == "twitch/1")
  }

  @Test func whatAnAdapterLeavesOutHasAMeaning() throws {
    let least =
      #"{"platform":"p","channel":{"id":"1","name":"c"},"author":{"id":"2","name":"a"},"message":{"id":"3","text":"t"}}"#
    let message = try JSONDecoder().decode(ChatMessage.self, from: Data(least.utf8))
    #expect(message.author.bot == false)
    #expect(message.author.roles == [])
    #expect(message.private == false)
    #expect(message.message.replyTo == nil)
  }

  @Test func namesOfMembersAreThoseOfTheVocabulary() throws {
    let say = ChatSay(platform: "p", channel: "c", text: "t", replyTo: "m", private: true)
    let json = String(decoding: try JSONEncoder().encode(say), as: UTF8.self)
    for name in ["platform", "channel", "text", "reply_to", "private"] { #expect(json.contains("\"\(name)\"")) }
    #expect(!json.contains("instance"))
  }
}
