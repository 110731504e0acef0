import YetibotEngine

/// The commands that need the network or other programs: from a command to what has to be done for it. It does nothing itself.
public struct Pack: Sendable {
  private let catalog: ServiceCatalog
  private let mail: MailSettings?
  private let remote: RemoteSettings?
  private let programs: ProgramSettings?

  public init(
    catalog: ServiceCatalog, mail: MailSettings? = nil, remote: RemoteSettings? = nil, programs: ProgramSettings? = nil
  ) {
    self.catalog = catalog
    self.mail = mail
    self.remote = remote
    self.programs = programs
  }

  /// What becomes of a command.
  ///
  /// - Parameters:
  ///   - random: a random number, for services that choose.
  ///   - milliseconds: the time, since 1970.
  public func plan(for request: CommandRequest, random: UInt64, milliseconds: Int64) -> Plan {
    switch request.command {
    case let name where WebCommands.names.contains(name): return WebCommands.plan(name, request.args)
    case "service": return service(request, random)
    case "mail":
      guard let mail else {
        return .fail("mail is not set up: set mail_smtp or mail_imap in yetibot-pack's configuration")
      }
      return MailCommand(settings: mail).plan(request, milliseconds: milliseconds)
    case "ssh":
      guard let remote else { return .fail("ssh is not set up: set ssh_servers in yetibot-pack's configuration") }
      return remote.plan(request)
    default:
      if let plan = programs?.plan(request) { return plan }
      guard let service = catalog[request.command] else { return .pass }
      return ServiceCall.plan(service, catalog, request, args: request.args, random: random)
    }
  }

  /// `service` lists them, `service <name> …` asks one.
  private func service(_ request: CommandRequest, _ random: UInt64) -> Plan {
    let (name, args) = Yetibot.splitCommand(request.args.trimmed)
    if name.isEmpty {
      let services = catalog.names.compactMap { catalog[$0] }
      return .answer(
        .record(
          .init(
            .strings(services.flatMap(\.usage)),
            data: .list(
              services.flatMap { service in
                service.usage.map { ["name": .string(service.name), "usage": .string($0)] }
              }))))
    }
    guard let service = catalog[name] else {
      return .fail("there is no service \(name); there are \(catalog.names.joined(separator: ", "))")
    }
    return ServiceCall.plan(service, catalog, request, args: args, random: random)
  }
}

/// Who may use a command: those named by id, and those with one of the platform's roles.
public struct Permitted: Sendable {
  private let users: Set<String>
  private let roles: Set<String>

  public init(users: [String], roles: [String]) {
    self.users = Set(users)
    self.roles = Set(roles)
  }

  func allows(_ request: CommandRequest) -> Bool {
    if let user = request.user, users.contains(user) { return true }
    return !roles.isDisjoint(with: request.roles ?? [])
  }
}
