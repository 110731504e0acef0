import CJSON
import Glibc
import Synchronization

/// Reads the host's clock as cheaply as the machine permits.
///
/// Every event is stamped, and a clock_gettime would be half of what a delivery costs. With the machine's own clock a
/// thread therefore counts ticks from its last true reading and takes a new one at least each millisecond or so.
///
/// A plain value that counts no references: it is copied wherever events pass. The bus owns the clock behind it.
struct BusClock: @unchecked Sendable {
  final class Source {
    let clock: any HostClock
    init(_ clock: any HostClock) { self.clock = clock }
  }

  private let source: Unmanaged<Source>
  private let counts: Bool

  /// The source must outlive all copies.
  init(_ source: Source) {
    self.source = Unmanaged.passUnretained(source)
    let clock = source.clock
    counts = clock is SystemClock && machine_ticks_are_steady() == 1
  }

  private var clock: any HostClock { source._withUnsafeGuaranteedRef { $0.clock } }

  /// Brings the thread's two stamps up to date; monotonic time in nanoseconds.
  @inline(__always)
  @discardableResult
  func stamp(_ thread: UnsafeMutablePointer<ThreadContext>) -> Int64 {
    if counts {
      let ticks = machine_ticks() &- thread.pointee.tickBase
      if ticks < thread.pointee.tickLimit {
        let passed = Int64(truncatingIfNeeded: (ticks &* thread.pointee.tickScale) >> 32)
        thread.pointee.unix = thread.pointee.unixBase &+ passed
        let now = thread.pointee.monotonicBase &+ passed
        thread.pointee.monotonic = now
        return now
      }
    }
    return read(thread)
  }

  @inline(never)
  private func read(_ thread: UnsafeMutablePointer<ThreadContext>) -> Int64 {
    let now = counts ? max(clock.monotonic, thread.pointee.monotonic) : clock.monotonic
    thread.pointee.monotonic = now
    thread.pointee.unix = clock.unix
    guard counts else { return now }
    let ticks = machine_ticks()
    thread.pointee.tickBase = ticks
    thread.pointee.monotonicBase = now
    thread.pointee.unixBase = thread.pointee.unix
    // Without a rate yet, every reading is a true one.
    thread.pointee.tickScale = TickRate.scale(ticks: ticks, monotonic: now)
    thread.pointee.tickLimit = thread.pointee.tickScale == 0 ? 0 : 1 << 21
    return now
  }

  /// True readings, for what is not hot.
  var monotonic: Int64 { clock.monotonic }
  var unix: Int64 { clock.unix }
  /// Whether time passes by itself.
  var isSystem: Bool { clock is SystemClock }
}

/// How long a tick is: measured between the first reading in the process and one at least 20 ms later.
private enum TickRate {
  private static let firstTicks = Atomic<UInt64>(0)
  private static let firstTime = Atomic<Int64>(0)
  private static let known = Atomic<UInt64>(0)

  /// Nanoseconds a tick, times 2^32; 0: not known yet.
  static func scale(ticks: UInt64, monotonic: Int64) -> UInt64 {
    let scale = known.load(ordering: .relaxed)
    if scale != 0 { return scale }
    let start = firstTicks.load(ordering: .acquiring)
    if start == 0 {
      firstTime.store(monotonic, ordering: .relaxed)
      firstTicks.store(ticks, ordering: .releasing)
      return 0
    }
    let passed = monotonic &- firstTime.load(ordering: .relaxed)
    guard passed > 20_000_000, ticks > start else { return 0 }
    let measured = UInt64(Double(passed) / Double(ticks - start) * 4_294_967_296)
    known.store(measured, ordering: .relaxed)
    return measured
  }
}
