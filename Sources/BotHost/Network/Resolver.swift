import Synchronization

/// Does what blocks before a connection can be made, on threads of its own: asks for the addresses of a name, reads the trusted certificates.
final class Resolver: Sendable {
  /// What a connection needs to begin.
  struct Preparation: Sendable {
    var addresses: [SocketAddress]
    /// Nil: without TLS.
    var trust: TLSTrust?
  }

  struct Failure: Error {
    var reason: ConnectionClosing.Reason
    var text: String
  }

  typealias Answer = @Sendable (Result<Preparation, Failure>) -> Void

  private struct Request: Sendable {
    let spec: ConnectionSpec
    let answer: Answer
  }

  private struct State {
    var waiting: [Request] = []
    var threads = 0
  }

  private let state = Mutex(State())
  /// A name server that does not answer holds a thread for half a minute; others must not wait for it.
  private let limit: Int

  init(threads limit: Int = 8) { self.limit = max(1, limit) }

  /// Calls `answer` once: at once, or later from another thread.
  func prepare(_ spec: ConnectionSpec, _ answer: @escaping Answer) {
    if !spec.isTLS && SocketAddress.isLiteral(spec.host) {
      answer(Self.prepare(spec))
      return
    }
    let needsThread = state.withLock { state in
      state.waiting.append(Request(spec: spec, answer: answer))
      guard state.threads < limit else { return false }
      state.threads += 1
      return true
    }
    guard needsThread else { return }
    if HostThread(name: "resolver", { [self] in work() }) == nil {
      // The threads that run take what waits; without any nobody would.
      let stranded = state.withLock { state -> [Request] in
        state.threads -= 1
        guard state.threads == 0 else { return [] }
        defer { state.waiting = [] }
        return state.waiting
      }
      for request in stranded {
        request.answer(.failure(Failure(reason: .resolve, text: "no thread is left to resolve \(request.spec.host)")))
      }
    }
  }

  private func work() {
    while true {
      let request = state.withLock { state -> Request? in
        if state.waiting.isEmpty {
          state.threads -= 1
          return nil
        }
        return state.waiting.removeFirst()
      }
      guard let request else { return }
      request.answer(Self.prepare(request.spec))
    }
  }

  private static func prepare(_ spec: ConnectionSpec) -> Result<Preparation, Failure> {
    let addresses: [SocketAddress]
    do throws(SocketAddress.Failure) {
      addresses = try SocketAddress.resolve(spec.host, spec.port)
    } catch {
      return .failure(Failure(reason: .resolve, text: error.description))
    }
    do throws(TLSTrust.Failure) {
      let trust = spec.isTLS ? try TLSTrust.shared(certificateFile: spec.certificateFile) : nil
      return .success(Preparation(addresses: addresses, trust: trust))
    } catch {
      return .failure(Failure(reason: .tls, text: error.description))
    }
  }
}
