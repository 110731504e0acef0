import Glibc

/// Cuts a stream of bytes into frames. No I/O: bytes come in through `space` and `filled`, frames go out as places in the buffer.
///
/// Works however the stream is cut into reads. A frame stays in the buffer until `consume` takes it, so that a receiver that has no room
/// can be asked again later.
struct FrameScanner: ~Copyable {
  enum Framing: Sendable, Equatable {
    /// Ends at LF; one CR before it is dropped, and so are empty lines.
    case lines
    /// Four bytes of length, big-endian, then the frame.
    case length32
    /// Whatever one read brought.
    case raw
  }

  enum Next {
    /// A whole frame, valid until the scanner is changed.
    case frame(UnsafeRawBufferPointer)
    /// More bytes are needed.
    case incomplete
    /// A frame of that length is longer than permitted; the stream cannot go on.
    case tooLong(Int)
    /// A line has had so many bytes and goes on; this is no stream of lines.
    case endless(Int)
  }

  let framing: Framing
  let maximum: Int
  /// Lines that were longer than permitted and have been left out.
  private(set) var droppedLines: UInt64 = 0

  /// Bytes of the buffer while no frame needs more.
  private static let usual = 64 << 10

  private var buffer: UnsafeMutableRawBufferPointer
  private var start = 0
  private var end = 0
  /// Up to here there is no end of a line.
  private var scanned = 0
  /// Inside a line that is too long, of which so many bytes have been left out.
  private var isSkipping = false
  private var skipped = 0
  /// What `consume` will take: the frame and what surrounds it.
  private var pending = 0

  init(framing: Framing, maximum: Int) {
    self.framing = framing
    self.maximum = max(1, maximum)
    buffer = .allocate(byteCount: Self.usual, alignment: 16)
  }

  deinit { buffer.deallocate() }

  /// How long a line may be that is left out: then it is one that somebody has meant to end.
  var longestLeftOut: Int { max(1 << 20, maximum.multipliedReportingOverflow(by: 16).partialValue) }

  /// Bytes that are waiting.
  var count: Int { end - start }

  /// Throws away everything that waits, as if nothing had come yet.
  mutating func discard() {
    start = 0
    end = 0
    scanned = 0
    pending = 0
    isSkipping = false
  }

  /// Room for the next read: at least 4 KiB.
  mutating func space() -> UnsafeMutableRawBufferPointer {
    if start == end {
      start = 0
      end = 0
      scanned = 0
      // A large frame does not hold its memory for ever.
      if buffer.count > Self.usual { resize(to: Self.usual) }
    } else if start > 0 && buffer.count - end < 4096 {
      if let base = buffer.baseAddress { memmove(base, base + start, end - start) }
      scanned -= start
      end -= start
      start = 0
    }
    if buffer.count - end < 4096 { resize(to: buffer.count * 2) }
    return UnsafeMutableRawBufferPointer(rebasing: buffer[end...])
  }

  private mutating func resize(to size: Int) {
    let other = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 16)
    other.copyMemory(from: UnsafeRawBufferPointer(rebasing: buffer[..<end]))
    buffer.deallocate()
    buffer = other
  }

  /// Notes how much of `space` a read has filled.
  mutating func filled(_ count: Int) { end += count }

  /// The next frame. The same one again until `consume`.
  mutating func next() -> Next {
    switch framing {
    case .lines: nextLine()
    case .length32: nextCounted()
    case .raw:
      if start == end {
        .incomplete
      } else {
        frame(at: start, length: min(end - start, maximum), taking: min(end - start, maximum))
      }
    }
  }

  /// Takes the frame that `next` gave.
  mutating func consume() {
    start += pending
    scanned = max(scanned, start)
    pending = 0
  }

  private mutating func frame(at offset: Int, length: Int, taking: Int) -> Next {
    pending = taking
    return .frame(UnsafeRawBufferPointer(rebasing: buffer[offset..<offset + length]))
  }

  private mutating func nextLine() -> Next {
    while true {
      guard let base = buffer.baseAddress, scanned < end,
        let found = memchr(base + scanned, 0x0A, end - scanned)
      else {
        scanned = end
        if !isSkipping, end - start > maximum + 1 {
          isSkipping = true
          skipped = 0
          droppedLines += 1
        }
        if isSkipping {
          skipped += end - start
          start = end
          if skipped > longestLeftOut { return .endless(skipped) }
        }
        return .incomplete
      }
      let lineEnd = UnsafeRawPointer(found) - UnsafeRawPointer(base)
      let taking = lineEnd + 1 - start
      var length = lineEnd - start
      if length > 0 && buffer[lineEnd - 1] == 0x0D { length -= 1 }
      if isSkipping {
        isSkipping = false
        length = 0
      } else if length > maximum {
        droppedLines += 1
        length = 0
      }
      if length > 0 { return frame(at: start, length: length, taking: taking) }
      start += taking
      scanned = start
    }
  }

  private mutating func nextCounted() -> Next {
    guard end - start >= 4 else { return .incomplete }
    var length = 0
    for index in start..<start + 4 { length = length << 8 | Int(buffer[index]) }
    guard length <= maximum else { return .tooLong(length) }
    guard end - start >= 4 + length else { return .incomplete }
    return frame(at: start + 4, length: length, taking: 4 + length)
  }
}
