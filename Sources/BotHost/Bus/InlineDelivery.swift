import CBotHost
import Glibc
import Synchronization

extension bh_outgoing {
  /// Whether a handler may read it as it is: no headers, nothing longer than an event can say, and no length without a pointer.
  @inline(__always)
  func isPlain(maximumPayload: Int) -> Bool {
    header_count == 0 && payload.len <= maximumPayload
      && key.len | correlation_id.len | content_type.len <= EventRecord.maximumText
      && (payload.ptr != nil || payload.len == 0) && (key.ptr != nil || key.len == 0)
      && (correlation_id.ptr != nil || correlation_id.len == 0) && (content_type.ptr != nil || content_type.len == 0)
  }
}

/// Delivering on the publisher's thread while an inline lane is idle.
extension UnsafeMutablePointer<LaneState> {
  /// Delivers straight from the publisher's memory, if the lane is idle. False: it is not, or the event needs a closer look. The thread's
  /// clock has been stamped; `event` must be plain (`isPlain`).
  @inline(__always)
  func deliverInline(
    _ binding: BindingPointer, _ event: UnsafePointer<bh_outgoing>, _ topic: TopicPointer,
    source: UnsafeBufferPointer<UInt8>, flags: UInt32, _ thread: UnsafeMutablePointer<ThreadContext>
  ) -> Bool {
    guard enterInline(thread) else { return false }
    // Only now, as the lane's executor: a plan may have changed the binding just before.
    guard binding.pointee.flags == 0, binding.pointee.heldKeys == 0, let function = binding.pointee.function else {
      leaveInline(thread)
      return false
    }
    let slot = pointee.slot
    let token = slot.arm()
    pointee.sequence &+= 1
    thread.pointee.idLow &+= 0x9E37_79B9_7F4A_7C15
    let now = thread.pointee.monotonic
    let view = pointee.view
    view.pointee.flags = flags
    view.pointee.id = (UInt64(bitPattern: thread.pointee.unix), thread.pointee.idLow)
    view.pointee.seq = pointee.sequence
    view.pointee.time_unix_ns = thread.pointee.unix
    view.pointee.deadline_mono_ns = now &+ binding.pointee.timeout
    view.pointee.topic = bh_str(UnsafeRawBufferPointer(topic.pointee.bytes))
    view.pointee.source = bh_str(UnsafeRawBufferPointer(source))
    view.pointee.key = event.pointee.key
    view.pointee.correlation_id = event.pointee.correlation_id
    view.pointee.content_type = event.pointee.content_type
    view.pointee.payload = event.pointee.payload
    view.pointee.headers = nil
    view.pointee.header_count = 0
    view.pointee.attempt = 1
    view.pointee.delivery = token
    view.pointee.binding = binding.pointee.number
    let rc = call(function, binding, view, now, thread)
    pointee.runningSince.store(0, ordering: .relaxed)
    if rc >= 0, rc != BH_ASYNC, slot.settle(token) {
      countHandled(binding, rc)
    } else {
      keepInline(binding, event, topic, source: source, flags: flags, rc, token, now, thread)
    }
    leaveInline(thread)
    return true
  }

  /// The event outlives the publisher's call after all: it becomes one of the lane's.
  @inline(never)
  private func keepInline(
    _ binding: BindingPointer, _ event: UnsafePointer<bh_outgoing>, _ topic: TopicPointer,
    source: UnsafeBufferPointer<UInt8>, flags: UInt32, _ rc: bh_rc, _ token: bh_token, _ now: Int64,
    _ thread: UnsafeMutablePointer<ThreadContext>
  ) {
    let view = pointee.view.pointee
    let content = EventContent(topic: topic.pointee.bytes, source: source, event)
    // A plain event is within all limits.
    guard let bytes = content.recordBytes(maximumPayload: .max) else { return }
    let event = EventArena.make(content, bytes: bytes, flags: flags, thread)
    event.pointee.time = view.time_unix_ns
    event.pointee.idLow = view.id.1
    countAccepted(event.pointee.bytes)
    returned(LaneItem(event: event, binding: binding), rc, token, now, thread)
    flushRun()
  }

  /// Delivers an event in memory on this thread, if the lane is idle; the reference is used up then.
  func runInline(_ item: LaneItem, _ thread: UnsafeMutablePointer<ThreadContext>) -> Bool {
    guard enterInline(thread) else { return false }
    countAccepted(item.event.pointee.bytes)
    start(item, thread)
    endRun(thread)
    leaveInline(thread)
    return true
  }

  /// One item more in the lane, without the publishers' lock: the executor takes it off what it has finished.
  @inline(__always)
  private func countAccepted(_ bytes: UInt32) {
    pointee.finished.store(pointee.finished.load(ordering: .relaxed) &- 1, ordering: .releasing)
    pointee.finishedBytes.store(
      pointee.finishedBytes.load(ordering: .relaxed) &- UInt64(bytes), ordering: .releasing)
  }
}
