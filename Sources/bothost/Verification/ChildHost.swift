import BotHost
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

  /// A line of the host's log.
  struct Line {
    var level: String
    var source: String
    var message: String
  }

  /// Starts it and waits until it is ready, or throws what its log says is wrong.
  init(directory: String, plugins: [String], configuration: String?) throws {
    self.directory = directory
    var words = ["bothost", "run", "--json", "--data", "\(directory)/data", "--control", "\(directory)/s"]
    for plugin in plugins { words += ["--plugins", plugin] }
    if let configuration { words += ["--config", configuration] }
    process = try Self.spawn(words, log: "\(directory)/log")
    // Ready is when it answers; it listens before its plugins have started, and answers after.
    var connected: ControlClient?
    let patience = SystemClock().monotonic + 60_000_000_000
    while connected == nil {
      var status: Int32 = 0
      if waitpid(process, &status, WNOHANG) == process { break }
      guard SystemClock().monotonic < patience else {
        kill(process, SIGKILL)
        waitpid(process, &status, 0)
        throw Failure(reason: "the host was not ready within 60 s: a call into the plugin does not return")
      }
      let lines = Self.lines(of: directory)
      if lines.contains(where: { $0.source == "host" && $0.message == "ready" }) {
        connected = try? ControlClient(path: "\(directory)/s")
      }
      usleep(10_000)
    }
    guard let connected else {
      let lines = Self.lines(of: directory)
      throw Failure(reason: lines.last { $0.level == "error" }?.message ?? "the host ended before it was ready")
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

  var log: [Line] { Self.lines(of: directory) }

  /// The process has ended by itself: a plugin has taken it down.
  var isGone: Bool {
    guard !hasEnded else { return true }
    var status: Int32 = 0
    hasEnded = waitpid(process, &status, WNOHANG) == process
    return hasEnded
  }

  /// Whether it ends by itself within some seconds: a process that crashes tells its story first.
  func isGone(within seconds: Int) -> Bool {
    for _ in 0..<(seconds * 100) {
      if isGone { return true }
      usleep(10_000)
    }
    return false
  }

  /// Ends it as an operator does. The exit code, minus a signal's number, or nil when it did not end within `seconds`.
  func stop(within seconds: Int) -> Int32? {
    kill(process, SIGTERM)
    for _ in 0..<(seconds * 100) {
      var status: Int32 = 0
      if waitpid(process, &status, WNOHANG) == process {
        hasEnded = true
        return status & 0x7F == 0 ? (status >> 8) & 0xFF : -(status & 0x7F)
      }
      usleep(10_000)
    }
    return nil
  }

  private static func spawn(_ words: [String], log: String) throws -> pid_t {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 1, log, O_WRONLY | O_CREAT | O_APPEND, 0o600)
    posix_spawn_file_actions_adddup2(&actions, 1, 2)
    let arguments = words.map { strdup($0) } + [nil]
    defer { arguments.forEach { free($0) } }
    var child: pid_t = 0
    let code = posix_spawn(&child, "/proc/self/exe", &actions, nil, arguments, environ)
    guard code == 0 else { throw Failure(reason: "no host can be started: \(String(cString: strerror(code)))") }
    return child
  }

  private static func lines(of directory: String) -> [Line] {
    guard let file = fopen("\(directory)/log", "re") else { return [] }
    defer { fclose(file) }
    var buffer: UnsafeMutablePointer<CChar>?
    var size = 0
    defer { free(buffer) }
    var lines: [Line] = []
    while lines.count < 100_000, getline(&buffer, &size, file) > 0, let text = buffer {
      let line = String(cString: text)
      guard let value = try? JSONValue(parsing: line), let message = value["message"]?.string else {
        // What a library has written itself, or the last words of a process.
        lines.append(Line(level: "output", source: "", message: String(line.dropLast())))
        continue
      }
      lines.append(Line(level: value["level"]?.string ?? "", source: value["source"]?.string ?? "", message: message))
    }
    return lines
  }
}
