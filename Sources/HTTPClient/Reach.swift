import HostPatterns

/// What a request may reach. It holds for the request itself and for every redirect.
public struct Reach: Sendable, Hashable {
  /// The hosts and ports that may be asked.
  public var hosts: [HostPattern]
  /// Those of them that may be at an address that is not public: private, loopback, link-local and the like. Everything else is
  /// refused when it leads there, whatever its name says and however often the name changes its mind: the address that is
  /// connected to is what counts.
  public var privateHosts: [HostPattern]

  public init(hosts: [HostPattern] = Reach.web, privateHosts: [HostPattern] = []) {
    self.hosts = hosts
    self.privateHosts = privateHosts
  }

  /// Every public host, on the ports of http and https.
  public static let web = ["*:80", "*:443"].compactMap { HostPattern($0) }

  func mayAsk(_ host: String, _ port: UInt16) -> Bool { hosts.contains { $0.covers(host: host, port: port) } }
  func mayBePrivate(_ host: String, _ port: UInt16) -> Bool {
    privateHosts.contains { $0.covers(host: host, port: port) }
  }
}
