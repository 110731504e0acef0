import BotPluginKit
import HTTPClient
import HostPatterns
import YetibotEngine
import YetibotServices

/// The manifest's `config`. Secrets are not among it: each is lent when a request needs it.
struct Settings: ManifestConfiguration {
  let allow: [String]
  let `private`: [String]
  let addresses: [String: String]
  let services: [String: JSONBox]
  /// Nanoseconds.
  let timeout: Int64
  /// Bytes.
  let maxBody: Int
  let concurrency: Int
  let queue: Int
  let caFile: String
  let userAgent: String
  let googleEngine: String

  let mailSmtp: String
  let mailImap: String
  let mailUser: String
  let mailFrom: String
  let mailPlainText: Bool
  let mailUsers: [String]
  let mailRoles: [String]

  let sshServers: [String: JSONBox]
  let sshUsers: [String]
  let sshRoles: [String]
  let sshProgram: String
  let programs: [String: JSONBox]
  /// Bytes.
  let programOutput: Int

  /// What somebody in a chat may have fetched.
  func named() throws -> Reach {
    Reach(hosts: try Self.patterns(allow, "allow"), privateHosts: try Self.patterns(`private`, "private"))
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
    guard !mailSmtp.isEmpty || !mailImap.isEmpty else { return nil }
    return MailSettings(
      from: mailFrom.isEmpty ? mailUser : mailFrom, canSend: !mailSmtp.isEmpty, canRead: !mailImap.isEmpty,
      permitted: Permitted(users: mailUsers, roles: mailRoles))
  }

  /// A mail server without its password; nil when there is none.
  func mailServer(_ purpose: MailServer.Purpose) throws -> MailServer? {
    let text = purpose == .smtp ? mailSmtp : mailImap
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
    if !caFile.isEmpty { configuration.authorities = caFile }
    return configuration
  }
}
