import CLinux
import Glibc
import YetibotServices

/// A program that was started, and what it prints on both of its outputs.
final class ChildProcess {
  enum End {
    /// Its status, or 128 and the signal's number.
    case exit(Int32)
    case timeout
    case overflow
  }

  private let identifier: pid_t
  /// Readable once the process has ended (`pidfd_open`).
  private let process: Int32
  /// What it prints.
  private let descriptor: Int32
  private(set) var output: [UInt8] = []
  private var isOver = false

  /// Starts the program, without a shell: the arguments are what it gets. nil, and `errno`, when it cannot be started.
  init?(_ run: ProgramRun) {
    var ends: [Int32] = [0, 0]
    guard pipe2(&ends, O_CLOEXEC) == 0 else { return nil }
    let input = Self.readable(run.input)
    defer { if let input { close(input) } }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    if let input {
      posix_spawn_file_actions_adddup2(&actions, input, 0)
    } else {
      posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    }
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
    posix_spawn_file_actions_adddup2(&actions, ends[1], 2)
    // Nothing else of this process is the program's business.
    posix_spawn_file_actions_addclosefrom_np(&actions, 3)
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    // A group of its own, so that it ends with all that it has started; the usual signals, which the host's threads have not.
    var none = sigset_t()
    var all = sigset_t()
    sigemptyset(&none)
    sigfillset(&all)
    posix_spawnattr_setpgroup(&attributes, 0)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setsigdefault(&attributes, &all)
    posix_spawnattr_setflags(
      &attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
    let words = ([run.program] + run.arguments).map { strdup($0) } + [nil]
    // Not the whole environment, in which there are secrets of plugins.
    let variables =
      run.environment.compactMap { name in getenv(name).map { strdup("\(name)=\(String(cString: $0))") } } + [nil]
    defer { (words + variables).forEach { free($0) } }
    var child: pid_t = 0
    let failure = posix_spawn(&child, run.program, &actions, &attributes, words, variables)
    close(ends[1])
    guard failure == 0 else {
      close(ends[0])
      errno = failure
      return nil
    }
    identifier = child
    descriptor = ends[0]
    process = pidfd_open(child, 0)
    guard process >= 0 else {
      // All members are set, so that `deinit` ends what was started.
      let reason = errno
      stop()
      errno = reason
      return nil
    }
  }

  deinit {
    stop()
    close(descriptor)
    if process >= 0 { close(process) }
  }

  /// The end of a pipe that holds a text, of less than the 64 KiB that fit into one; nil for no text.
  private static func readable(_ text: String?) -> Int32? {
    guard let text else { return nil }
    var ends: [Int32] = [0, 0]
    guard pipe2(&ends, O_CLOEXEC | O_NONBLOCK) == 0 else { return nil }
    _ = fcntl(ends[0], F_SETFL, 0)
    _ = Array(text.utf8).withUnsafeBytes { write(ends[1], $0.baseAddress, $0.count) }
    close(ends[1])
    return ends[0]
  }

  private func stop() {
    guard !isOver else { return }
    kill(-identifier, SIGKILL)
    _ = reap()
  }

  private func reap() -> Int32 {
    var status: Int32 = 0
    while waitpid(identifier, &status, 0) < 0, errno == EINTR {}
    isOver = true
    let signal = status & 0x7F
    return signal == 0 ? (status >> 8) & 0xFF : 128 + signal
  }

  /// Reads until the program is done, the deadline is there or it has said too much; then it is over, whatever it is doing.
  func wait(until deadline: Int64, maximumOutput: Int, now: () -> Int64) -> End {
    var buffer = [UInt8](repeating: 0, count: 16_384)
    while Self.isReadable(descriptor, until: deadline, now) {
      let count = read(descriptor, &buffer, buffer.count)
      if count < 0, errno == EINTR { continue }
      if count <= 0 {
        // It may have closed its output and go on.
        guard Self.isReadable(process, until: deadline, now) else { break }
        return .exit(reap())
      }
      output += buffer[..<count]
      if output.count > maximumOutput {
        stop()
        return .overflow
      }
    }
    stop()
    return .timeout
  }

  /// Waits for something to read, or for the end of a process. False: the deadline was there before.
  private static func isReadable(_ descriptor: Int32, until deadline: Int64, _ now: () -> Int64) -> Bool {
    while true {
      let left = deadline - now()
      guard left > 0 else { return false }
      var wanted = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      let ready = poll(&wanted, 1, Int32(min(left / 1_000_000 + 1, 60_000)))
      if ready > 0 { return true }
      if ready < 0, errno != EINTR { return false }
    }
  }
}
