import Foundation

@testable import BotHost

/// A listening socket on loopback with a port that the system chose.
final class LoopbackServer: @unchecked Sendable {
  struct Failure: Error {}

  private let listener: Int32
  let port: UInt16

  init() throws {
    listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let listener = self.listener
    let bound = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(listener, $0, length) == 0 && listen(listener, 8) == 0 && getsockname(listener, $0, &length) == 0
      }
    }
    guard bound else { throw Failure() }
    port = UInt16(bigEndian: address.sin_port)
  }

  deinit { close() }

  private var isClosed = false

  func close() {
    if !isClosed { Foundation.close(listener) }
    isClosed = true
  }

  /// Waits for the next connection, at most half a minute.
  func accept() throws -> LoopbackClient {
    var entry = pollfd(fd: listener, events: Int16(POLLIN), revents: 0)
    guard poll(&entry, 1, 30_000) > 0 else { throw Failure() }
    let descriptor = Foundation.accept(listener, nil, nil)
    guard descriptor >= 0 else { throw Failure() }
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

  func send(_ text: String) {
    let bytes = Array(text.utf8)
    var done = 0
    while done < bytes.count {
      let count = bytes[done...].withUnsafeBytes {
        Foundation.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
      if count <= 0 { return }
      done += count
    }
  }

  /// The next line, without its end; nil at the end of the stream or after half a minute.
  func line() -> String? {
    while true {
      if let end = buffer.firstIndex(of: 10) {
        defer { buffer.removeSubrange(...end) }
        var line = buffer[..<end]
        if line.last == 13 { line.removeLast() }
        return String(decoding: line, as: UTF8.self)
      }
      var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      guard poll(&entry, 1, 30_000) > 0 else { return nil }
      var chunk = [UInt8](repeating: 0, count: 4096)
      let count = recv(descriptor, &chunk, chunk.count, 0)
      guard count > 0 else { return nil }
      buffer += chunk[..<count]
    }
  }
}

/// Notes what happens on a connection, and has as much room as it is given.
final class Recorder: ConnectionObserver, @unchecked Sendable {
  private let condition = NSCondition()
  private var received: [String] = []
  private var closings: [ConnectionClosing] = []
  private(set) var openings: [ConnectionOpening] = []
  private var room: Int

  init(room: Int = .max) { self.room = room }

  func attached(to connection: UInt64) {}

  func opened(_ opening: ConnectionOpening) -> Bool {
    condition.withLock { openings.append(opening) }
    return true
  }

  func received(_ frame: UnsafeRawBufferPointer) -> Bool {
    condition.withLock {
      guard room > 0 else { return false }
      room -= 1
      received.append(String(decoding: frame, as: UTF8.self))
      condition.broadcast()
      return true
    }
  }

  func closed(_ closing: ConnectionClosing) -> Bool {
    condition.withLock {
      closings.append(closing)
      condition.broadcast()
    }
    return true
  }

  func makeRoom(_ count: Int) { condition.withLock { room += count } }

  /// Waits until there are that many frames, at most half a minute.
  func frames(_ count: Int) -> [String] {
    condition.withLock {
      let limit = Date(timeIntervalSinceNow: 30)
      while received.count < count, condition.wait(until: limit) {}
      return received
    }
  }

  /// Waits for a closing.
  func closing() -> ConnectionClosing? {
    condition.withLock {
      let limit = Date(timeIntervalSinceNow: 30)
      while closings.isEmpty, condition.wait(until: limit) {}
      return closings.first
    }
  }
}
