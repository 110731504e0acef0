import Glibc

/// A connected Unix socket that carries lines. Reading and writing may happen on two threads, each on one at a time.
final class ControlStream: @unchecked Sendable {
  private let descriptor: Int32
  private var buffer: [UInt8] = []
  /// Up to where the buffer has been searched for a newline.
  private var searched = 0
  private var chunk = [UInt8](repeating: 0, count: 64 << 10)

  enum Read: Equatable {
    case line([UInt8])
    case end
    /// A line was longer than allowed.
    case tooLong
    case timeout
  }

  /// Takes the descriptor over.
  init(descriptor: Int32) { self.descriptor = descriptor }

  deinit { close(descriptor) }

  /// The next line without its newline. `deadline`: CLOCK_MONOTONIC in nanoseconds; nil: whenever it comes.
  func readLine(maxBytes: Int = ControlRequest.maxLine, deadline: Int64? = nil) -> Read {
    while true {
      if let newline = findNewline() {
        var line = Array(buffer[..<newline])
        if line.last == UInt8(ascii: "\r") { line.removeLast() }
        buffer.removeSubrange(...newline)
        searched = 0
        return line.count > maxBytes ? .tooLong : .line(line)
      }
      searched = buffer.count
      if buffer.count > maxBytes { return .tooLong }
      guard wait(for: POLLIN, until: deadline) else { return .timeout }
      let count = chunk.withUnsafeMutableBytes { recv(descriptor, $0.baseAddress, $0.count, 0) }
      if count > 0 {
        buffer.append(contentsOf: chunk[..<count])
      } else if !(count < 0 && (errno == EINTR || errno == EAGAIN)) {
        return .end
      }
    }
  }

  private func findNewline() -> Int? {
    buffer.withUnsafeBytes { bytes in
      guard let base = bytes.baseAddress, searched < bytes.count else { return nil }
      return memchr(base + searched, Int32(UInt8(ascii: "\n")), bytes.count - searched).map { base.distance(to: $0) }
    }
  }

  /// Writes everything; false when the other side is gone, or has not read for `patience` nanoseconds.
  func write(_ bytes: [UInt8], patience: Int64 = 30_000_000_000) -> Bool {
    var position = 0
    while position < bytes.count {
      guard wait(for: POLLOUT, until: SystemClock().monotonic + patience) else { return false }
      let flags = Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT)
      let count = bytes[position...].withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, flags) }
      if count > 0 {
        position += count
      } else if !(count < 0 && (errno == EINTR || errno == EAGAIN)) {
        return false
      }
    }
    return true
  }

  /// Whether the other side has closed its end.
  var isHungUp: Bool {
    var request = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    guard poll(&request, 1, 0) > 0 else { return false }
    if Int32(request.revents) & (POLLHUP | POLLERR | POLLNVAL) != 0 { return true }
    var byte: UInt8 = 0
    return recv(descriptor, &byte, 1, Int32(MSG_PEEK) | Int32(MSG_DONTWAIT)) == 0
  }

  /// Makes every wait, on both sides, end.
  func shutDown() { _ = shutdown(descriptor, Int32(SHUT_RDWR)) }

  private func wait(for events: Int32, until deadline: Int64?) -> Bool {
    while true {
      var request = pollfd(fd: descriptor, events: Int16(events), revents: 0)
      var milliseconds: Int32 = -1
      if let deadline {
        let left = deadline - SystemClock().monotonic
        guard left > 0 else { return false }
        milliseconds = Int32(clamping: (left + 999_999) / 1_000_000)
      }
      let result = poll(&request, 1, milliseconds)
      if result > 0 { return true }
      if result < 0, errno != EINTR { return true }
    }
  }
}
