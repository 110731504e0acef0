import CBotHost

/// Something that a delivery does when it is acknowledged, besides publishing: a write to a connection, a change in the
/// store. Staged with `Endpoint.stage`, applied in the order of staging, dropped when the delivery fails.
///
/// An acknowledgement prepares all effects, puts what is durable on disk in one step, and then commits all effects.
/// When one cannot be prepared or the disk refuses, the prepared ones are abandoned and the delivery is tried again.
public protocol DeliveryEffect: AnyObject, Sendable {
  /// Checks and reserves what `commit` needs, so that it cannot fail, and adds durable writes to the batch. Nothing
  /// may be visible outside yet. BH_OK or the failure that the delivery gets.
  func prepare(_ batch: inout DurableBatch) -> bh_rc
  /// Makes it visible.
  func commit()
  /// Gives back what `prepare` reserved. Also called, without `prepare`, when the delivery failed.
  func abandon()
}

/// A durable write as an effect of a delivery.
public final class DurableEffect: DeliveryEffect {
  private let operation: any DurableOperation

  public init(_ operation: any DurableOperation) { self.operation = operation }

  public func prepare(_ batch: inout DurableBatch) -> bh_rc {
    batch.operations.append(operation)
    return bh_rc(BH_OK)
  }

  public func commit() {}
  public func abandon() {}
}
