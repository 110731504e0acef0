/// Tries the addresses of a host until one of them answers: the next one begins when those before have failed, or have not answered after a
/// quarter of a second, so that a family that does not work costs that and no more (RFC 8305, section 5). Belongs to the network's thread.
struct AddressRace {
  /// Nanoseconds before the next address is tried beside those under way.
  static let delay: Int64 = 250_000_000

  enum Outcome {
    /// More has to be waited for.
    case running
    case connected(Transport)
    /// None is left.
    case lost
  }

  /// When `next` should be called though nothing has happened.
  private(set) var nextAt = Int64.max
  /// Why addresses have failed, with the address; the first four.
  private(set) var failures: [String] = []

  private var waiting: [SocketAddress]
  private var running: [Transport] = []

  init(_ addresses: [SocketAddress]) { waiting = addresses }

  /// Begins with the next address that can be begun with. `connect` makes its socket.
  mutating func next(
    now: Int64, _ connect: (SocketAddress) throws(Transport.Failure) -> Transport
  ) -> Outcome {
    nextAt = .max
    while !waiting.isEmpty {
      do throws(Transport.Failure) {
        running.append(try connect(waiting.removeFirst()))
        if !waiting.isEmpty { nextAt = now &+ Self.delay }
        return .running
      } catch {
        note(error.text)
      }
    }
    return running.isEmpty ? .lost : .running
  }

  /// Epoll has reported something of a socket: it is connected, or has failed. Nil: the next address should be tried.
  mutating func settled(_ label: UInt64) -> Outcome? {
    guard let index = running.firstIndex(where: { $0.label == label }) else { return .running }
    let candidate = running.remove(at: index)
    guard let failure = candidate.connectionFailure() else { return .connected(candidate) }
    note(failure)
    return nil
  }

  private mutating func note(_ failure: String) {
    if failures.count < 4 { failures.append(failure) }
  }
}
