import Glibc

/// Which file a path named once. A file that is removed or replaced while it is open can be written on as if nothing were the matter, and
/// what is written goes with the process.
struct FilePlace {
  private let path: String
  private let device: dev_t
  private let number: ino_t

  /// Nil when there is no such file.
  init?(_ path: String) {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    self.path = path
    device = status.st_dev
    number = status.st_ino
  }

  /// Throws when the path names that file no more. One that cannot be looked at is taken for the same.
  func check() throws(JournalError) {
    var status = stat()
    let isThere = stat(path, &status) == 0
    if isThere ? status.st_dev == device && status.st_ino == number : errno != ENOENT && errno != ENOTDIR { return }
    throw JournalError(
      .io,
      "\(path): somebody has \(isThere ? "put another file in the place of" : "removed") the journal of this host; put it back, or "
        + "start the host again: nothing can be kept until then")
  }
}
