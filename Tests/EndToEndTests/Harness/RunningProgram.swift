import Foundation

/// A program that a test started, with everything that it has printed so far.
///
/// Waiting is always for something that the program says, with a generous limit that only a fault reaches. The program is killed
/// when the value goes away.
final class RunningProgram: @unchecked Sendable {
  enum Stream { case output, error }

  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  let process = Process()
  private let name: String
  private let input = Pipe()
  private let condition = NSCondition()
  private var lines: [Stream: [String]] = [.output: [], .error: []]
  private var partial: [Stream: Data] = [.output: Data(), .error: Data()]
  private var openStreams = 2
  private var exitStatus: Int32?

  init(
    _ path: String, _ arguments: [String], environment: [String: String] = [:], directory: URL? = nil
  ) throws {
    name = URL(fileURLWithPath: path).lastPathComponent
    process.executableURL = URL(fileURLWithPath: path)
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    process.currentDirectoryURL = directory
    process.standardInput = input
    for stream in [Stream.output, .error] {
      let pipe = Pipe()
      if stream == .output { process.standardOutput = pipe } else { process.standardError = pipe }
      pipe.fileHandleForReading.readabilityHandler = { [weak self] handle in
        let data = handle.availableData
        if data.isEmpty { handle.readabilityHandler = nil }
        self?.received(data, from: stream)
      }
    }
    process.terminationHandler = { [weak self] process in
      self?.ended(process)
    }
    try process.run()
  }

  deinit {
    if process.isRunning { kill(process.processIdentifier, SIGKILL) }
  }

  private func received(_ data: Data, from stream: Stream) {
    condition.withLock {
      if data.isEmpty { openStreams -= 1 }
      partial[stream, default: Data()].append(data)
      while let end = partial[stream]?.firstIndex(of: 0x0A), let pending = partial[stream] {
        lines[stream]?.append(String(decoding: pending[..<end], as: UTF8.self))
        partial[stream] = Data(pending[pending.index(after: end)...])
      }
      condition.broadcast()
    }
  }

  private func ended(_ process: Process) {
    condition.withLock {
      exitStatus =
        process.terminationReason == .uncaughtSignal ? -process.terminationStatus : process.terminationStatus
      condition.broadcast()
    }
  }

  /// All lines of a stream so far.
  func printed(_ stream: Stream = .output) -> [String] {
    condition.withLock { lines[stream] ?? [] }
  }

  /// Waits for a line that fits, among those already printed and those to come.
  @discardableResult
  func line(
    _ stream: Stream = .output, within seconds: Double = 60, _ what: String = "a line", where fits: (String) -> Bool
  ) throws -> String {
    let limit = Date(timeIntervalSinceNow: seconds)
    condition.lock()
    defer { condition.unlock() }
    var next = 0
    while true {
      let printed = lines[stream] ?? []
      while next < printed.count {
        if fits(printed[next]) { return printed[next] }
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
    let error = (lines[.error] ?? []).suffix(15).joined(separator: "\n  ")
    let output = (lines[.output] ?? []).suffix(5).joined(separator: "\n  ")
    return "standard error:\n  \(error)\nstandard output:\n  \(output)"
  }

  func send(_ line: String) {
    try? input.fileHandleForWriting.write(contentsOf: Data((line + "\n").utf8))
  }

  func closeInput() {
    try? input.fileHandleForWriting.close()
  }

  func signal(_ number: Int32) {
    if process.isRunning { kill(process.processIdentifier, number) }
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
    if let input { try? program.input.fileHandleForWriting.write(contentsOf: Data(input.utf8)) }
    program.closeInput()
    let status = try program.waitForExit(within: seconds)
    return (status, program.printed(.output), program.printed(.error))
  }
}
