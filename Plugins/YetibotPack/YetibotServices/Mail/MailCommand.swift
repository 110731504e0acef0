import YetibotEngine

/// What the configuration says about mail.
public struct MailSettings: Sendable {
  /// The sender's address.
  public var from: String
  public var canSend: Bool
  public var canRead: Bool
  public var permitted: Permitted

  public init(from: String, canSend: Bool, canRead: Bool, permitted: Permitted) {
    self.from = from
    self.canSend = canSend
    self.canRead = canRead
    self.permitted = permitted
  }
}

/// `mail <to> / <subject> / <body>`, `mail <to> / <body>`, `mail <to>` with what is piped in, `mail fetch`.
struct MailCommand {
  let settings: MailSettings

  static let usage = [
    "mail <address> / <subject> / <text> # sends a mail",
    "mail <address> / <text> # sends one without a subject of its own",
    "mail <address> <collection> # sends what is piped in",
    "mail fetch # what has come and was not read yet",
  ]

  func plan(_ request: CommandRequest, milliseconds: Int64) -> Plan {
    guard settings.permitted.allows(request) else {
      return .fail("mail is for those alone whom mail_users and mail_roles in yetibot-pack's configuration name")
    }
    let args = request.args.trimmed
    if args.isEmpty { return .answer(.plain(.strings(Self.usage))) }
    if args == "fetch" {
      return settings.canRead ? .readMail : .fail("no mail can be read: set mail_imap in yetibot-pack's configuration")
    }
    guard settings.canSend else { return .fail("no mail can be sent: set mail_smtp in yetibot-pack's configuration") }
    let piped = request.opts.map {
      Formatting.items(of: $0.value)?.map(DataText.scalar).joined(separator: "\n") ?? $0.value.text
    }
    let parts = Self.parts(args)
    let subject = "A message from \(request.userName ?? request.user ?? "the bot")"
    let message: MailMessage
    switch parts.count {
    case 1:
      // The pipe has put a text of one line behind the address.
      let words = parts[0].split(separator: " ", maxSplits: 1).map(String.init)
      guard let body = piped ?? (words.count == 2 ? words[1] : nil) else {
        return .fail("what is to be sent? \(Self.usage[1])")
      }
      message = MailMessage(from: settings.from, to: words[0], subject: subject, body: body)
    case 2:
      message = MailMessage(
        from: settings.from, to: parts[0], subject: subject,
        body: [parts[1], piped].compactMap(\.self).joined(separator: "\n"))
    default:
      message = MailMessage(
        from: settings.from, to: parts[0], subject: parts[1],
        body: [parts[2], piped].compactMap(\.self).joined(separator: "\n"))
    }
    guard Self.isAddress(message.to) else { return .fail("\(message.to) is no mail address") }
    return .send(message)
  }

  /// The parts between the first two slashes that stand alone.
  private static func parts(_ text: String) -> [String] {
    var parts: [String] = []
    var rest = text[...]
    while parts.count < 2, let slash = rest.firstRange(of: " / ") {
      parts.append(String(rest[..<slash.lowerBound]).trimmed)
      rest = rest[slash.upperBound...]
    }
    return parts + [String(rest).trimmed]
  }

  /// One mailbox of the plain kind (RFC 5321, without quotes): nothing in it can end a line or begin another command.
  static func isAddress(_ text: String) -> Bool {
    let parts = text.split(separator: "@", omittingEmptySubsequences: false)
    guard parts.count == 2, text.utf8.count <= 254, !parts[0].isEmpty, parts[0].utf8.count <= 64,
      parts[1].utf8.count >= 3,
      !parts[0].hasPrefix("-")
    else { return false }
    let isLocal = parts[0].utf8.allSatisfy { $0.isAlphanumeric || ".!#$%&'*+-/=?^_`{|}~".utf8.contains($0) }
    return isLocal && parts[1].utf8.allSatisfy { $0.isAlphanumeric || $0 == 0x2E || $0 == 0x2D }
      && !parts[1].hasPrefix("-")
  }
}

extension UInt8 {
  fileprivate var isAlphanumeric: Bool {
    (0x30...0x39).contains(self) || (0x41...0x5A).contains(self) || (0x61...0x7A).contains(self)
  }
}
