import Glibc

/// A library's bytes in memory, for looking at them.
///
/// Either read once, so that nothing that happens to the file can change them, or mapped, for files that nobody writes to: private
/// copies, and the system's libraries, which the dynamic loader maps where they are as well. Immutable; any thread.
final class LibraryBytes: @unchecked Sendable {
  /// What the file held, followed by nothing.
  let buffer: UnsafeRawBufferPointer
  private let mapped: Bool

  /// Copies bytes. Aligned for any structure of an ELF file.
  init(copying bytes: [UInt8]) {
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: max(1, bytes.count), alignment: 64)
    memory.copyBytes(from: bytes)
    buffer = UnsafeRawBufferPointer(rebasing: memory[..<bytes.count])
    mapped = false
  }

  /// Maps a regular file that nobody writes to while it is looked at. Writes to the mapping, as libelf makes them when it has to align
  /// something, stay in it.
  init(mapping path: String, limit: Int) throws(ImageRefusal) {
    let file = try FileBytes.open(path, limit: limit)
    defer { close(file.descriptor) }
    mapped = true
    guard file.size > 0 else {
      buffer = UnsafeRawBufferPointer(start: nil, count: 0)
      return
    }
    guard let memory = mmap(nil, file.size, PROT_READ | PROT_WRITE, MAP_PRIVATE, file.descriptor, 0),
      memory != MAP_FAILED
    else {
      throw ImageRefusal(
        .stage, .unreadable, library: path, "cannot be mapped to be looked at: \(FileTree.reason(errno))")
    }
    buffer = UnsafeRawBufferPointer(start: memory, count: file.size)
  }

  deinit {
    guard let memory = UnsafeMutableRawPointer(mutating: buffer.baseAddress) else { return }
    if mapped { munmap(memory, buffer.count) } else { memory.deallocate() }
  }
}
