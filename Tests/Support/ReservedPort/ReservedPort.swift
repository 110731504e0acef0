import Glibc

/// A port of loopback that is a test's own, for server programs that cannot choose one themselves.
///
/// It is bound, and nobody listens on it, as long as the value lives: the system gives it to nobody else meanwhile. A server that sets
/// SO_REUSEADDR, as servers do, gets it nevertheless, and gets it again when it has been killed.
public final class ReservedPort: Sendable {
  public struct Failure: Error, CustomStringConvertible {
    public let description: String
  }

  private let descriptor: Int32
  public let number: UInt16

  public init() throws {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var isShared: Int32 = 1
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &isShared, socklen_t(MemoryLayout<Int32>.size))
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isBound = withUnsafeMutablePointer(to: &address) { [descriptor] in
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &length) == 0
      }
    }
    number = UInt16(bigEndian: address.sin_port)
    guard isBound else {
      let reason = String(cString: strerror(errno))
      close(descriptor)
      throw Failure(description: "no free port: \(reason)")
    }
  }

  deinit { close(descriptor) }
}
