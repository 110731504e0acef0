import CBotHost
import CJSON
import Glibc
import Synchronization

/// A lane's memory: the bounded queue before an endpoint and the state of whoever delivers from it.
///
/// Raw memory instead of a class, so that nothing on the way of an event counts references or checks exclusivity. It
/// lives as long as its endpoint. Four parts on cache lines of their own: what publishers write under the lock, the number that
/// they have queued, what both sides look at and seldom write, and what only the executor (the thread that delivers now) writes.
///
/// Publishers queue under the lock, one at a time; the executor takes without it. So a publisher and a lane that is as fast
/// as the publisher meet at nothing but the number of events queued. Only where publishers may take the oldest events back
/// (`full: drop-oldest`) does the executor need the lock too.
///
/// The thread sanitizer reports "Swift access races" on this struct: it takes an access to one member through `pointee` for
/// one to the whole struct, and the three parts are written by different threads at the same time. Its "data races", which go
/// by the byte, are to be taken at their word. (It does not see the slow path of `Mutex` either, which the toolchain's
/// library brings uninstrumented: what is written under one looks like a race when two threads meet there.)
struct LaneState: ~Copyable {
  // Publishers, under `mutex`.
  var mutex = pthread_mutex_t()
  /// The queue's last block and how much of it is filled.
  var tailBlock: UnsafeMutablePointer<LaneBlock>
  var tailIndex = 0
  var accepted: UInt64 = 0
  var acceptedBytes: UInt64 = 0
  /// The executor's counts when they were last looked at.
  var finishedSeen: UInt64 = 0
  var finishedBytesSeen: UInt64 = 0
  /// Room promised to emissions that are on their way to the disk.
  var reserved = 0
  var reservedBytes = 0
  var sleeping = false
  /// The processor of the thread that has woken the executor.
  var wokenOn: Int32 = -1
  var closed = false
  var stopping = false
  var dropped: UInt64 = 0
  var rejected: UInt64 = 0
  var controls: [LaneControl] = []
  var roomCalls: [@Sendable () -> Void] = []
  /// When those who wait for room were told of some (CLOCK_MONOTONIC, nanoseconds). Under the lock.
  var roomOfferedAt: Int64 = 0
  /// The bounds. Written by the executor under the lock (`Endpoint.setBounds`), so that either is enough for reading them.
  var capacity: Int
  var capacityBytes: Int
  var full: LaneOptions.Full
  let isInline: Bool
  let spin: Int64
  var wake = pthread_cond_t()
  var room = pthread_cond_t()

  // What is queued.
  private var gap0: CacheLine = (0, 0, 0, 0, 0, 0, 0, 0)
  /// Items that were ever put into the queue. Written under the lock, read by anybody.
  let queued = Atomic<Int>(0)
  private var gap1: CacheLine = (0, 0, 0, 0, 0, 0, 0, 0)

  // Both sides.
  /// Why the executor should stop delivering and look around: `controlBit`, `gateBit`, `stopBit`.
  let attention = Atomic<UInt32>(0)
  /// Publishers that wait for room.
  let waiters = Atomic<Int>(0)
  /// Of an inline lane: who may deliver (`LaneOwnership`).
  let ownership = Atomic<UInt32>(LaneOwnership.free)
  /// The thread that the lane is leased to, while it is.
  let leaseholder = Atomic<UnsafeMutablePointer<ThreadContext>?>(nil)
  /// Of an inline lane: 1 while something is queued or the gate is shut, so that its own thread has to deliver.
  /// Written under the lock.
  let pending = Atomic<UInt32>(0)
  /// One block that the executor has emptied, for the publishers' next.
  let spareBlock = Atomic<UnsafeMutablePointer<LaneBlock>?>(nil)
  private var gap2: CacheLine = (0, 0, 0, 0, 0, 0, 0, 0)

  // The executor.
  /// The queue's first block and how much of it is taken.
  var headBlock: UnsafeMutablePointer<LaneBlock>
  var headIndex = 0
  /// Items that were ever taken out of the queue. By the executor, or under the lock where the oldest may be dropped.
  let taken = Atomic<Int>(0)
  /// When the first event of the batch was published (CLOCK_REALTIME, nanoseconds).
  let batchTime = Atomic<Int64>(0)
  /// Items that are done with, by the executor alone.
  let finished = Atomic<UInt64>(0)
  let finishedBytes = Atomic<UInt64>(0)
  /// When the handler that runs now began, and its binding; 0: none runs.
  let runningSince = Atomic<Int64>(0)
  let runningBinding = Atomic<UInt>(0)
  var batch: UnsafeMutablePointer<LaneItem>
  var batchCount = 0
  var batchIndex = 0
  /// References to give back on the chunk, gathered.
  var runChunk: UnsafeMutablePointer<EventChunk>?
  var runCount = 0
  /// Of the last event that was handed out.
  var sequence: UInt64 = 0
  /// Whether work has come of late soon enough for looking for it (`spin`) to be cheaper than to sleep and be woken.
  var spinPays = true
  /// For the next delivery.
  var slot: SlotPointer
  var view: UnsafeMutablePointer<bh_event>
  /// What a settlement has set free; goes before the queue.
  var ready: [LaneReady] = []
  var readyHead = 0
  /// Memory for the next controls.
  var spareControls: [LaneControl] = []
  private var gap3: CacheLine = (0, 0, 0, 0, 0, 0, 0, 0)

  // Rare.
  /// Unsettled deliveries and calls, waiting retries not counted.
  let inFlight = Atomic<Int>(0)
  /// What the endpoint waits to be told: how its calls and its events end.
  let outgoing = Atomic<Int>(0)
  /// What is still to be posted here: the ends of its calls and events, whether or not anybody waits for them any more. Whoever owes it
  /// may look at the lane until then.
  let owed = Atomic<Int>(0)
  /// Deliveries that wait for their next attempt.
  let retrying = Atomic<Int>(0)
  /// Of an inline lane: its own thread has it. Under the lock.
  var ownerIsThread = false
  /// Of an inline lane, by whoever owns it: the thread that published last, how often it has done so without another one in
  /// between, and how often it takes for a lease.
  var publisher: UnsafeMutablePointer<ThreadContext>?
  var publisherStreak = 0
  var streakForLease = 1024
  /// The gate is shut and no handler runs.
  let atBarrier = Atomic<Bool>(false)
  let generation = Atomic<UInt32>(0)
  /// For the circle check: the lane that this one's executor waits for. Under `WaitGraph`'s lock.
  var waitsFor: LanePointer?
  let serial: Int
  let clock: BusClock
  let bus: Unmanaged<Bus>
  let endpoint: Unmanaged<Endpoint>

  static let controlBit: UInt32 = 1
  static let gateBit: UInt32 = 2
  static let stopBit: UInt32 = 4

  static let batchLimit = 256

  init(options: LaneOptions, serial: Int, clock: BusClock, slot: SlotPointer, bus: Bus, endpoint: Endpoint) {
    capacity = options.capacity
    capacityBytes = options.capacityBytes
    full = options.full
    isInline = options.inline
    spin = options.spin
    self.serial = serial
    self.clock = clock
    self.slot = slot
    self.bus = Unmanaged.passUnretained(bus)
    self.endpoint = Unmanaged.passUnretained(endpoint)
    tailBlock = LaneBlock.make()
    headBlock = tailBlock
    batch = .allocate(capacity: Self.batchLimit)
    view = .allocate(capacity: 1)
    view.initialize(to: bh_event())
    view.pointee.size = UInt32(MemoryLayout<bh_event>.size)
  }

  deinit {
    // From the first one that still holds something to the last.
    var block: UnsafeMutablePointer<LaneBlock>? = headBlock
    while let emptied = block {
      block = emptied.pointee.next
      emptied.deallocate()
    }
    spareBlock.load(ordering: .acquiring)?.deallocate()
    batch.deallocate()
    view.deallocate()
  }
}

typealias LanePointer = UnsafeMutablePointer<LaneState>

private typealias CacheLine = (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64)

/// Something that a settlement has set free to be delivered next.
enum LaneReady {
  /// A later event of a key; its key is counted already.
  case item(LaneItem, key: UInt64)
  /// Another attempt.
  case retry(SlotPointer)
}

/// What the executor does between two events, also while the gate is shut.
enum LaneControl {
  case work(@Sendable () -> Void)
  /// A delivery was settled by `ack`, `nack` or its deadline.
  case settled(SlotPointer)
  /// The time of a retry has come.
  case retry(SlotPointer)
  /// A call by this endpoint has ended.
  case callEnded(MethodCall)
  /// A call that must not wait for the gate: its chain already goes through this endpoint.
  case passingCall(LaneItem)
  /// A published event has been settled by all of its handlers.
  case publishSettled(PublishOutcome)
  /// The same of several.
  case publishesSettled([PublishOutcome])
  /// A delivery or a call that this endpoint handled is over.
  case ended([PromiseTicket], bh_rc)
}

extension UnsafeMutablePointer<LaneState> {
  /// Sets up the lock; once, before the lane is known to anybody.
  func prepare() {
    var attributes = pthread_mutexattr_t()
    pthread_mutexattr_init(&attributes)
    // Locks are held for some nanoseconds: looking again is cheaper than sleeping.
    pthread_mutexattr_settype(&attributes, Int32(PTHREAD_MUTEX_ADAPTIVE_NP))
    pthread_mutex_init(&pointee.mutex, &attributes)
    pthread_mutexattr_destroy(&attributes)
    var conditions = pthread_condattr_t()
    pthread_condattr_init(&conditions)
    pthread_condattr_setclock(&conditions, CLOCK_MONOTONIC)
    pthread_cond_init(&pointee.wake, &conditions)
    pthread_cond_init(&pointee.room, &conditions)
    pthread_condattr_destroy(&conditions)
  }

  @inline(__always) func lock() { pthread_mutex_lock(&pointee.mutex) }
  @inline(__always) func unlock() { pthread_mutex_unlock(&pointee.mutex) }

  // MARK: Accepting, with the lock held

  /// Whether the events fit beside what is accepted, promised and not finished.
  @inline(__always)
  func fits(_ count: Int, _ bytes: Int) -> Bool {
    if within(count, bytes) { return true }
    pointee.finishedSeen = pointee.finished.load(ordering: .acquiring)
    pointee.finishedBytesSeen = pointee.finishedBytes.load(ordering: .acquiring)
    return within(count, bytes)
  }

  @inline(__always)
  private func within(_ count: Int, _ bytes: Int) -> Bool {
    let waiting = Int(truncatingIfNeeded: pointee.accepted &- pointee.finishedSeen) &+ pointee.reserved
    let size = Int(truncatingIfNeeded: pointee.acceptedBytes &- pointee.finishedBytesSeen) &+ pointee.reservedBytes
    return waiting <= 0
      || (waiting &+ count <= pointee.capacity && size &+ bytes <= pointee.capacityBytes)
  }

  /// Ends a section in which something was added; wakes the thread if it sleeps.
  @inline(__always)
  func unlockAndWake() {
    if pointee.isInline { pointee.pending.store(1, ordering: .releasing) }
    let wake = pointee.sleeping
    if wake {
      pointee.sleeping = false
      pointee.wokenOn = machine_processor()
    }
    unlock()
    if wake { pthread_cond_signal(&pointee.wake) }
  }

  /// Adds to what the executor does between two events. Never waits. False when the lane has ended.
  @discardableResult
  func post(_ control: LaneControl) -> Bool {
    lock()
    if pointee.stopping && pointee.closed {
      unlock()
      return false
    }
    pointee.controls.append(control)
    pointee.attention.bitwiseOr(LaneState.controlBit, ordering: .releasing)
    unlockAndWake()
    return true
  }

  /// Events that are accepted and not finished.
  var depth: Int {
    lock()
    defer { unlock() }
    return Int(truncatingIfNeeded: pointee.accepted &- pointee.finished.load(ordering: .acquiring))
  }
}
