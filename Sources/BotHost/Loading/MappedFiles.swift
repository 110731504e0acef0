import Glibc

/// What the kernel says is mapped into this process.
enum MappedFiles {
  /// Whether any page of a file is mapped; nil when `/proc/self/maps` cannot be read.
  ///
  /// A file that was removed while mapped shows with ` (deleted)` after its path.
  static func contains(_ path: String) -> Bool? {
    let file = open("/proc/self/maps", O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return nil }
    defer { close(file) }
    let wanted = Array(path.utf8)
    let removed = Array("\(path) (deleted)".utf8)
    var line: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = read(file, &buffer, buffer.count)
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { return count == 0 ? false : nil }
      for byte in buffer[..<count] {
        guard byte == UInt8(ascii: "\n") else {
          line.append(byte)
          continue
        }
        if let slash = line.firstIndex(of: UInt8(ascii: "/")) {
          let mapped = line[slash...]
          if mapped.elementsEqual(wanted) || mapped.elementsEqual(removed) { return true }
        }
        line.removeAll(keepingCapacity: true)
      }
    }
  }
}
