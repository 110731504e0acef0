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

  /// Reads a file of at most `limit` bytes.
  public static func read(_ path: String, limit: Int = YAMLLimits.standard.bytes) -> Result<SourceText, Diagnostic> {
    func failed(_ why: String) -> Result<SourceText, Diagnostic> {
      .failure(Diagnostic(.error, why, at: SourceLocation(file: path)))
    }
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { return failed("cannot be read: \(String(cString: strerror(errno)))") }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { return failed("cannot be read: \(String(cString: strerror(errno)))") }
    guard status.st_mode & S_IFMT == S_IFREG else { return failed("is no regular file") }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(min(Int(status.st_size), limit))
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = Glibc.read(descriptor, &chunk, chunk.count)
      if count < 0 {
        if errno == EINTR { continue }
        return failed("cannot be read: \(String(cString: strerror(errno)))")
      }
      if count == 0 { break }
      guard bytes.count + count <= limit else { return failed("is larger than \(limit) bytes") }
      bytes.append(contentsOf: chunk[..<count])
    }
    return .success(SourceText(name: path, bytes: bytes))
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
