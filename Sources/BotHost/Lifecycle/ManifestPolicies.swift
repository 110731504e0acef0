/// The manifest's policies in the bus's terms.
extension LaneOptions {
  init(policy: LanePolicy) {
    self.init(capacity: policy.events, capacityBytes: Int(clamping: policy.bytes.bytes), inline: policy.isInline)
    switch policy.full {
    case .wait: full = .wait
    case .dropOldest: full = .dropOldest
    case .reject: full = .reject
    }
  }
}

extension DrainPolicy {
  init(_ policy: SwapPolicy.OnDrainTimeout) {
    switch policy {
    case .abort: self = .abort
    case .revoke: self = .revoke
    case .wait: self = .wait
    }
  }
}
