import BotHost
import CLinux
import Glibc

/// A host in a process and a directory of its own, in which a plugin may do what it likes. Everything of it is gone with the
/// value.
final class ChildHost {
  let directory: String
  let client: ControlClient
  private let process: pid_t
  private var hasEnded = false

  struct Failure: Error {
    let reason: String
  }

  private let output: ChildLog

  /// Starts it and waits until it is ready, or throws what its log says is wrong.
  init(directory: String, plugins: [String], configuration: String?) throws {
    self.directory = directory
    var words = ["bothost", "run", "--json", "--data", "\(directory)/data", "--control", "\(directory)/s"]
    for plugin in plugins { words += ["--plugins", plugin] }
    if let configuration { words += ["--config", configuration] }
    (process, output) = try Self.spawn(words)
    // It listens before its plugins have started, and answers after.
    let patience = SystemClock().monotonic + 60_000_000_000
    let isReady = output.line(until: patience) { $0.source == "host" && $0.message == "ready" } != nil
    let connected = isReady ? try? ControlClient(path: "\(directory)/s") : nil
    guard let connected else {
      let hasEnded = isReady || waitForEnd(of: process, until: min(patience, SystemClock().monotonic + 1_000_000_000))
      kill(process, SIGKILL)
      var status: Int32 = 0
      waitpid(process, &status, 0)
      throw Failure(
        reason: hasEnded
          ? output.lines.last { $0.level == "error" }?.message ?? "the host ended before it was ready"
          : "the host was not ready within 60 s: a call into the plugin does not return")
    }
    client = connected
  }

  deinit {
    if !hasEnded {
      kill(process, SIGKILL)
      var status: Int32 = 0
      waitpid(process, &status, 0)
    }
  }

  /// The lines of its log until now.
  var log: [ChildLog.Line] { output.lines }

  /// Waits for a line of its log, for at most so many seconds.
  func line(within seconds: Int64, where fits: (ChildLog.Line) -> Bool) -> ChildLog.Line? {
    output.line(until: SystemClock().monotonic + seconds * 1_000_000_000, where: fits)
  }

  /// The process has ended by itself: a plugin has taken it down.
  var isGone: Bool { isGone(within: 0) }

  /// Whether it ends by itself within some seconds: a process that crashes tells its story first.
  func isGone(within seconds: Int64) -> Bool {
    guard !hasEnded else { return true }
    guard waitForEnd(of: process, until: SystemClock().monotonic + seconds * 1_000_000_000) else { return false }
    var status: Int32 = 0
    waitpid(process, &status, 0)
    hasEnded = true
    return true
  }

  /// Ends it as an operator does. The exit code, minus a signal's number, or nil when it did not end within `seconds`.
  func stop(within seconds: Int64) -> Int32? {
    kill(process, SIGTERM)
    guard waitForEnd(of: process, until: SystemClock().monotonic + seconds * 1_000_000_000) else { return nil }
    var status: Int32 = 0
    waitpid(process, &status, 0)
    hasEnded = true
    return status & 0x7F == 0 ? (status >> 8) & 0xFF : -(status & 0x7F)
  }

  /// The process, and what it writes to both of its outputs.
  private static func spawn(_ words: [String]) throws -> (pid_t, ChildLog) {
    var ends: [Int32] = [-1, -1]
    guard pipe2(&ends, O_CLOEXEC) == 0 else {
      throw Failure(reason: "no host can be started: \(String(cString: strerror(errno)))")
    }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
    posix_spawn_file_actions_adddup2(&actions, ends[1], 2)
    let arguments = words.map { strdup($0) } + [nil]
    defer { arguments.forEach { free($0) } }
    var child: pid_t = 0
    let code = posix_spawn(&child, "/proc/self/exe", &actions, nil, arguments, environ)
    close(ends[1])
    guard code == 0 else {
      close(ends[0])
      throw Failure(reason: "no host can be started: \(String(cString: strerror(code)))")
    }
    return (child, ChildLog(reading: ends[0]))
  }
}
