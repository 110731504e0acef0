import CBotHost
import CJSON
import Glibc
import Synchronization

/// What the bus keeps for a thread that publishes or delivers. Made at the thread's first use, freed when it ends.
struct ThreadContext: ~Copyable {
  // The clock.
  var monotonic: Int64 = 0
  var unix: Int64 = 0
  var tickBase: UInt64 = 0
  var tickLimit: UInt64 = 0
  var tickScale: UInt64 = 0
  var monotonicBase: Int64 = 0
  var unixBase: Int64 = 0

  // Event memory: the chunk that is being filled, and references handed out on it that its count does not know yet.
  var chunk: UnsafeMutablePointer<EventChunk>?
  var chunkUsed = 0
  var chunkGiven = 0

  // Ids: random at the start, so that no two threads of any host meet.
  var idLow: UInt64 = 0

  /// Not 0 while the thread reads the route table: the epoch in which it began.
  let reading = Atomic<UInt64>(0)
  var readingDepth = 0

  /// The lanes whose handlers this thread is inside, innermost last. Written by the thread itself; read by a lane's own thread too,
  /// when it takes the lane back from a thread that it was leased to.
  private let lanePlaces: UnsafeMutablePointer<Atomic<LanePointer?>>
  private let laneCountWord = Atomic<Int>(0)
  var laneCount: Int { @inline(__always) get { laneCountWord.load(ordering: .relaxed) } }
  /// More nested deliveries than this go through the lane's own thread.
  static let maximumNesting = 16

  /// The view that the innermost handler was given, and unescaped text that lives as long as the call.
  var view: UnsafeMutablePointer<bh_event>?
  var scratch = FieldScratch()

  /// The length of the thread's `CallMessage`.
  let messageLength = CallMessage.pendingLength()

  /// Events that the thread has published; read by others.
  let published = Atomic<UInt64>(0)

  @inline(__always)
  mutating func countPublished() {
    published.store(published.load(ordering: .relaxed) &+ 1, ordering: .relaxed)
  }

  /// An empty set of effects for the next delivery that has some.
  var spareEffects: Unmanaged<StagedEffects>?

  init() {
    lanePlaces = .allocate(capacity: Self.maximumNesting)
    for index in 0..<Self.maximumNesting { (lanePlaces + index).initialize(to: Atomic(nil)) }
    var random = SystemRandomNumberGenerator()
    idLow = random.next()
  }

  deinit {
    lanePlaces.deinitialize(count: Self.maximumNesting)
    lanePlaces.deallocate()
  }

  /// Notes that the thread is inside a lane. False: it is inside too many.
  @inline(__always)
  func enter(_ lane: LanePointer) -> Bool {
    let count = laneCount
    guard count < Self.maximumNesting else { return false }
    lanePlaces[count].store(lane, ordering: .releasing)
    laneCountWord.store(count &+ 1, ordering: .releasing)
    return true
  }

  /// Leaves the innermost lane.
  @inline(__always)
  func leaveLane() { laneCountWord.store(laneCount &- 1, ordering: .releasing) }

  @inline(__always)
  func isInside(_ lane: LanePointer) -> Bool {
    let count = laneCountWord.load(ordering: .acquiring)
    for index in 0..<count where lanePlaces[index].load(ordering: .acquiring) == lane { return true }
    return false
  }

  /// The thread's own lanes, innermost last.
  func forEachLane(_ body: (LanePointer) -> Void) {
    for index in 0..<laneCount {
      if let lane = lanePlaces[index].load(ordering: .relaxed) { body(lane) }
    }
  }
}

extension ThreadContext {
  private static let key: pthread_key_t = {
    var key = pthread_key_t()
    pthread_key_create(&key) { pointer in
      guard let pointer else { return }
      ThreadContext.end(pointer.assumingMemoryBound(to: ThreadContext.self))
    }
    return key
  }()

  /// Of the calling thread.
  @inline(__always)
  static var current: UnsafeMutablePointer<ThreadContext> {
    if let pointer = machine_thread() { return pointer.assumingMemoryBound(to: ThreadContext.self) }
    return make()
  }

  @inline(never)
  private static func make() -> UnsafeMutablePointer<ThreadContext> {
    let thread = UnsafeMutablePointer<ThreadContext>.allocate(capacity: 1)
    thread.initialize(to: ThreadContext())
    machine_set_thread(thread)
    // For its end.
    pthread_setspecific(key, UnsafeMutableRawPointer(thread))
    Reclamation.add(thread)
    return thread
  }

  private static func end(_ thread: UnsafeMutablePointer<ThreadContext>) {
    machine_set_thread(nil)
    EventArena.retire(thread)
    thread.pointee.scratch.empty()
    thread.pointee.spareEffects?.release()
    Reclamation.remove(thread)
    thread.deinitialize(count: 1)
    thread.deallocate()
  }
}

/// Frees route tables once no thread reads them. Readers only store a number; whoever frees makes all threads pass a
/// memory barrier first, because replacing a table is rare and publishing is not.
enum Reclamation {
  private struct State {
    var threads: [UnsafeMutablePointer<ThreadContext>] = []
    /// By threads that have ended.
    var published: UInt64 = 0
    var garbage: [(epoch: UInt64, free: @Sendable () -> Void)] = []
  }

  /// The pointers are only followed under the lock; a thread takes its own out before it frees it.
  private struct Guarded: @unchecked Sendable { var state = State() }
  private static let guarded = Mutex(Guarded())
  static let epoch = Atomic<UInt64>(1)

  static func add(_ thread: UnsafeMutablePointer<ThreadContext>) {
    guarded.withLock { $0.state.threads.append(thread) }
  }

  static func remove(_ thread: UnsafeMutablePointer<ThreadContext>) {
    guarded.withLock {
      $0.state.threads.removeAll { $0 == thread }
      $0.state.published &+= thread.pointee.published.load(ordering: .relaxed)
    }
  }

  /// Whether another thread is inside a lane; false when it has ended.
  static func isInside(_ lane: LanePointer, _ thread: UnsafeMutablePointer<ThreadContext>) -> Bool {
    guarded.withLock { $0.state.threads.contains(thread) && thread.pointee.isInside(lane) }
  }

  /// Whether the kernel lets a thread make all others pass a memory barrier.
  static let hasBarrier = machine_barrier() == 0

  /// Events that all threads have published.
  static var published: UInt64 {
    guarded.withLock { guarded in
      guarded.state.threads.reduce(guarded.state.published) { $0 &+ $1.pointee.published.load(ordering: .relaxed) }
    }
  }

  @inline(__always)
  static func enter(_ thread: UnsafeMutablePointer<ThreadContext>) {
    thread.pointee.readingDepth &+= 1
    if thread.pointee.readingDepth == 1 {
      thread.pointee.reading.store(epoch.load(ordering: .relaxed), ordering: .releasing)
      atomicSignalFence()
    }
  }

  @inline(__always)
  static func leave(_ thread: UnsafeMutablePointer<ThreadContext>) {
    thread.pointee.readingDepth &-= 1
    if thread.pointee.readingDepth == 0 { thread.pointee.reading.store(0, ordering: .releasing) }
  }

  /// Keeps the compiler from moving the read of the table before the announcement.
  @inline(__always)
  private static func atomicSignalFence() { machine_compiler_barrier() }

  /// Frees something that has just been taken out of reach, when its last reader has left.
  static func retire(_ free: @escaping @Sendable () -> Void) {
    guarded.withLock { guarded in
      let now = epoch.wrappingAdd(1, ordering: .sequentiallyConsistent).newValue
      guarded.state.garbage.append((now, free))
    }
    collect()
  }

  /// Frees what nobody reads any more. Also called by the timer's thread.
  static func collect() {
    let free: [@Sendable () -> Void] = guarded.withLock { guarded in
      guard !guarded.state.garbage.isEmpty, machine_barrier() == 0 else { return [] }
      var oldest = UInt64.max
      for thread in guarded.state.threads {
        let reading = thread.pointee.reading.load(ordering: .acquiring)
        if reading != 0 { oldest = min(oldest, reading) }
      }
      let ready = guarded.state.garbage.filter { $0.epoch <= oldest }.map(\.free)
      guarded.state.garbage.removeAll { $0.epoch <= oldest }
      return ready
    }
    for body in free { body() }
  }
}
