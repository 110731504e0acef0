import CLinux
import Foundation
import Glibc

/// A program that a test started, with everything that it has printed so far.
///
/// Waiting is always for something that the program says, with a generous limit that only a fault reaches. The program is killed
/// when the value goes away.
final class RunningProgram: @unchecked Sendable {
  enum Stream { case output, error }

  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  let processIdentifier: pid_t
  private let name: String
  private let condition = NSCondition()
  private var input: Int32
  private let output = Printed()
  private let error = Printed()
  private var openStreams = 2
  private var exitStatus: Int32?

  /// What has come on one of the streams. The lock is held by whoever touches it.
  private final class Printed {
    private(set) var lines: [String] = []
    /// The line that has not ended.
    private var partial: [UInt8] = []

    func append(_ bytes: UnsafeRawBufferPointer) {
      var rest = bytes
      while let start = rest.baseAddress, let end = memchr(start, 0x0A, rest.count) {
        let length = UnsafeRawPointer(end) - start
        partial += rest.prefix(length)
        lines.append(String(decoding: partial, as: UTF8.self))
        partial.removeAll(keepingCapacity: true)
        rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(length + 1))
      }
      partial += rest
    }
  }

  private func printed(on stream: Stream) -> Printed { stream == .output ? output : error }

  /// A program may close its input before everything is written; that is an error of the write and not the end of the tests.
  private static let brokenPipesAreErrors: Void = { _ = Glibc.signal(SIGPIPE, SIG_IGN) }()

  /// Held from the making of the pipes until the program has been started, so that no other program gets their ends: one that
  /// held a pipe open would hide its end.
  private static let starting = NSLock()

  private static func pipe() throws -> (read: Int32, write: Int32) {
    var ends: [Int32] = [0, 0]
    guard Glibc.pipe(&ends) == 0 else {
      throw Failure(description: "no pipe: \(String(cString: strerror(errno)))")
    }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    return (ends[0], ends[1])
  }

  init(
    _ path: String, _ arguments: [String], environment: [String: String] = [:], directory: URL? = nil
  ) throws {
    Self.brokenPipesAreErrors
    name = URL(fileURLWithPath: path).lastPathComponent
    Self.starting.lock()
    defer { Self.starting.unlock() }
    let (stdin, stdout, stderr) = (try Self.pipe(), try Self.pipe(), try Self.pipe())
    input = stdin.write

    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, stdin.read, 0)
    posix_spawn_file_actions_adddup2(&actions, stdout.write, 1)
    posix_spawn_file_actions_adddup2(&actions, stderr.write, 2)
    // Sockets and pipes of the tests that run beside this one stay theirs: one that a program held open would hide its end.
    posix_spawn_file_actions_addclosefrom_np(&actions, 3)
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var usual = sigset_t()
    sigemptyset(&usual)
    sigaddset(&usual, SIGPIPE)
    posix_spawnattr_setsigdefault(&attributes, &usual)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGDEF))

    let all = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    // `env` becomes the program; it is what can change the directory.
    let command = (directory.map { ["/usr/bin/env", "-C", $0.path] } ?? []) + [path] + arguments
    let words = command.map { strdup($0) } + [nil]
    let variables = all.map { strdup("\($0.key)=\($0.value)") } + [nil]
    defer { (words + variables).forEach { free($0) } }
    var identifier: pid_t = 0
    let failure = posix_spawn(&identifier, command[0], &actions, &attributes, words, variables)
    for end in [stdin.read, stdout.write, stderr.write] { close(end) }
    processIdentifier = identifier
    let child = identifier
    guard failure == 0 else {
      for end in [stdin.write, stdout.read, stderr.read] { close(end) }
      input = -1
      exitStatus = -1
      throw Failure(description: "\(path) cannot be started: \(String(cString: strerror(failure)))")
    }
    for (stream, end) in [(Stream.output, stdout.read), (.error, stderr.read)] {
      Thread.detachNewThread { [weak self] in
        var buffer = [UInt8](repeating: 0, count: 65536)
        while true {
          let count = read(end, &buffer, buffer.count)
          let reason = errno
          if count < 0 && reason == EINTR { continue }
          if count < 0 { self?.note("(nothing more can be read: \(String(cString: strerror(reason))))", on: stream) }
          buffer.withUnsafeBytes {
            self?.received(UnsafeRawBufferPointer(rebasing: $0.prefix(max(0, count))), from: stream)
          }
          if count <= 0 { break }
        }
        close(end)
      }
    }
    Thread.detachNewThread { [weak self] in
      // First it is only waited for, so that its number is not another's while somebody may signal it.
      var information = siginfo_t()
      while waitid(P_PID, id_t(child), &information, WEXITED | WNOWAIT) != 0 && errno == EINTR {}
      if let self { self.ended() } else { _ = waitpid(child, nil, 0) }
    }
  }

  deinit {
    if exitStatus == nil { kill(processIdentifier, SIGKILL) }
    closeInput()
  }

  var isRunning: Bool { condition.withLock { exitStatus == nil } }

  private func received(_ bytes: UnsafeRawBufferPointer, from stream: Stream) {
    condition.withLock {
      if bytes.isEmpty { openStreams -= 1 }
      printed(on: stream).append(bytes)
      condition.broadcast()
    }
  }

  /// What the test itself has to say about a stream, as a line of it.
  private func note(_ line: String, on stream: Stream) {
    Array("\(line)\n".utf8).withUnsafeBytes { received($0, from: stream) }
  }

  private func ended() {
    condition.withLock {
      var status: Int32 = 0
      _ = waitpid(processIdentifier, &status, 0)
      let signal = status & 0x7F
      exitStatus = signal == 0 ? (status >> 8) & 0xFF : -signal
      condition.broadcast()
    }
  }

  /// All lines of a stream so far.
  func printed(_ stream: Stream = .output) -> [String] {
    condition.withLock { printed(on: stream).lines }
  }

  /// Waits for a line that fits, among those already printed and those to come.
  @discardableResult
  func line(
    _ stream: Stream = .output, within seconds: Double = 60, _ what: String = "a line", where fits: (String) -> Bool
  ) throws -> String {
    let limit = Date(timeIntervalSinceNow: seconds)
    condition.lock()
    defer { condition.unlock() }
    let printed = printed(on: stream)
    var next = 0
    while true {
      while next < printed.lines.count {
        let line = printed.lines[next]
        if fits(line) { return line }
        next += 1
      }
      if exitStatus != nil && openStreams == 0 {
        throw Failure(description: "\(name) ended (\(exitStatus ?? 0)) without \(what); \(tail)")
      }
      if !condition.wait(until: limit) {
        throw Failure(description: "\(name) did not print \(what) within \(seconds) s; \(tail)")
      }
    }
  }

  /// Waits for the line of that number, counted from 0.
  func line(_ stream: Stream = .output, number: Int, within seconds: Double = 60, _ what: String) throws -> String {
    var count = 0
    return try line(stream, within: seconds, what) { _ in
      defer { count += 1 }
      return count == number
    }
  }

  /// The last lines of both streams, for messages. The lock is held.
  private var tail: String {
    let error = error.lines.suffix(15).joined(separator: "\n  ")
    let output = output.lines.suffix(5).joined(separator: "\n  ")
    return "standard error:\n  \(error)\nstandard output:\n  \(output)"
  }

  func send(_ line: String) { write(line + "\n") }

  private func write(_ text: String) {
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let count = bytes.withUnsafeBytes { Glibc.write(input, $0.baseAddress, $0.count) }
      if count > 0 { bytes = bytes.dropFirst(count) } else if errno != EINTR { return }
    }
  }

  func closeInput() {
    if input >= 0 { close(input) }
    input = -1
  }

  func signal(_ number: Int32) {
    condition.withLock { if exitStatus == nil { kill(processIdentifier, number) } }
  }

  /// Waits for the end: the exit code, or minus the signal's number.
  @discardableResult
  func waitForExit(within seconds: Double = 60) throws -> Int32 {
    let limit = Date(timeIntervalSinceNow: seconds)
    condition.lock()
    defer { condition.unlock() }
    while exitStatus == nil || openStreams > 0 {
      if !condition.wait(until: limit) {
        throw Failure(description: "\(name) did not end within \(seconds) s; \(tail)")
      }
    }
    return exitStatus ?? 0
  }

  /// Runs a program to its end.
  static func run(
    _ path: String, _ arguments: [String], input: String? = nil, environment: [String: String] = [:],
    directory: URL? = nil, within seconds: Double = 60
  ) throws -> (status: Int32, output: [String], error: [String]) {
    let program = try RunningProgram(path, arguments, environment: environment, directory: directory)
    if let input { program.write(input) }
    program.closeInput()
    let status = try program.waitForExit(within: seconds)
    return (status, program.printed(.output), program.printed(.error))
  }
}
