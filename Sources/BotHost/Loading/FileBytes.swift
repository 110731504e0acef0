import CELF
import Glibc

/// Reads whole files.
enum FileBytes {
  /// A regular file that is open for reading, not larger than `limit`; the caller closes it.
  static func open(_ path: String, limit: Int) throws(ImageRefusal) -> (descriptor: Int32, size: Int) {
    func refuse(_ cause: ImageRefusal.Cause, _ message: String) -> ImageRefusal {
      ImageRefusal(.stage, cause, library: path, message)
    }
    let file = Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard file >= 0 else {
      let code = errno
      // The file may be as good as ever.
      let isOfHost = [EMFILE, ENFILE, ENOMEM].contains(code)
      throw refuse(isOfHost ? .notStaged : .unreadable, "cannot be opened: \(FileTree.reason(code))")
    }
    do throws(ImageRefusal) {
      var status = stat()
      guard fstat(file, &status) == 0 else { throw refuse(.unreadable, "cannot be read: \(FileTree.reason(errno))") }
      guard status.st_mode & S_IFMT == S_IFREG else { throw refuse(.notALibrary, "is not a file") }
      guard status.st_size <= limit else {
        throw refuse(.tooLarge, "has \(status.st_size) bytes; the host takes libraries of at most \(limit)")
      }
      return (file, Int(status.st_size))
    } catch {
      close(file)
      throw error
    }
  }

  /// The bytes of a regular file, read once into memory of our own: a mapping would change, or fault, when somebody
  /// writes to the file.
  static func read(_ path: String, limit: Int) throws(ImageRefusal) -> [UInt8] {
    let (file, size) = try open(path, limit: limit)
    defer { close(file) }
    var failure: Int32 = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
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
    guard failure == 0 else {
      throw ImageRefusal(.stage, .unreadable, library: path, "cannot be read: \(FileTree.reason(failure))")
    }
    return bytes
  }

  /// Copies all of one open file into another. The errno of what failed, or nil. Where the filesystem can share or move the bytes itself,
  /// they do not pass through this process.
  static func copy(_ source: Int32, to destination: Int32, size: Int) -> Int32? {
    var done = 0
    var inKernel = true
    var buffer: [UInt8] = []
    while done < size {
      if inKernel {
        let moved = copy_file_range(source, nil, destination, nil, size - done, 0)
        if moved > 0 {
          done += moved
          continue
        }
        if moved == 0 { return EIO }
        if errno == EINTR { continue }
        guard [EXDEV, EINVAL, ENOSYS, EOPNOTSUPP].contains(errno) else { return errno }
        inKernel = false
        buffer = [UInt8](repeating: 0, count: 1 << 18)
      }
      let got = Glibc.read(source, &buffer, min(buffer.count, size - done))
      if got < 0 && errno == EINTR { continue }
      guard got > 0 else { return got == 0 ? EIO : errno }
      var written = 0
      while written < got {
        let count = buffer.withUnsafeBytes { write(destination, $0.baseAddress?.advanced(by: written), got - written) }
        if count < 0 && errno != EINTR { return errno }
        written += max(0, count)
      }
      done += got
    }
    return nil
  }
}
