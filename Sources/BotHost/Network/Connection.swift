import Glibc

/// One connection, as the network's thread drives it: a state machine over attempts, each of which is resolved, connected, agreed upon, open,
/// and over. Belongs to that thread alone; `outgoing` and `status` are what other threads share with it.
///
/// What moves it on is in the files beside this one, a part of its life each: `Connection+Connecting`, `+Reading`, `+Writing`, `+Ending`. The
/// members below are theirs; the network looks at `phase`, `needsTurn` and `nextTime` only.
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
  let observer: any ConnectionObserver
  let clock: any HostClock
  let poll: Int32
  /// Asks for addresses, for the attempt with this number.
  let resolve: (UInt64) -> Void

  var phase = ConnectionState.idle
  /// The connection that had the name before; this one begins when that has ended.
  var predecessor: UInt64?
  /// Something is left to read that epoll will not announce.
  var needsTurn = false

  var transport: Transport?
  var race: AddressRace?
  var trust: TLSTrust?
  var labels: UInt64 = 0
  var attempts: UInt64 = 0
  var attempt = 0

  /// When the present state has lasted too long, or `waiting` is over.
  var deadline = Int64.max
  var lastReceived: Int64 = 0
  var openedAt: Int64?
  var backoff: Backoff
  var scanner: FrameScanner
  var countedDrops: UInt64 = 0

  /// The observer had no room; nothing is read until it has.
  var isPaused = false
  /// The host takes nothing more in.
  var isShut = false
  /// Its owner is gone, and nobody is told anything.
  var isForgotten = false
  /// The instance asked for the end; nobody tries again.
  var isLeaving = false
  /// The socket is broken while nothing is read; it is looked at again when something is.
  var isParked = false
  var writeWantsRead = false
  var readWantsWrite = false
  var goodbye: Goodbye?
  var linger = lingerTime
  /// What the observer has not been told yet: before any frame, and after the last.
  var opening: ConnectionOpening?
  var closing: ConnectionClosing?
  /// The other side has ended; what it sent is still to be handed out.
  var ending: (reason: ConnectionClosing.Reason, words: String)?
  /// Writing has failed; what the other side sent before is still read: it may say why.
  var writeFailure: String?

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

  var idleDeadline: Int64 {
    guard spec.idleTimeout > 0, !isPaused, !isShut else { return .max }
    return lastReceived &+ spec.idleTimeout
  }

  func enter(_ state: ConnectionState) {
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

  var target: String { spec.host.contains(":") ? "[\(spec.host)]:\(spec.port)" : "\(spec.host):\(spec.port)" }

  static func text(_ nanoseconds: Int64) -> String {
    nanoseconds >= 10_000_000_000 ? "\(nanoseconds / 1_000_000_000) s" : "\(nanoseconds / 1_000_000) ms"
  }

  static func list(_ failures: [String]) -> String {
    failures.isEmpty ? "" : " (\(failures.joined(separator: "; ")))"
  }
}
