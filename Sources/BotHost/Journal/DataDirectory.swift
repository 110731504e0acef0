import Glibc

/// The directory of one host: made on demand, readable by its owner alone, and held by one process at a time.
final class DataDirectory: Sendable {
  let path: String
  private let lock: ProcessLock

  init(_ path: String) throws(JournalError) {
    self.path = path
    try Self.make(path)
    do throws(ProcessLock.Failure) {
      lock = try ProcessLock(path: path + "/bothost.lock")
    } catch {
      switch error {
      case .held(let pid):
        throw JournalError(
          .inUse(pid: pid),
          "\(path): another host uses this data directory\(pid > 0 ? " (pid \(pid))" : ""); stop it, or choose another "
            + "directory")
      case .system(let code):
        throw Self.failure(path + "/bothost.lock", "cannot be locked", code)
      }
    }
  }

  func release() { lock.release() }

  private static func make(_ path: String) throws(JournalError) {
    var status = stat()
    if stat(path, &status) == 0 {
      guard status.st_mode & S_IFMT == S_IFDIR else { throw JournalError(.io, "\(path): is no directory") }
      return
    }
    if let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")), slash != path.utf8.startIndex {
      try make(String(path[..<slash]))
    }
    guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw failure(path, "cannot be made", errno) }
  }

  private static func failure(_ path: String, _ what: String, _ code: Int32) -> JournalError {
    JournalError(code == ENOSPC ? .diskFull : .io, "\(path): \(what): \(String(cString: strerror(code)))")
  }
}
