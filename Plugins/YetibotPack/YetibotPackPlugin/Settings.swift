import BotPluginKit
import HTTPClient
import YetibotEngine
import YetibotServices

/// The manifest's `config`. The host applies the manifest's defaults; those here are the same. Secrets are not among it: each is lent
/// when a request needs it.
struct Settings: Decodable, Sendable {
  var allow = ["*:80", "*:443"]
  var privateHosts: [String] = []
  var addresses: [String: String] = [:]
  var services: [String: JSONBox] = [:]
  /// Nanoseconds.
  var timeout: Int64 = 4_500_000_000
  var maximumBody = 1_048_576
  var concurrency = 8
  var queue = 64
  var authorities = ""
  var userAgent = ""
  var googleEngine = ""

  var smtp = ""
  var imap = ""
  var mailUser = ""
  var mailFrom = ""
  var mailPlainText = false
  var mailUsers: [String] = []
  var mailRoles: [String] = []

  var sshServers: [String: JSONBox] = [:]
  var sshUsers: [String] = []
  var sshRoles: [String] = []
  var sshProgram = "/usr/bin/ssh"
  var programs: [String: JSONBox] = [:]
  /// Bytes.
  var programOutput = 65_536

  private enum CodingKeys: String, CodingKey {
    case allow, addresses, services, timeout, concurrency, queue, programs
    case privateHosts = "private"
    case maximumBody = "max_body"
    case authorities = "ca_file"
    case userAgent = "user_agent"
    case googleEngine = "google_engine"
    case smtp = "mail_smtp"
    case imap = "mail_imap"
    case mailUser = "mail_user"
    case mailFrom = "mail_from"
    case mailPlainText = "mail_plain_text"
    case mailUsers = "mail_users"
    case mailRoles = "mail_roles"
    case sshServers = "ssh_servers"
    case sshUsers = "ssh_users"
    case sshRoles = "ssh_roles"
    case sshProgram = "ssh_program"
    case programOutput = "program_output"
  }

  init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    func take<Value: Decodable>(_ key: CodingKeys, _ standard: Value) throws -> Value {
      try values.decodeIfPresent(Value.self, forKey: key) ?? standard
    }
    allow = try take(.allow, allow)
    privateHosts = try take(.privateHosts, privateHosts)
    addresses = try take(.addresses, addresses)
    services = try take(.services, services)
    timeout = try take(.timeout, timeout)
    maximumBody = try take(.maximumBody, maximumBody)
    concurrency = try take(.concurrency, concurrency)
    queue = try take(.queue, queue)
    authorities = try take(.authorities, authorities)
    userAgent = try take(.userAgent, userAgent)
    googleEngine = try take(.googleEngine, googleEngine)
    smtp = try take(.smtp, smtp)
    imap = try take(.imap, imap)
    mailUser = try take(.mailUser, mailUser)
    mailFrom = try take(.mailFrom, mailFrom)
    mailPlainText = try take(.mailPlainText, mailPlainText)
    mailUsers = try take(.mailUsers, mailUsers)
    mailRoles = try take(.mailRoles, mailRoles)
    sshServers = try take(.sshServers, sshServers)
    sshUsers = try take(.sshUsers, sshUsers)
    sshRoles = try take(.sshRoles, sshRoles)
    sshProgram = try take(.sshProgram, sshProgram)
    programs = try take(.programs, programs)
    programOutput = try take(.programOutput, programOutput)
  }

  /// What somebody in a chat may have fetched.
  func named() throws -> Reach {
    Reach(hosts: try Self.patterns(allow, "allow"), privateHosts: try Self.patterns(privateHosts, "private"))
  }

  private static func patterns(_ texts: [String], _ key: String) throws -> [HostPattern] {
    try texts.map { text in
      guard let pattern = HostPattern(text) else {
        throw PluginError.invalid("\(key): \"\(text)\" is not written host:port, such as *.example.org:443 or *:80")
      }
      return pattern
    }
  }

  func pack() throws -> Pack {
    do {
      let catalog = try ServiceCatalog(
        own: services.mapValues(\.value), addresses: addresses, settings: ["google_engine": googleEngine])
      let remote =
        try sshServers.isEmpty
        ? nil
        : RemoteSettings(
          groups: sshServers.mapValues(\.value), permitted: Permitted(users: sshUsers, roles: sshRoles),
          connectSeconds: max(1, Int(timeout / 1_000_000_000)), program: sshProgram)
      return Pack(
        catalog: catalog, mail: mail, remote: remote, programs: try ProgramSettings(programs.mapValues(\.value)))
    } catch { throw PluginError.invalid("\(error)") }
  }

  private var mail: MailSettings? {
    guard !smtp.isEmpty || !imap.isEmpty else { return nil }
    return MailSettings(
      from: mailFrom.isEmpty ? mailUser : mailFrom, canSend: !smtp.isEmpty, canRead: !imap.isEmpty,
      permitted: Permitted(users: mailUsers, roles: mailRoles))
  }

  /// A mail server without its password; nil when there is none.
  func mailServer(_ purpose: MailServer.Purpose) throws -> MailServer? {
    let text = purpose == .smtp ? smtp : imap
    guard !text.isEmpty else { return nil }
    do {
      var server = try MailServer(text, for: purpose)
      server.user = mailUser.isEmpty ? nil : mailUser
      server.permitsPlainText = mailPlainText
      server.timeout = .nanoseconds(timeout)
      return server
    } catch { throw PluginError.invalid("mail_\(purpose.rawValue): \(error)") }
  }

  func client() -> HTTPClient.Configuration {
    var configuration = HTTPClient.Configuration()
    configuration.concurrency = concurrency
    configuration.queue = queue
    if !userAgent.isEmpty { configuration.userAgent = userAgent }
    if !authorities.isEmpty { configuration.authorities = authorities }
    return configuration
  }
}
