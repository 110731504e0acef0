import Dispatch
import Synchronization
import Testing
import WebSimulator

@testable import HTTPClient

/// Mail out and in, over real connections.
struct MailTests {
  private let simulator: MailSimulator
  private let client: HTTPClient

  init() throws {
    simulator = try MailSimulator()
    client = try HTTPClient()
  }

  private func server(_ purpose: MailServer.Purpose, password: String = "word", plain: Bool = true) throws -> MailServer
  {
    let port = purpose == .smtp ? simulator.smtp : simulator.imap
    var server = try MailServer("\(purpose.rawValue)://127.0.0.1:\(port)", for: purpose)
    server.user = "bot"
    server.password = password
    server.permitsPlainText = plain
    return server
  }

  private func send(_ text: String, to recipient: String, by server: MailServer) -> HTTPFailure? {
    let slot = ResultSlot<Bool>()
    client.send(mail: Array(text.utf8), from: "bot@example.org", to: recipient, by: server) { result in
      slot.fill(result.map { true })
    }
    do {
      _ = try slot.wait().get()
      return nil
    } catch { return error }
  }

  private func read(_ server: MailServer, limit: Int = 5) throws -> [String] {
    let slot = ResultSlot<[[UInt8]]>()
    client.readMail(from: server, limit: limit) { slot.fill($0) }
    return try slot.wait().get().map { String(decoding: $0, as: UTF8.self) }
  }

  @Test("a message arrives as it was sent, and what is refused is said")
  func sending() throws {
    #expect(send("Subject: x\r\n\r\n.one\r\ntwo\r\n", to: "ann@example.org", by: try server(.smtp)) == nil)
    let message = try #require(simulator.messages.first)
    #expect(message.hasPrefix("MAIL FROM:<bot@example.org>"))
    #expect(message.contains("RCPT TO:<ann@example.org>") && message.hasSuffix("Subject: x\n\n..one\ntwo"))
    #expect(send("x", to: "nobody@example.org", by: try server(.smtp))?.reason == .refused)
    let wrong = send("x", to: "ann@example.org", by: try server(.smtp, password: "s3cr3t"))
    #expect(wrong?.reason == .refused && wrong?.message.contains("s3cr3t") == false, "\(String(describing: wrong))")
    // Without TLS the password stays here, unless somebody permits it.
    #expect(send("x", to: "ann@example.org", by: try server(.smtp, plain: false))?.reason == .untrusted)
    for address in ["", "a b@c", "a@b>\r\nDATA", "<a@b"] {
      #expect(send("x", to: address, by: try server(.smtp))?.reason == .invalid, "\(address)")
    }
    #expect(simulator.messages.count == 1)
  }

  @Test("what is new is read, the newest of it, and only once")
  func reading() throws {
    for number in 1...4 { simulator.receive("Subject: number \(number)\n\ntext \(number)\n") }
    let first = try read(try server(.imap), limit: 3)
    #expect(first.map { $0.contains("Subject: number") } == [true, true, true])
    #expect(first.first?.contains("text 2") == true && first.last?.contains("text 4") == true)
    #expect(try read(try server(.imap)).count == 1)
    #expect(try read(try server(.imap)).isEmpty)
    #expect(throws: HTTPFailure.self) { try read(server(.imap, password: "wrong")) }
  }

  @Test("addresses of servers")
  func servers() throws {
    #expect(try MailServer("smtps://mail.example.org", for: .smtp).port == 465)
    #expect(try MailServer("imap://[::1]:1143/", for: .imap).origin == "imap://[::1]:1143")
    for text in ["http://x", "imap://x", "smtp://u:p@x", "smtp://x/y", "x", ""] {
      #expect(throws: HTTPFailure.self) { try MailServer(text, for: .smtp) }
    }
  }
}
