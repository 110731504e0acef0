import CBotHost
import CLinux
import Glibc
import Synchronization

/// The connections that the host owns on behalf of plugins: one thread with epoll drives them all.
///
/// A connection belongs to an instance by name, not to a generation: a swap does not touch it. All functions are safe on any thread and
/// none of them waits for the network.
final class Network: @unchecked Sendable {
  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  /// What the network's thread is asked to do.
  private enum Order: @unchecked Sendable {
    case start(Connection)
    case resolved(UInt64, Result<[SocketAddress], any Error>)
    case flush(UInt64)
    case resume(UInt64)
    case drain(UInt64)
    case forget(UInt64)
    case reconnect(UInt64, Int64)
    case pauseAll
    case stop
  }

  /// What other threads know of a connection.
  private struct Entry: @unchecked Sendable {
    let connection: Connection
    let owner: String
    let spec: ConnectionSpec
    let outgoing: OutgoingBytes
    var snapshot: Snapshot
  }

  /// A connection as `describe` and `ps` show it.
  struct Snapshot: Sendable {
    var state = "resolving"
    var peer = ""
    var since: Int64 = 0
    var bytesIn: UInt64 = 0
    var attempt = 0
    var droppedLines: UInt64 = 0
  }

  private struct Shared {
    var entries: [UInt64: Entry] = [:]
    var orders: [Order] = []
    var next: UInt64 = 1
    var isStopping = false
  }

  private let shared = Mutex(Shared())
  private let poll: Int32
  private let bell: Int32
  private let clock: any HostClock
  private var thread: HostThread?

  init(clock: any HostClock) throws {
    self.clock = clock
    poll = epoll_create1(Int32(EPOLL_CLOEXEC))
    bell = eventfd(0, Int32(EFD_CLOEXEC) | Int32(EFD_NONBLOCK))
    guard poll >= 0, bell >= 0 else { throw Failure(description: "no epoll: \(String(cString: strerror(errno)))") }
    var event = epoll_event()
    event.events = EPOLLIN.rawValue
    event.data.u64 = 0
    epoll_ctl(poll, EPOLL_CTL_ADD, bell, &event)
    thread = HostThread(name: "network") { [self] in run() }
    if thread == nil { throw Failure(description: "no thread for the network") }
  }

  deinit {
    Glibc.close(poll)
    Glibc.close(bell)
  }

  // MARK: For instances

  /// Opens a connection, or finds the one that this owner has under that name with the same specification.
  func dial(owner: String, spec: ConnectionSpec, observer: any ConnectionObserver) -> (rc: bh_rc, id: UInt64) {
    var replaced: UInt64?
    let found: UInt64 = shared.withLock { shared in
      guard !shared.isStopping else { return 0 }
      if let (id, entry) = shared.entries.first(where: { $0.value.owner == owner && $0.value.spec.name == spec.name }) {
        if entry.spec == spec && entry.snapshot.state != "closed" { return id }
        replaced = id
        shared.entries[id] = nil
      }
      return UInt64.max
    }
    if found == 0 { return (bh_rc(BH_E_CANCELLED), 0) }
    if found != .max { return (bh_rc(BH_OK), found) }
    if let replaced { order(.forget(replaced)) }
    let outgoing = OutgoingBytes(limit: spec.maximumUnsent)
    let id = shared.withLock { shared -> UInt64 in
      let id = shared.next
      shared.next += 1
      observer.attached(to: id)
      let connection = Connection(
        id: id, owner: owner, spec: spec, observer: observer, outgoing: outgoing, poll: poll, clock: clock)
      connection.resolve = { [weak self] in self?.resolve(id, spec) }
      shared.entries[id] = Entry(
        connection: connection, owner: owner, spec: spec, outgoing: outgoing, snapshot: Snapshot(since: clock.unix))
      shared.orders.append(.start(connection))
      return id
    }
    ring()
    return (bh_rc(BH_OK), id)
  }

  /// Queues bytes, all or nothing.
  func write(_ id: UInt64, owner: String, _ bytes: UnsafeRawBufferPointer) -> bh_rc {
    guard let outgoing = outgoing(id, owner) else { return bh_rc(BH_E_NOTFOUND) }
    let code = outgoing.append(bytes)
    if code == BH_OK { order(.flush(id)) }
    return code
  }

  /// The queue of a connection, for writes that are effects of a delivery.
  func outgoing(_ id: UInt64, _ owner: String) -> OutgoingBytes? {
    shared.withLock { shared in
      guard let entry = shared.entries[id], entry.owner == owner else { return nil }
      return entry.outgoing
    }
  }

  /// Has the queue written, after something was put into it.
  func flush(_ id: UInt64) { order(.flush(id)) }

  func close(_ id: UInt64, owner: String) -> bh_rc {
    guard outgoing(id, owner) != nil else { return bh_rc(BH_E_NOTFOUND) }
    order(.drain(id))
    return bh_rc(BH_OK)
  }

  func reconnect(_ id: UInt64, owner: String, delay: Int64) -> bh_rc {
    guard outgoing(id, owner) != nil else { return bh_rc(BH_E_NOTFOUND) }
    order(.reconnect(id, delay))
    return bh_rc(BH_OK)
  }

  /// The observer that had no room has some again.
  func resume(_ id: UInt64) { order(.resume(id)) }

  func describe(_ id: UInt64, owner: String) -> (spec: ConnectionSpec, snapshot: Snapshot, unsent: Int, out: UInt64)? {
    shared.withLock { shared in
      guard let entry = shared.entries[id], entry.owner == owner else { return nil }
      return (entry.spec, entry.snapshot, entry.outgoing.count, entry.outgoing.total)
    }
  }

  /// All connections of an instance, by name.
  func connections(owner: String) -> [(id: UInt64, spec: ConnectionSpec, snapshot: Snapshot)] {
    shared.withLock { shared in
      shared.entries.filter { $0.value.owner == owner }.map { ($0.key, $0.value.spec, $0.value.snapshot) }
        .sorted { $0.1.name < $1.1.name }
    }
  }

  /// Writes what waits and closes everything of an instance; nobody is told.
  func closeAll(owner: String) {
    let ids = shared.withLock { shared in
      let ids = shared.entries.filter { $0.value.owner == owner }.map(\.key)
      for id in ids { shared.entries[id] = nil }
      return ids
    }
    for id in ids { order(.forget(id)) }
  }

  // MARK: For the host

  /// Takes nothing more in from anywhere; what is to be written still is.
  func pauseReading() { order(.pauseAll) }

  /// Ends the thread after what waits has been written, or the time is up.
  func stop(timeout: Int64) {
    let deadline = clock.monotonic + timeout
    while clock.monotonic < deadline {
      let waiting = shared.withLock { shared in shared.entries.values.contains { $0.outgoing.count > 0 } }
      if !waiting { break }
      usleep(1000)
    }
    shared.withLock { $0.isStopping = true }
    order(.stop)
    thread?.join()
    thread = nil
  }

  // MARK: The thread

  private func order(_ order: Order) {
    let first = shared.withLock { shared in
      shared.orders.append(order)
      return shared.orders.count == 1
    }
    if first { ring() }
  }

  private func ring() {
    var one: UInt64 = 1
    _ = Glibc.write(bell, &one, 8)
  }

  private func resolve(_ id: UInt64, _ spec: ConnectionSpec) {
    // The resolver blocks, for as long as it likes; a literal address does not need it.
    if TLSSession.isAddress(spec.host) {
      order(.resolved(id, Result { try SocketAddress.resolve(spec.host, spec.port) }))
      return
    }
    let thread = HostThread(name: "resolver") { [weak self] in
      let result = Result { try SocketAddress.resolve(spec.host, spec.port) }
      self?.order(.resolved(id, result))
    }
    if thread == nil { order(.resolved(id, .failure(Failure(description: "no thread to resolve \(spec.host)")))) }
  }

  private func run() {
    // OpenSSL writes without MSG_NOSIGNAL; a peer that has gone is an error of that write, not the end of the process.
    var pipe = sigset_t()
    sigemptyset(&pipe)
    sigaddset(&pipe, SIGPIPE)
    pthread_sigmask(SIG_BLOCK, &pipe, nil)
    var live: [UInt64: Connection] = [:]
    let capacity = 64
    let events = UnsafeMutablePointer<epoll_event>.allocate(capacity: capacity)
    defer { events.deallocate() }
    while true {
      let now = clock.monotonic
      var next = Int64.max
      var isHungry = false
      for connection in live.values {
        next = min(next, connection.nextTime)
        if connection.needsAnotherRound { isHungry = true }
      }
      let wait = isHungry ? 0 : next == .max ? -1 : Int32(clamping: max(0, (next - now + 999_999) / 1_000_000))
      let count = epoll_wait(poll, events, Int32(capacity), wait)
      if count > 0 {
        for index in 0..<Int(count) {
          let id = events[index].data.u64
          if id == 0 {
            var value: UInt64 = 0
            _ = read(bell, &value, 8)
          } else {
            live[id]?.ready(events[index].events)
          }
        }
      }
      let orders = shared.withLock { shared -> [Order] in
        defer { shared.orders.removeAll(keepingCapacity: true) }
        return shared.orders
      }
      for order in orders {
        if case .stop = order {
          for connection in live.values { connection.forget() }
          return
        }
        carryOut(order, &live)
      }
      let later = clock.monotonic
      for connection in live.values {
        if connection.nextTime <= later { connection.tick(later) }
        if connection.needsAnotherRound { connection.anotherRound() }
      }
      publish(&live)
    }
  }

  private func carryOut(_ order: Order, _ live: inout [UInt64: Connection]) {
    switch order {
    case .start(let connection):
      live[connection.id] = connection
      connection.start()
    case .resolved(let id, let result): live[id]?.resolved(result)
    case .flush(let id): live[id]?.flush()
    case .resume(let id): live[id]?.resume()
    case .drain(let id): live[id]?.drain(until: clock.monotonic + 5_000_000_000)
    case .forget(let id):
      live[id]?.flush()
      live[id]?.forget()
      live[id] = nil
    case .reconnect(let id, let delay): live[id]?.reconnect(delay: delay)
    case .pauseAll: for connection in live.values { connection.shut() }
    case .stop: break
    }
  }

  /// Shows the other threads how things are, and lets go of what has ended.
  private func publish(_ live: inout [UInt64: Connection]) {
    shared.withLock { shared in
      for (id, connection) in live {
        shared.entries[id]?.snapshot = Snapshot(
          state: connection.phase.word, peer: connection.peer, since: connection.since, bytesIn: connection.bytesIn,
          attempt: connection.attempt, droppedLines: connection.droppedLines)
        if connection.isFinished {
          live[id] = nil
          shared.entries[id] = nil
        }
      }
    }
  }
}
