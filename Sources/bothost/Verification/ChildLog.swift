import BotHost
import Glibc

/// The log of a child host, read as it is written. Any thread.
final class ChildLog: @unchecked Sendable {
  /// A line of it.
  struct Line {
    var level: String
    var source: String
    var message: String
  }

  /// What is beyond is read, and not kept.
  private static let limit = 100_000

  private let monitor = Monitor()
  private var kept: [Line] = []
  private var hasEnded = false

  /// Takes the descriptor over: the end of a pipe that the child's output goes into.
  init(reading descriptor: Int32) {
    let thread = HostThread(name: "child-log") { [self] in
      read(descriptor)
      monitor.withLock {
        hasEnded = true
        monitor.broadcast()
      }
    }
    guard thread == nil else { return }
    close(descriptor)
    hasEnded = true
  }

  var lines: [Line] { monitor.withLock { kept } }

  /// Waits for a line that fits, among those that there are and those to come; nil: the log has ended without one, or the time is up.
  ///
  /// - Parameter deadline: CLOCK_MONOTONIC, nanoseconds.
  func line(until deadline: Int64, where fits: (Line) -> Bool) -> Line? {
    monitor.withLock {
      var seen = 0
      while true {
        if let found = kept[seen...].first(where: fits) { return found }
        seen = kept.count
        guard !hasEnded, monitor.wait(until: deadline) else { return nil }
      }
    }
  }

  /// To its end; the descriptor is closed then.
  private func read(_ descriptor: Int32) {
    guard let file = fdopen(descriptor, "r") else {
      close(descriptor)
      return
    }
    defer { fclose(file) }
    var buffer: UnsafeMutablePointer<CChar>?
    var size = 0
    defer { free(buffer) }
    while getline(&buffer, &size, file) > 0, let text = buffer {
      let line = Self.parse(String(cString: text))
      monitor.withLock {
        if kept.count < Self.limit { kept.append(line) }
        monitor.broadcast()
      }
    }
  }

  private static func parse(_ text: String) -> Line {
    guard let value = try? JSONValue(parsing: text), let message = value["message"]?.string else {
      // What a library has written itself, or the last words of a process.
      return Line(level: "output", source: "", message: String(text.last == "\n" ? text.dropLast() : text[...]))
    }
    return Line(level: value["level"]?.string ?? "", source: value["source"]?.string ?? "", message: message)
  }
}
