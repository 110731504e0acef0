import Foundation

/// A program that a measurement starts and reads.
final class ChildProgram: @unchecked Sendable {
  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  let process = Process()
  private let input = Pipe()
  private let condition = NSCondition()
  private var lines: [String] = []
  private var partial = Data()
  private var isEnded = false
  private var seen: [String: Int] = [:]

  /// - Parameter readsErrors: look at standard error instead of standard output.
  init(
    _ path: String, _ arguments: [String], environment: [String: String] = [:], readsErrors: Bool = false
  ) throws {
    process.executableURL = URL(fileURLWithPath: path)
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    process.standardInput = input
    let pipe = Pipe()
    if readsErrors {
      process.standardError = pipe
      process.standardOutput = FileHandle.nullDevice
    } else {
      process.standardOutput = pipe
      process.standardError = FileHandle.nullDevice
    }
    pipe.fileHandleForReading.readabilityHandler = { [weak self] handle in
      let data = handle.availableData
      if data.isEmpty { handle.readabilityHandler = nil }
      self?.received(data)
    }
    try process.run()
  }

  deinit {
    if process.isRunning { kill(process.processIdentifier, SIGKILL) }
  }

  private func received(_ data: Data) {
    condition.withLock {
      if data.isEmpty { isEnded = true }
      partial.append(data)
      while let end = partial.firstIndex(of: 0x0A) {
        lines.append(String(decoding: partial[..<end], as: UTF8.self))
        partial = Data(partial[partial.index(after: end)...])
      }
      condition.broadcast()
    }
  }

  func send(_ line: String) { try? input.fileHandleForWriting.write(contentsOf: Data((line + "\n").utf8)) }
  func closeInput() { try? input.fileHandleForWriting.close() }

  /// Waits for such a line that has not been asked for before.
  @discardableResult
  func line(after text: String) throws -> String {
    let wanted = condition.withLock { seen[text, default: 0] } + 1
    var count = 0
    let found = try line { line in
      if line == text { count += 1 }
      return count == wanted
    }
    condition.withLock { seen[text] = wanted }
    return found
  }

  /// Waits for a line that fits, two minutes at most.
  @discardableResult
  func line(where fits: (String) -> Bool) throws -> String {
    let limit = Date(timeIntervalSinceNow: 120)
    return try condition.withLock {
      var next = 0
      while true {
        while next < lines.count {
          if fits(lines[next]) { return lines[next] }
          next += 1
        }
        guard !isEnded, condition.wait(until: limit) else {
          throw Failure(description: "\(process.executableURL?.lastPathComponent ?? "?"): \(lines.suffix(5))")
        }
      }
    }
  }

  func stop() {
    process.terminate()
    process.waitUntilExit()
  }

  /// Runs a program to its end, with its output thrown away; seconds.
  static func time(_ path: String, _ arguments: [String]) throws -> Double {
    try run(path, arguments, output: FileHandle.nullDevice)
  }

  /// Runs a program to its end and keeps its output in a file.
  static func write(_ path: String, _ arguments: [String], to file: String) throws {
    _ = FileManager.default.createFile(atPath: file, contents: nil)
    guard let output = FileHandle(forWritingAtPath: file) else {
      throw Failure(description: "\(file) cannot be written")
    }
    _ = try run(path, arguments, output: output)
  }

  private static func run(_ path: String, _ arguments: [String], output: FileHandle) throws -> Double {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: path)
    process.arguments = arguments
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    let began = DispatchTime.now().uptimeNanoseconds
    try process.run()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      throw Failure(description: "\(path) ended with \(process.terminationStatus)")
    }
    return Double(DispatchTime.now().uptimeNanoseconds - began) / 1e9
  }
}

/// Where things lie, from the checkout's root, where `make bench` runs.
enum Place {
  static let root = FileManager.default.currentDirectoryPath
  static let sources = root + "/Benchmarks"
  static let bothost = root + "/build/bin/bothost"
  static let plugins = root + "/build/plugins"
  static let bots = root + "/build/bots"
  static let broker = root + "/../shared/kafka/broker"

  static func tool(_ name: String) -> String? {
    (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").map { "\($0)/\(name)" }
      .first { FileManager.default.isExecutableFile(atPath: $0) }
  }

  /// A directory with some of the bundled plugins and no other.
  static func only(_ names: [String], in directory: String) throws -> String {
    let folder = directory + "/plugins"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    for name in names {
      let manifest = try String(contentsOfFile: "\(plugins)/\(name).yaml", encoding: .utf8)
      try manifest.write(toFile: "\(folder)/\(name).yaml", atomically: true, encoding: .utf8)
      let line = manifest.split(separator: "\n").first { $0.hasPrefix("library:") }
      guard let library = line?.dropFirst(8).split(separator: " ").first else { continue }
      try FileManager.default.copyItem(atPath: "\(plugins)/\(library)", toPath: "\(folder)/\(library)")
    }
    return folder
  }

  static func temporary() throws -> String {
    let path = NSTemporaryDirectory() + "bothost-bench-\(UUID().uuidString.prefix(8))"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    return path
  }
}
