import CLinux
import Glibc

/// One connection, as the network's thread drives it: a state machine over attempts, each of which is resolved, connected, agreed upon, open,
/// and over. Belongs to that thread alone; `outgoing` and `status` are what other threads share with it.
final class Connection {
  /// How far the end has come that we have begun.
  enum Goodbye {
    /// What waits is being written.
    case flushing
    /// The end is being said.
    case saying
    /// It is said; the other side may still send. A socket that is closed with bytes unread resets the connection, and the reset may overtake
    /// what was written last.
    case lingering
  }

  /// For writing what waits, once the end has begun.
  static let drainTime: Int64 = 5_000_000_000
  /// For the other side to end as well.
  static let lingerTime: Int64 = 1_000_000_000

  let id: UInt64
  let spec: ConnectionSpec
  let outgoing: OutgoingBytes
  let status: ConnectionStatus
  private let observer: any ConnectionObserver
  private let clock: any HostClock
  private let poll: Int32
  /// Asks for addresses, for the attempt with this number.
  private let resolve: (UInt64) -> Void

  private(set) var phase = ConnectionState.idle
  /// The connection that had the name before; this one begins when that has ended.
  var predecessor: UInt64?
  /// Something is left to read that epoll will not announce.
  private(set) var needsTurn = false

  private var transport: Transport?
  private var race: AddressRace?
  private var trust: TLSTrust?
  private var labels: UInt64 = 0
  private var attempts: UInt64 = 0
  private var attempt = 0

  /// When the present state has lasted too long, or `waiting` is over.
  private var deadline = Int64.max
  private var lastReceived: Int64 = 0
  private var openedAt: Int64?
  private var backoff: Backoff
  private var scanner: FrameScanner
  private var countedDrops: UInt64 = 0

  /// The observer had no room; nothing is read until it has.
  private var isPaused = false
  /// The host takes nothing more in.
  private var isShut = false
  /// Its owner is gone, and nobody is told anything.
  private var isForgotten = false
  /// The instance asked for the end; nobody tries again.
  private var isLeaving = false
  /// The socket is broken while nothing is read; it is looked at again when something is.
  private var isParked = false
  private var writeWantsRead = false
  private var readWantsWrite = false
  private var goodbye: Goodbye?
  private var linger = lingerTime
  /// What the observer has not been told yet: before any frame, and after the last.
  private var opening: ConnectionOpening?
  private var closing: ConnectionClosing?
  /// The other side has ended; what it sent is still to be handed out.
  private var ending: (reason: ConnectionClosing.Reason, words: String)?
  /// Writing has failed; what the other side sent before is still read: it may say why.
  private var writeFailure: String?

  init(
    id: UInt64, spec: ConnectionSpec, observer: any ConnectionObserver, outgoing: OutgoingBytes,
    status: ConnectionStatus,
    poll: Int32, clock: any HostClock, resolve: @escaping (UInt64) -> Void
  ) {
    self.id = id
    self.spec = spec
    self.observer = observer
    self.outgoing = outgoing
    self.status = status
    self.poll = poll
    self.clock = clock
    self.resolve = resolve
    backoff = Backoff(minimum: spec.backoffMinimum, maximum: spec.backoffMaximum)
    scanner = FrameScanner(framing: spec.framing, maximum: spec.maximumFrame)
  }

  /// The connection that a label of epoll's belongs to.
  static func id(ofLabel label: UInt64) -> UInt64 { label >> 16 }

  /// Over, and whoever was to be told has been told.
  var isFinished: Bool { phase == .closed && closing == nil }

  /// When the connection wants to be looked at without anything happening on its socket.
  var nextTime: Int64 {
    switch phase {
    case .idle, .closed: .max
    // The end of the last attempt is told before the next one begins.
    case .waiting: closing == nil && !isShut ? deadline : .max
    case .connecting: min(deadline, race?.nextAt ?? .max)
    case .resolving, .handshaking, .draining: deadline
    case .open: idleDeadline
    }
  }

  private var idleDeadline: Int64 {
    guard spec.idleTimeout > 0, !isPaused, !isShut else { return .max }
    return lastReceived &+ spec.idleTimeout
  }

  private func enter(_ state: ConnectionState) {
    phase = state
    let peer = transport?.address ?? ""
    status.update { snapshot in
      snapshot.phase = state
      snapshot.since = clock.unix
      snapshot.attempt = attempt
      snapshot.peer = state == .open || state == .draining ? peer : ""
    }
  }

  /// Looks at the time.
  func tick(_ now: Int64) {
    guard now >= nextTime else { return }
    switch phase {
    case .idle, .closed: break
    case .waiting: start()
    case .resolving: end(.resolve, "\(spec.host) was not resolved within \(Self.text(spec.connectTimeout))")
    case .connecting:
      if now >= deadline {
        end(
          .connect,
          "\(target) did not answer within \(Self.text(spec.connectTimeout))\(Self.list(race?.failures ?? []))")
      } else {
        connectNext()
      }
    case .handshaking:
      end(.tls, "the TLS handshake with \(target) did not end within \(Self.text(spec.connectTimeout))")
    case .open: end(.idle, "nothing was received for \(Self.text(spec.idleTimeout))")
    case .draining: over()
    }
  }

  private var target: String { spec.host.contains(":") ? "[\(spec.host)]:\(spec.port)" : "\(spec.host):\(spec.port)" }

  private static func text(_ nanoseconds: Int64) -> String {
    nanoseconds >= 10_000_000_000 ? "\(nanoseconds / 1_000_000_000) s" : "\(nanoseconds / 1_000_000) ms"
  }

  private static func list(_ failures: [String]) -> String {
    failures.isEmpty ? "" : " (\(failures.joined(separator: "; ")))"
  }
}

// MARK: Connecting

extension Connection {
  /// Begins an attempt.
  func start() {
    attempt += 1
    attempts += 1
    predecessor = nil
    scanner = FrameScanner(framing: spec.framing, maximum: spec.maximumFrame)
    countedDrops = 0
    deadline = clock.monotonic &+ spec.connectTimeout
    enter(.resolving)
    resolve(attempts)
  }

  /// The answer to `resolve`; one that comes after its attempt is of no interest.
  func resolved(_ number: UInt64, _ result: Result<Resolver.Preparation, Resolver.Failure>) {
    guard phase == .resolving, number == attempts else { return }
    switch result {
    case .failure(let failure): end(failure.reason, failure.text)
    case .success(let preparation):
      race = AddressRace(preparation.addresses)
      trust = preparation.trust
      enter(.connecting)
      connectNext()
    }
  }

  /// Tries the next address beside those under way.
  private func connectNext() {
    let outcome = race?.next(now: clock.monotonic) { (address) throws(Transport.Failure) in
      labels = labels &+ 1 & 0xFFFF
      return try Transport(to: address, poll: poll, label: id << 16 | labels)
    }
    guard case .lost? = outcome else { return }
    let failures = race?.failures ?? []
    end(.connect, failures.isEmpty ? "\(spec.host) has no address" : failures.joined(separator: "; "))
  }

  private func settled(_ label: UInt64) {
    switch race?.settled(label) {
    case .running: break
    case .connected(let transport): connected(transport)
    case .lost, nil: connectNext()
    }
  }

  private func connected(_ candidate: Transport) {
    race = nil
    transport = candidate
    guard spec.isTLS else { return opened(candidate) }
    guard let trust else { return end(.tls, "no certificates are known to trust") }
    do throws(TLSTrust.Failure) {
      try candidate.secure(serverName: spec.serverName, alpn: spec.alpn, trust: trust)
    } catch {
      return end(.tls, error.description)
    }
    self.trust = nil
    enter(.handshaking)
    handshake(candidate)
  }

  private func handshake(_ transport: Transport) {
    guard let session = transport.session else { return }
    switch session.handshake() {
    case .done: opened(transport)
    case .wantsRead: transport.watch(EPOLLIN.rawValue)
    case .wantsWrite: transport.watch(EPOLLOUT.rawValue)
    case .ended: end(.tls, "\(target) closed the connection during the TLS handshake")
    case .failed(let words): end(.tls, words)
    }
  }

  private func opened(_ transport: Transport) {
    let now = clock.monotonic
    openedAt = now
    lastReceived = now
    deadline = .max
    enter(.open)
    status.update { $0.error = "" }
    opening = ConnectionOpening(
      local: SocketAddress.of(transport.descriptor, peer: false), peer: transport.address,
      tls: transport.session?.version, alpn: transport.session?.alpn, attempt: attempt)
    // With the handshake's last bytes the first of the stream may have been taken from the socket.
    needsTurn = transport.session != nil
    outgoing.setOpen(true)
    update()
    deliver()
  }
}

// MARK: Reading

extension Connection {
  /// What epoll reports of one of the connection's sockets.
  func ready(_ label: UInt64, _ events: UInt32) {
    if phase == .connecting { return settled(label) }
    guard let transport, transport.label == label else { return }
    switch phase {
    case .handshaking: handshake(transport)
    case .open, .draining:
      let isBroken = events & (EPOLLHUP.rawValue | EPOLLERR.rawValue) != 0
      if isBroken && !isReading && !writeWantsRead {
        if ending != nil && !isPaused { return over() }
        // Nobody can act upon it before something is read again; writing has become useless.
        isParked = true
        outgoing.setOpen(false)
        return update()
      }
      if isReading && (isBroken || events & EPOLLIN.rawValue != 0 || readWantsWrite) { read() }
      if phase == .open || phase == .draining { flush() }
    default: break
    }
  }

  /// Goes on with what epoll does not announce.
  func turn() {
    needsTurn = false
    if isReading { read() }
  }

  private var isReading: Bool {
    guard phase == .open || phase == .draining, ending == nil else { return false }
    return isForgotten || !(isPaused || isShut)
  }

  private func read() {
    readWantsWrite = false
    // Bounded, so that a fast peer does not keep the others waiting.
    var rounds = 16
    while rounds > 0, isReading, let transport {
      rounds -= 1
      let space = scanner.space()
      switch transport.read(into: space) {
      case .done(let count):
        scanner.filled(count)
        status.received(count)
        lastReceived = clock.monotonic
        deliver()
        // A short read has emptied the socket; asking again would only say so.
        if transport.session == nil && count < space.count { return }
      case .wantsRead: return
      case .wantsWrite:
        readWantsWrite = true
        return update()
      case .ended: ended(.peer, "\(target) closed the connection")
      case .failed(let words): ended(transport.session == nil ? .error : .tls, words)
      }
    }
    if rounds == 0, isReading { needsTurn = true }
  }

  private func ended(_ reason: ConnectionClosing.Reason, _ words: String) {
    ending = writeFailure.map { (.error, $0) } ?? (reason, words)
    update()
    deliver()
  }

  /// Hands out what there is, in order, until the observer has no room.
  private func deliver() {
    if isForgotten {
      scanner.discard()
      opening = nil
      closing = nil
      if ending != nil { conclude() }
      return
    }
    guard !isPaused else { return }
    if let opening {
      guard observer.opened(opening) else { return pause() }
      self.opening = nil
    }
    scanning: while true {
      switch scanner.next() {
      case .frame(let frame):
        guard observer.received(frame) else { return pause() }
        scanner.consume()
      case .tooLong(let length):
        guard closing == nil, transport != nil else { break scanning }
        return end(
          .frame, "a frame of \(length) bytes was announced, which is more than the \(spec.maximumFrame) permitted")
      case .incomplete: break scanning
      }
    }
    if scanner.droppedLines != countedDrops {
      status.dropped(scanner.droppedLines &- countedDrops)
      countedDrops = scanner.droppedLines
    }
    if ending != nil { return conclude() }
    if let closing {
      guard observer.closed(closing) else { return pause() }
      self.closing = nil
    }
  }

  /// Everything that the other side sent is handed out, and it sends no more.
  private func conclude() {
    guard let (reason, _) = ending else { return }
    // It has ended its stream, and may still read ours.
    if reason == .peer, phase == .open, outgoing.count > 0 {
      beginDraining()
    } else if phase != .draining || reason != .peer || goodbye == .lingering {
      over()
    }
  }

  private func pause() {
    isPaused = true
    update()
  }

  /// The observer has room again.
  func resume() {
    guard isPaused else { return }
    isPaused = false
    isParked = false
    lastReceived = clock.monotonic
    deliver()
    guard !isPaused else { return }
    update()
    if isReading { read() }
  }

  /// Takes nothing more in and connects no more; what is to be written still is.
  func shut() {
    isShut = true
    update()
  }
}

// MARK: Writing

extension Connection {
  func flush() {
    guard phase == .open || phase == .draining, let transport, writeFailure == nil, !isParked else { return }
    writeWantsRead = false
    var isBlocked = false
    var failure: String?
    while !isBlocked && failure == nil {
      let hadBytes = outgoing.drain { bytes in
        switch transport.write(bytes) {
        case .done(let count): return count
        case .wantsRead: writeWantsRead = true
        case .wantsWrite: break
        case .ended: failure = "\(target) closed the connection"
        case .failed(let words): failure = words
        }
        isBlocked = true
        return 0
      }
      if !hadBytes { break }
    }
    if let failure {
      outgoing.setOpen(false)
      // After a failure a TLS session can no longer be read.
      guard transport.session == nil, ending == nil else { return ended(.error, failure) }
      writeFailure = failure
      return update()
    }
    if phase == .draining && !isBlocked { leave() } else { update() }
  }

  /// Tells epoll what is waited for.
  private func update() {
    guard phase == .open || phase == .draining, let transport else { return }
    var wanted: UInt32 = 0
    if !isParked {
      if isReading || writeWantsRead { wanted |= EPOLLIN.rawValue }
      let isWriting = outgoing.count > 0 && !writeWantsRead && writeFailure == nil
      if isWriting || readWantsWrite || goodbye == .saying { wanted |= EPOLLOUT.rawValue }
    }
    transport.watch(wanted)
  }
}

// MARK: Ending

extension Connection {
  /// Closes once everything that waits has been written; nobody tries again.
  func drain() {
    isLeaving = true
    switch phase {
    case .open: beginDraining()
    case .draining: break
    case .closed:
      // The end that is still to be told, if any, says already that it is the last.
      break
    case .idle, .resolving, .connecting, .handshaking, .waiting: finish()
    }
  }

  /// Ends without a word to anyone: its owner is gone. What waits is written until the deadline.
  func forget(until limit: Int64, linger: Int64) {
    isForgotten = true
    isLeaving = true
    isParked = false
    self.linger = linger
    switch phase {
    case .open:
      beginDraining()
      deadline = min(deadline, limit)
      if isReading { read() }
    case .draining:
      deadline = min(deadline, limit, goodbye == .lingering ? clock.monotonic &+ linger : .max)
      if isReading { read() } else { deliver() }
      update()
    default: finish()
    }
  }

  /// Closes now and connects again after `delay` nanoseconds; also when nobody would try any more, unless the instance has closed it.
  func reconnect(delay: Int64) {
    guard !isLeaving else { return }
    let delay = max(0, delay)
    if phase == .waiting || phase == .closed {
      // No attempt is under way whose end would have to be told.
      closing?.isFinal = false
      closing?.retryIn = delay / 1_000_000
    } else if phase != .idle {
      noteDuration()
      release(isOrderly: true)
      closing = ConnectionClosing(reason: .local, error: "", isFinal: false, retryIn: delay / 1_000_000)
    } else {
      return
    }
    deadline = clock.monotonic &+ delay
    enter(.waiting)
    deliver()
  }

  private func beginDraining() {
    outgoing.seal()
    goodbye = .flushing
    deadline = clock.monotonic &+ Self.drainTime
    enter(.draining)
    flush()
  }

  /// Everything is written: says goodbye.
  private func leave() {
    guard let transport, goodbye != .lingering else { return }
    if ending != nil && !isLeaving { return over() }
    guard transport.endWriting() else {
      goodbye = .saying
      return update()
    }
    // Nothing more can come from a side that has ended.
    if ending != nil && !isPaused { return over() }
    goodbye = .lingering
    deadline = min(deadline, clock.monotonic &+ linger)
    update()
  }

  /// The connection is over, for the reason that is known.
  private func over() {
    if isLeaving { return finish() }
    var (reason, words) = ending ?? (.peer, "\(target) closed the connection")
    if reason == .peer, scanner.count > 0 {
      words += " in the middle of a frame, of which \(scanner.count) bytes had come"
    }
    end(reason, words)
  }

  /// By the instance's will; nobody tries again.
  private func finish() {
    release(isOrderly: true)
    // An end that is still to be told stays the end that it was.
    var told = closing ?? ConnectionClosing(reason: .local, error: "", isFinal: true, retryIn: 0)
    told.isFinal = true
    told.retryIn = 0
    closing = told
    enter(.closed)
    deliver()
  }

  /// A connection that held for a while begins the counting and the pauses anew.
  private func noteDuration() {
    guard let openedAt else { return }
    let duration = clock.monotonic &- openedAt
    backoff.closed(afterOpenFor: duration)
    if duration >= backoff.stableAfter { attempt = 0 }
  }

  /// An attempt is over that was meant to go on.
  private func end(_ reason: ConnectionClosing.Reason, _ words: String) {
    noteDuration()
    release(isOrderly: reason == .idle || reason == .peer || reason == .frame)
    status.update { $0.error = words }
    if spec.reconnects && !isLeaving && !isShut {
      let pause = backoff.next(chance: Double.random(in: 0..<1))
      closing = ConnectionClosing(reason: reason, error: words, isFinal: false, retryIn: pause / 1_000_000)
      deadline = clock.monotonic &+ pause
      enter(.waiting)
    } else {
      closing = ConnectionClosing(reason: reason, error: words, isFinal: true, retryIn: 0)
      enter(.closed)
    }
    deliver()
  }

  /// Gives the socket back. Frames that are whole stay, and go out before the end is told.
  private func release(isOrderly: Bool) {
    outgoing.setOpen(false)
    // Twice is harmless, and whether the socket takes it does not matter any more.
    if isOrderly, goodbye != .lingering { _ = transport?.endWriting() }
    transport = nil
    race = nil
    trust = nil
    openedAt = nil
    ending = nil
    writeFailure = nil
    goodbye = nil
    isParked = false
    writeWantsRead = false
    readWantsWrite = false
    needsTurn = false
  }
}
