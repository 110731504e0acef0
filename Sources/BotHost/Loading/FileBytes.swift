import Glibc

/// Reads whole files.
enum FileBytes {
  /// The bytes of a regular file, read once into memory of our own: a mapping would change, or fault, when somebody
  /// writes to the file.
  static func read(_ path: String, limit: Int) throws(ImageRefusal) -> [UInt8] {
    func refuse(_ cause: ImageRefusal.Cause, _ message: String) -> ImageRefusal {
      ImageRefusal(.stage, cause, library: path, message)
    }
    let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard file >= 0 else { throw refuse(.unreadable, "cannot be opened: \(FileTree.reason(errno))") }
    defer { close(file) }
    var status = stat()
    guard fstat(file, &status) == 0 else { throw refuse(.unreadable, "cannot be read: \(FileTree.reason(errno))") }
    guard status.st_mode & S_IFMT == S_IFREG else { throw refuse(.notALibrary, "is not a file") }
    guard status.st_size <= limit else {
      throw refuse(.tooLarge, "has \(status.st_size) bytes; the host takes libraries of at most \(limit)")
    }
    var failure: Int32 = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: Int(status.st_size)) { buffer, count in
      while count < buffer.count {
        let got = Glibc.read(file, buffer.baseAddress?.advanced(by: count), buffer.count - count)
        if got > 0 {
          count += got
        } else if got == 0 {
          break
        } else if errno != EINTR {
          failure = errno
          break
        }
      }
    }
    guard failure == 0 else { throw refuse(.unreadable, "cannot be read: \(FileTree.reason(failure))") }
    return bytes
  }
}
