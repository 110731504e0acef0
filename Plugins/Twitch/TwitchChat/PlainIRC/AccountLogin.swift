import Glibc

/// The lines that log in to an account of a network's services: SASL's mechanism PLAIN (RFC 4616) in IRC's AUTHENTICATE (IRCv3, SASL 3.1), each with its CR LF.
///
/// Nil when there is no secret, or when one of the two holds a NUL. Spaces and line ends around the secret, as files of secrets have them, are dropped.
/// The caller overwrites what it gets; what is made on the way is overwritten here.
public func accountLines(account: String, secret: UnsafeRawBufferPointer) -> [UInt8]? {
  let password = trimmedSecret(secret)
  guard !password.isEmpty, password.firstIndex(of: 0) == nil, !account.isEmpty, !account.utf8.contains(0) else {
    return nil
  }
  // Who acts, who logs in, and the password. Reserved whole, so that no copy stays behind.
  var plain: [UInt8] = []
  plain.reserveCapacity(2 * account.utf8.count + 2 + password.count)
  plain += account.utf8
  plain.append(0)
  plain += account.utf8
  plain.append(0)
  plain.append(contentsOf: password.buffer)
  defer { plain.withUnsafeMutableBytes { bytes in _ = bytes.baseAddress.map { explicit_bzero($0, bytes.count) } } }

  let encoded = (plain.count + 2) / 3 * 4
  let pieces = encoded / AccountLogin.longest + 1
  var lines: [UInt8] = []
  lines.reserveCapacity(encoded + pieces * (AccountLogin.verb.utf8.count + 3))
  var inPiece = 0
  lines += AccountLogin.verb.utf8
  for start in stride(from: 0, to: plain.count, by: 3) {
    if inPiece == AccountLogin.longest {
      lines += [0x0D, 0x0A]
      lines += AccountLogin.verb.utf8
      inPiece = 0
    }
    AccountLogin.appendBase64(plain[start..<min(start + 3, plain.count)], to: &lines)
    inPiece += 4
  }
  lines += [0x0D, 0x0A]
  if inPiece == AccountLogin.longest {
    // A piece that is full is followed by another one, if need be an empty one.
    lines += AccountLogin.verb.utf8
    lines += [0x2B, 0x0D, 0x0A]
  }
  return lines
}

private enum AccountLogin {
  static let verb = "AUTHENTICATE "
  /// Bytes of one line, a multiple of four.
  static let longest = 400
  private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

  /// Four characters for up to three bytes (RFC 4648, section 4).
  static func appendBase64(_ bytes: ArraySlice<UInt8>, to text: inout [UInt8]) {
    var bits: UInt32 = 0
    for offset in 0..<3 {
      let index = bytes.startIndex + offset
      bits = bits << 8 | (index < bytes.endIndex ? UInt32(bytes[index]) : 0)
    }
    for place in 0..<4 {
      text.append(place <= bytes.count ? alphabet[Int(bits >> UInt32(18 - 6 * place) & 63)] : UInt8(ascii: "="))
    }
  }
}

extension ChatSession {
  /// The account to log in to; nil where the secret is the server's password.
  var account: String? { configuration.hasToken ? configuration.account.flatMap { $0.isEmpty ? nil : $0 } : nil }

  /// CAP of a server where we have an account.
  mutating func receiveAccountCapability(
    _ verb: ByteView, _ names: [String], into outputs: inout [SessionOutput]
  ) {
    guard account != nil, state.phase == .loggingIn, names.contains("sasl") else { return }
    if verb.equals("ACK") {
      write("AUTHENTICATE PLAIN", into: &outputs)
    } else if verb.equals("NAK") {
      // The services may be away for a while.
      outputs.append(
        .reconnect(after: configuration.backoffMax, reason: "the server has no accounts at present (SASL)"))
    }
  }

  /// AUTHENTICATE: the server waits for the name and the password.
  mutating func receiveAuthenticate(_ line: IRCLine, into outputs: inout [SessionOutput]) {
    guard let account, state.phase == .loggingIn, line.parameter(0)?.equals("+") == true else { return }
    outputs.append(.writeAccount(account))
  }

  /// 902 to 908: what became of it.
  mutating func receiveAccountVerdict(_ number: Int, _ line: IRCLine, now: Int64, into outputs: inout [SessionOutput]) {
    guard account != nil, state.phase == .loggingIn else { return }
    if number == 903 || number == 907 {
      // The login waits for this (IRCv3, capability negotiation).
      write("CAP END", into: &outputs)
    } else {
      fail("the account is refused: \(line.lastParameter?.string ?? line.verb.string)", now: now, into: &outputs)
    }
  }
}
