import BotPluginKit
import Glibc
import HTTPClient
import HostPatterns
import UpdaterGitHub
import UpdaterJobs
import UpdaterRules

/// The manifest's `config`. Secrets are not among it: each is lent when a request needs it.
struct Configuration: ManifestConfiguration {
  let repositories: [String]
  let api: String
  let appID: String
  let index: String
  let indexHosts: [String]
  let label: String
  let dryRun: Bool
  let pollInterval: ConfiguredDuration
  let refreshInterval: ConfiguredDuration
  let writeInterval: ConfiguredDuration
  let startDelay: ConfiguredDuration
  let timeout: ConfiguredDuration
  let openLimit: Int
  let hourLimit: Int
  let caFile: String
  let userAgent: String

  func settings() throws -> UpdaterSettings {
    var settings = UpdaterSettings(
      repositories: try repositories.map { text in
        guard let name = RepositoryName(text) else {
          throw PluginError.invalid("repositories: \"\(text)\" is not written owner/name")
        }
        return name
      })
    settings.label = label
    settings.isDryRun = dryRun
    settings.openLimit = openLimit
    settings.hourLimit = hourLimit
    settings.pollInterval = pollInterval.duration
    settings.refreshInterval = refreshInterval.duration
    return settings
  }

  func gitHub() throws -> GitHubClient.Configuration {
    do {
      var configuration = GitHubClient.Configuration(base: try HTTPAddress(api))
      configuration.timeout = timeout.duration
      configuration.writeInterval = writeInterval.duration
      configuration.isReadOnly = dryRun
      return configuration
    } catch { throw PluginError.invalid("api: \(error)") }
  }

  func client() -> HTTPClient.Configuration {
    var configuration = HTTPClient.Configuration()
    configuration.concurrency = 2
    configuration.userAgent = userAgent.isEmpty ? "bothost-pull-request-updater/1.0" : userAgent
    if !caFile.isEmpty { configuration.authorities = caFile }
    return configuration
  }

  func packageIndex(_ surroundings: Surroundings) throws -> PackageIndex {
    let found: IndexSettings
    do {
      found = try IndexSettings(
        configured: index, key: "index", environment: Environment.variables, pipConfigurations: Environment.pipFiles())
    } catch { throw PluginError.invalid("\(error)") }
    let hosts = try indexHosts.map { text in
      guard let pattern = HostPattern(text) else {
        throw PluginError.invalid(
          "index_hosts: \"\(text)\" is not written host:port, such as files.example.org:443")
      }
      return pattern
    }
    do {
      return try PackageIndex(
        found.address, hosts: Reach(hosts: hosts, privateHosts: hosts), surroundings: surroundings)
    } catch { throw PluginError.invalid("the package index's address, from \(found.source): \(error)") }
  }
}

/// What pip would look at to find its index.
enum Environment {
  private static func variable(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }

  static var variables: [String: String] {
    variable("PIP_INDEX_URL").map { ["PIP_INDEX_URL": $0] } ?? [:]
  }

  /// pip's configuration files, the one that outranks the others last (pip's manual, "Configuration": global, user, site, PIP_CONFIG_FILE).
  static func pipFiles() -> [(name: String, text: String)] {
    var names = ["/etc/xdg/pip/pip.conf", "/etc/pip.conf"]
    if let home = variable("HOME"), !home.isEmpty {
      names.append("\(home)/.pip/pip.conf")
      names.append("\(variable("XDG_CONFIG_HOME") ?? "\(home)/.config")/pip/pip.conf")
    }
    if let site = variable("VIRTUAL_ENV"), !site.isEmpty { names.append("\(site)/pip.conf") }
    if let given = variable("PIP_CONFIG_FILE"), given != "/dev/null" { names.append(given) }
    return names.compactMap { name in read(name).map { (name, $0) } }
  }

  private static let largest = 256 << 10

  /// nil for what is no file of a reasonable size.
  private static func read(_ path: String) -> String? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_size <= largest else {
      return nil
    }
    var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
    let count = Glibc.read(descriptor, &bytes, bytes.count)
    return count < 0 ? nil : String(decoding: bytes.prefix(count), as: UTF8.self)
  }
}
