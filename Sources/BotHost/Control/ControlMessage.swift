import Glibc

/// The protocol of the control socket: one JSON object a line, both ways.
///
/// A client sends `{"command": ..., "argument": ...}` and gets one `{"ok": ...}` or `{"error": {"code", "message", "usage"}}`. A command that
/// streams sends `{"item": ...}` first, any number of times. One request at a time; closing the connection ends what it started.
enum ControlMessage {
  /// A line may have that many bytes.
  static let maximumLine = 20 << 20

  static func request(_ command: String, _ argument: JSONValue) -> JSONValue {
    .object(["command": .string(command), "argument": argument])
  }

  static func ok(_ value: JSONValue) -> JSONValue { .object(["ok": value]) }
  static func item(_ value: JSONValue) -> JSONValue { .object(["item": value]) }

  static func error(_ failure: ControlFailure) -> JSONValue {
    .object([
      "error": .object([
        "code": .string(failure.code), "message": .string(failure.message), "usage": .bool(failure.isUsage),
      ])
    ])
  }
}

/// Why a request over the control socket was not fulfilled.
public struct ControlFailure: Error, Sendable, CustomStringConvertible {
  /// A word for programs.
  public let code: String
  public let message: String
  /// The request was wrong, not the work.
  public let isUsage: Bool

  public init(code: String, message: String, isUsage: Bool = false) {
    self.code = code
    self.message = message
    self.isUsage = isUsage
  }

  public var description: String { message }
}

/// Lines of JSON over a connected socket. Used by one thread at a time.
final class ControlConnection {
  let descriptor: Int32
  private var received: [UInt8] = []
  private var scanned = 0

  init(descriptor: Int32) { self.descriptor = descriptor }

  deinit { close(descriptor) }

  /// The next line as JSON; nil at the end of the connection.
  func receive() throws(ControlFailure) -> JSONValue? {
    while true {
      if let end = received[scanned...].firstIndex(of: 0x0A) {
        let line = String(decoding: received[..<end], as: UTF8.self)
        received.removeSubrange(...end)
        scanned = 0
        do { return try JSONValue(parsing: line) } catch {
          throw ControlFailure(
            code: "invalid", message: "a line on the control socket is not JSON: \(error)", isUsage: true)
        }
      }
      scanned = received.count
      guard received.count <= ControlMessage.maximumLine else {
        throw ControlFailure(code: "invalid", message: "a line on the control socket is too long", isUsage: true)
      }
      var chunk = [UInt8](repeating: 0, count: 64 << 10)
      let count = chunk.withUnsafeMutableBytes { recv(descriptor, $0.baseAddress, $0.count, 0) }
      if count > 0 {
        received.append(contentsOf: chunk[..<count])
      } else if count == 0 || errno != EINTR {
        return nil
      }
    }
  }

  /// False when the other side has gone.
  func send(_ value: JSONValue) -> Bool {
    var bytes = value.serializedBytes()
    bytes.append(0x0A)
    return bytes.withUnsafeBytes { all in
      var done = 0
      while done < all.count {
        let count = Glibc.send(
          descriptor, all.baseAddress.map { $0 + done }, all.count - done, Int32(MSG_NOSIGNAL.rawValue))
        if count > 0 { done += count } else if errno != EINTR { return false }
      }
      return true
    }
  }
}

/// A Unix socket's address; nil when the path is too long for one (107 bytes).
func withSocketAddress<Result>(_ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result? {
  var address = sockaddr_un()
  address.sun_family = sa_family_t(AF_UNIX)
  let bytes = Array(path.utf8)
  guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else { return nil }
  withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
  return withUnsafePointer(to: &address) { pointer in
    pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_un>.size)) }
  }
}
