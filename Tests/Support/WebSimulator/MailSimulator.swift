import Foundation

/// Servers of SMTP and IMAP on loopback for tests: one mailbox, one user `bot` with the password `word`.
public final class MailSimulator: @unchecked Sendable {
  // Unchecked: what changes is behind the lock.
  private let lock = NSLock()
  private var delivered: [String] = []
  private var inbox: [(text: String, isRead: Bool)] = []
  private var listeners: [Listener] = []
  public private(set) var smtp = 0
  public private(set) var imap = 0
  /// Told of each message that was delivered: sender, recipient, text.
  public let onMessage: (@Sendable (String) -> Void)?

  public init(onMessage: (@Sendable (String) -> Void)? = nil) throws {
    self.onMessage = onMessage
    let outgoing = try Listener(nil) { [weak self] wire in self?.serveSMTP(wire) }
    let incoming = try Listener(nil) { [weak self] wire in self?.serveIMAP(wire) }
    listeners = [outgoing, incoming]
    smtp = outgoing.port
    imap = incoming.port
  }

  deinit { for listener in listeners { listener.close() } }

  /// Puts a message into the inbox.
  public func receive(_ text: String) {
    lock.withLock { inbox.append((text.replacingOccurrences(of: "\n", with: "\r\n"), false)) }
  }

  /// What was sent so far, as it came over the wire, behind a line of sender and recipient.
  public var messages: [String] { lock.withLock { delivered } }

  private func serveSMTP(_ wire: Wire) {
    wire.send("220 simulator\r\n")
    var envelope: [String] = []
    while let line = wire.line() {
      let command = line.uppercased()
      if command.hasPrefix("EHLO") || command.hasPrefix("HELO") {
        wire.send("250-simulator\r\n250 AUTH PLAIN\r\n")
      } else if command.hasPrefix("AUTH PLAIN") {
        let words = line.components(separatedBy: " ")
        if words.count < 3 { wire.send("334 \r\n") }
        let given = words.count < 3 ? wire.line() ?? "" : words[2]
        let isRight = Data(base64Encoded: given).map { String(decoding: $0, as: UTF8.self) == "\0bot\0word" } ?? false
        wire.send(isRight ? "235 welcome\r\n" : "535 no\r\n")
      } else if command.hasPrefix("MAIL") || command.hasPrefix("RCPT") {
        if command.contains("NOBODY") {
          wire.send("550 nobody of that name\r\n")
        } else {
          envelope.append(line)
          wire.send("250 ok\r\n")
        }
      } else if command == "DATA" {
        wire.send("354 go on\r\n")
        var lines: [String] = []
        while let line = wire.line(), line != "." { lines.append(line) }
        let message = (envelope + lines).joined(separator: "\n")
        lock.withLock { delivered.append(message) }
        onMessage?(message)
        wire.send("250 taken\r\n")
      } else if command == "QUIT" {
        wire.send("221 bye\r\n")
        return
      } else {
        wire.send("502 what?\r\n")
      }
    }
  }

  private func serveIMAP(_ wire: Wire) {
    wire.send("* OK simulator\r\n")
    while let line = wire.line() {
      let words = line.components(separatedBy: " ")
      guard words.count >= 2 else { return }
      let tag = words[0]
      switch words[1].uppercased() {
      case "CAPABILITY": wire.send("* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n\(tag) OK done\r\n")
      case "AUTHENTICATE":
        wire.send("+ \r\n")
        let given = wire.line() ?? ""
        let isRight = Data(base64Encoded: given).map { String(decoding: $0, as: UTF8.self) == "\0bot\0word" } ?? false
        wire.send("\(tag) \(isRight ? "OK" : "NO") done\r\n")
      case "SELECT": wire.send("* OK [UIDVALIDITY 1] x\r\n\(tag) OK [READ-WRITE] done\r\n")
      case "UID" where words.count > 3 && words[2].uppercased() == "SEARCH":
        let numbers = lock.withLock { inbox.indices.filter { !inbox[$0].isRead }.map { "\($0 + 1)" } }
        wire.send("* SEARCH \(numbers.joined(separator: " "))\r\n\(tag) OK done\r\n")
      case "UID":
        guard words.count > 3, let number = Int(words[3]) else { return }
        let text = lock.withLock { () -> String in
          guard inbox.indices.contains(number - 1) else { return "" }
          inbox[number - 1].isRead = true
          return inbox[number - 1].text
        }
        wire.send("* \(number) FETCH (UID \(number) BODY[]<0> {\(text.utf8.count)}\r\n\(text))\r\n\(tag) OK done\r\n")
      case "LOGOUT":
        wire.send("* BYE\r\n\(tag) OK done\r\n")
        return
      default: wire.send("\(tag) BAD what?\r\n")
      }
    }
  }
}
