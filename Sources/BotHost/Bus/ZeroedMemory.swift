import Glibc

/// Large tables of zeros that are mostly never touched: their pages are taken from the system only as they are written.
enum ZeroedMemory {
  /// Memory for so many elements whose zero bits are a value. Ends the process when the address space is used up, as `malloc` in
  /// Swift does.
  static func map<Element: ~Copyable>(_ count: Int) -> UnsafeMutablePointer<Element> {
    let bytes = count * MemoryLayout<Element>.stride
    guard let memory = mmap(nil, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
      memory != MAP_FAILED
    else { preconditionFailure("no address space for a table of \(bytes) bytes") }
    return memory.assumingMemoryBound(to: Element.self)
  }

  static func unmap<Element: ~Copyable>(_ memory: UnsafeMutablePointer<Element>, _ count: Int) {
    munmap(memory, count * MemoryLayout<Element>.stride)
  }
}
