import HTTPClient
import YetibotEngine

/// What becomes of a command: everything but the doing.
public enum Plan {
  /// Not one of these commands, or not in this form: it is the pipeline's own.
  case pass
  case answer(Outcome)
  /// Ask a server, and go on with what it answers.
  case fetch(Fetch, then: (HTTPResponse) -> Plan)
  case send(MailMessage)
  case readMail
  case run(ProgramRun)

  static func fail(_ text: String) -> Plan { .answer(.failure(text)) }
}

/// A request of a command's. The secret is filled in by whoever sends it, who also says what may be reached.
public struct Fetch {
  /// On whose behalf an address is asked.
  public enum Scope: Sendable, Hashable {
    /// Somebody in a chat named it.
    case named
    /// The operator, or the author of the service, did; `isConfigured` when it was the operator, who may mean a private one.
    case service(base: HTTPAddress, isConfigured: Bool)
  }

  public var request: HTTPRequest
  public var secret: ServiceSecret?
  public var scope: Scope
}

/// How a service wants its secret, and where the operator puts it.
public struct ServiceSecret: Sendable, Hashable {
  public enum Place: Sendable, Hashable {
    /// In a header, behind a prefix such as `Bearer `.
    case header(String, prefix: String)
    /// In the query.
    case query(String)
    /// As `user:password`, for basic authentication (RFC 7617).
    case basic
  }

  public var place: Place
  /// The key of the configuration. nil: the member of `service_secrets` that has the service's name.
  public var setting: String?
  /// Whether the service answers nobody without it.
  public var isRequired: Bool
  public var service: String

  /// What to tell whoever wants to use the service without it.
  public var missing: String {
    "\(service) needs a secret: set "
      + (setting.map { "\($0) in yetibot-pack's configuration" }
        ?? "the member \(service) of service_secrets in yetibot-pack's configuration")
  }

  /// Puts the secret where the service wants it.
  public func apply(_ value: String, to request: inout HTTPRequest) {
    switch place {
    case .header(let name, let prefix): request.headers.append(.init(name, prefix + value, isSecret: true))
    case .query(let name): request.secretQuery.append(.init(name, value))
    case .basic:
      request.headers.append(.init("Authorization", "Basic " + Base64.encode(Array(value.utf8)), isSecret: true))
    }
  }
}
