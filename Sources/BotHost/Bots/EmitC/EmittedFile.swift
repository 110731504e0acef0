import Glibc

/// Files that are generated: replaced as a whole, and left alone when nothing has changed, so that what is built from them is not
/// built again.
public enum EmittedFile {
  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  /// Makes the directory when it is not there.
  public static func write(_ text: String, to path: String) throws {
    try FileTree.makeDirectories(FileTree.directory(of: path))
    let bytes = Array(text.utf8)
    if let present = try? FileBytes.read(path, limit: 256 << 20), present == bytes { return }
    let temporary = "\(path).\(getpid()).new"
    let file = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard file >= 0 else { throw Failure(description: "\(temporary) cannot be made: \(FileTree.reason(errno))") }
    var done = 0
    while done < bytes.count {
      let count = bytes[done...].withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
      if count > 0 { done += count } else if errno != EINTR { break }
    }
    guard done == bytes.count, fsync(file) == 0, rename(temporary, path) == 0 else {
      let reason = FileTree.reason(errno)
      close(file)
      unlink(temporary)
      throw Failure(description: "\(path) cannot be written: \(reason)")
    }
    close(file)
  }
}
