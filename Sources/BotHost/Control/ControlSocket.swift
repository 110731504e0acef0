import Glibc

/// Addresses of control sockets.
public enum ControlSocket {
  /// Where a host listens, and where the program looks for one, when `--control` says nothing:
  /// `$XDG_RUNTIME_DIR/bothost.sock`, or `/tmp/bothost-UID/bothost.sock`.
  public static var defaultPath: String {
    if let directory = Terminal.environment("XDG_RUNTIME_DIR"), directory.utf8.first == UInt8(ascii: "/") {
      return directory + "/bothost.sock"
    }
    return "/tmp/bothost-\(getuid())/bothost.sock"
  }

  /// The longest path that the system takes.
  static let maxPath = 107

  static func withAddress<Result>(
    _ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
  ) throws(ControlError) -> Result {
    let bytes = Array(path.utf8)
    guard (1...maxPath).contains(bytes.count), !bytes.contains(0) else {
      throw ControlError(
        .invalid, "\(path): a control socket's path has 1 to \(maxPath) bytes; choose a shorter one with --control")
    }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
    return withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_un>.size)) }
    }
  }

  static func make() throws(ControlError) -> Int32 {
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw ControlError(.internal, "no socket can be made: \(text(errno))") }
    return descriptor
  }

  static func text(_ code: Int32) -> String { String(cString: strerror(code)) }
}
