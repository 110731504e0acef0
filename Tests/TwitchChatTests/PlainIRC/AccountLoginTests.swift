import Foundation
import Testing

@testable import TwitchChat

/// Logging in to an account of a network's services.
struct AccountLoginTests {
  private func script() -> Script {
    var configuration = SessionConfiguration(nick: "yeti", hasToken: true, server: .irc)
    configuration.account = "yetis"
    var script = Script(configuration)
    script.input(.opened)
    return script
  }

  /// Whether the account's lines were asked for since the last look.
  private func wantsAccount(_ script: inout Script) -> Bool {
    defer { script.outputs.removeAll { $0 == .writeAccount("yetis") } }
    return script.outputs.contains(.writeAccount("yetis"))
  }

  @Test func `the account comes before the welcome, and no other password does`() {
    var script = script()
    #expect(script.written() == ["CAP REQ :sasl", "NICK yeti", "USER yeti 0 * :yeti"])
    script.line(":irc.test CAP * ACK :sasl")
    #expect(script.written() == ["AUTHENTICATE PLAIN"])
    #expect(!wantsAccount(&script))
    script.line("AUTHENTICATE +")
    #expect(wantsAccount(&script))
    script.line(":irc.test 900 yeti yeti!y@x yetis :You are now logged in as yetis")
    script.line(":irc.test 903 yeti :SASL authentication successful")
    #expect(script.written() == ["CAP END"])
    script.line(":irc.test 001 yeti :Welcome")
    #expect(script.session.isConnected)
    // Nobody gets it out of us again.
    script.line("AUTHENTICATE +")
    #expect(!wantsAccount(&script))
  }

  @Test(arguments: ["902", "904", "905", "906"])
  func `a refused account is final`(_ code: String) {
    var script = script()
    script.line(":irc.test CAP * ACK :sasl")
    script.line("AUTHENTICATE +")
    script.line(":irc.test \(code) yeti :SASL authentication failed")
    #expect(script.session.state.phase == .failed)
    #expect(
      script.events().contains(
        .failed(reason: "the account is refused: SASL authentication failed", isFinal: true)))
  }

  @Test func `a server without accounts at present is asked again, and one that never has them is not`() {
    var script = script()
    script.line(":irc.test CAP * NAK :sasl")
    #expect(script.outputs.contains { if case .reconnect(60_000_000_000, _) = $0 { true } else { false } })
    var never = self.script()
    never.line(":irc.test 421 yeti CAP :Unknown command")
    #expect(never.session.state.phase == .failed)
  }

  @Test func `without an account nothing is shown to a server that asks`() throws {
    var script = Script(SessionConfiguration(nick: "yeti", hasToken: true, server: .irc))
    script.input(.opened)
    #expect(script.written() == ["PASS", "NICK yeti", "USER yeti 0 * :yeti"])
    script.line(":irc.test CAP * ACK :sasl")
    script.line("AUTHENTICATE +")
    script.line(":irc.test 904 yeti :No")
    #expect(script.written() == [])
    #expect(script.outputs.isEmpty || !script.outputs.contains { if case .writeAccount = $0 { true } else { false } })
    #expect(script.session.state.phase == .loggingIn)
  }

  /// What a server reads in the lines.
  private func read(_ lines: [UInt8]) -> (plain: [UInt8], lengths: [Int])? {
    let text = String(decoding: lines, as: UTF8.self)
    guard text.hasSuffix("\r\n") else { return nil }
    let pieces = text.dropLast(1).split(separator: "\r\n").map { $0.dropFirst("AUTHENTICATE ".count) }
    let encoded = pieces.filter { $0 != "+" }.joined()
    return Data(base64Encoded: encoded).map { (Array($0), pieces.map(\.utf8.count)) }
  }

  @Test func `the lines say the account twice and the password, in pieces of 400`() throws {
    for length in 1...700 {
      let secret = (0..<length).map { UInt8(0x21 + $0 % 90) }
      let lines = try #require(secret.withUnsafeBytes { accountLines(account: "yétis", secret: $0) })
      let (plain, lengths) = try #require(read(lines))
      #expect(plain == Array("yétis\0yétis\0".utf8) + secret)
      #expect(lengths.dropLast().allSatisfy { $0 == 400 })
      // The last piece is shorter; a + stands for an empty one.
      #expect(lengths.last.map { $0 < 400 } == true)
    }
  }

  @Test func `what is no password makes no lines`() {
    func lines(_ account: String, _ secret: String) -> String? {
      Array(secret.utf8).withUnsafeBytes { accountLines(account: account, secret: $0) }
        .map { String(decoding: $0, as: UTF8.self) }
    }
    #expect(lines("jilles", " sesame\n") == "AUTHENTICATE amlsbGVzAGppbGxlcwBzZXNhbWU=\r\n")
    #expect(lines("jilles", "") == nil)
    #expect(lines("jilles", " \n") == nil)
    #expect(lines("", "sesame") == nil)
    #expect(lines("a\0b", "sesame") == nil)
    #expect(lines("jilles", "a\0b") == nil)
  }
}
