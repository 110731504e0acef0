import CELF
import Glibc

/// A trial's process, seen from the host.
struct ProbeChild {
  struct Failure: Error { var message: String }

  /// How it ended.
  struct Outcome {
    /// The lines of its report, each of bounded length.
    var lines: [[UInt8]] = []
    /// The end of what it wrote to its standard error, in one line.
    var errors = ""
    var timedOut = false
    var signal: Int32?
    var exitCode: Int32 = 0
  }

  private let process: pid_t
  private let reports: Int32
  private let errors: Int32
  private let deadline: Int64
  private let clock = SystemClock()

  /// The descriptor on which the child reports.
  static let reportDescriptor: Int32 = 3
  private static let reportLimit = 1 << 20
  private static let errorLimit = 1 << 16

  /// Starts `program` as a trial. The child gets the request, two pipes, a group of its own, and of the host's
  /// environment and descriptors nothing else, so that neither secrets nor connections reach code that nobody has
  /// vouched for.
  init(program: String, request: [UInt8], timeout: Int64) throws(Failure) {
    let input = memfd_create("bothost-probe", UInt32(BH_MEMFD_CLOEXEC))
    guard input >= 0 else { throw Failure(message: FileTree.reason(errno)) }
    defer { close(input) }
    var written = 0
    while written < request.count {
      let count = request.withUnsafeBytes {
        pwrite(input, $0.baseAddress?.advanced(by: written), request.count - written, off_t(written))
      }
      guard count > 0 else { throw Failure(message: FileTree.reason(errno)) }
      written += count
    }
    var reportPipe: [Int32] = [-1, -1]
    var errorPipe: [Int32] = [-1, -1]
    guard pipe2(&reportPipe, O_CLOEXEC) == 0 else { throw Failure(message: FileTree.reason(errno)) }
    guard pipe2(&errorPipe, O_CLOEXEC) == 0 else {
      let code = errno
      for end in reportPipe { close(end) }
      throw Failure(message: FileTree.reason(code))
    }

    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    // First out of the way of the numbers that they are to have, then into place.
    // Above all three, so that no copy replaces what is still to be copied.
    let high = max(input, errorPipe[1], reportPipe[1]) + 1
    posix_spawn_file_actions_adddup2(&actions, input, high)
    posix_spawn_file_actions_adddup2(&actions, errorPipe[1], high + 1)
    posix_spawn_file_actions_adddup2(&actions, reportPipe[1], high + 2)
    posix_spawn_file_actions_adddup2(&actions, high, 0)
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
    posix_spawn_file_actions_adddup2(&actions, high + 1, 2)
    posix_spawn_file_actions_adddup2(&actions, high + 2, Self.reportDescriptor)
    posix_spawn_file_actions_addclosefrom_np(&actions, Self.reportDescriptor + 1)

    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var none = sigset_t()
    var all = sigset_t()
    sigemptyset(&none)
    sigfillset(&all)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setsigdefault(&attributes, &all)
    posix_spawnattr_setpgroup(&attributes, 0)
    posix_spawnattr_setflags(
      &attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP))

    var process: pid_t = 0
    let seconds = timeout / 1_000_000_000 + 2
    let code = Self.withStrings([program, ImageProbe.mode, "\(seconds)"]) { arguments in
      Self.withStrings(Self.environment) { environment in
        posix_spawn(&process, program, &actions, &attributes, arguments, environment)
      }
    }
    close(reportPipe[1])
    close(errorPipe[1])
    guard code == 0 else {
      close(reportPipe[0])
      close(errorPipe[0])
      throw Failure(message: "\(program) cannot be started: \(FileTree.reason(code))")
    }
    self.process = process
    reports = reportPipe[0]
    errors = errorPipe[0]
    deadline = clock.monotonic + timeout
  }

  /// What of the environment decides how the loader finds libraries, and nothing else.
  private static var environment: [String] {
    let names = ["LD_LIBRARY_PATH", "PATH", "TZ"]
    return names.compactMap { name in getenv(name).map { "\(name)=\(String(cString: $0))" } } + ["LC_ALL=C"]
  }

  private static func withStrings<Value>(
    _ strings: [String], _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Value
  ) -> Value {
    let pointers: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?> = .allocate(capacity: strings.count + 1)
    for (index, text) in strings.enumerated() { (pointers + index).initialize(to: strdup(text)) }
    (pointers + strings.count).initialize(to: nil)
    defer {
      for index in strings.indices { free(pointers[index]) }
      pointers.deallocate()
    }
    return body(pointers)
  }

  /// Reads what the child says until it has ended or its time is up; then it is killed, with all that it started.
  func wait() -> Outcome {
    var outcome = Outcome()
    var report: [UInt8] = []
    var said: [UInt8] = []
    var isReporting = true
    var isSaying = true
    while isReporting || isSaying {
      let left = deadline - clock.monotonic
      guard left > 0 else { break }
      // A negative descriptor is passed over by poll.
      var waits = [
        pollfd(fd: isReporting ? reports : -1, events: Int16(POLLIN), revents: 0),
        pollfd(fd: isSaying ? errors : -1, events: Int16(POLLIN), revents: 0),
      ]
      guard poll(&waits, 2, Int32(min(left / 1_000_000 + 1, 60_000))) > 0 else { continue }
      if waits[0].revents != 0 { isReporting = Self.take(reports, &report, limit: Self.reportLimit, keepEnd: false) }
      if waits[1].revents != 0 { isSaying = Self.take(errors, &said, limit: Self.errorLimit, keepEnd: true) }
    }
    // Both pipes are closed by an end of the process, but also by a library that closes what is not its own.
    outcome.timedOut = !waitForEnd(of: process, until: deadline)
    // With what the library may have started and left behind. The group is there as long as the process is not reaped.
    kill(-process, SIGKILL)
    if outcome.timedOut { kill(process, SIGKILL) }
    var status: Int32 = 0
    while waitpid(process, &status, 0) < 0 && errno == EINTR {}
    close(reports)
    close(errors)
    let signal = status & 0x7f
    if signal != 0 { outcome.signal = signal } else { outcome.exitCode = status >> 8 & 0xff }
    outcome.lines = report.split(separator: UInt8(ascii: "\n")).map(Array.init)
    outcome.errors = Self.oneLine(said)
    return outcome
  }

  /// Reads once; false at the end.
  private static func take(_ descriptor: Int32, _ bytes: inout [UInt8], limit: Int, keepEnd: Bool) -> Bool {
    var buffer = [UInt8](repeating: 0, count: 1 << 14)
    let count = read(descriptor, &buffer, buffer.count)
    if count < 0 { return errno == EINTR || errno == EAGAIN }
    guard count > 0 else { return false }
    bytes += buffer[..<count]
    if bytes.count > limit {
      if keepEnd { bytes.removeFirst(bytes.count - limit) } else { bytes.removeLast(bytes.count - limit) }
    }
    return true
  }

  /// The last few lines as one, for a message.
  private static func oneLine(_ bytes: [UInt8]) -> String {
    let lines = bytes.split { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") }.suffix(3)
    let text = lines.map { String(decoding: $0.prefix(200), as: UTF8.self) }.joined(separator: " | ")
    return String(String.UnicodeScalarView(text.unicodeScalars.map { $0.value < 32 || $0.value == 127 ? " " : $0 }))
  }
}
