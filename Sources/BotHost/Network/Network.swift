import CBotHost
import CLinux
import Glibc
import Synchronization

/// The connections that the host owns on behalf of plugins: one thread with epoll drives them all.
///
/// A connection belongs to an instance by name, not to a generation: a swap does not touch it. All functions are safe on any thread and
/// none of them waits for the network, but `stop`.
final class Network: @unchecked Sendable {
  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  /// A connection as `describe` and `ps` show it.
  struct Snapshot: Sendable {
    var phase = ConnectionState.idle
    /// The address at the other end; empty when there is none.
    var peer = ""
    /// When the state was entered, in nanoseconds since 1970.
    var since: Int64 = 0
    var bytesIn: UInt64 = 0
    /// From 1; counts since the last stable connection.
    var attempt = 0
    var droppedLines: UInt64 = 0
    /// Why the last attempt ended; empty while the connection is open.
    var error = ""

    var state: String { phase.rawValue }
  }

  /// An instance may have so many connections.
  static let limit = 256

  /// What the network's thread is asked to do.
  private enum Order {
    case start(Connection, after: UInt64?)
    case resolved(UInt64, UInt64, Result<Resolver.Preparation, Resolver.Failure>)
    case flush(UInt64)
    case resume(UInt64)
    case drain(UInt64)
    case forget(UInt64)
    case reconnect(UInt64, Int64)
    case pauseAll
    case look
    case stop(deadline: Int64)
  }

  /// What other threads know of a connection.
  private struct Entry {
    let owner: String
    let spec: ConnectionSpec
    let outgoing: OutgoingBytes
    let status: ConnectionStatus
    /// Its instance has closed it.
    var isClosing = false
  }

  private struct Name: Hashable {
    let owner: String
    let name: String
  }

  private struct Shared {
    var entries: [UInt64: Entry] = [:]
    var names: [Name: UInt64] = [:]
    var next: UInt64 = 1
    var isStopping = false
  }

  private let shared = Mutex(Shared())
  /// Connections in it are on their way to the network's thread, which alone touches them afterwards.
  private let orders = Mutex(Orders())

  private struct Orders: @unchecked Sendable {
    var waiting: [Order] = []
    var isClosed = false
  }

  private let poll: Int32
  private let bell: Int32
  private let clock: any HostClock
  private let resolver = Resolver()
  private var thread: HostThread?

  /// Starts the thread; `stop` ends it.
  init(clock: any HostClock) throws(Failure) {
    self.clock = clock
    poll = epoll_create1(Int32(EPOLL_CLOEXEC))
    bell = eventfd(0, Int32(EFD_CLOEXEC) | Int32(EFD_NONBLOCK))
    guard poll >= 0, bell >= 0 else { throw Failure(description: "no epoll: \(String(cString: strerror(errno)))") }
    var event = epoll_event()
    event.events = EPOLLIN.rawValue
    event.data.u64 = 0
    guard epoll_ctl(poll, EPOLL_CTL_ADD, bell, &event) == 0 else {
      throw Failure(description: "no epoll: \(String(cString: strerror(errno)))")
    }
    thread = HostThread(name: "network") { [self] in run() }
    if thread == nil { throw Failure(description: "no thread for the network") }
  }

  deinit {
    if poll >= 0 { Glibc.close(poll) }
    if bell >= 0 { Glibc.close(bell) }
  }
}

// MARK: For instances

extension Network {
  /// Opens a connection, or finds the one that this owner has under that name with the same specification: that one keeps the observer of its
  /// first dial. One with another specification is closed first, and told so, before the new one begins. BH_E_CANCELLED: the host is
  /// stopping; BH_E_NOSPACE: the owner has too many.
  func dial(owner: String, spec: ConnectionSpec, observer: any ConnectionObserver) -> (rc: bh_rc, id: UInt64) {
    let name = Name(owner: owner, name: spec.name)
    let (code, id) = shared.withLock { shared -> (Int32, UInt64) in
      guard !shared.isStopping else { return (Int32(BH_E_CANCELLED), 0) }
      let old = shared.names[name]
      if let old, let entry = shared.entries[old] {
        let phase = entry.status.phase
        if entry.spec == spec && !entry.isClosing && phase != .closed { return (Int32(BH_OK), old) }
        shared.entries[old] = nil
      } else if shared.names.keys.count(where: { $0.owner == owner }) >= Self.limit {
        return (Int32(BH_E_NOSPACE), 0)
      }
      let id = shared.next
      shared.next += 1
      let outgoing = OutgoingBytes(limit: spec.maximumUnsent)
      let status = ConnectionStatus(since: clock.unix)
      observer.attached(to: id)
      let connection = Connection(
        id: id, spec: spec, observer: observer, outgoing: outgoing, status: status, poll: poll, clock: clock,
        resolve: { [weak self] attempt in
          self?.resolver.prepare(spec) { [weak self] in self?.order(.resolved(id, attempt, $0)) }
        })
      shared.entries[id] = Entry(owner: owner, spec: spec, outgoing: outgoing, status: status)
      shared.names[name] = id
      // Under the lock, so that two dials of one name arrive in their order.
      order(.start(connection, after: old))
      return (Int32(BH_OK), id)
    }
    return (bh_rc(code), id)
  }

  /// Queues bytes, all or nothing. BH_E_NOTFOUND: not connected; BH_E_NOSPACE: more than may ever wait; BH_E_BUSY: more than may wait now.
  func write(_ id: UInt64, owner: String, _ bytes: UnsafeRawBufferPointer) -> bh_rc {
    guard let outgoing = outgoing(id, owner) else { return bh_rc(BH_E_NOTFOUND) }
    let code = outgoing.append(bytes)
    if code == BH_OK { order(.flush(id)) }
    return code
  }

  /// The same with an array.
  func write(_ id: UInt64, owner: String, _ bytes: [UInt8]) -> bh_rc {
    bytes.withUnsafeBytes { write(id, owner: owner, $0) }
  }

  /// The queue of a connection, for writes that are effects of a delivery; `flush` follows each.
  func outgoing(_ id: UInt64, _ owner: String) -> OutgoingBytes? {
    shared.withLock { shared in
      guard let entry = shared.entries[id], entry.owner == owner else { return nil }
      return entry.outgoing
    }
  }

  /// Has the queue written, after something was put into it.
  func flush(_ id: UInt64) { order(.flush(id)) }

  /// Closes after what is queued, and what deliveries have staged, has been written; nobody tries again.
  func close(_ id: UInt64, owner: String) -> bh_rc {
    mark(id, owner: owner) { entry in
      entry.isClosing = true
      if !entry.outgoing.leave() { order(.drain(id)) }
    }
  }

  /// The last write that was staged before a close has been applied, or dropped, and the close with it. A connection whose name another
  /// one has got meanwhile ends in any case.
  func settleClose(_ id: UInt64, applied: Bool) {
    shared.withLock { shared in
      if !applied, shared.entries[id] != nil { shared.entries[id]?.isClosing = false } else { order(.drain(id)) }
    }
  }

  /// Closes now and connects again after `delay` nanoseconds. BH_E_NOTFOUND when the instance has closed it.
  func reconnect(_ id: UInt64, owner: String, delay: Int64) -> bh_rc {
    mark(id, owner: owner) { _ in order(.reconnect(id, delay)) }
  }

  private func mark(_ id: UInt64, owner: String, _ body: (inout Entry) -> Void) -> bh_rc {
    shared.withLock { shared in
      guard var entry = shared.entries[id], entry.owner == owner, !entry.isClosing else { return bh_rc(BH_E_NOTFOUND) }
      body(&entry)
      shared.entries[id] = entry
      return bh_rc(BH_OK)
    }
  }

  /// The observer that had no room has some again.
  func resume(_ id: UInt64) { order(.resume(id)) }

  /// How a connection is doing; nil when this owner has none of that number.
  func describe(_ id: UInt64, owner: String) -> (spec: ConnectionSpec, snapshot: Snapshot, unsent: Int, out: UInt64)? {
    shared.withLock { shared in
      guard let entry = shared.entries[id], entry.owner == owner else { return nil }
      return (entry.spec, entry.status.current, entry.outgoing.count, entry.outgoing.total)
    }
  }

  /// All connections of an instance, by name.
  func connections(owner: String) -> [(id: UInt64, spec: ConnectionSpec, snapshot: Snapshot)] {
    shared.withLock { shared in
      shared.entries.filter { $0.value.owner == owner }.map { ($0.key, $0.value.spec, $0.value.status.current) }
        .sorted { $0.1.name < $1.1.name }
    }
  }

  /// Writes what waits and closes everything of an instance; nobody is told.
  func closeAll(owner: String) {
    shared.withLock { shared in
      for (id, entry) in shared.entries where entry.owner == owner {
        shared.entries[id] = nil
        shared.names[Name(owner: owner, name: entry.spec.name)] = nil
        order(.forget(id))
      }
    }
  }
}

// MARK: For the host

extension Network {
  /// Takes nothing more in from anywhere and connects no more; what is to be written still is.
  func pauseReading() { order(.pauseAll) }

  /// Looks at the clock: for tests, which turn it.
  func look() { order(.look) }

  /// Ends the thread after what waits has been written, or after `timeout` nanoseconds. Waits for that; not to be called by an observer.
  func stop(timeout: Int64) {
    shared.withLock { shared in
      shared.isStopping = true
      shared.entries = [:]
      shared.names = [:]
    }
    order(.stop(deadline: clock.monotonic &+ max(0, timeout)))
    thread?.join()
    thread = nil
  }
}

// MARK: The thread

extension Network {
  /// A host that stops does not wait for the other sides to end as well.
  private static let lastLinger: Int64 = 50_000_000

  private func order(_ order: Order) {
    let isFirst = orders.withLock { orders in
      guard !orders.isClosed else { return false }
      orders.waiting.append(order)
      return orders.waiting.count == 1
    }
    guard isFirst else { return }
    var one: UInt64 = 1
    _ = Glibc.write(bell, &one, 8)
  }

  private func run() {
    // OpenSSL writes with `write`, which would raise SIGPIPE; other signals are for the threads that wait for them.
    var all = sigset_t()
    sigfillset(&all)
    pthread_sigmask(SIG_BLOCK, &all, nil)
    var live: [UInt64: Connection] = [:]
    var stopAt: Int64?
    let capacity = 64
    let events = UnsafeMutablePointer<epoll_event>.allocate(capacity: capacity)
    defer { events.deallocate() }
    while true {
      if let stopAt, live.isEmpty || clock.monotonic >= stopAt { break }
      let count = epoll_wait(poll, events, Int32(capacity), patience(live, stopAt))
      // The process was stopped and goes on: what has happened meanwhile comes before what the clock says.
      if count < 0, errno == EINTR { continue }
      for index in 0..<Int(max(0, count)) {
        let label = events[index].data.u64
        if label == 0 {
          var value: UInt64 = 0
          _ = Glibc.read(bell, &value, 8)
        } else {
          live[Connection.id(ofLabel: label)]?.ready(label, events[index].events)
        }
      }
      let waiting = orders.withLock { orders in
        defer { orders.waiting.removeAll(keepingCapacity: true) }
        return orders.waiting
      }
      for order in waiting {
        if case .stop(let deadline) = order {
          stopAt = deadline
          for connection in live.values { connection.forget(until: deadline, linger: Self.lastLinger) }
        } else {
          carryOut(order, &live)
        }
      }
      let now = clock.monotonic
      for connection in live.values {
        connection.tick(now)
        if connection.needsTurn { connection.turn() }
      }
      tidy(&live)
    }
    orders.withLock { orders in
      orders.isClosed = true
      orders.waiting = []
    }
  }

  /// How long to wait for events, in milliseconds.
  private func patience(_ live: [UInt64: Connection], _ stopAt: Int64?) -> Int32 {
    var next = stopAt ?? .max
    for connection in live.values {
      if connection.needsTurn { return 0 }
      next = min(next, connection.nextTime)
    }
    guard next != .max else { return -1 }
    let pause = next &- clock.monotonic
    return pause <= 0 ? 0 : Int32(clamping: (pause - 1) / 1_000_000 + 1)
  }

  private func carryOut(_ order: Order, _ live: inout [UInt64: Connection]) {
    switch order {
    case .start(let connection, let old):
      live[connection.id] = connection
      connection.predecessor = old
      guard let old, let previous = live[old] else { break }
      if previous.phase == .idle {
        // It has never begun: nothing is to be told of it, and we stand where it stood.
        connection.predecessor = previous.predecessor
        live[old] = nil
      } else if !previous.outgoing.isLeaving {
        previous.drain()
      }
    case .resolved(let id, let attempt, let result): live[id]?.resolved(attempt, result)
    case .flush(let id): live[id]?.flush()
    case .resume(let id): live[id]?.resume()
    case .drain(let id): live[id]?.drain()
    case .forget(let id):
      live[id]?.forget(until: clock.monotonic &+ Connection.drainTime, linger: Connection.lingerTime)
      // What it stood behind belonged to the same owner.
      if let before = live[id]?.predecessor {
        live[before]?.forget(until: clock.monotonic &+ Connection.drainTime, linger: Connection.lingerTime)
      }
    case .reconnect(let id, let delay): live[id]?.reconnect(delay: delay)
    case .pauseAll: for connection in live.values { connection.shut() }
    case .look, .stop: break
    }
  }

  /// Begins what has waited for another to end, and lets go of what has ended and has no name any more.
  private func tidy(_ live: inout [UInt64: Connection]) {
    var ended: [UInt64] = []
    for connection in live.values where connection.phase == .idle {
      if let before = connection.predecessor, let previous = live[before] {
        guard previous.isFinished else { continue }
        ended.append(before)
      }
      connection.start()
    }
    for connection in live.values where connection.isFinished { ended.append(connection.id) }
    guard !ended.isEmpty else { return }
    let gone = shared.withLock { shared in ended.filter { shared.entries[$0] == nil } }
    for id in gone { live[id] = nil }
  }
}
