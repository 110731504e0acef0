import Glibc

/// A connection of the program to a running host. Used by one thread at a time.
public final class ControlClient {
  private let stream: ControlStream
  private let path: String
  private var nextID: Int64 = 1

  /// Connects; throws `.unreachable` when no host listens there.
  public init(path: String = ControlSocket.defaultPath) throws(ControlError) {
    let descriptor = try ControlSocket.make()
    let stream = ControlStream(descriptor: descriptor)
    let result = try ControlSocket.withAddress(path) { address, length in
      var result = connect(descriptor, address, length)
      while result != 0, errno == EINTR { result = connect(descriptor, address, length) }
      return result == 0 ? 0 : errno
    }
    switch result {
    case 0: break
    case ENOENT, ECONNREFUSED:
      throw ControlError(
        .unreachable,
        "no host listens at \(path); start one with 'bothost --plugins DIR', or name its socket with --control")
    case EACCES, EPERM:
      throw ControlError(.denied, "\(path): belongs to another user; run as that user")
    default:
      throw ControlError(.unreachable, "\(path): cannot connect: \(ControlSocket.text(result))")
    }
    self.stream = stream
    self.path = path
  }

  /// Sends a request and waits for its end: the result, or the error that the host answered with.
  ///
  /// - Parameters:
  ///   - timeout: nanoseconds for the whole; nil: as long as it takes.
  ///   - onItem: called for each item of a stream; false ends the request by closing the connection, and the result is null.
  public func request(
    _ operation: String, _ arguments: JSONValue = .object([:]), timeout: Int64? = nil,
    onItem: (JSONValue) -> Bool = { _ in true }
  ) throws(ControlError) -> JSONValue {
    let request = ControlRequest(id: nextID, operation: operation, arguments: arguments)
    nextID += 1
    let bytes = request.encode()
    guard bytes.count <= ControlRequest.maxLine else {
      throw ControlError(.nospace, "the request has \(bytes.count) bytes, \(ControlRequest.maxLine) are allowed")
    }
    // A host that sends the client away answers before it reads, so a failed write is looked into by reading.
    let wasWritten = stream.write(bytes)
    let deadline = timeout.map { SystemClock().monotonic + $0 }
    while true {
      switch stream.readLine(maxBytes: ControlRequest.maxLine + 4096, deadline: deadline) {
      case .timeout:
        stream.shutDown()
        throw ControlError(.timeout, "the host did not answer in time")
      case .tooLong:
        throw ControlError(.internal, "the host's answer is too long")
      case .end:
        throw ControlError(
          .unreachable, wasWritten ? "the host at \(path) ended before it answered" : "the host at \(path) is gone")
      case .line(let line):
        let decoded = line.withUnsafeBytes { bytes in
          Result { () throws(ControlError) in try ControlAnswer.decode(bytes) }
        }
        let (id, answer) = try decoded.get()
        guard id == request.id || id == 0 else { continue }
        switch answer {
        case .success(let value): return value
        case .failure(let error): throw error
        case .item(let value):
          if !onItem(value) {
            stream.shutDown()
            return .null
          }
        }
      }
    }
  }
}
