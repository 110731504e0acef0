import Testing

@testable import TwitchChat

struct TextFormattingTests {
  private func removed(_ text: String) -> String {
    var text = text
    return text.withUTF8 { bytes in
      let view = ByteView(UnsafeRawBufferPointer(bytes))
      return TextFormatting.removed(from: view).map { String(decoding: $0, as: UTF8.self) } ?? view.string
    }
  }

  @Test(arguments: [
    ("plain", "plain"), ("\u{2}bold\u{2} \u{1D}italic\u{F}", "bold italic"), ("\u{3}4red", "red"),
    ("\u{3}04,12!help\u{3}", "!help"), ("\u{3}041", "1"), ("\u{3}4,x", ",x"), ("\u{3},4", ",4"), ("a\u{3}", "a"),
    ("\u{4}FF00ffx", "x"), ("\u{4}FF00ff,00FF00x", "x"), ("\u{4}FF0x", "FF0x"), ("\u{4}FF00ff,00x", ",00x"),
    ("a\tb", "a\tb"), ("\u{16}é\u{1F}漢\u{1E}\u{11}", "é漢"), ("", ""), ("\u{2}", ""),
  ])
  func `signs go, words stay`(_ text: String, _ plain: String) { #expect(removed(text) == plain) }

  @Test func `what has been removed once has nothing to remove, and no bytes break it`() {
    var dice = Dice(9)
    for _ in 0..<5000 {
      let bytes = (0..<Int.random(in: 0...40, using: &dice)).map { _ in
        [UInt8](arrayLiteral: 2, 3, 4, 0x0F, 0x31, 0x2C, 0x41, 0x61, 0x20, 0xC3, 0xFF).randomElement(using: &dice) ?? 0
      }
      let once = bytes.withUnsafeBytes { TextFormatting.removed(from: ByteView($0)) } ?? bytes
      #expect(once.withUnsafeBytes { TextFormatting.removed(from: ByteView($0)) } == nil)
      #expect(once.count <= bytes.count)
      #expect(!once.contains { [2, 3, 4, 0x0F].contains($0) })
    }
  }
}
