import CBotHost

/// A write to a store as an effect of a delivery: it is carried by the bus (`DurableEffect`) and written together with the
/// acknowledgement. A conflict or a full quota makes the acknowledgement fail.
public final class KeyValueOperation: DurableOperation {
  private enum Change {
    case put(value: [UInt8], expected: UInt64?, lifetime: UInt64)
    case remove
  }

  private let store: KeyValueStore
  private let key: [UInt8]
  private let change: Change

  /// A put; see `JournalTransaction.put`. Copies; throws when key or value is too large.
  public init(
    put key: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer, expected: UInt64? = nil, lifetime: UInt64 = 0,
    in store: KeyValueStore
  ) throws(JournalError) {
    try KeyValueStore.check(key: key, value: value)
    self.store = store
    self.key = Array(key)
    change = .put(value: Array(value), expected: expected, lifetime: lifetime)
  }

  public init(remove key: UnsafeRawBufferPointer, in store: KeyValueStore) throws(JournalError) {
    try KeyValueStore.check(key: key, value: UnsafeRawBufferPointer(start: nil, count: 0))
    self.store = store
    self.key = Array(key)
    change = .remove
  }

  func add(to transaction: JournalTransaction) throws(JournalError) {
    let result: Result<Void, JournalError> = key.withUnsafeBytes { key in
      switch change {
      case .remove:
        return Result { () throws(JournalError) in try transaction.remove(store, key: key) }
      case .put(let value, let expected, let lifetime):
        return value.withUnsafeBytes { value in
          Result { () throws(JournalError) in
            try transaction.put(store, key: key, value: value, expected: expected, lifetime: lifetime)
          }
        }
      }
    }
    try result.get()
  }
}
