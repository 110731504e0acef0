import CLinux
import Foundation
import Glibc

/// A program on a terminal of its own, as somebody at a keyboard sees it.
final class Terminal: @unchecked Sendable {
  private let condition = NSCondition()
  private let keyboard: Int32
  private let child: pid_t
  private var shown = ""
  private var hasEnded = false
  /// How much of what is shown has been looked at.
  private var seen = 0
  private var status: Int32?

  // Of the kernel and of glibc, which Swift's module of them leaves out: TIOCSPTLCK, TIOCGPTN, POSIX_SPAWN_SETSID.
  private static let unlock: UInt = 0x4004_5431
  private static let getNumber: UInt = 0x8004_5430
  private static let newSession: Int32 = 0x80

  init(_ path: String, _ arguments: [String], environment: [String: String] = [:]) throws {
    func failure(_ what: String) -> RunningProgram.Failure {
      RunningProgram.Failure(description: "\(what): \(String(cString: strerror(errno)))")
    }
    keyboard = Glibc.open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC)
    guard keyboard >= 0 else { throw failure("no terminal") }
    var number: Int32 = 0
    var lock: Int32 = 0
    guard ioctl(keyboard, Self.unlock, &lock) == 0, ioctl(keyboard, Self.getNumber, &number) == 0 else {
      throw failure("no terminal")
    }
    let name = "/dev/pts/\(number)"
    var size = winsize(ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0)
    _ = ioctl(keyboard, UInt(TIOCSWINSZ), &size)
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    // The first terminal that the leader of a session opens is its own, from which Ctrl-C is a signal.
    posix_spawn_file_actions_addopen(&actions, 0, name, O_RDWR, 0)
    posix_spawn_file_actions_adddup2(&actions, 0, 1)
    posix_spawn_file_actions_adddup2(&actions, 0, 2)
    posix_spawn_file_actions_addclosefrom_np(&actions, 3)
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var signals = sigset_t()
    sigemptyset(&signals)
    posix_spawnattr_setsigmask(&attributes, &signals)
    sigaddset(&signals, SIGPIPE)
    sigaddset(&signals, SIGINT)
    posix_spawnattr_setsigdefault(&attributes, &signals)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | Self.newSession))
    let all = ProcessInfo.processInfo.environment.merging(["TERM": "vt100", "LC_ALL": "C.UTF-8"]) { $1 }
      .merging(environment) { $1 }
    let words = ([path] + arguments).map { strdup($0) } + [nil]
    let variables = all.map { strdup("\($0.key)=\($0.value)") } + [nil]
    defer { (words + variables).forEach { free($0) } }
    var identifier: pid_t = 0
    errno = posix_spawn(&identifier, path, &actions, &attributes, words, variables)
    guard errno == 0 else { throw failure("\(path) cannot be started") }
    child = identifier
    Thread.detachNewThread { [weak self, keyboard, child] in
      var buffer = [UInt8](repeating: 0, count: 4096)
      while true {
        let count = read(keyboard, &buffer, buffer.count)
        if count < 0, errno == EINTR { continue }
        guard count > 0 else { break }
        self?.show(buffer.prefix(count))
      }
      var status: Int32 = 0
      _ = waitpid(child, &status, 0)
      self?.end(status)
    }
  }

  deinit {
    condition.withLock { if status == nil { kill(child, SIGKILL) } }
    close(keyboard)
  }

  private func show(_ bytes: ArraySlice<UInt8>) {
    condition.withLock {
      shown += String(decoding: bytes, as: UTF8.self)
      condition.broadcast()
    }
  }

  private func end(_ status: Int32) {
    condition.withLock {
      self.status = status & 0x7F == 0 ? (status >> 8) & 0xFF : -(status & 0x7F)
      hasEnded = true
      condition.broadcast()
    }
  }

  func type(_ keys: String) {
    let bytes = Array(keys.utf8)
    var done = 0
    while done < bytes.count {
      let count = bytes[done...].withUnsafeBytes { write(keyboard, $0.baseAddress, $0.count) }
      if count > 0 { done += count } else if errno != EINTR { return }
    }
  }

  /// Waits until the text is shown, after what was waited for before.
  func expect(_ text: String, within seconds: Double = 60) throws {
    let limit = Date(timeIntervalSinceNow: seconds)
    condition.lock()
    defer { condition.unlock() }
    while true {
      let rest = shown.unicodeScalars.dropFirst(seen)
      if let range = String(rest).range(of: text) {
        let taken = String(rest)[..<range.upperBound].unicodeScalars.count
        seen += taken
        return
      }
      guard !hasEnded, condition.wait(until: limit) else {
        throw RunningProgram.Failure(
          description: "the terminal does not show '\(text)'; it shows \(shown.debugDescription)")
      }
    }
  }

  /// Waits for the end: the exit code, or minus the signal's number.
  func waitForExit(within seconds: Double = 60) throws -> Int32 {
    let limit = Date(timeIntervalSinceNow: seconds)
    condition.lock()
    defer { condition.unlock() }
    while status == nil {
      guard condition.wait(until: limit) else {
        throw RunningProgram.Failure(
          description: "the program on the terminal does not end; it shows \(shown.debugDescription)")
      }
    }
    return status ?? 0
  }
}
