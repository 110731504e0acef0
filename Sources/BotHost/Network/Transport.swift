import CLinux
import Glibc

/// One socket that does not block, with or without TLS, watched by epoll. Belongs to the network's thread.
///
/// A connection has several while it races for an address; each has a label of its own, so that what epoll says of one that is gone reaches
/// nobody.
final class Transport {
  struct Failure: Error {
    /// In words, with the address.
    let text: String
  }

  /// What epoll reports.
  let label: UInt64
  /// Whom it connects to, as text.
  let address: String
  let descriptor: Int32
  private let poll: Int32
  private(set) var session: TLSSession?
  private var interest: UInt32 = 0
  private var isRegistered = false

  /// Begins to connect.
  init(to address: SocketAddress, poll: Int32, label: UInt64) throws(Failure) {
    self.label = label
    self.poll = poll
    self.address = address.text
    let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
    descriptor = socket(address.family, kind, 0)
    guard descriptor >= 0 else { throw Failure(text: "no socket can be made: \(String(cString: strerror(errno)))") }
    Self.set(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, 1)
    // A peer that has vanished is noticed within two minutes: 60 s of silence, then four questions.
    Self.set(descriptor, SOL_SOCKET, SO_KEEPALIVE, 1)
    Self.set(descriptor, Int32(IPPROTO_TCP), TCP_KEEPIDLE, 60)
    Self.set(descriptor, Int32(IPPROTO_TCP), TCP_KEEPINTVL, 15)
    Self.set(descriptor, Int32(IPPROTO_TCP), TCP_KEEPCNT, 4)
    let descriptor = self.descriptor
    let status = address.bytes.withUnsafeBytes { raw in
      raw.baseAddress.map { connect(descriptor, $0.assumingMemoryBound(to: sockaddr.self), socklen_t(raw.count)) } ?? -1
    }
    let code = errno
    guard status == 0 || code == EINPROGRESS else {
      throw Failure(text: "\(self.address): \(String(cString: strerror(code)))")
    }
    watch(EPOLLOUT.rawValue)
  }

  deinit {
    // Closing also takes it out of epoll: no other process and no other number refers to it.
    if descriptor >= 0 { close(descriptor) }
  }

  private static func set(_ descriptor: Int32, _ level: Int32, _ option: Int32, _ value: Int32) {
    var value = value
    setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<Int32>.size))
  }

  /// Called when the socket can be written: nil when it is connected, otherwise why not.
  func connectionFailure() -> String? {
    var code: Int32 = 0
    var length = socklen_t(MemoryLayout<Int32>.size)
    if getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &length) != 0 { code = errno }
    if code != 0 { return "\(address): \(String(cString: strerror(code)))" }
    // On loopback a socket can meet itself, when the system gave it the very port that nobody listens on.
    if SocketAddress.of(descriptor, peer: false) == address {
      return "\(address): \(String(cString: strerror(ECONNREFUSED)))"
    }
    return nil
  }

  /// From now on everything goes through TLS.
  func secure(serverName: String, alpn: String, trust: TLSTrust) throws(TLSTrust.Failure) {
    session = try TLSSession(descriptor: descriptor, serverName: serverName, alpn: alpn, trust: trust)
  }

  /// Which events epoll should report. With none it is told to forget the socket: it reports hang-ups whether asked for or not, and one that
  /// nobody acts upon would keep the thread awake.
  func watch(_ events: UInt32) {
    guard events != interest || !isRegistered else { return }
    var event = epoll_event()
    event.events = events
    event.data.u64 = label
    if events == 0 {
      if isRegistered { epoll_ctl(poll, EPOLL_CTL_DEL, descriptor, &event) }
      isRegistered = false
    } else if isRegistered {
      epoll_ctl(poll, EPOLL_CTL_MOD, descriptor, &event)
    } else {
      isRegistered = epoll_ctl(poll, EPOLL_CTL_ADD, descriptor, &event) == 0
    }
    interest = events
  }

  func read(into space: UnsafeMutableRawBufferPointer) -> IOProgress {
    if let session { return session.read(into: space) }
    let count = recv(descriptor, space.baseAddress, space.count, 0)
    if count > 0 { return .done(count) }
    if count == 0 { return .ended }
    return errno == EAGAIN || errno == EINTR ? .wantsRead : .failed(String(cString: strerror(errno)))
  }

  func write(_ bytes: UnsafeRawBufferPointer) -> IOProgress {
    if let session { return session.write(bytes) }
    let count = send(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
    if count >= 0 { return .done(count) }
    return errno == EAGAIN || errno == EINTR ? .wantsWrite : .failed(String(cString: strerror(errno)))
  }

  /// Says that we send no more: close_notify, then a FIN. What the other side still sends can be read. False: again when the socket takes
  /// something.
  func endWriting() -> Bool {
    if let session, !session.end() { return false }
    shutdown(descriptor, Int32(SHUT_WR))
    return true
  }
}
