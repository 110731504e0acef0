import Testing

@testable import TwitchChat

struct OutgoingTextTests {
  @Test func `what could end the line is gone`() {
    #expect(OutgoingText.clean("hello\r\nQUIT :bye") == "hello QUIT :bye")
    #expect(OutgoingText.clean("a\n\n\nb") == "a b")
    #expect(OutgoingText.clean("a \n b") == "a  b")
    #expect(OutgoingText.clean("\u{0}x\u{1}ACTION y\u{1}\u{0}") == "xACTION y")
    #expect(OutgoingText.clean("\r\n \r\n") == "")
    #expect(OutgoingText.clean("  x  ") == "x")
  }

  @Test func `a text is cut at spaces`() {
    let limit = OutgoingText.Limit(codePoints: 10, bytes: 1000)
    #expect(OutgoingText.split("one two three four", limit: limit) == ["one two", "three four"])
    #expect(OutgoingText.split("abcdefghij klm", limit: limit) == ["abcdefghij", "klm"])
    #expect(OutgoingText.split("abcdefghijklm", limit: limit) == ["abcdefghij", "klm"])
    #expect(OutgoingText.split("", limit: limit) == [])
    #expect(OutgoingText.split("short", limit: limit) == ["short"])
  }

  @Test func `code points count, not bytes`() {
    let text = String(repeating: "ü", count: 500)
    #expect(OutgoingText.split(text, limit: .twitch) == [text])
    #expect(OutgoingText.split(text + "ü", limit: .twitch).map(\.unicodeScalars.count) == [500, 1])
    #expect(OutgoingText.split(text, limit: .irc).count > 1)
  }

  @Test func `a character is not cut when it need not be`() {
    let family = "👨‍👩‍👧"  // five code points
    let parts = OutgoingText.split(String(repeating: family, count: 3), limit: .init(codePoints: 7, bytes: 1000))
    #expect(parts == [family, family, family])
    // One character longer than a part has to be cut.
    let zalgo = "a" + String(repeating: "\u{301}", count: 30)
    let cut = OutgoingText.split(zalgo, limit: .init(codePoints: 10, bytes: 1000))
    #expect(cut.map(\.unicodeScalars.count) == [10, 10, 10, 1])
  }

  @Test func `parts fit and nothing but spaces is lost`() {
    var dice = Dice(5)
    let alphabet: [Unicode.Scalar] = ["a", "b", " ", " ", "é", "漢", "👉", "\u{301}", "\u{200D}", "👩"]
    for _ in 0..<3000 {
      var text = String.UnicodeScalarView()
      for _ in 0..<Int.random(in: 0...120, using: &dice) {
        text.append(alphabet[Int.random(in: 0..<alphabet.count, using: &dice)])
      }
      let clean = OutgoingText.clean(String(text))
      let limit = OutgoingText.Limit(
        codePoints: Int.random(in: 1...30, using: &dice), bytes: Int.random(in: 4...60, using: &dice))
      let parts = OutgoingText.split(clean, limit: limit)
      for part in parts {
        #expect(!part.isEmpty)
        #expect(part.unicodeScalars.count <= limit.codePoints)
        #expect(part.utf8.count <= limit.bytes)
        #expect(part.unicodeScalars.first != " ")
      }
      let kept = parts.flatMap { $0.unicodeScalars.filter { $0 != " " } }
      #expect(kept == clean.unicodeScalars.filter { $0 != " " })
    }
  }
}
