import Foundation
import Glibc

/// A listening socket on loopback, on a port that the system chooses. Each connection has a thread.
public final class Listener: @unchecked Sendable {
  // Unchecked: nothing changes after the initializer.
  public let port: Int
  private let descriptor: Int32

  public init(_ context: OpaquePointer?, _ serve: @escaping @Sendable (Wire) -> Void) throws {
    let context = SharedContext(pointer: context)
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isBound = withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, length) == 0 && listen(descriptor, 64) == 0 && getsockname(descriptor, $0, &length) == 0
      }
    }
    guard isBound else { throw POSIXError(.EADDRINUSE) }
    self.descriptor = descriptor
    port = Int(UInt16(bigEndian: address.sin_port))
    Thread.detachNewThread {
      while true {
        let client = accept(descriptor, nil, nil)
        if client < 0 {
          if errno == EINTR || errno == ECONNABORTED { continue }
          // By this thread alone, which would otherwise take connections of whoever gets the number next.
          Glibc.close(descriptor)
          return
        }
        _ = fcntl(client, F_SETFD, FD_CLOEXEC)
        Thread.detachNewThread {
          if let wire = Wire(client, context.pointer) { serve(wire) }
        }
      }
    }
  }

  /// Ends the thread that accepts.
  public func close() {
    shutdown(descriptor, Int32(SHUT_RDWR))
  }

  private struct SharedContext: @unchecked Sendable { let pointer: OpaquePointer? }
}
