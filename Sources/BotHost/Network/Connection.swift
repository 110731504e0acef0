import CLinux
import Glibc

/// One connection, as the network's thread drives it. Everything here belongs to that thread but `outgoing`.
final class Connection {
  enum Phase: Equatable {
    /// Waiting for the resolver.
    case resolving
    case connecting
    case handshaking
    case open
    /// Writing what waits, then closing.
    case draining
    /// Until the next attempt.
    case waiting(until: Int64)
    case closed

    var word: String {
      switch self {
      case .resolving: "resolving"
      case .connecting: "connecting"
      case .handshaking: "handshaking"
      case .open: "open"
      case .draining: "draining"
      case .waiting: "waiting"
      case .closed: "closed"
      }
    }
  }

  let id: UInt64
  let owner: String
  let spec: ConnectionSpec
  let observer: any ConnectionObserver
  let outgoing: OutgoingBytes
  let clock: any HostClock

  private(set) var phase = Phase.closed
  private(set) var since: Int64
  private(set) var bytesIn: UInt64 = 0
  private(set) var attempt = 0
  private(set) var peer = ""

  private let poll: Int32
  private var descriptor: Int32 = -1
  private var session: TLSSession?
  private var addresses: [SocketAddress] = []
  private var deadline = Int64.max
  private var lastReceived: Int64 = 0
  private var openedAt: Int64 = 0
  private var backoff: Backoff
  private var scanner: FrameScanner
  private var interest: UInt32 = 0
  private var isRegistered = false
  /// The observer had no room; nothing is read until it has.
  private var isPaused = false
  /// The host takes nothing more in.
  private var isShut = false
  /// What the observer has not been told yet, before any frame.
  private var opening: ConnectionOpening?
  private var closing: ConnectionClosing?
  /// The other side has ended; what it sent is still to be handed out.
  private var ending: (ConnectionClosing.Reason, String)?
  /// Asks the network for addresses.
  var resolve: () -> Void = {}

  init(
    id: UInt64, owner: String, spec: ConnectionSpec, observer: any ConnectionObserver, outgoing: OutgoingBytes,
    poll: Int32,
    clock: any HostClock
  ) {
    self.id = id
    self.owner = owner
    self.spec = spec
    self.observer = observer
    self.outgoing = outgoing
    self.poll = poll
    self.clock = clock
    since = clock.unix
    backoff = Backoff(minimum: spec.backoffMinimum, maximum: spec.backoffMaximum)
    scanner = FrameScanner(framing: spec.framing, maximum: spec.maximumFrame)
  }

  /// When the connection wants to be looked at without anything happening on its socket.
  var nextTime: Int64 {
    switch phase {
    case .waiting(let until): until
    case .resolving, .connecting, .handshaking, .draining: deadline
    case .open: spec.idleTimeout > 0 && !isPaused ? lastReceived + spec.idleTimeout : .max
    case .closed: .max
    }
  }

  var isFinished: Bool { phase == .closed && closing == nil }
  var droppedLines: UInt64 { scanner.droppedLines }

  private func enter(_ phase: Phase) {
    self.phase = phase
    since = clock.unix
  }

  // MARK: Connecting

  func start() {
    attempt += 1
    deadline = clock.monotonic + spec.connectTimeout
    scanner = FrameScanner(framing: spec.framing, maximum: spec.maximumFrame)
    enter(.resolving)
    resolve()
  }

  func resolved(_ result: Result<[SocketAddress], any Error>) {
    guard phase == .resolving else { return }
    switch result {
    case .failure(let error): end(.resolve, "\(error)")
    case .success(let found):
      addresses = found
      connectNext(after: "\(spec.host) has no address")
    }
  }

  private func connectNext(after reason: String) {
    var reason = reason
    while !addresses.isEmpty {
      let address = addresses.removeFirst()
      let made = socket(
        address.family, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
      guard made >= 0 else {
        reason = "no socket can be made: \(String(cString: strerror(errno)))"
        continue
      }
      var one: Int32 = 1
      setsockopt(made, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
      setsockopt(made, SOL_SOCKET, SO_KEEPALIVE, &one, socklen_t(MemoryLayout<Int32>.size))
      let status = address.bytes.withUnsafeBytes { raw in
        raw.baseAddress.map { Glibc.connect(made, $0.assumingMemoryBound(to: sockaddr.self), socklen_t(raw.count)) }
          ?? -1
      }
      if status == 0 || errno == EINPROGRESS {
        descriptor = made
        enter(.connecting)
        watch(EPOLLOUT.rawValue)
        return
      }
      reason = "\(address.text): \(String(cString: strerror(errno)))"
      close(made)
    }
    end(.connect, reason)
  }

  private func connected() {
    var failure: Int32 = 0
    var length = socklen_t(MemoryLayout<Int32>.size)
    getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &failure, &length)
    guard failure == 0 else {
      let reason = "\(spec.host):\(spec.port): \(String(cString: strerror(failure)))"
      dropSocket()
      connectNext(after: reason)
      return
    }
    guard spec.isTLS else {
      opened()
      return
    }
    do { session = try TLSSession(descriptor: descriptor, spec: spec) } catch {
      end(.tls, "\(error)")
      return
    }
    enter(.handshaking)
    handshake()
  }

  private func handshake() {
    guard let session else { return }
    switch session.handshake() {
    case .done: opened()
    case .wantsRead: watch(EPOLLIN.rawValue)
    case .wantsWrite: watch(EPOLLOUT.rawValue)
    case .ended: end(.tls, "the server closed the connection during the TLS handshake")
    case .failed(let reason): end(.tls, reason)
    }
  }

  private func opened() {
    enter(.open)
    openedAt = clock.monotonic
    lastReceived = openedAt
    peer = SocketAddress.of(descriptor, peer: true)
    opening = ConnectionOpening(
      local: SocketAddress.of(descriptor, peer: false), peer: peer, tls: session?.version, alpn: session?.alpn,
      attempt: attempt)
    outgoing.setOpen(true)
    update()
    deliver()
  }

  // MARK: Events of the socket

  func ready(_ events: UInt32) {
    switch phase {
    case .connecting: connected()
    case .handshaking: handshake()
    case .open, .draining:
      if events & (EPOLLIN.rawValue | EPOLLHUP.rawValue | EPOLLERR.rawValue | EPOLLRDHUP.rawValue) != 0 { readSome() }
      if phase == .open || phase == .draining { flush() }
    case .resolving, .waiting, .closed: break
    }
  }

  /// Looks at the time.
  func tick(_ now: Int64) {
    switch phase {
    case .waiting(let until) where now >= until: start()
    case .resolving, .connecting, .handshaking:
      if now >= deadline {
        end(
          phase == .handshaking ? .tls : .connect,
          "\(spec.host):\(spec.port) did not answer within \(spec.connectTimeout / 1_000_000) ms")
      }
    case .open where spec.idleTimeout > 0 && !isPaused && now >= lastReceived + spec.idleTimeout:
      end(.idle, "nothing was received for \(spec.idleTimeout / 1_000_000) ms")
    case .draining where now >= deadline: finish()
    default: break
    }
  }

  private func readSome() {
    // Bounded, so that a fast peer does not keep the others waiting.
    var rounds = 16
    while rounds > 0, !isPaused, !isShut, ending == nil, phase == .open || phase == .draining {
      rounds -= 1
      let space = scanner.space()
      let outcome: TLSSession.Progress
      if let session {
        outcome = session.read(into: space)
      } else {
        let count = recv(descriptor, space.baseAddress, space.count, 0)
        if count > 0 {
          outcome = .done(count)
        } else if count == 0 {
          outcome = .ended
        } else if errno == EAGAIN || errno == EINTR {
          outcome = .wantsRead
        } else {
          outcome = .failed(String(cString: strerror(errno)))
        }
      }
      switch outcome {
      case .done(let count):
        scanner.filled(count)
        bytesIn += UInt64(count)
        lastReceived = clock.monotonic
        deliver()
        // A short read has emptied the socket; asking again would only say so.
        if session == nil && count < space.count { return }
      case .wantsRead, .wantsWrite: return
      case .ended:
        ending = (.peer, "the other side closed the connection")
        deliver()
      case .failed(let reason):
        ending = (.error, reason)
        deliver()
      }
    }
    if rounds == 0, session?.hasPending == true { needsAnotherRound = true }
  }

  /// Decrypted bytes are left that the socket will not announce.
  var needsAnotherRound = false

  func anotherRound() {
    needsAnotherRound = false
    if phase == .open { readSome() }
  }

  /// Hands out what there is, in order, until the observer has no room.
  private func deliver() {
    if let closing, phase == .closed || isWaiting {
      if observer.closed(closing) { self.closing = nil } else { pause() }
      return
    }
    if let opening {
      guard observer.opened(opening) else { return pause() }
      self.opening = nil
    }
    while true {
      switch scanner.next() {
      case .frame(let frame):
        guard observer.received(frame) else { return pause() }
        scanner.consume()
      case .tooLong(let length):
        end(.frame, "a frame of \(length) bytes is longer than the \(spec.maximumFrame) permitted")
        return
      case .incomplete:
        if let (reason, words) = ending {
          ending = nil
          end(reason, words)
        }
        return
      }
    }
  }

  private var isWaiting: Bool {
    if case .waiting = phase { return true }
    return false
  }

  private func pause() {
    isPaused = true
    update()
  }

  /// The observer has room again.
  func resume() {
    guard isPaused else { return }
    isPaused = false
    lastReceived = clock.monotonic
    deliver()
    if !isPaused {
      update()
      if phase == .open { readSome() }
    }
  }

  /// Takes nothing more in; what is to be written still is.
  func shut() {
    isShut = true
    update()
  }

  // MARK: Writing

  func flush() {
    guard phase == .open || phase == .draining else { return }
    var again = true
    var failure: String?
    while again && failure == nil {
      again = false
      outgoing.drain { bytes in
        let outcome: TLSSession.Progress
        if let session {
          outcome = session.write(bytes)
        } else {
          let count = send(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
          outcome =
            count >= 0
            ? .done(count) : errno == EAGAIN || errno == EINTR ? .wantsWrite : .failed(String(cString: strerror(errno)))
        }
        switch outcome {
        case .done(let count):
          again = count > 0
          return count
        case .wantsRead, .wantsWrite: return 0
        case .ended:
          failure = "the other side closed the connection"
          return 0
        case .failed(let reason):
          failure = reason
          return 0
        }
      }
    }
    if let failure {
      // What the other side sent before it went is read first: it may say why.
      if ending == nil { ending = (.error, failure) }
      deliver()
      return
    }
    if phase == .draining && outgoing.count == 0 {
      finish()
    } else {
      update()
    }
  }

  // MARK: Ending

  /// Closes once everything that waits has been written.
  func drain(until deadline: Int64) {
    switch phase {
    case .open:
      enter(.draining)
      self.deadline = deadline
      flush()
    case .draining: self.deadline = min(self.deadline, deadline)
    case .closed: break
    default: finish()
    }
  }

  /// Closes now, by our own will; nobody tries again.
  func finish() {
    guard phase != .closed else { return }
    session?.end()
    dropSocket()
    opening = nil
    ending = nil
    enter(.closed)
    closing = ConnectionClosing(reason: .local, error: "", isFinal: true, retryIn: 0)
    deliver()
  }

  /// Closes now without a word to anyone: its owner is gone.
  func forget() {
    session?.end()
    dropSocket()
    opening = nil
    closing = nil
    ending = nil
    enter(.closed)
  }

  /// Closes now and connects again after `delay`.
  func reconnect(delay: Int64) {
    session?.end()
    dropSocket()
    opening = nil
    ending = nil
    isPaused = false
    enter(.waiting(until: clock.monotonic + max(0, delay)))
    closing = ConnectionClosing(reason: .local, error: "", isFinal: false, retryIn: max(0, delay) / 1_000_000)
    deliver()
  }

  private func end(_ reason: ConnectionClosing.Reason, _ words: String) {
    if phase == .open { backoff.closed(afterOpenFor: clock.monotonic - openedAt) }
    let wasDraining = phase == .draining
    if reason != .peer { session?.end() }
    dropSocket()
    opening = nil
    ending = nil
    isPaused = false
    if backoff.failures == 0 { attempt = 0 }
    if spec.reconnects && !wasDraining && !isShut {
      let pause = backoff.next(chance: Double.random(in: 0..<1))
      enter(.waiting(until: clock.monotonic + pause))
      closing = ConnectionClosing(reason: reason, error: words, isFinal: false, retryIn: pause / 1_000_000)
    } else {
      enter(.closed)
      closing = ConnectionClosing(reason: reason, error: words, isFinal: true, retryIn: 0)
    }
    deliver()
  }

  private func dropSocket() {
    outgoing.setOpen(false)
    session = nil
    guard descriptor >= 0 else { return }
    close(descriptor)
    descriptor = -1
    isRegistered = false
    peer = ""
  }

  // MARK: epoll

  private func update() {
    guard phase == .open || phase == .draining else { return }
    var wanted: UInt32 = 0
    if !isPaused && !isShut && ending == nil { wanted |= EPOLLIN.rawValue | EPOLLRDHUP.rawValue }
    if outgoing.count > 0 { wanted |= EPOLLOUT.rawValue }
    watch(wanted)
  }

  private func watch(_ events: UInt32) {
    guard descriptor >= 0 else { return }
    var event = epoll_event()
    event.events = events
    event.data.u64 = id
    if events == 0 {
      // Hang-ups are reported whether asked for or not; a paused connection must not keep the thread awake with them.
      if isRegistered { epoll_ctl(poll, EPOLL_CTL_DEL, descriptor, &event) }
      isRegistered = false
    } else if !isRegistered {
      isRegistered = epoll_ctl(poll, EPOLL_CTL_ADD, descriptor, &event) == 0
    } else if interest != events {
      epoll_ctl(poll, EPOLL_CTL_MOD, descriptor, &event)
    }
    interest = events
  }
}
