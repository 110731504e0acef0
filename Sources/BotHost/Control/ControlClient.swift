import Glibc

/// A program's end of the control socket. Used by one thread at a time.
public final class ControlClient {
  private let connection: ControlConnection

  /// Connects; throws when nobody listens there.
  public init(path: String) throws(ControlFailure) {
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else {
      throw ControlFailure(code: "unreachable", message: "no socket can be made: \(String(cString: strerror(errno)))")
    }
    let status = withSocketAddress(path) { connect(descriptor, $0, $1) }
    guard status == 0 else {
      let reason = status == nil ? "the path is too long for a socket" : String(cString: strerror(errno))
      close(descriptor)
      throw ControlFailure(code: "unreachable", message: "no host answers at \(path): \(reason)")
    }
    connection = ControlConnection(descriptor: descriptor)
  }

  /// Sends a request and waits for its answer.
  public func request(_ command: String, _ argument: JSONValue) throws(ControlFailure) -> JSONValue {
    guard connection.send(ControlMessage.request(command, argument)) else { throw Self.gone }
    guard let answer = try connection.receive() else { throw Self.gone }
    if let failure = Self.failure(in: answer) { throw failure }
    return answer["ok"] ?? .null
  }

  /// Sends a request and receives items until the host ends the stream or `body` returns false.
  public func stream(_ command: String, _ argument: JSONValue, _ body: (JSONValue) -> Bool) throws(ControlFailure) {
    guard connection.send(ControlMessage.request(command, argument)) else { throw Self.gone }
    while let message = try connection.receive() {
      if let failure = Self.failure(in: message) { throw failure }
      guard let item = message["item"] else { return }
      if !body(item) { return }
    }
  }

  private static let gone = ControlFailure(code: "unreachable", message: "the host has closed the connection")

  private static func failure(in message: JSONValue) -> ControlFailure? {
    guard let error = message["error"] else { return nil }
    return ControlFailure(
      code: error["code"]?.string ?? "internal", message: error["message"]?.string ?? "the host gave no reason",
      isUsage: error["usage"]?.bool ?? false)
  }
}
