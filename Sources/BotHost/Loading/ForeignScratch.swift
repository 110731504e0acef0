/// The memory that one call by a declared signature works in: kept between calls, so that a call allocates nothing.
final class ForeignScratch {
  /// More than one call's worth of arguments.
  static let slots = Signature.argumentLimit

  /// The arguments, one word each.
  let words: UnsafeMutablePointer<UInt64>
  /// Where each argument lies, as libffi wants it.
  let places: UnsafeMutablePointer<UnsafeMutableRawPointer?>
  /// What the function returned.
  let result: UnsafeMutablePointer<UInt64>
  /// The JSON of what is published or answered.
  var writer = JSONWriter(capacity: 512)

  private var arena: UnsafeMutableRawPointer
  private var capacity = 1024
  private var used = 0
  private var wanted = 0
  private var overflow: [UnsafeMutableRawPointer] = []

  /// A larger arena is given back after the call that needed it.
  private static let keptCapacity = 1 << 20

  init() {
    words = .allocate(capacity: Self.slots)
    words.initialize(repeating: 0, count: Self.slots)
    places = .allocate(capacity: Self.slots)
    for index in 0..<Self.slots { (places + index).initialize(to: UnsafeMutableRawPointer(words + index)) }
    result = .allocate(capacity: 2)
    result.initialize(repeating: 0, count: 2)
    arena = .allocate(byteCount: capacity, alignment: 16)
  }

  deinit {
    for block in overflow { block.deallocate() }
    arena.deallocate()
    words.deallocate()
    places.deallocate()
    result.deallocate()
  }

  /// A copy of bytes with a NUL after them, valid until `reset`.
  @inline(__always)
  func terminated(_ start: UnsafeRawPointer?, _ count: Int) -> UnsafeMutableRawPointer {
    let block = take(count &+ 1)
    if let start, count > 0 { block.copyMemory(from: start, byteCount: count) }
    block.storeBytes(of: 0, toByteOffset: count, as: UInt8.self)
    return block
  }

  private func take(_ count: Int) -> UnsafeMutableRawPointer {
    wanted &+= count
    if count <= capacity &- used {
      defer { used &+= count }
      return arena.advanced(by: used)
    }
    // Earlier arguments point into the arena, so it cannot move now: it grows after the call.
    let block = UnsafeMutableRawPointer.allocate(byteCount: count, alignment: 16)
    overflow.append(block)
    return block
  }

  /// Ends a call: what was copied for it is gone.
  @inline(__always)
  func reset() {
    used = 0
    if !overflow.isEmpty { grow() }
    wanted = 0
  }

  private func grow() {
    for block in overflow { block.deallocate() }
    overflow.removeAll(keepingCapacity: true)
    guard wanted > capacity, wanted <= Self.keptCapacity else { return }
    arena.deallocate()
    capacity = min(Self.keptCapacity, wanted &* 2)
    arena = .allocate(byteCount: capacity, alignment: 16)
  }
}
