import Glibc

/// Bytes in a queue, which are overwritten when they are taken out and when the memory is given back: passwords pass through here.
struct WipedBuffer: ~Copyable {
  private var memory: UnsafeMutableRawBufferPointer
  private var head = 0
  private var tail = 0

  init() { memory = UnsafeMutableRawBufferPointer(start: nil, count: 0) }

  deinit {
    Self.wipe(memory, head, tail)
    memory.deallocate()
  }

  var count: Int { tail - head }

  /// Valid until the buffer is changed.
  var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: memory[head..<tail]) }

  mutating func append(_ more: UnsafeRawBufferPointer) {
    guard let source = more.baseAddress, more.count > 0 else { return }
    if memory.count - tail < more.count { makeRoom(more.count) }
    memory.baseAddress?.advanced(by: tail).copyMemory(from: source, byteCount: more.count)
    tail += more.count
  }

  /// Takes bytes from the front.
  mutating func remove(_ count: Int) {
    let taken = min(max(0, count), self.count)
    Self.wipe(memory, head, head + taken)
    head += taken
    if head == tail { settle() }
  }

  mutating func removeAll() {
    Self.wipe(memory, head, tail)
    head = 0
    tail = 0
    settle()
  }

  /// Empty: starts at the front again, and gives back what a burst has taken.
  private mutating func settle() {
    head = 0
    tail = 0
    guard memory.count > 64 << 10 else { return }
    memory.deallocate()
    memory = UnsafeMutableRawBufferPointer(start: nil, count: 0)
  }

  private mutating func makeRoom(_ more: Int) {
    let count = self.count
    var size = max(1024, memory.count)
    while size < count + more { size *= 2 }
    let larger = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 16)
    larger.copyMemory(from: bytes)
    Self.wipe(memory, head, tail)
    memory.deallocate()
    memory = larger
    head = 0
    tail = count
  }

  /// A plain `memset` before a `free` may be left out by the compiler.
  private static func wipe(_ memory: UnsafeMutableRawBufferPointer, _ from: Int, _ to: Int) {
    guard let base = memory.baseAddress, to > from else { return }
    explicit_bzero(base + from, to - from)
  }
}
