import Glibc

/// The directory of one host: made on demand, readable by its owner alone, and held by one process at a time.
final class DataDirectory: @unchecked Sendable {
  let path: String
  private var lock: Int32 = -1

  init(_ path: String) throws(JournalError) {
    self.path = path
    try Self.make(path)
    let lockPath = path + "/bothost.lock"
    lock = open(lockPath, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard lock >= 0 else { throw Self.failure(lockPath, "cannot be opened") }
    guard flock(lock, LOCK_EX | LOCK_NB) == 0 else {
      let cause = errno
      var text = [UInt8](repeating: 0, count: 16)
      let count = pread(lock, &text, text.count, 0)
      close(lock)
      guard cause == EWOULDBLOCK else {
        errno = cause
        throw Self.failure(lockPath, "cannot be locked")
      }
      let digits = text.prefix(max(0, count)).prefix { (48...57).contains($0) }
      let pid = Int32(String(decoding: digits, as: UTF8.self)) ?? 0
      throw JournalError(
        .inUse(pid: pid),
        "\(path): another host uses this data directory\(pid > 0 ? " (pid \(pid))" : ""); stop it, or choose another "
          + "directory with --data")
    }
    let own = Array("\(getpid())\n".utf8)
    guard ftruncate(lock, 0) == 0, pwrite(lock, own, own.count, 0) == own.count else {
      let failure = Self.failure(lockPath, "cannot be written")
      close(lock)
      throw failure
    }
  }

  /// The lock goes with the process, however it ends; the file stays, because removing it would race with the next host.
  deinit { if lock >= 0 { close(lock) } }

  private static func make(_ path: String) throws(JournalError) {
    var status = stat()
    if stat(path, &status) == 0 {
      guard status.st_mode & S_IFMT == S_IFDIR else { throw JournalError(.io, "\(path): is no directory") }
      return
    }
    if let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")), slash != path.utf8.startIndex {
      try make(String(path[..<slash]))
    }
    guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw failure(path, "cannot be made") }
  }

  private static func failure(_ path: String, _ what: String) -> JournalError {
    JournalError(errno == ENOSPC ? .diskFull : .io, "\(path): \(what): \(String(cString: strerror(errno)))")
  }
}
