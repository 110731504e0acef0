import Foundation
import GitHubSimulator
import HTTPClient
import UpdaterGitHub
import UpdaterJobs

/// A GitHub without a network and a clock that only waits turn, for tests of the updater. Belongs to one thread.
public final class World {
  /// Nanoseconds since 1970.
  public final class Clock: @unchecked Sendable {
    // Unchecked: turned by the test's thread alone.
    public var now: Int64 = 1_800_000_000_000_000_000
  }

  public let simulator = GitHubSimulator()
  public let clock = Clock()
  public private(set) var waits: [Duration] = []
  public private(set) var audit: [WriteRecord] = []
  public var store = MemoryStore()
  /// Called before each write is sent, with its number from 0: throwing stops the run there, as a kill would.
  public var beforeWrite: (Int) throws -> Void = { _ in }
  private var writes = 0
  /// When each write was sent.
  public private(set) var writeTimes: [Int64] = []

  public static let base = "http://127.0.0.1:1/api/v3"
  public static let index = "http://127.0.0.1:1/index/simple/"

  public init() {
    let clock = clock
    simulator.now = { Int(clock.now / 1_000_000_000) }
  }

  public var surroundings: Surroundings {
    Surroundings(
      send: { [unowned self] in try send($0) }, now: { [clock] in clock.now },
      wait: { [unowned self] in
        waits.append($0)
        clock.now += $0.components.seconds * 1_000_000_000 + $0.components.attoseconds / 1_000_000_000
      }, random: { 0 }, audit: { [unowned self] in audit.append($0) })
  }

  private func send(_ request: HTTPRequest) throws -> HTTPResponse {
    if request.method != "GET", !request.address.path.hasSuffix("/access_tokens") {
      defer { writes += 1 }
      try beforeWrite(writes)
      writeTimes.append(clock.now)
    }
    var headers = ["user-agent": "test", "host": "127.0.0.1:1"]
    for header in request.headers { headers[header.name.lowercased()] = header.value }
    let target = request.address.text.replacingOccurrences(of: "http://127.0.0.1:1", with: "")
    switch simulator.react(request.method, target, headers: headers, body: request.body ?? []) {
    case .answer(let answer):
      return HTTPResponse(
        status: answer.status, headers: answer.headers.map { ($0.name.lowercased(), $0.value) }, body: answer.body,
        address: request.address)
    case .drop, .hold: throw HTTPFailure(.broken, "the connection was closed in the middle")
    }
  }

  public func client(isReadOnly: Bool = false, credentials: Credentials = .token { "simulated-token" }) throws
    -> GitHubClient
  {
    var configuration = GitHubClient.Configuration(base: try HTTPAddress(Self.base))
    configuration.isReadOnly = isReadOnly
    return GitHubClient(configuration, credentials: credentials, surroundings: surroundings)
  }

  /// The updater as it starts anew: with nothing but what is in the store.
  public func updater(
    _ repositories: [String], _ change: (inout UpdaterSettings) -> Void = { _ in },
    notice: @escaping (Updater.Notice) -> Void = { _ in }
  ) throws -> Updater {
    var settings = UpdaterSettings(repositories: repositories.compactMap { RepositoryName($0) })
    change(&settings)
    let surroundings = surroundings
    return Updater(
      settings, client: try client(), store: store,
      index: { try PackageIndex(Self.index, surroundings: surroundings) }, notice: notice)
  }
}

/// A store in memory.
public final class MemoryStore: JobStore {
  public private(set) var values: [String: [UInt8]] = [:]

  public init() {}

  public func value(_ key: String) throws -> [UInt8]? { values[key] }
  public func put(_ key: String, _ value: [UInt8], expiresAfter: Duration?) throws { values[key] = value }
  public func remove(_ key: String) throws { values[key] = nil }
  public func entries(prefix: String) throws -> [(key: String, value: [UInt8])] {
    values.filter { $0.key.hasPrefix(prefix) }.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
  }
}
