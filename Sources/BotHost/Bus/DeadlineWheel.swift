import CBotHost
import Glibc

/// The deadlines of everything that is unsettled: a hashed timing wheel over the slots, so that adding and removing
/// one, which happens with every asynchronous delivery and call, takes the same short time however many there are.
final class DeadlineWheel: @unchecked Sendable {
  /// Nanoseconds a bucket.
  static let tick: Int64 = 8_000_000
  private static let buckets = 4096

  private struct State {
    var first = [UInt32](repeating: 0, count: DeadlineWheel.buckets)
    var count = 0
    /// Everything before this tick has been looked at.
    var position: Int64 = 0
  }

  /// Under the slots' lock.
  private var state = State()
  private let slots: SlotTable
  private var monitor: Monitor { slots.monitor }

  init(slots: SlotTable, now: Int64) {
    self.slots = slots
    state.position = now / Self.tick
  }

  /// Unsettled deadlines.
  var count: Int { monitor.withLock { state.count } }

  /// Adds a slot with its `deadline`; the token is that of the delivery that the deadline is of. Nothing is added when that one is over.
  func add(_ slot: SlotPointer, _ token: bh_token) {
    monitor.withLock {
      guard !slot.pointee.isOnWheel, slot.token == token else { return }
      let due = max(slot.pointee.deadline / Self.tick + 1, state.position)
      let bucket = Int(due % Int64(Self.buckets))
      let next = state.first[bucket]
      slot.pointee.next = next
      slot.pointee.previous = 0
      if next != 0 { slots.at(next).pointee.previous = slot.pointee.index }
      state.first[bucket] = slot.pointee.index
      slot.pointee.isOnWheel = true
      slot.pointee.wheelToken = token
      slot.pointee.wheelBucket = UInt32(bucket)
      state.count += 1
    }
  }

  /// Takes a slot out, if it is in.
  func remove(_ slot: SlotPointer) {
    monitor.withLock {
      if slot.pointee.isOnWheel { unlink(slot) }
    }
  }

  /// Gives a slot back to the table whose delivery is over and whose token is stale by now; takes it out first, if it is in.
  func giveBack(_ slot: SlotPointer) {
    slots.clear(slot)
    monitor.withLock {
      if slot.pointee.isOnWheel { unlink(slot) }
      slots.addFree(slot)
    }
  }

  /// With the lock held.
  private func unlink(_ slot: SlotPointer) {
    let (previous, next) = (slot.pointee.previous, slot.pointee.next)
    if previous != 0 {
      slots.at(previous).pointee.next = next
    } else {
      state.first[Int(slot.pointee.wheelBucket)] = next
    }
    if next != 0 { slots.at(next).pointee.previous = previous }
    slot.pointee.isOnWheel = false
    slot.pointee.next = 0
    slot.pointee.previous = 0
    state.count -= 1
  }

  /// Takes out what is due and calls `expire` with each, outside the lock.
  func advance(to now: Int64, _ expire: (SlotPointer, bh_token) -> Void) {
    var due: [(SlotPointer, bh_token)] = []
    monitor.withLock {
      let target = now / Self.tick
      guard target >= state.position else { return }
      let steps = state.count == 0 ? 0 : min(target - state.position + 1, Int64(Self.buckets))
      for step in 0..<steps {
        let bucket = Int((state.position + step) % Int64(Self.buckets))
        var index = state.first[bucket]
        while index != 0 {
          let slot = slots.at(index)
          index = slot.pointee.next
          guard slot.pointee.deadline <= now else { continue }
          unlink(slot)
          due.append((slot, slot.pointee.wheelToken))
        }
      }
      // The bucket of this very tick may still fill with what is due in it.
      state.position = target
    }
    due.sort { $0.0.pointee.deadline < $1.0.pointee.deadline }
    for (slot, token) in due { expire(slot, token) }
  }
}
