import Glibc

/// Waits for writers: a file that is read while somebody writes it is neither the old nor the new text, and often half of it is valid YAML
/// that declares less.
///
/// A file counts as settled when nobody has written it for `quiet`, by the file system's own time of its last change. Editors, `cp`
/// and shells that write in place take much less between two writes of one file.
enum SettledFile {
  /// Nanoseconds without a change.
  static let quiet: Int64 = 50_000_000
  /// Nanoseconds that a reader waits for that at most.
  static let patience: Int64 = 2_000_000_000

  /// Waits until the open file or directory has settled.
  ///
  /// - Parameter deadline: CLOCK_MONOTONIC, nanoseconds; see `deadline`.
  /// - Returns: what it is then; nil when it goes on being changed, or cannot be looked at (`errno` says why; 0: it goes on).
  static func wait(for descriptor: Int32, until deadline: Int64) -> stat? {
    while true {
      var status = stat()
      guard fstat(descriptor, &status) == 0 else { return nil }
      let age = now(CLOCK_REALTIME) - nanoseconds(status.st_mtim)
      // A time in the future is of a clock that is set otherwise, and tells nothing.
      guard (0..<quiet).contains(age) else { return status }
      guard now(CLOCK_MONOTONIC) < deadline else {
        errno = 0
        return nil
      }
      usleep(UInt32((quiet - age) / 1_000 + 1))
    }
  }

  /// Until when whoever begins to read now may wait.
  static func deadline() -> Int64 { now(CLOCK_MONOTONIC) + patience }

  /// Whether nothing was written between two looks.
  static func isSame(_ one: stat, _ other: stat) -> Bool {
    nanoseconds(one.st_mtim) == nanoseconds(other.st_mtim) && one.st_size == other.st_size
  }

  private static func now(_ clock: clockid_t) -> Int64 {
    var time = timespec()
    clock_gettime(clock, &time)
    return nanoseconds(time)
  }

  private static func nanoseconds(_ time: timespec) -> Int64 {
    Int64(time.tv_sec).multipliedReportingOverflow(by: 1_000_000_000).partialValue &+ Int64(time.tv_nsec)
  }
}
