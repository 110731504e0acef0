import Glibc
import Synchronization

/// What the control socket does; implemented by the running host.
public protocol ControlHandler: AnyObject, Sendable {
  /// Answers one request, at once or later, in full through `reply`. Called on the client's thread, for several clients at a
  /// time; may block that client.
  func handle(_ request: ControlRequest, _ reply: ControlReply)
}

/// Listens on the control socket, which only its owner can open, with one plain thread for each client.
///
/// The socket of a host that has died is replaced; that of a living one is refused.
public final class ControlServer: Sendable {
  public let path: String
  /// Clients at the same time; one more is told so and sent away.
  public static let maxClients = 64

  private let handler: any ControlHandler
  private let log: HostLog?
  private let state: Mutex<State>

  private struct State {
    var listener: Listener
    var lock: ProcessLock
    /// Listeners that were replaced; the acceptor closes them when it waits at them no more.
    var retired: [Int32] = []
    var isStopping = false
    var acceptor: HostThread?
    var clients: [ObjectIdentifier: ControlStream] = [:]
    var threads: [ObjectIdentifier: HostThread] = [:]
    var finished: [HostThread] = []
  }

  /// Binds and listens; `start` begins to accept.
  public init(path: String, handler: any ControlHandler, log: HostLog? = nil) throws(ControlError) {
    self.path = path
    self.handler = handler
    self.log = log
    try Self.prepareDirectory(of: path)
    let lock: ProcessLock
    do throws(ProcessLock.Failure) { lock = try ProcessLock(path: path + ".lock") } catch {
      throw Self.describe(error, path)
    }
    state = Mutex(State(listener: try Self.listen(path), lock: lock))
  }

  deinit {
    stop()
    state.withLock { state in
      for descriptor in state.retired + [state.listener.descriptor] { close(descriptor) }
    }
  }

  private static func describe(_ failure: ProcessLock.Failure, _ path: String) -> ControlError {
    switch failure {
    case .held(let pid):
      ControlError(
        .busy,
        "\(path): a host listens there already\(pid > 0 ? " (pid \(pid))" : ""); stop it, or choose another socket "
          + "with --control")
    case .system(let code):
      ControlError(.internal, "\(path).lock: cannot be locked: \(ControlSocket.text(code))")
    }
  }

  /// Makes the socket again when its file has been removed or replaced; clients that are connected stay. Refused when another
  /// host listens there by now. One call at a time.
  ///
  /// - Returns: whether it had to be made.
  public func renew() throws(ControlError) -> Bool {
    guard !state.withLock({ $0.isStopping || $0.listener.isAt(path) }) else { return false }
    try Self.prepareDirectory(of: path)
    var lock: ProcessLock?
    do throws(ProcessLock.Failure) { lock = try ProcessLock(path: path + ".lock") } catch {
      // Its own lock, unless that was removed with the socket.
      guard case .held(let pid) = error, pid == getpid() else { throw Self.describe(error, path) }
    }
    let listener = try Self.listen(path)
    let isTaken = state.withLock { state in
      guard !state.isStopping else { return false }
      state.retired.append(state.listener.descriptor)
      // Ends the acceptor's wait.
      shutdown(state.listener.descriptor, Int32(SHUT_RDWR))
      state.listener = listener
      if let lock { state.lock = lock }
      return true
    }
    if !isTaken {
      listener.removeFile(path)
      close(listener.descriptor)
    }
    return isTaken
  }

  private static func prepareDirectory(of path: String) throws(ControlError) {
    guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")), slash != path.utf8.startIndex else { return }
    let directory = String(path[..<slash])
    if mkdir(directory, 0o700) == 0 { return }
    let cause = errno
    guard cause == EEXIST else {
      throw ControlError(.internal, "\(directory): cannot be made: \(ControlSocket.text(cause))")
    }
    // A directory that somebody else prepared in /tmp would let them take the socket away.
    var status = stat()
    guard directory.hasPrefix("/tmp/bothost-"), lstat(directory, &status) == 0 else { return }
    guard status.st_mode & S_IFMT == S_IFDIR, status.st_uid == getuid(), status.st_mode & 0o022 == 0 else {
      throw ControlError(.denied, "\(directory): belongs to somebody else; choose another socket with --control")
    }
  }

  /// With the lock held: whatever socket is there belongs to nobody.
  private static func listen(_ path: String) throws(ControlError) -> Listener {
    let descriptor = try ControlSocket.make()
    var isListening = false
    defer { if !isListening { close(descriptor) } }
    var status = stat()
    if lstat(path, &status) == 0 {
      guard status.st_mode & S_IFMT == S_IFSOCK else {
        throw ControlError(.invalid, "\(path): is there and is no socket; choose another path with --control")
      }
      unlink(path)
    }
    // The mode of the descriptor becomes that of the file, so that it is never open to others.
    fchmod(descriptor, 0o600)
    let bound = try ControlSocket.withAddress(path) { bind(descriptor, $0, $1) }
    guard bound == 0, chmod(path, 0o600) == 0, Glibc.listen(descriptor, 64) == 0, lstat(path, &status) == 0 else {
      throw ControlError(.internal, "\(path): cannot listen: \(ControlSocket.text(errno))")
    }
    isListening = true
    return Listener(descriptor: descriptor, device: status.st_dev, file: status.st_ino)
  }

  /// Begins to accept clients.
  public func start() throws(ControlError) {
    let thread = HostThread(name: "bh-control") { [weak self] in
      while let listener = self?.nextListener() {
        while let descriptor = Self.accept(listener, unless: { self?.isDone(with: listener) ?? true }) {
          guard let self else {
            close(descriptor)
            return
          }
          self.admit(ControlStream(descriptor: descriptor))
        }
        // Its end is that of the server, unless another has taken its place.
        guard self?.isRetired(listener) ?? false else { return }
      }
    }
    guard let thread else { throw ControlError(.internal, "no thread for the control socket can be started") }
    state.withLock { $0.acceptor = thread }
  }

  /// Ends all clients, waits for their threads, and removes the socket. Handlers that are under way are waited for.
  public func stop() {
    let (isFirst, acceptor) = state.withLock { state in
      defer { state.isStopping = true }
      return (!state.isStopping, state.acceptor)
    }
    guard isFirst else { return }
    // Ends the acceptor's wait.
    let listener = state.withLock { $0.listener }
    shutdown(listener.descriptor, Int32(SHUT_RDWR))
    if acceptor?.isCurrent != true { acceptor?.join() }
    let threads = state.withLock { state in
      for stream in state.clients.values { stream.shutDown() }
      defer { state.finished = [] }
      return Array(state.threads.values) + state.finished
    }
    for thread in threads where !thread.isCurrent { thread.join() }
    listener.removeFile(path)
  }

  /// Where to accept now, also when the server stops: who has connected by then must see its end. For the acceptor, which waits at none
  /// of those before any more.
  private func nextListener() -> Int32 {
    state.withLock { state in
      for descriptor in state.retired { close(descriptor) }
      state.retired = []
      return state.listener.descriptor
    }
  }

  private func isRetired(_ listener: Int32) -> Bool { state.withLock { $0.retired.contains(listener) } }

  private func isDone(with listener: Int32) -> Bool {
    state.withLock { $0.isStopping || $0.retired.contains(listener) }
  }

  /// The next connection, or nil when the server stops.
  private static func accept(_ listener: Int32, unless isStopping: () -> Bool) -> Int32? {
    while true {
      let descriptor = Glibc.accept(listener, nil, nil)
      if descriptor >= 0 {
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        return descriptor
      }
      switch errno {
      case EINTR, ECONNABORTED: continue
      // Out of descriptors: the connection stays in the queue; do not spin on it. The system looks for a descriptor before it looks
      // whether the listener has been shut down.
      case EMFILE, ENFILE, ENOMEM, ENOBUFS:
        if isStopping() { return nil }
        usleep(100_000)
      default: return nil
      }
    }
  }

  private func admit(_ stream: ControlStream) {
    let key = ObjectIdentifier(stream)
    let (isAdmitted, finished) = state.withLock { state -> (Bool, [HostThread]) in
      let finished = state.finished
      state.finished = []
      guard !state.isStopping, state.clients.count < Self.maxClients else { return (false, finished) }
      state.clients[key] = stream
      return (true, finished)
    }
    for thread in finished { thread.join() }
    guard isAdmitted else {
      let error = ControlError(.busy, "the host has \(Self.maxClients) clients already; try again later")
      _ = stream.write(ControlAnswer.failure(error).encode(id: 0), patience: 100_000_000)
      return
    }
    let thread = HostThread(name: "bh-client") { [weak self, handler, log] in
      Self.serve(stream, handler, log)
      guard let self else { return }
      self.state.withLock { state in
        state.clients[key] = nil
        if let thread = state.threads.removeValue(forKey: key) { state.finished.append(thread) }
      }
    }
    state.withLock { state in
      guard let thread else {
        state.clients[key] = nil
        return
      }
      // It may have ended already.
      if state.clients[key] == nil { state.finished.append(thread) } else { state.threads[key] = thread }
    }
  }

  private static func serve(_ stream: ControlStream, _ handler: any ControlHandler, _ log: HostLog?) {
    while true {
      switch stream.readLine() {
      case .end, .timeout:
        return
      case .tooLong:
        let error = ControlError(.nospace, "a request has at most \(ControlRequest.maxLine) bytes")
        _ = stream.write(ControlAnswer.failure(error).encode(id: 0))
        return
      case .line(let line):
        if line.allSatisfy({ $0 == 0x20 || $0 == 0x09 }) { continue }
        let parsed = line.withUnsafeBytes { bytes in
          Result { () throws(ControlError) in try ControlRequest(line: bytes) }
        }
        switch parsed {
        case .failure(let error):
          log?.debug("control", "a request was refused: \(error)")
          guard stream.write(ControlAnswer.failure(error).encode(id: 0)) else { return }
        case .success(let request):
          let reply = ControlReply(id: request.id, stream: stream)
          handler.handle(request, reply)
          guard reply.waitForEnd() else { return }
        }
      }
    }
  }
}

/// A listening socket, and the file that it was bound to.
private struct Listener {
  let descriptor: Int32
  let device: dev_t
  let file: ino_t

  /// Whether that file is still the one of its name.
  func isAt(_ path: String) -> Bool {
    var status = stat()
    return lstat(path, &status) == 0 && status.st_dev == device && status.st_ino == file
  }

  /// Removes its file, and not what somebody else has put in its place.
  func removeFile(_ path: String) {
    if isAt(path) { unlink(path) }
  }
}
