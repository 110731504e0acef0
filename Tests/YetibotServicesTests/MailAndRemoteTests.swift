import Foundation
import Testing
import YetibotEngine

@testable import YetibotServices

/// Mail and commands on other machines: off until configured, and for those alone who are named.
struct MailAndRemoteTests {
  private func mail(_ text: String, opts: Value? = nil, user: String = "U1", roles: [String] = []) throws -> (
    MailMessage?, String?
  ) {
    let settings = MailSettings(
      from: "bot@example.org", canSend: true, canRead: false, permitted: Permitted(users: ["U1"], roles: ["chef"]))
    switch try Bench(mail: settings).plan(text, opts: opts, user: user, roles: roles) {
    case .send(let message): return (message, nil)
    case .answer(let outcome): return (nil, outcome.failure)
    default: return (nil, nil)
    }
  }

  @Test("the forms of mail")
  func forms() throws {
    let whole = try mail("mail ann@example.org / Dinner / at 7 / or 8").0
    #expect(
      whole == MailMessage(from: "bot@example.org", to: "ann@example.org", subject: "Dinner", body: "at 7 / or 8"))
    let short = try mail("mail ann@example.org / hello").0
    #expect(short?.subject == "A message from ann" && short?.body == "hello")
    #expect(try mail("mail ann@example.org", opts: ["a", "b"]).0?.body == "a\nb")
    #expect(try mail("mail ann@example.org / List / These:", opts: ["a"]).0?.body == "These:\na")
    #expect(try mail("mail ann@example.org piped text").0?.body == "piped text")
    #expect(try mail("mail ann@example.org").1?.contains("what is to be sent") == true)
    #expect(try mail("mail fetch").1?.contains("mail_imap") == true)
    for address in [
      "ann", "@x.example", "a@b@c.org", "-x@y.org", "a@y", "a\r\nRCPT@y.org", "<a@y.org>", "a@y.org,b@y.org",
      "\"a\"@y.org",
    ] {
      #expect(try mail("mail \(address) / hi").0 == nil, "\(address)")
    }
    #expect(try mail("mail ann@example.org / hi", user: "U2").1?.contains("mail_users") == true)
    #expect(try mail("mail ann@example.org / hi", user: "U2", roles: ["chef"]).0 != nil)
    #expect(try Bench().run("mail a@b.org / x").outcome?.failure?.contains("set mail_smtp") == true)
  }

  @Test("a message on the wire holds nothing that ends a line too early")
  func wire() throws {
    let message = MailMessage(
      from: "bot@example.org", to: "ann@example.org", subject: "Grüße\r\nBcc: x@y.org", body: ".\r\n.\nÄ")
    let text = message.text(milliseconds: 1_700_000_000_000, identifier: 36)
    let head = text.components(separatedBy: "\r\n\r\n")[0]
    #expect(
      head.contains("Date: Tue, 14 Nov 2023 22:13:20 +0000")
        && head.contains("Message-ID: <10.1700000000000@example.org>"))
    #expect(!head.contains("\nBcc") && head.contains("=?utf-8?B?"))
    #expect(
      text.split(separator: "\r\n").allSatisfy { $0.utf8.count <= 78 && $0.utf8.allSatisfy { $0 < 0x7F && $0 >= 0x20 } }
    )
    let read = ReceivedMail(Array(text.utf8))
    #expect(read.subject == "Grüße  Bcc: x@y.org" || read.subject == "Grüße Bcc: x@y.org")
    #expect(read.from == "<bot@example.org>" && read.body == ".\r\n.\nÄ")
    let long = MailMessage.encoded(String(repeating: "ä", count: 100))
    #expect(MailPart.decoded(long.replacing("\r\n ", with: " ")) == String(repeating: "ä", count: 100))
  }

  @Test("messages are read in their many forms")
  func reading() {
    let parts = """
      From: =?iso-8859-1?Q?Andr=E9?= =?utf-8?B?w6k=?= <a@b.org>\r
      Subject: two\r
        lines\r
      Content-Type: multipart/alternative; boundary="b1"\r
      \r
      preamble\r
      --b1\r
      Content-Type: text/html\r
      \r
      <p>no</p>\r
      --b1\r
      Content-Type: text/plain; charset=utf-8\r
      Content-Transfer-Encoding: quoted-printable\r
      \r
      gr=C3=BCn and =\r
      on=3Don\r
      --b1--\r

      """
    let mail = ReceivedMail(Array(parts.utf8))
    #expect(mail.from == "Andréé <a@b.org>" && mail.subject == "two lines" && mail.body == "grün and on=on")
    #expect(ReceivedMail(Array("Subject: x\nContent-Type: text/html\n\n<p>".utf8)).body == "")
    #expect(ReceivedMail(Array("Subject: =?x?B?\n\n".utf8)).subject == "=?x?B?")
    // Anything is some message.
    for bytes in [
      [], [0x0A], [0xFF, 0xFE], Array("Content-Type: multipart/x; boundary=\n\n".utf8),
      [UInt8](repeating: 0x3A, count: 70_000),
    ] as [[UInt8]] {
      _ = ReceivedMail(bytes)
    }
    let outcome = ReceivedMail.outcome([mail])
    #expect(outcome.value == ["Andréé <a@b.org>: two lines"] && outcome.data?["0"]?["body"] == "grün and on=on")
    #expect(ReceivedMail.outcome([]).value == "there is no new mail")
  }

  private let groups: [String: Value] = [
    "web": [
      "user": "deploy", "port": 2222, "key_file": "/keys/web",
      "servers": ["one": "one.example.org", "two": "10.0.0.2"],
    ]
  ]

  @Test("a command on another machine is one argument, whatever it holds")
  func remote() throws {
    let bench = try Bench(remote: RemoteSettings(groups: groups, permitted: Permitted(users: [], roles: ["chef"])))
    func arguments(_ text: String) -> [String]? {
      if case .run(let command) = bench.plan(text, roles: ["chef"]) { command.arguments } else { nil }
    }
    let nasty = "uptime; `id` $(id) | cat 'x' \"y\" -oProxyCommand=id\n&"
    let words = try #require(arguments("ssh one \(nasty)"))
    #expect(words.last == nasty.trimmed && words.suffix(3).prefix(2) == ["--", "one.example.org"])
    #expect(
      words.contains("BatchMode=yes") && words.contains("deploy") && words.contains("2222")
        && words.contains("/keys/web"))
    #expect(
      arguments("ssh -oProxyCommand=id x") == nil && arguments("ssh three uptime") == nil && arguments("ssh one") == nil
    )
    #expect(bench.run("ssh servers").outcome?.failure?.contains("ssh_users") == true)
    if case .answer(let outcome) = bench.plan("ssh servers", roles: ["chef"]) {
      #expect(outcome.value == ["web: one (one.example.org)", "web: two (10.0.0.2)"])
    }
    #expect(try Bench().run("ssh one uptime").outcome?.failure?.contains("set ssh_servers") == true)
  }

  private static let wrongOnes: [(group: Value, says: String)] = [
    ("text", "ssh_servers.g:"), (["servers": [:]], "ssh_servers.g.servers"),
    (["hosts": ["a": "b"]], "ssh_servers.g.hosts"),
    (["servers": ["a": "-oProxyCommand=id"]], "ssh_servers.g.servers.a"),
    (["servers": ["a": "b c"]], "ssh_servers.g.servers.a"),
    (["servers": ["a": "b"], "port": 0], "ssh_servers.g.port"),
    (["servers": ["a": "b"], "user": "-x"], "ssh_servers.g.user"),
  ]

  @Test("groups that are wrong say where", arguments: wrongOnes)
  func wrong(_ group: Value, _ says: String) {
    do {
      _ = try RemoteSettings(groups: ["g": group], permitted: Permitted(users: [], roles: []))
      Issue.record("taken")
    } catch { #expect("\(error)".hasPrefix(says), "\(error)") }
  }
}
