import Foundation

@testable import BotHost

/// A listening socket on loopback with a port that the system chose.
final class LoopbackServer: @unchecked Sendable {
  struct Failure: Error {}

  private let listener: Int32
  let port: UInt16

  /// - Parameter backlog: nil: nobody listens, and whoever connects is refused as long as this lives.
  init(backlog: Int32? = 64) throws {
    // Programs that tests beside this one start must not get it: they would keep connections open that a test has closed.
    listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let listener = self.listener
    let bound = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(listener, $0, length) == 0 && (backlog.map { listen(listener, $0) } ?? 0) == 0
          && getsockname(listener, $0, &length) == 0
      }
    }
    guard bound else { throw Failure() }
    port = UInt16(bigEndian: address.sin_port)
  }

  deinit { close(listener) }

  /// Connects until the listener's queue takes no more; the sockets are the caller's to close.
  func fill() -> [Int32] {
    var made: [Int32] = []
    for _ in 0..<16 {
      let descriptor = socket(
        AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
      made.append(descriptor)
      var address = sockaddr_in()
      address.sin_family = sa_family_t(AF_INET)
      address.sin_port = port.bigEndian
      address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
      _ = withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
      }
      // On loopback an answer is there before `connect` returns, if there is one.
      var entry = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
      if poll(&entry, 1, 20) == 0 { break }
    }
    return made
  }

  /// How many sockets of this process are connected to this server.
  func descriptorsConnected() -> Int {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []
    return names.compactMap { Int32($0) }.count { descriptor in
      var address = sockaddr_in()
      var length = socklen_t(MemoryLayout<sockaddr_in>.size)
      let status = withUnsafeMutablePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getpeername(descriptor, $0, &length) }
      }
      return status == 0 && address.sin_family == sa_family_t(AF_INET) && UInt16(bigEndian: address.sin_port) == port
    }
  }

  /// Waits for the next connection, at most a minute.
  func accept() throws -> LoopbackClient {
    var entry = pollfd(fd: listener, events: Int16(POLLIN), revents: 0)
    guard poll(&entry, 1, 60_000) > 0 else { throw Failure() }
    let descriptor = Foundation.accept(listener, nil, nil)
    guard descriptor >= 0 else { throw Failure() }
    _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    return LoopbackClient(descriptor)
  }
}

/// The server's side of a connection.
final class LoopbackClient: @unchecked Sendable {
  let descriptor: Int32
  private var buffer: [UInt8] = []
  private var isClosed = false

  init(_ descriptor: Int32) { self.descriptor = descriptor }

  deinit { close() }

  func close() {
    if !isClosed { Foundation.close(descriptor) }
    isClosed = true
  }

  func send(_ text: String) { send(Array(text.utf8)) }

  func send(_ bytes: [UInt8]) {
    var done = 0
    while done < bytes.count {
      let count = bytes[done...].withUnsafeBytes {
        Foundation.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
      if count <= 0 { return }
      done += count
    }
  }

  /// Says that nothing more comes; reads on.
  func endSending() { shutdown(descriptor, Int32(SHUT_WR)) }

  /// Closes with a reset instead of an end.
  func reset() {
    var option = linger(l_onoff: 1, l_linger: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
    close()
  }

  /// The next byte; nil at the end or after a minute.
  func byte() -> UInt8? {
    var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    guard poll(&entry, 1, 60_000) > 0 else { return nil }
    var byte: UInt8 = 0
    return recv(descriptor, &byte, 1, 0) == 1 ? byte : nil
  }

  /// Everything up to the end of the stream; nil when it does not end within a minute, or with an error.
  func rest() -> [UInt8]? {
    var chunk = [UInt8](repeating: 0, count: 64 << 10)
    while true {
      var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      guard poll(&entry, 1, 60_000) > 0 else { return nil }
      let count = recv(descriptor, &chunk, chunk.count, 0)
      guard count >= 0 else { return nil }
      if count == 0 { return buffer }
      buffer += chunk[..<count]
    }
  }

  /// The next line, without its end; nil at the end of the stream or after a minute.
  func line() -> String? {
    while true {
      if let end = buffer.firstIndex(of: 10) {
        defer { buffer.removeSubrange(...end) }
        var line = buffer[..<end]
        if line.last == 13 { line.removeLast() }
        return String(decoding: line, as: UTF8.self)
      }
      var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      guard poll(&entry, 1, 60_000) > 0 else { return nil }
      var chunk = [UInt8](repeating: 0, count: 4096)
      let count = recv(descriptor, &chunk, chunk.count, 0)
      guard count > 0 else { return nil }
      buffer += chunk[..<count]
    }
  }
}
