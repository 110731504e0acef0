import Glibc
import CBotHost
import Synchronization

/// What a new thread begins with. It waits for its own token, which `spawn` writes only when it returns.
final class ThreadStart: Sendable {
  private let host: Host
  private let name: String
  private let body: @Sendable (StopSignal) throws -> Void
  private let token = Atomic<UInt64>(0)

  init(host: Host, name: String, body: @escaping @Sendable (StopSignal) throws -> Void) {
    self.host = host
    self.name = name
    self.body = body
  }

  func begin(_ token: bh_token) { self.token.store(token, ordering: .releasing) }

  static let main: bh_thread_main = { context in
    guard let context else { return }
    let start = Unmanaged<ThreadStart>.fromOpaque(context).takeRetainedValue()
    start.run()
  }

  private func run() {
    var token = token.load(ordering: .acquiring)
    while token == 0 {
      sched_yield()
      token = self.token.load(ordering: .acquiring)
    }
    do { try body(StopSignal(host: host, thread: token)) } catch {
      let failure = PluginError(error, otherwise: .internal)
      host.log(.error, "thread \(name) ended: \(failure)")
      host.setError(failure)
    }
  }
}
