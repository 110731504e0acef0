import Glibc

/// Writes whole lines to a descriptor that somebody may have stopped reading.
struct LogSink {
  /// How long one line waits for room before lines are dropped, in milliseconds.
  static let patience: Int32 = 50

  private let descriptor: Int32
  /// Whether the last line found no room; then the next ones do not wait at all.
  private var isStuck = false
  /// Whether the last line was written in part, as on a disk that became full meanwhile: what comes next begins a line of its own.
  private var isCut = false
  /// Lines that were not written, or not to their end.
  var dropped: UInt64 = 0

  init(descriptor: Int32) { self.descriptor = descriptor }

  var hasRoom: Bool { waitForRoom(0) }

  mutating func write(_ line: [UInt8]) {
    guard waitForRoom(isStuck ? 0 : Self.patience) else {
      isStuck = true
      dropped += 1
      return
    }
    isStuck = false
    if isCut {
      guard writeAll([UInt8(ascii: "\n")]) > 0 else {
        dropped += 1
        return
      }
      isCut = false
    }
    let written = writeAll(line)
    guard written < line.count else { return }
    dropped += 1
    isCut = written > 0
  }

  /// How many of the bytes were written; fewer than all when there is no room, or nobody who could read them.
  private func writeAll(_ bytes: [UInt8]) -> Int {
    var position = 0
    while position < bytes.count {
      let written = bytes[position...].withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if written > 0 {
        position += written
      } else if written < 0, errno == EINTR || (errno == EAGAIN && waitForRoom(Self.patience)) {
        continue
      } else {
        break
      }
    }
    return position
  }

  /// Room on a pipe means PIPE_BUF bytes, which is what a line may have at most (`LogLine.limit`), so the write that
  /// follows does not block.
  private func waitForRoom(_ milliseconds: Int32) -> Bool {
    var request = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
    var result = poll(&request, 1, milliseconds)
    while result < 0, errno == EINTR { result = poll(&request, 1, milliseconds) }
    // A file that cannot be polled is always ready; an error or a closed reader shows when writing.
    return result != 0
  }
}
