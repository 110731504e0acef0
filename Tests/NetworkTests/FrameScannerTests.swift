import Foundation
import Testing

@testable import BotHost

/// The cutting of streams into frames, however the stream is cut into reads.
struct FrameScannerTests {
  /// Feeds the bytes in pieces of the given sizes, over and over, and collects the frames.
  private func frames(
    _ bytes: [UInt8], _ framing: FrameScanner.Framing, maximum: Int = 64, pieces: [Int]
  ) -> (frames: [[UInt8]], dropped: UInt64, tooLong: Int?) {
    var scanner = FrameScanner(framing: framing, maximum: maximum)
    var found: [[UInt8]] = []
    var rest = bytes[...]
    var turn = 0
    while !rest.isEmpty {
      let size = min(max(1, pieces[turn % pieces.count]), rest.count)
      turn += 1
      let space = scanner.space()
      let taken = min(size, space.count)
      space.copyBytes(from: rest.prefix(taken))
      scanner.filled(taken)
      rest = rest.dropFirst(taken)
      scanning: while true {
        switch scanner.next() {
        case .frame(let frame):
          found.append(Array(frame))
          scanner.consume()
        case .incomplete: break scanning
        case .tooLong(let length), .endless(let length): return (found, scanner.droppedLines, length)
        }
      }
    }
    return (found, scanner.droppedLines, nil)
  }

  private func text(_ frames: [[UInt8]]) -> [String] { frames.map { String(decoding: $0, as: UTF8.self) } }

  @Test func linesEndAtLineFeedAndLoseOneCarriageReturn() {
    let result = frames(Array("a\r\nb\n\r\n\nc\r\r\nrest".utf8), .lines, pieces: [100])
    #expect(text(result.frames) == ["a", "b", "c\r"])
  }

  @Test func aLineThatIsTooLongIsLeftOutAndCounted() {
    let long = String(repeating: "x", count: 5000)
    let result = frames(Array("one\n\(long)\ntwo\n".utf8), .lines, maximum: 10, pieces: [7])
    #expect(text(result.frames) == ["one", "two"])
    #expect(result.dropped == 1)
  }

  @Test func aLineWithoutAnEndEndsTheStreamAndTakesNoRoom() {
    var scanner = FrameScanner(framing: .lines, maximum: 1000)
    var length = 0
    var end: Int?
    while end == nil, length < 1 << 24 {
      let space = scanner.space()
      #expect(space.count <= 64 << 10)
      space.copyBytes(from: repeatElement(UInt8(ascii: "x"), count: space.count))
      scanner.filled(space.count)
      length += space.count
      if case .endless(let count) = scanner.next() { end = count }
      #expect(scanner.count == 0)
    }
    #expect(end == length && scanner.droppedLines == 1)
    #expect(length > scanner.longestLeftOut && length < scanner.longestLeftOut + 256 << 10)
  }

  @Test func countedFramesCarryAnyBytes() {
    var bytes: [UInt8] = []
    for frame in [[UInt8](), [10, 13, 0], Array(repeating: 255, count: 60)] {
      bytes += [0, 0, 0, UInt8(frame.count)] + frame
    }
    let result = frames(bytes, .length32, pieces: [1])
    #expect(result.frames == [[], [10, 13, 0], Array(repeating: 255, count: 60)])
  }

  @Test func aCountAboveTheLimitEndsTheStream() {
    #expect(frames([0, 0, 1, 0, 1, 2], .length32, pieces: [6]).tooLong == 256)
    #expect(frames([255, 255, 255, 255], .length32, pieces: [1]).tooLong == 0xFFFF_FFFF)
  }

  @Test("the frames do not depend on how the stream is cut", arguments: 1...40)
  func segmentation(seed: Int) {
    var random = SplitMix(seed: UInt64(seed))
    let alphabet = Array("ab\r\n\n".utf8)
    let bytes = (0..<3000).map { _ in alphabet[Int(random.next() % UInt64(alphabet.count))] }
    let pieces = (0..<17).map { _ in Int(random.next() % 50) + 1 }
    let whole = frames(bytes, .lines, maximum: 20, pieces: [5000])
    let cut = frames(bytes, .lines, maximum: 20, pieces: pieces)
    #expect(whole.frames == cut.frames)
    #expect(whole.dropped == cut.dropped)
    #expect(!whole.frames.isEmpty)
  }
}

/// Numbers by chance that come again with the same seed (Steele, Lea, Flood: SplitMix64).
struct SplitMix: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}
