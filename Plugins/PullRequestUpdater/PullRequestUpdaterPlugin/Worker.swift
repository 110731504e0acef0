import BotPluginKit
import HTTPClient
import UpdaterGitHub
import UpdaterJobs

/// The thread on which the updater works, and what it is asked to do besides. Any thread may call it.
final class Worker: Sendable {
  typealias Order = @Sendable (Updater) -> Void

  /// What is shared with the thread; under the monitor.
  private final class State: @unchecked Sendable {
    // Unchecked: touched with the monitor's lock held alone.
    var orders: [Order] = []
    var isStopping = false
    var isAwake = false
  }

  private let host: Host
  private let configuration: Configuration
  private let settings: UpdaterSettings
  private let monitor = Monitor()
  private let state = State()
  private let http: HTTPClient
  private let reporter: Reporter

  private static let mostOrders = 32

  init(host: Host, configuration: Configuration, reporter: Reporter) throws {
    self.host = host
    self.configuration = configuration
    self.reporter = reporter
    settings = try configuration.settings()
    do { http = try HTTPClient(configuration.client()) } catch { throw PluginError.internal("\(error)") }
  }

  func start() throws {
    try host.thread("updater") { [self] stop in try work(stop) }
  }

  /// Ends what is under way, which begins again with the next start; returns when nothing is on the wire any more.
  func stop() {
    monitor.withLock {
      state.isStopping = true
      monitor.broadcast()
    }
    http.close()
  }

  /// Has the thread look at what is there now.
  func wake() {
    monitor.withLock {
      state.isAwake = true
      monitor.broadcast()
    }
  }

  /// Puts an order before everything else. `false`: too many wait.
  func order(_ order: @escaping Order) -> Bool {
    monitor.withLock {
      guard !state.isStopping, state.orders.count < Self.mostOrders else { return false }
      state.orders.append(order)
      monitor.broadcast()
      return true
    }
  }

  // MARK: The thread

  private func work(_ stop: StopSignal) throws {
    let updater = try makeUpdater()
    var next = Monitor.now + configuration.startDelay.duration.inNanoseconds
    while !stop.isRequested {
      if let order = wait(until: next) {
        order(updater)
        next = Monitor.now + configuration.startDelay.duration.inNanoseconds
        continue
      }
      guard !monitor.withLock({ state.isStopping }) else { return }
      do {
        let wake = try updater.step()
        let delay = wake.map { max(0, $0 - host.unixTime) } ?? .max
        // The wall clock may be set meanwhile: it is looked at again after a minute.
        next = Monitor.now + min(delay, 60_000_000_000)
      } catch let failure as GitHubFailure where failure.kind == .interrupted { return } catch {
        // A configuration that does not do is said each time, and looked at again later; what waits keeps waiting.
        guard let error = error as? PluginError, error.code == .invalid else { throw error }
        reporter.problem(error.message)
        next = Monitor.now + 60_000_000_000
      }
    }
  }

  /// Waits for an order, for a reason to look at the queue, or for the time.
  private func wait(until time: Int64) -> Order? {
    monitor.withLock {
      while true {
        if state.isStopping { return nil }
        if !state.orders.isEmpty { return state.orders.removeFirst() }
        if state.isAwake {
          state.isAwake = false
          return nil
        }
        if !monitor.wait(until: time) { return nil }
      }
    }
  }

  private func pause(_ duration: Duration) throws {
    let (seconds, attoseconds) = duration.components
    let end = Monitor.now + seconds * 1_000_000_000 + attoseconds / 1_000_000_000
    try monitor.withLock {
      while !state.isStopping, Monitor.now < end { _ = monitor.wait(until: end) }
      if state.isStopping { throw GitHubFailure(.interrupted, "the plugin ends") }
    }
  }

  private func makeUpdater() throws -> Updater {
    let surroundings = Surroundings(
      send: { [http] in try http.response(to: $0) }, now: { [host] in host.unixTime },
      wait: { [unowned self] in try pause($0) }, random: { .random(in: 0...UInt64.max) },
      audit: { [reporter] in reporter.write($0) })
    return Updater(
      settings,
      client: GitHubClient(try configuration.gitHub(), credentials: credentials, surroundings: surroundings),
      store: HostStore(kv: host.kv), index: { [configuration] in try configuration.packageIndex(surroundings) },
      notice: { [reporter] in reporter.notice($0) })
  }

  private var credentials: Credentials {
    if !configuration.appID.isEmpty {
      return .app(id: configuration.appID) { [host] use in
        try Self.lend(host.secret("app_key"), missing: "app_id is set and app_key is not: give the App's private key") {
          try use($0)
        }
      }
    }
    return .token { [host] in
      let missing = "there are no credentials: set token, or app_id and app_key"
      let token = try Self.lend(host.secret("token"), missing: missing) { String(decoding: $0, as: UTF8.self) }
      let bare = token.filter { !$0.isWhitespace }
      guard !bare.isEmpty else { throw GitHubFailure(.credentials, missing) }
      return bare
    }
  }

  private static func lend(
    _ secret: Secret, missing: String, _ body: (UnsafeRawBufferPointer) throws -> String
  ) throws -> String {
    do { return try secret.withBytes(body) } catch let error as PluginError where error.code == .notFound {
      throw GitHubFailure(.credentials, missing)
    }
  }
}
