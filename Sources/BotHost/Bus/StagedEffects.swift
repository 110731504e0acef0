import CBotHost

/// What a delivery will do when it is acknowledged.
final class StagedEffects: @unchecked Sendable {
  enum Step {
    /// An event, with one reference, that has not gone out.
    case publish(EventPointer, TopicPointer, PublishNotice?)
    case effect(any DeliveryEffect)
  }

  private var busReference: Unmanaged<Bus>
  private var steps: [Step] = []

  /// Steps a delivery may stage.
  static let limit = 65_536

  private init(bus: Bus) { busReference = Unmanaged.passUnretained(bus) }

  /// An empty one: the thread's spare, or a new one.
  static func take(_ bus: Bus, _ thread: UnsafeMutablePointer<ThreadContext>) -> Unmanaged<StagedEffects> {
    guard let spare = thread.pointee.spareEffects else { return Unmanaged.passRetained(StagedEffects(bus: bus)) }
    thread.pointee.spareEffects = nil
    spare._withUnsafeGuaranteedRef { $0.busReference = Unmanaged.passUnretained(bus) }
    return spare
  }

  /// Ends its use; it is empty. The thread keeps one, so that a handler with an effect an event allocates nothing.
  static func giveBack(_ effects: Unmanaged<StagedEffects>, _ thread: UnsafeMutablePointer<ThreadContext>) {
    if thread.pointee.spareEffects == nil, effects._withUnsafeGuaranteedRef({ $0.steps.capacity <= 64 }) {
      thread.pointee.spareEffects = effects
    } else {
      effects.release()
    }
  }

  var count: Int { steps.count }

  func append(_ step: Step) { steps.append(step) }

  /// All of it, in order, or nothing. On a failure everything is dropped: the delivery will be tried again.
  func apply(
    for item: LaneItem?, settledOnDisk: inout Bool, _ thread: UnsafeMutablePointer<ThreadContext>
  ) -> bh_rc {
    busReference._withUnsafeGuaranteedRef { apply($0, for: item, settledOnDisk: &settledOnDisk, thread) }
  }

  private func apply(
    _ bus: Bus, for item: LaneItem?, settledOnDisk: inout Bool, _ thread: UnsafeMutablePointer<ThreadContext>
  ) -> bh_rc {
    Reclamation.enter(thread)
    defer { Reclamation.leave(thread) }
    if steps.count == 1, case .publish(let event, let topic, let notice) = steps[0], !topic.pointee.isDurable,
      (item?.event.pointee.position ?? 0) == 0
    {
      let rc = bus.emit(event, topic, notice, .policy, thread)
      if rc == BH_OK { steps.removeAll(keepingCapacity: true) } else { drop() }
      return rc
    }
    var batch = DurableBatch()
    var prepared: [any DeliveryEffect] = []
    func refuse(_ rc: bh_rc) -> bh_rc {
      for effect in prepared { effect.abandon() }
      drop(prepared: prepared.count)
      return rc
    }
    for case .effect(let effect) in steps {
      let rc = effect.prepare(&batch)
      guard rc == BH_OK else { return refuse(rc) }
      prepared.append(effect)
    }
    var emission = Emission(bus: bus)
    for case .publish(let event, let topic, let notice) in steps {
      emission.add(event, topic, notice)
    }
    let admitted = emission.reserve(.policy, thread)
    guard admitted == BH_OK else {
      emission.cancel()
      return refuse(admitted)
    }
    emission.addDurable(to: &batch)
    if let item, item.event.pointee.position != 0, !batch.isEmpty {
      batch.settlements.append(
        .init(
          position: item.event.pointee.position,
          consumer: item.binding.pointee.owner._withUnsafeGuaranteedRef { $0.consumer }))
    }
    if !batch.isEmpty {
      do throws(DurableFailure) {
        emission.take(positions: try bus.commit(batch))
        settledOnDisk = !batch.settlements.isEmpty
      } catch {
        emission.unreserve()
        emission.cancel()
        CallMessage.set(error.code, error.reason)
        return refuse(error.code)
      }
    }
    // Nothing can fail from here on.
    var published = 0
    for step in steps {
      switch step {
      case .publish:
        emission.push(index: published, thread)
        published += 1
      case .effect(let effect): effect.commit()
      }
    }
    steps.removeAll(keepingCapacity: true)
    return bh_rc(BH_OK)
  }

  /// The delivery has failed: none of it happens. The first `prepared` effects have been abandoned already.
  func drop(prepared: Int = 0) {
    var effects = 0
    for step in steps {
      switch step {
      case .publish(let event, _, let notice):
        notice?.send(bh_rc(BH_E_CANCELLED), "the delivery that it was an effect of has failed")
        EventArena.release(event)
      case .effect(let effect):
        effects += 1
        if effects > prepared { effect.abandon() }
      }
    }
    steps.removeAll(keepingCapacity: true)
  }
}
