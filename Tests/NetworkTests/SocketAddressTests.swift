import Glibc
import Testing

@testable import BotHost

struct SocketAddressTests {
  private func address(_ family: Int32, _ number: UInt8) -> SocketAddress {
    SocketAddress(family: family, bytes: [number])
  }

  @Test func familiesTakeTurnsBeginningWithTheFirst() {
    let six = (0..<3).map { address(AF_INET6, UInt8($0)) }
    let four = (10..<12).map { address(AF_INET, UInt8($0)) }
    #expect(SocketAddress.interleaved(six + four) == [six[0], four[0], six[1], four[1], six[2]])
    #expect(SocketAddress.interleaved(four + six) == [four[0], six[0], four[1], six[1], six[2]])
    #expect(SocketAddress.interleaved(four) == four)
    #expect(SocketAddress.interleaved([]).isEmpty)
  }

  @Test(arguments: ["127.0.0.1", "::1", "2001:db8::7"])
  func literals(text: String) throws {
    #expect(SocketAddress.isLiteral(text))
    let found = try SocketAddress.resolve(text, 6697)
    #expect(found.map(\.text) == [text.contains(":") ? "[\(text)]:6697" : "\(text):6697"])
  }

  @Test(arguments: ["localhost", "127.1", "irc.example", "", "1.2.3.4.5", "[::1]"])
  func names(text: String) { #expect(!SocketAddress.isLiteral(text)) }

  @Test func aNameThatCannotBeResolvedIsNamed() {
    #expect {
      try SocketAddress.resolve("no-such-host.invalid", 1)
    } throws: { error in
      "\(error)".hasPrefix("no-such-host.invalid cannot be resolved: ")
    }
  }
}
