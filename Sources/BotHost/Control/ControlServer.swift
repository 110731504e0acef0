import Glibc
import Synchronization

/// What answers requests. Called on the thread of the client that asks; several at a time.
protocol ControlHandler: AnyObject, Sendable {
  /// The answer, or a failure. `stream` sends items before it.
  func answer(_ command: String, _ argument: JSONValue, stream: ControlStream) throws -> JSONValue
}

/// Where a command that streams sends its items.
final class ControlStream {
  private let connection: ControlConnection

  fileprivate init(_ connection: ControlConnection) { self.connection = connection }

  /// False when the client has gone: the command should end.
  func send(_ item: JSONValue) -> Bool { connection.send(ControlMessage.item(item)) }

  /// Whether the client has closed its end. Does not wait.
  var isClosed: Bool {
    var entry = pollfd(fd: connection.descriptor, events: Int16(POLLRDHUP), revents: 0)
    return poll(&entry, 1, 0) > 0 && entry.revents & Int16(POLLRDHUP | POLLHUP | POLLERR) != 0
  }
}

/// The host's end of the control socket: a thread that accepts, and one for each client.
final class ControlServer: @unchecked Sendable {
  static let clientLimit = 64

  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  let path: String
  private let listener: Int32
  private let handler: any ControlHandler
  private let log: HostLog
  private var thread: HostThread?

  private struct Clients {
    var open: Set<Int32> = []
    var isStopping = false
  }

  private let clients = Mutex(Clients())
  private let idle = Monitor()

  /// Listens at `path`, for its owner alone. A socket that a dead host left is replaced; one where a host answers is not.
  init(path: String, handler: any ControlHandler, log: HostLog) throws {
    self.path = path
    self.handler = handler
    self.log = log
    if (try? ControlClient(path: path)) != nil {
      throw Failure(description: "another host answers at \(path); stop it, or choose another socket with --control")
    }
    unlink(path)
    listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard listener >= 0 else { throw Failure(description: "no control socket can be made: \(Self.reason)") }
    // The mask is the process's; nothing else makes files while a host starts.
    let mask = umask(0o177)
    let bound = withSocketAddress(path) { bind(listener, $0, $1) }
    let boundError = errno
    umask(mask)
    guard bound == 0, listen(listener, 16) == 0 else {
      let reason =
        bound == nil ? "the path is longer than 107 bytes" : String(cString: strerror(bound == 0 ? errno : boundError))
      close(listener)
      throw Failure(description: "the control socket \(path) cannot be made: \(reason)")
    }
    thread = HostThread(name: "control") { [self] in accept() }
  }

  private static var reason: String { String(cString: strerror(errno)) }

  private func accept() {
    while true {
      let descriptor = Glibc.accept(listener, nil, nil)
      if descriptor < 0 {
        if errno == EINTR || errno == ECONNABORTED { continue }
        return
      }
      _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
      let admitted = clients.withLock { clients -> Bool in
        guard !clients.isStopping, clients.open.count < Self.clientLimit else { return false }
        clients.open.insert(descriptor)
        return true
      }
      let connection = ControlConnection(descriptor: descriptor)
      guard admitted else {
        _ = connection.send(ControlMessage.error(ControlFailure(code: "busy", message: "too many control clients")))
        continue
      }
      let client = Client(connection)
      if HostThread(name: "control client", { [self] in serve(client.connection) }) == nil { forget(descriptor) }
    }
  }

  /// Carries a connection to its thread.
  private final class Client: @unchecked Sendable {
    let connection: ControlConnection
    init(_ connection: ControlConnection) { self.connection = connection }
  }

  private func forget(_ descriptor: Int32) {
    clients.withLock { _ = $0.open.remove(descriptor) }
    idle.withLock { idle.broadcast() }
  }

  private func serve(_ connection: ControlConnection) {
    defer { forget(connection.descriptor) }
    let stream = ControlStream(connection)
    while true {
      do {
        guard let request = try connection.receive() else { return }
        guard let command = request["command"]?.string else {
          throw ControlFailure(code: "invalid", message: "a request needs a \"command\"", isUsage: true)
        }
        let answer = try handler.answer(command, request["argument"] ?? .null, stream: stream)
        guard connection.send(ControlMessage.ok(answer)) else { return }
      } catch {
        let failure = error as? ControlFailure ?? ControlFailure(code: "failed", message: "\(error)")
        let masked = ControlFailure(
          code: failure.code, message: log.masks.mask(failure.message), isUsage: failure.isUsage)
        guard connection.send(ControlMessage.error(masked)) else { return }
      }
    }
  }

  /// Stops listening, ends all clients and waits for what they are at.
  func stop() {
    // An accept that waits returns when the socket is shut down, not when it is closed.
    shutdown(listener, Int32(SHUT_RDWR))
    thread?.join()
    close(listener)
    unlink(path)
    clients.withLock { clients in
      clients.isStopping = true
      for descriptor in clients.open { shutdown(descriptor, Int32(SHUT_RDWR)) }
    }
    idle.withLock {
      while !clients.withLock({ $0.open.isEmpty }) { idle.wait() }
    }
  }
}
