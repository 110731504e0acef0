import COpenSSL
import Foundation
import Glibc

/// One connection of a client, plain or with TLS, for a thread that may wait.
public final class Wire {
  private let descriptor: Int32
  private let session: OpaquePointer?
  private var pending: [UInt8] = []

  /// nil when the client does not agree on TLS.
  init?(_ descriptor: Int32, _ context: OpaquePointer?) {
    self.descriptor = descriptor
    guard let context else {
      session = nil
      return
    }
    session = SSL_new(context)
    SSL_set_fd(session, descriptor)
    guard SSL_accept(session) == 1 else { return nil }
  }

  deinit {
    if let session { SSL_free(session) }
    Glibc.close(descriptor)
  }

  /// Waits for bytes; empty when the client has gone.
  private func receive() -> [UInt8] {
    var buffer = [UInt8](repeating: 0, count: 65536)
    let count =
      session.map { Int(SSL_read($0, &buffer, Int32(buffer.count))) } ?? read(descriptor, &buffer, buffer.count)
    return count > 0 ? Array(buffer[..<count]) : []
  }

  /// A line without its end; nil when the client has gone.
  public func line() -> String? {
    while true {
      if let end = pending.firstIndex(of: 0x0A) {
        let line = String(decoding: pending[..<end], as: UTF8.self)
        pending.removeFirst(end + 1)
        return line.last == "\r" || line.hasSuffix("\r") ? String(line.dropLast()) : line
      }
      let more = receive()
      if more.isEmpty { return nil }
      pending += more
    }
  }

  public func bytes(_ count: Int) -> [UInt8]? {
    while pending.count < count {
      let more = receive()
      if more.isEmpty { return nil }
      pending += more
    }
    defer { pending.removeFirst(count) }
    return Array(pending[..<count])
  }

  /// Waits until the client has closed the connection.
  public func waitForEnd() { while !receive().isEmpty {} }

  /// Answers whether the client is still there.
  @discardableResult
  public func send(_ bytes: [UInt8]) -> Bool {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { bytes in
        session.map { Int(SSL_write($0, bytes.baseAddress, Int32(bytes.count))) }
          ?? Glibc.send(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
      }
      if count <= 0 { return false }
      rest = rest.dropFirst(count)
    }
    return true
  }

  @discardableResult
  public func send(_ text: String) -> Bool { send(Array(text.utf8)) }
}
