import Glibc

/// A directory of one host process: private copies of libraries live here for as long as the process does.
///
/// Its name is never used again (it carries the process id and the time of its making), it is readable by its owner
/// alone, and a lock on a file in it, which the kernel drops when the process dies however it dies, tells later hosts
/// whether its owner lives.
public final class RunDirectory: Sendable {
  /// Absolute, without a trailing slash.
  public let path: String
  private let lock: Int32
  private static let lockName = "host.lock"
  private static let prefix = "host-"

  /// Makes a directory below `base` (made too when it is missing), and removes what hosts that died left there.
  ///
  /// Throws an `ImageRefusal` of step `.stage` when it cannot be made or belongs to somebody else.
  public init(below base: String) throws {
    func refuse(_ what: String, _ path: String, _ code: Int32) -> ImageRefusal {
      ImageRefusal(
        .stage, .unreadable, library: path, "\(what): \(FileTree.reason(code))",
        advice: "give the host a directory that it may write to")
    }
    try FileTree.makeDirectories(base)
    guard let real = FileTree.realPath(base) else {
      throw refuse("the run directory cannot be resolved", base, errno)
    }
    Self.removeStale(below: real)

    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    let path = "\(real)/\(Self.prefix)\(getpid())-\(now.tv_sec)\(String(now.tv_nsec + 1_000_000_000).dropFirst())"
    guard mkdir(path, 0o700) == 0 else { throw refuse("the run directory cannot be made", path, errno) }
    let lock = open("\(path)/\(Self.lockName)", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard lock >= 0 else { throw refuse("the run directory cannot be locked", path, errno) }
    guard flock(lock, LOCK_EX | LOCK_NB) == 0 else {
      let code = errno
      close(lock)
      throw refuse("the run directory cannot be locked", path, code)
    }
    self.path = path
    self.lock = lock
  }

  deinit { close(lock) }

  /// Removes the directory with all that is in it. Images that are mapped go on working: their pages outlive their
  /// names.
  public func remove() { FileTree.remove(path) }

  /// Removes the run directories below `base` whose hosts have ended, and says how many it removed.
  ///
  /// A directory is left alone when its lock is held or when it is so young that its maker may not have locked it yet.
  @discardableResult
  public static func removeStale(below base: String) -> Int {
    var removed = 0
    for name in FileTree.names(in: base) where name.hasPrefix(prefix) {
      let path = "\(base)/\(name)"
      var status = stat()
      guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR, status.st_uid == geteuid() else { continue }
      let lock = open("\(path)/\(lockName)", O_RDWR | O_CLOEXEC | O_NOFOLLOW)
      if lock < 0 {
        guard errno == ENOENT, time(nil) - status.st_mtim.tv_sec > 60 else { continue }
        FileTree.remove(path)
        removed += 1
        continue
      }
      if flock(lock, LOCK_EX | LOCK_NB) == 0 {
        FileTree.remove(path)
        removed += 1
      }
      close(lock)
    }
    return removed
  }
}
