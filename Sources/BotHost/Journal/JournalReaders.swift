/// Connections that only read: two, so that a long scan does not hold up a quick look.
final class JournalReaders: Sendable {
  private let slots: [ReaderSlot]

  init(path: String) { slots = [ReaderSlot(path: path), ReaderSlot(path: path)] }

  /// Runs `body` with a connection that nobody else uses meanwhile.
  func with<Value>(_ body: (JournalReader) throws(JournalError) -> Value) throws(JournalError) -> Value {
    let slot = slots[0].monitor.tryLock() ? slots[0] : slots[1].locked()
    defer { slot.monitor.unlock() }
    return try body(try slot.open())
  }

  func close() {
    for slot in slots { slot.close() }
  }
}

/// A connection that is made when it is first needed.
private final class ReaderSlot: @unchecked Sendable {
  let monitor = Monitor()
  private let path: String
  private var reader: JournalReader?
  private var isClosed = false

  init(path: String) { self.path = path }

  func locked() -> ReaderSlot {
    monitor.lock()
    return self
  }

  /// With the lock held.
  func open() throws(JournalError) -> JournalReader {
    guard !isClosed else { throw JournalError(.closed, "the journal is closed") }
    if let reader { return reader }
    let opened = try JournalReader(path: path)
    reader = opened
    return opened
  }

  func close() {
    monitor.withLock {
      reader = nil
      isClosed = true
    }
  }
}
