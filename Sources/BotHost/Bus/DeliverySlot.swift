import CBotHost
import CJSON
import Glibc
import Synchronization

/// What a delivery's token names: where the delivery stands and, once it outlives its handler's call, all about it.
///
/// Slots are never freed, so that a stale token always finds one; the stamp in `word` tells which delivery it is of
/// now.
struct DeliverySlot: ~Copyable {
  /// The stamp in the high half; state and flags in the low.
  let word: Atomic<UInt64>
  let index: UInt32
  // Looked at by threads that hold a stale token or walk over all slots, while the owner writes them: what they see counts
  // only once `move` has found the stamp unchanged.
  private let generationWord = Atomic<UInt32>(0)
  private let laneWord = Atomic<LanePointer?>(nil)
  private let callWord = Atomic<UnsafeMutableRawPointer?>(nil)

  /// Of the endpoint when the delivery began.
  var generation: UInt32 {
    @inline(__always) get { generationWord.load(ordering: .relaxed) }
    @inline(__always) nonmutating set { generationWord.store(newValue, ordering: .relaxed) }
  }
  var lane: LanePointer? {
    @inline(__always) get { laneWord.load(ordering: .relaxed) }
    @inline(__always) nonmutating set { laneWord.store(newValue, ordering: .relaxed) }
  }
  /// The call that this is one hop of.
  var call: Unmanaged<MethodCall>? {
    get { callWord.load(ordering: .relaxed).map { .fromOpaque($0) } }
    nonmutating set { callWord.store(newValue?.toOpaque(), ordering: .relaxed) }
  }

  /// Staged while the handler runs or later; guarded by `locked`.
  var effects: Unmanaged<StagedEffects>?
  /// Who is to be told when it is over; guarded by `locked`.
  var watchers: [PromiseTicket] = []

  // Written by the executor.
  var item: LaneItem?
  var key: UInt64 = 0
  var isKeyed = false
  var isBlocking = false
  var attempt: UInt32 = 1
  var sequence: UInt64 = 0
  var deadline: Int64 = 0

  // Written by whoever claimed the settlement.
  var outcome: bh_rc = 0
  var retryAfter: UInt64 = 0
  var message: String?
  /// The durable settlement was part of the effects' batch.
  var isSettledOnDisk = false

  // The free list and the deadline wheel.
  var next: UInt32 = 0
  var previous: UInt32 = 0
  var isOnWheel = false
  var wheelBucket: UInt32 = 0
  var wheelToken: bh_token = 0

  static let idle: UInt64 = 0
  static let running: UInt64 = 1
  /// The handler has answered BH_ASYNC.
  static let open: UInt64 = 2
  /// Somebody settles it.
  static let claimed: UInt64 = 3
  /// It waits for its next attempt.
  static let waiting: UInt64 = 4
  static let stateMask: UInt64 = 0xFF
  static let locked: UInt64 = 1 << 8
  static let staged: UInt64 = 1 << 9
  /// The last settlement was an `ack`, `nack` or `reply`, to tell a second one from a late one.
  static let answered: UInt64 = 1 << 10
  /// Of a call's hop that was replied to while its function ran: the function has returned; the reply is complete.
  static let returned: UInt64 = 1 << 11
  static let complete: UInt64 = 1 << 12
  static let low: UInt64 = 0xFFFF_FFFF

  init(index: UInt32) {
    self.index = index
    word = Atomic(1 << 32)
  }
}

typealias SlotPointer = UnsafeMutablePointer<DeliverySlot>

extension UnsafeMutablePointer<DeliverySlot> {
  @inline(__always)
  var token: bh_token { (pointee.word.load(ordering: .acquiring) & ~DeliverySlot.low) | UInt64(pointee.index) }

  /// The executor's own idle slot becomes that of a delivery.
  @inline(__always)
  func arm() -> bh_token {
    let stamp = pointee.word.load(ordering: .relaxed) & ~DeliverySlot.low
    pointee.word.store(stamp | DeliverySlot.running, ordering: .releasing)
    return stamp | UInt64(pointee.index)
  }

  /// The handler has returned and nobody else did anything: the delivery is over, its token stale.
  ///
  /// Looked at and written without an atomic exchange, which would cost more than the rest of a delivery. A plugin
  /// that settles from another thread in the same moment in which its handler returns anything but BH_ASYNC breaks a
  /// rule: what it settles then may count or not (`finishSettled` ignores it), and nothing worse.
  @inline(__always)
  func settle(_ token: bh_token) -> Bool {
    let stamp = token & ~DeliverySlot.low
    guard pointee.word.load(ordering: .acquiring) == stamp | DeliverySlot.running else { return false }
    pointee.word.store(Self.after(stamp), ordering: .releasing)
    return true
  }

  @inline(__always)
  static func after(_ stamp: UInt64) -> UInt64 {
    let next = (stamp & ~DeliverySlot.low) &+ (1 << 32)
    return next == 0 ? 1 << 32 : next
  }

  /// Moves the delivery of that stamp to another state, if it is in one of `from` and nobody stages just now. What
  /// was there before, or nil when it is not so.
  func move(_ token: bh_token, from: (UInt64) -> Bool, to state: UInt64) -> UInt64? {
    let stamp = token & ~DeliverySlot.low
    var word = pointee.word.load(ordering: .acquiring)
    while true {
      guard word & ~DeliverySlot.low == stamp, from(word & DeliverySlot.stateMask) else { return nil }
      if word & DeliverySlot.locked != 0 {
        machine_pause()
        word = pointee.word.load(ordering: .acquiring)
        continue
      }
      let desired = (word & ~DeliverySlot.stateMask) | state
      let (exchanged, original) = pointee.word.weakCompareExchange(
        expected: word, desired: desired, ordering: .acquiringAndReleasing)
      if exchanged { return original }
      word = original
    }
  }

  /// Whether the delivery of that token is neither over nor being settled.
  func isOpen(_ token: bh_token) -> Bool {
    let word = pointee.word.load(ordering: .acquiring)
    let state = word & DeliverySlot.stateMask
    return word & ~DeliverySlot.low == token & ~DeliverySlot.low
      && (state == DeliverySlot.running || state == DeliverySlot.open)
  }

  /// Runs `body` while nobody else may stage or settle; false when the delivery is over.
  func whileOpen(_ token: bh_token, _ body: () -> Void) -> Bool {
    let stamp = token & ~DeliverySlot.low
    var word = pointee.word.load(ordering: .acquiring)
    while true {
      let state = word & DeliverySlot.stateMask
      guard word & ~DeliverySlot.low == stamp, state == DeliverySlot.running || state == DeliverySlot.open else {
        return false
      }
      if word & DeliverySlot.locked != 0 {
        machine_pause()
        word = pointee.word.load(ordering: .acquiring)
        continue
      }
      let (exchanged, original) = pointee.word.weakCompareExchange(
        expected: word, desired: word | DeliverySlot.locked | DeliverySlot.staged, ordering: .acquiringAndReleasing)
      if exchanged { break }
      word = original
    }
    body()
    pointee.word.bitwiseAnd(~DeliverySlot.locked, ordering: .releasing)
    return true
  }

  /// Ends the delivery for good: the stamp moves on. `answered` is remembered for the conformance count; `how` is what those who
  /// watch it are told, BH_OK when the plugin has settled it.
  func retire(answered: Bool, how: bh_rc = bh_rc(BH_OK)) {
    let word = pointee.word.load(ordering: .relaxed)
    if word & DeliverySlot.staged != 0, !pointee.watchers.isEmpty {
      let watchers = pointee.watchers
      pointee.watchers = []
      pointee.lane?.post(.ended(watchers, how))
    }
    pointee.word.store(Self.after(word) | (answered ? DeliverySlot.answered : 0), ordering: .releasing)
  }
}

/// All slots of a bus.
final class SlotTable: @unchecked Sendable {
  private static let chunkSlots = 1024
  private static let maximumChunks = 4096

  private struct Free {
    var first: UInt32 = 0
    var last: UInt32 = 0
    var free = 0
    var made = 0
  }

  private let chunks: UnsafeMutablePointer<SlotPointer?>
  private let made = Atomic<UInt32>(0)
  /// The deadline wheel's lock, too, since most slots that are given back leave the wheel in the same moment. Not a `Mutex`, because slots
  /// lie outside of it, and the thread sanitizer takes what is written under one for a race.
  let monitor = Monitor()
  private var state = Free()

  init() {
    chunks = .allocate(capacity: Self.maximumChunks)
    chunks.initialize(repeating: nil, count: Self.maximumChunks)
  }

  deinit {
    for index in 0..<Self.maximumChunks {
      guard let chunk = chunks[index] else { break }
      chunk.deinitialize(count: Self.chunkSlots)
      chunk.deallocate()
    }
    chunks.deallocate()
  }

  /// The slot of a token; nil when no such slot was ever made.
  @inline(__always)
  subscript(token: bh_token) -> SlotPointer? {
    let index = UInt32(truncatingIfNeeded: token & DeliverySlot.low)
    guard index > 0, index <= made.load(ordering: .acquiring) else { return nil }
    return at(index)
  }

  @inline(__always)
  func at(_ index: UInt32) -> SlotPointer {
    let place = Int(index) - 1
    return chunks[place / Self.chunkSlots].unsafelyUnwrapped + place % Self.chunkSlots
  }

  /// Slots that are in use; the lanes' own included.
  var inUse: Int { monitor.withLock { state.made - state.free } }

  /// A slot that nobody has; nil when four million are in use.
  func take() -> SlotPointer? { take(of: Self.chunkSlots * (Self.maximumChunks - 1)) }

  /// One of the reserve, for a delivery that is settled already and gives its slot back at once.
  func takeUrgently() -> SlotPointer {
    while true {
      if let slot = take(of: Self.chunkSlots * Self.maximumChunks) { return slot }
      sched_yield()
    }
  }

  private func take(of limit: Int) -> SlotPointer? {
    monitor.withLock {
      // The longest unused one: a token stays recognisably stale for as long as possible.
      if state.free > 64 || (state.free > 0 && state.made >= limit) {
        let slot = at(state.first)
        state.first = slot.pointee.next
        // The longest unused memory is cold, and the next one to come would wait for it with the lock held.
        if state.first == 0 { state.last = 0 } else { machine_prefetch(at(state.first)) }
        state.free -= 1
        slot.pointee.next = 0
        return slot
      }
      guard state.made < limit else { return nil }
      if state.made % Self.chunkSlots == 0 {
        let chunk = SlotPointer.allocate(capacity: Self.chunkSlots)
        for offset in 0..<Self.chunkSlots {
          (chunk + offset).initialize(to: DeliverySlot(index: UInt32(state.made + offset + 1)))
        }
        chunks[state.made / Self.chunkSlots] = chunk
      }
      state.made += 1
      made.store(UInt32(state.made), ordering: .releasing)
      return at(UInt32(state.made))
    }
  }

  /// Gives one back whose delivery is over and that is not on the deadline wheel.
  func giveBack(_ slot: SlotPointer) {
    clear(slot)
    monitor.withLock { addFree(slot) }
  }

  /// Before a slot is given back, by whoever owns it.
  func clear(_ slot: SlotPointer) {
    slot.pointee.item = nil
    slot.pointee.message = nil
    slot.pointee.isKeyed = false
    slot.pointee.isBlocking = false
    slot.pointee.isSettledOnDisk = false
    slot.pointee.attempt = 1
    slot.pointee.lane = nil
    // The call that held it has been released; the next delivery in it is of no chain.
    slot.pointee.call = nil
  }

  /// With the lock held.
  func addFree(_ slot: SlotPointer) {
    slot.pointee.next = 0
    if state.last == 0 { state.first = slot.pointee.index } else { at(state.last).pointee.next = slot.pointee.index }
    state.last = slot.pointee.index
    state.free += 1
  }

  /// Every slot that was ever made, for the rare walks (revoking a generation).
  func forEach(_ body: (SlotPointer) -> Void) {
    let count = made.load(ordering: .acquiring)
    guard count > 0 else { return }
    for index in 1...count { body(at(index)) }
  }
}
