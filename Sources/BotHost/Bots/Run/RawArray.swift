import Glibc

/// A growing array without reference counts and without checks for exclusive access, for the memory of running bots.
///
/// Not copied: whoever holds it frees it. Positions are checked by `assert` only.
struct RawArray<Element: BitwiseCopyable> {
  private(set) var base: UnsafeMutablePointer<Element>
  private(set) var count = 0
  private var capacity: Int

  init(capacity: Int = 16) {
    self.capacity = max(1, capacity)
    base = .allocate(capacity: self.capacity)
  }

  func deallocate() { base.deallocate() }

  @inline(__always)
  subscript(index: Int) -> Element {
    get {
      assert(index >= 0 && index < count)
      return base[index]
    }
    nonmutating set {
      assert(index >= 0 && index < count)
      base[index] = newValue
    }
  }

  @inline(__always)
  mutating func reserve(_ more: Int) {
    if count &+ more > capacity { grow(more) }
  }

  private mutating func grow(_ more: Int) {
    capacity = max(capacity * 2, count + more)
    let larger = UnsafeMutablePointer<Element>.allocate(capacity: capacity)
    larger.update(from: base, count: count)
    base.deallocate()
    base = larger
  }

  @inline(__always)
  mutating func append(_ element: Element) {
    reserve(1)
    base[count] = element
    count &+= 1
  }

  @inline(__always)
  mutating func append(_ pointer: UnsafePointer<Element>, _ number: Int) {
    guard number > 0 else { return }
    reserve(number)
    (base + count).update(from: pointer, count: number)
    count &+= number
  }

  /// Appends a part of itself.
  @inline(__always)
  mutating func append(own range: Range<Int>) {
    reserve(range.count)
    append(UnsafePointer(base) + range.lowerBound, range.count)
  }

  mutating func append(contentsOf array: [Element]) {
    array.withUnsafeBufferPointer { buffer in
      if let pointer = buffer.baseAddress { append(pointer, buffer.count) }
    }
  }

  @inline(__always)
  mutating func truncate(to length: Int) {
    if length < count { count = length }
  }

  mutating func set(count length: Int, to element: Element) {
    count = 0
    reserve(length)
    (base).update(repeating: element, count: length)
    count = length
  }

  func array(_ range: Range<Int>) -> [Element] {
    Array(UnsafeBufferPointer(start: base + range.lowerBound, count: range.count))
  }
}

extension RawArray where Element == UInt8 {
  var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: count) }
}
