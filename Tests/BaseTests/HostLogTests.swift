import BotHost
import Foundation
import Synchronization
import Testing

/// A pipe as the log's end; what was written is read at the end.
final class LogPipe {
  private let ends: (read: Int32, write: Int32)
  var descriptor: Int32 { ends.write }
  private var isClosed = false

  init() {
    var descriptors: [Int32] = [0, 0]
    pipe(&descriptors)
    ends = (descriptors[0], descriptors[1])
  }

  deinit {
    if !isClosed { close(ends.write) }
    close(ends.read)
  }

  /// Reads what is there, without waiting for more.
  func drain() -> [String] {
    var all: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65536)
    var request = pollfd(fd: ends.read, events: Int16(POLLIN), revents: 0)
    while poll(&request, 1, 0) > 0 {
      let count = read(ends.read, &buffer, buffer.count)
      guard count > 0 else { break }
      all += buffer[..<count]
    }
    return String(decoding: all, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: true).map(String.init)
  }
}

final class LogClock: HostClock {
  private let time = Atomic<Int64>(0)
  var monotonic: Int64 { time.load(ordering: .relaxed) }
  var unix: Int64 { 1_767_323_045_678_000_000 + time.load(ordering: .relaxed) }
  func advance(_ nanoseconds: Int64) { time.add(nanoseconds, ordering: .relaxed) }
}

@Suite struct HostLogTests {
  let pipe = LogPipe()
  let clock = LogClock()

  private func log(
    _ format: HostLog.Format = .text(colour: false), threshold: LogLevel = .info, rate: HostLog.Rate = .unlimited,
    masks: SecretMasks = SecretMasks()
  ) -> HostLog {
    HostLog(descriptor: pipe.descriptor, format: format, threshold: threshold, rate: rate, masks: masks, clock: clock)
  }

  @Test func text() {
    log().warning("twitch", "asked to reconnect", [("attempt", "2"), ("why", "so it goes"), ("empty", "")])
    #expect(
      pipe.drain() == [
        #"2026-01-02T03:04:05.678Z warning twitch: asked to reconnect attempt=2 why="so it goes" empty="""#
      ])
  }

  @Test func json() throws {
    log(.json).error("twitch", "a \"quoted\" text\n", [("k", "v\t")])
    let line = try JSONValue(parsing: try #require(pipe.drain().first))
    #expect(
      line == [
        "time": "2026-01-02T03:04:05.678Z", "level": "error", "source": "twitch", "message": "a \"quoted\" text\n",
        "k": "v\t",
      ])
  }

  @Test func coloursAreOnlyForTerminals() {
    log(.text(colour: true)).error("x", "m")
    #expect(pipe.drain().first?.contains("\u{1b}[1;31merror") == true)
    #expect(!Terminal.wantsColour(pipe.descriptor))
  }

  @Test func levels() {
    let log = log(threshold: .notice)
    log.info("x", "not this")
    log.notice("x", "this")
    var wasMade = false
    func expensive() -> String {
      wasMade = true
      return "text"
    }
    log.debug("x", expensive())
    #expect(!wasMade)
    log.threshold = .debug
    log.debug("x", expensive())
    #expect(wasMade && pipe.drain().count == 2)
    #expect(LogLevel(abi: 0) == .error && LogLevel(abi: 99) == .debug && LogLevel(abi: 3) == .notice)
    #expect(LogLevel(name: "warning") == .warning && LogLevel(name: "loud") == nil)
  }

  @Test func aTextCannotForgeALineOrSteerATerminal() {
    log().info(
      "x\ny", "one\n2026-01-01T00:00:00.000Z error host: forged\u{1b}[31m\u{9b}31m\r\u{7f}", [("a\nb", "c\nd")])
    let lines = pipe.drain()
    #expect(lines.count == 1)
    #expect(lines[0].unicodeScalars.allSatisfy { $0.value >= 0x20 && !(0x7f..<0xa0).contains($0.value) })
    #expect(lines[0].contains(#"one\n2026"#) && lines[0].contains(#"\x1b[31m"#))
  }

  @Test func bytesThatAreNotTextAreReplaced() throws {
    let bytes: [UInt8] = [0x61, 0xff, 0xc3, 0x62]
    bytes.withUnsafeBytes { log().write(.info, source: "x", message: $0) }
    bytes.withUnsafeBytes { log(.json).write(.info, source: "x", message: $0) }
    let lines = pipe.drain()
    #expect(lines[0].hasSuffix("a\u{fffd}\u{fffd}b"))
    #expect(try JSONValue(parsing: lines[1])["message"] == "a\u{fffd}\u{fffd}b")
  }

  @Test(arguments: [HostLog.Format.json, .text(colour: true)]) func linesAreBounded(format: HostLog.Format) throws {
    let long = String(repeating: "é\u{1}", count: 20_000)
    log(format).info(long, long, (0..<20).map { ("k\($0)", long) })
    let lines = pipe.drain()
    #expect(lines.count == 1 && lines[0].utf8.count < 4096)
    if format == .json { _ = try JSONValue(parsing: lines[0]) }
  }

  @Test func secretsAreMaskedEverywhere() {
    let masks = SecretMasks()
    masks.add("oauth:s3cr3t/+\"x")
    masks.add("oauth:s3cr3t")
    let log = log(masks: masks)
    log.info(
      "src-oauth:s3cr3t", "PASS oauth:s3cr3t/+\"x! oauth:s3cr3t oauth:s3cr3", [("oauth:s3cr3t", "a=oauth:s3cr3t")])
    log.info("x", #"{"token":"oauth:s3cr3t/+\"x"} ?t=oauth%3As3cr3t%2F%2B%22x"#)
    let lines = pipe.drain()
    #expect(lines[0].hasSuffix(#"src-***: PASS ***! *** oauth:s3cr3 ***="a=***""#))
    #expect(lines[1].hasSuffix(#"{"token":"***"} ?t=***"#))
  }

  @Test func secretsComeAndGo() {
    let masks = SecretMasks()
    #expect(masks.add("abc") == nil)
    let first = masks.add("swordfish")
    let second = masks.add("swordfish")
    if let first { masks.remove(first) }
    #expect(masks.mask("a swordfish!") == "a ***!")
    if let second { masks.remove(second) }
    #expect(masks.mask("a swordfish!") == "a swordfish!")
  }

  @Test(arguments: 0..<30) func noSecretGetsThrough(seed: Int) {
    var random = SeededValues(seed: UInt64(seed))
    let masks = SecretMasks()
    let alphabet = Array("ab".utf8)
    let secrets = (0..<5).map { _ in
      (0..<Int.random(in: 4...8, using: &random)).map { _ in alphabet.randomElement(using: &random) ?? 0 }
    }
    for secret in secrets { secret.withUnsafeBytes { _ = masks.add($0) } }
    for _ in 0..<50 {
      let text = (0..<60).map { _ in alphabet.randomElement(using: &random) ?? 0 }
      let masked = text.withUnsafeBytes { masks.mask($0) } ?? text
      for secret in secrets {
        #expect(!String(decoding: masked, as: UTF8.self).contains(String(decoding: secret, as: UTF8.self)))
      }
    }
  }

  @Test func aLoudSourceIsSummedUp() {
    let log = log(rate: HostLog.Rate(burst: 3, perSecond: 1))
    for number in 0..<10 { log.info("loud", "line \(number)") }
    log.warning("loud", "also left out")
    log.info("quiet", "heard")
    log.error("loud", "errors have their own allowance")
    var lines = pipe.drain()
    #expect(lines.filter { $0.contains("info loud") }.count == 3)
    #expect(lines.contains { $0.contains("info quiet: heard") })
    #expect(lines.contains { $0.contains("8 lines were left out in 0.1 s (1 warning, 7 info)") })
    #expect(lines.last?.contains("error loud: errors have") == true)
    log.info("loud", "left out")
    clock.advance(2_500_000_000)
    log.info("loud", "heard again")
    lines = pipe.drain()
    #expect(lines.count == 2 && lines[0].contains("1 line was left out in 2.5 s (1 info)"))
    for _ in 0..<5 { log.info("loud", "x") }
    _ = pipe.drain()
    log.flush()
    #expect(pipe.drain().count == 1)
    log.flush()
    #expect(pipe.drain().isEmpty)
  }

  @Test func aLogThatNobodyReadsDoesNotStopTheHost() {
    let log = log()
    let text = String(repeating: "x", count: 3000)
    for _ in 0..<1000 { log.info("x", text) }
    let kept = pipe.drain().count
    #expect(kept > 0 && kept < 1000)
    log.info("x", "after")
    let lines = pipe.drain()
    #expect(lines.first?.contains("\(1000 - kept) log lines were dropped") == true)
    #expect(lines.last?.hasSuffix("info x: after") == true)
  }

  @Test func aLineThatFoundNoRoomToItsEndDoesNotSpoilTheNext() throws {
    // A file that may not grow is a disk that is full; of a line that would reach over its end, a part is written.
    typealias Create = @convention(c) (UnsafePointer<CChar>, UInt32) -> Int32
    // Glibc's module leaves out what needs _GNU_SOURCE; the numbers are those of linux/memfd.h and linux/fcntl.h.
    let create = unsafeBitCast(try #require(dlsym(nil, "memfd_create")), to: Create.self)
    let (allowSealing, addSeals, sealGrow): (UInt32, Int32, Int32) = (2, 1033, 4)
    let file = create("log", allowSealing)
    try #require(file >= 0)
    defer { close(file) }
    try #require(ftruncate(file, 4096) == 0 && fcntl(file, addSeals, sealGrow) == 0)
    let log = HostLog(descriptor: file, rate: .unlimited, clock: clock)
    let text = String(repeating: "x", count: 3000)
    for _ in 0..<3 { log.info("x", text) }
    let end = Int(lseek(file, 0, SEEK_CUR))
    try #require(end == 4096)

    // There is room again.
    try #require(lseek(file, 0, SEEK_SET) == 0)
    log.info("x", "after")
    var written = [UInt8](repeating: 0, count: Int(lseek(file, 0, SEEK_CUR)))
    try #require(pread(file, &written, written.count, 0) == written.count)
    let lines = String(decoding: written, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
    #expect(lines.count == 4 && lines.first == "" && lines.last == "", "\(lines)")
    #expect(lines.dropFirst().first?.contains("2 log lines were dropped") == true)
    #expect(lines.dropFirst(2).first?.hasSuffix("info x: after") == true)
  }

  @Test func manyThreadsWriteWholeLines() throws {
    let log = log()
    let threads = (0..<4).map { number in
      HostThread(name: "log") { for index in 0..<50 { log.info("t\(number)", "line \(index) end") } }
    }
    for thread in threads { try #require(thread).join() }
    let lines = pipe.drain()
    #expect(lines.count == 200 && lines.allSatisfy { $0.hasSuffix(" end") })
  }

  @Test(
    arguments: [
      (0, "1970-01-01T00:00:00.000Z"), (-1, "1969-12-31T23:59:59.999Z"),
      (951_782_400_000_000_000, "2000-02-29T00:00:00.000Z"),
      (1_767_323_045_678_999_999, "2026-01-02T03:04:05.678Z"),
    ] as [(Int64, String)])
  func timestamps(nanoseconds: Int64, text: String) { #expect(Timestamp.rfc3339(nanoseconds) == text) }
}
