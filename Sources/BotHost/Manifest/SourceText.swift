import Glibc

/// The text of one file, kept so that a diagnostic can show the line that it means.
public struct SourceText: Sendable {
  /// The file's name as diagnostics give it.
  public let name: String
  public let bytes: [UInt8]

  public init(name: String, bytes: [UInt8]) {
    self.name = name
    self.bytes = bytes
  }

  public init(name: String, _ text: String) {
    self.init(name: name, bytes: Array(text.utf8))
  }

  /// Reads a file of at most `limit` bytes. One that is being written is waited for; see `SettledFile`.
  public static func read(_ path: String, limit: Int = YAMLLimits.standard.bytes) -> Result<SourceText, Diagnostic> {
    func failed(_ why: String) -> Result<SourceText, Diagnostic> {
      .failure(Diagnostic(.error, why, at: SourceLocation(file: path)))
    }
    func unreadable() -> Result<SourceText, Diagnostic> {
      failed(
        errno == 0
          ? "is still being written; bothost waited \(SettledFile.patience / 1_000_000_000) s for its writer"
          : "cannot be read: \(String(cString: strerror(errno)))")
    }
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { return unreadable() }
    defer { close(descriptor) }
    let deadline = SettledFile.deadline()
    while true {
      guard let before = SettledFile.wait(for: descriptor, until: deadline) else { return unreadable() }
      guard before.st_mode & S_IFMT == S_IFREG else { return failed("is no regular file") }
      guard let bytes = readAll(descriptor, sized: Int(before.st_size), limit: limit) else { return unreadable() }
      guard bytes.count <= limit else { return failed("is larger than \(limit) bytes") }
      guard let after = SettledFile.wait(for: descriptor, until: deadline) else { return unreadable() }
      if SettledFile.isSame(before, after) { return .success(SourceText(name: path, bytes: bytes)) }
    }
  }

  /// All bytes from the beginning, or more than `limit` of them; nil when they cannot be read: see `errno`.
  private static func readAll(_ descriptor: Int32, sized size: Int, limit: Int) -> [UInt8]? {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(min(size, limit))
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while bytes.count <= limit {
      let count = pread(descriptor, &chunk, chunk.count, bytes.count)
      if count < 0 {
        if errno == EINTR { continue }
        return nil
      }
      if count == 0 { break }
      bytes.append(contentsOf: chunk[..<count])
    }
    return bytes
  }

  /// The text of a line, counted from 1, without its end.
  public func line(_ number: Int) -> String? {
    var current = 1
    var start = bytes.startIndex
    while current < number {
      guard let end = bytes[start...].firstIndex(of: 0x0A) else { return nil }
      start = end + 1
      current += 1
    }
    guard number >= 1 else { return nil }
    var end = bytes[start...].firstIndex(of: 0x0A) ?? bytes.endIndex
    if end > start, bytes[end - 1] == 0x0D { end -= 1 }
    return String(decoding: bytes[start..<end], as: UTF8.self)
  }
}

extension Diagnostic: Error {}
