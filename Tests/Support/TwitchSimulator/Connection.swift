import COpenSSL
import Glibc

/// One accepted connection: bytes in and out, over TLS or not, never blocking.
final class Connection {
  let descriptor: Int32
  private let tls: OpaquePointer?
  private var isHandshaken: Bool
  private var input: [UInt8] = []
  private var output: [UInt8] = []
  private var outputStart = 0
  /// Nothing more is read; closed when what waits has been written.
  private(set) var isClosing = false
  private(set) var isClosed = false
  /// Whether lines are written in pieces of one to seven bytes, each a packet of its own.
  var writesPieces = false
  private var pieces: UInt64 = 0x9E37_79B9
  /// What TLS wants to be given again (SSL_write(3)), as the beginning of as much or more.
  private var offered = 0

  init(descriptor: Int32, context: OpaquePointer?) {
    self.descriptor = descriptor
    _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
    _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    var yes: Int32 = 1
    setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &yes, socklen_t(MemoryLayout<Int32>.size))
    tls = context.flatMap { SSL_new($0) }
    isHandshaken = tls == nil
    if let tls {
      SSL_set_fd(tls, descriptor)
      SSL_set_accept_state(tls)
    }
  }

  deinit { closeNow() }

  /// Bytes that wait to be written.
  var unsent: Int { output.count - outputStart }
  var wantsToWrite: Bool { unsent > 0 || !isHandshaken }

  func send(_ bytes: some Collection<UInt8>) {
    guard !isClosing, !isClosed else { return }
    output.append(contentsOf: bytes)
  }

  func closeAfterWriting() {
    isClosing = true
    if unsent == 0 { closeNow() }
  }

  func closeNow() {
    guard !isClosed else { return }
    isClosed = true
    if let tls {
      // No wait for the other side's answer.
      if isHandshaken { SSL_shutdown(tls) }
      SSL_free(tls)
    }
    close(descriptor)
  }

  /// Reads what is there and returns the whole lines of it, without their ends.
  func readLines() -> [[UInt8]] {
    guard !isClosed else { return [] }
    var lines: [[UInt8]] = []
    withUnsafeTemporaryAllocation(byteCount: 65536, alignment: 1) { buffer in
      while !isClosed {
        let count = receive(buffer)
        if count <= 0 { break }
        if !isClosing { input.append(contentsOf: buffer[0..<count]) }
      }
    }
    var from = 0
    while let end = input[from...].firstIndex(of: 0x0A) {
      var line = Array(input[from..<end])
      if line.last == 0x0D { line.removeLast() }
      lines.append(line)
      from = end + 1
    }
    input.removeFirst(from)
    if input.count > 65536 { closeNow() }
    return lines
  }

  private func receive(_ buffer: UnsafeMutableRawBufferPointer) -> Int {
    guard let tls else {
      let count = recv(descriptor, buffer.baseAddress, buffer.count, 0)
      if count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR) { closeNow() }
      return count
    }
    ERR_clear_error()
    let count = SSL_read(tls, buffer.baseAddress, Int32(buffer.count))
    if count <= 0 {
      let reason = SSL_get_error(tls, count)
      if reason != SSL_ERROR_WANT_READ, reason != SSL_ERROR_WANT_WRITE { closeNow() }
    }
    if !isClosed, SSL_is_init_finished(tls) == 1 { isHandshaken = true }
    return Int(count)
  }

  /// Writes as much as the other side takes.
  func flush() {
    while !isClosed, unsent > 0 {
      var length = unsent
      if writesPieces {
        pieces = pieces &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        length = min(length, Int(pieces >> 33) % 7 + 1)
      }
      let written = output.withUnsafeBytes { bytes -> Int in
        let start = bytes.baseAddress.map { $0 + outputStart }
        guard let tls else { return Glibc.send(descriptor, start, length, Int32(MSG_NOSIGNAL)) }
        ERR_clear_error()
        offered = max(offered, min(length, 16384))
        let count = SSL_write(tls, start, Int32(offered))
        if count > 0 { offered = 0 }
        if count <= 0 {
          let reason = SSL_get_error(tls, count)
          errno = reason == SSL_ERROR_WANT_READ || reason == SSL_ERROR_WANT_WRITE ? EAGAIN : EPIPE
        } else {
          isHandshaken = true
        }
        return Int(count)
      }
      if written <= 0 {
        if errno != EAGAIN, errno != EINTR { closeNow() }
        break
      }
      outputStart += written
    }
    if unsent == 0 {
      output.removeAll(keepingCapacity: true)
      outputStart = 0
      if isClosing { closeNow() }
    } else if outputStart > 1 << 20 {
      output.removeFirst(outputStart)
      outputStart = 0
    }
  }
}

/// A listening socket on loopback, on a port that the system chooses.
struct Listener {
  let descriptor: Int32
  let port: Int

  init() throws {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    guard descriptor >= 0 else { throw Failure("no socket: \(errorText())") }
    _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let (descriptor, size) = (self.descriptor, length)
    let bound = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        bind(descriptor, address, size) == 0 && listen(descriptor, 64) == 0
          && getsockname(descriptor, address, &length) == 0
      }
    }
    guard bound else { throw Failure("cannot listen on 127.0.0.1: \(errorText())") }
    port = Int(UInt16(bigEndian: address.sin_port))
  }

  /// The next connection that waits, if any.
  func accept() -> Int32? {
    let accepted = Glibc.accept(descriptor, nil, nil)
    return accepted >= 0 ? accepted : nil
  }
}
