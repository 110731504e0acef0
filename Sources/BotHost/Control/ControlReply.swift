/// The answer to one request while it is being given. May be kept and finished later, on any thread; ends once.
public final class ControlReply: @unchecked Sendable {
  private let id: Int64
  private let stream: ControlStream
  private let monitor = Monitor()

  // Under the monitor.
  private var isEnded = false
  private var isGone = false
  private var onGone: [@Sendable () -> Void] = []

  init(id: Int64, stream: ControlStream) {
    self.id = id
    self.stream = stream
  }

  /// Sends one item of a stream. False when nobody listens any more: stop. Waits while the client does not read, for 30
  /// seconds at most; then the client counts as gone.
  @discardableResult
  public func item(_ value: JSONValue) -> Bool {
    monitor.lock()
    defer { monitor.unlock() }
    guard !isEnded, !isGone else { return false }
    let bytes = ControlAnswer.item(value).encode(id: id)
    if stream.write(bytes) { return true }
    isGone = true
    monitor.broadcast()
    return false
  }

  /// Ends it well; once.
  public func succeed(_ value: JSONValue = .null) { end(.success(value)) }

  /// Ends it with a failure; once.
  public func fail(_ error: ControlError) { end(.failure(error)) }

  /// The same from its parts.
  public func fail(_ code: ControlError.Code, _ message: String) { end(.failure(ControlError(code, message))) }

  /// Whether the client still waits for the answer.
  public var isOpen: Bool { monitor.withLock { !isEnded && !isGone } }

  /// Calls `body` once when the client goes away before the end, at once if it has. For streams that have to be taken down.
  public func whenGone(_ body: @escaping @Sendable () -> Void) {
    let isLate = monitor.withLock {
      if !isGone { onGone.append(body) }
      return isGone
    }
    if isLate { body() }
  }

  private func end(_ answer: ControlAnswer) {
    monitor.withLock {
      guard !isEnded else { return }
      isEnded = true
      onGone = []
      if !isGone {
        var bytes = answer.encode(id: id)
        if bytes.count > ControlRequest.maxLine {
          let error = ControlError(
            .nospace, "the answer has \(bytes.count) bytes, \(ControlRequest.maxLine) are allowed")
          bytes = ControlAnswer.failure(error).encode(id: id)
        }
        if !stream.write(bytes) { isGone = true }
      }
      monitor.broadcast()
    }
  }

  /// Waits until the answer has ended or the client is gone; false when it is gone.
  func waitForEnd() -> Bool {
    monitor.lock()
    while !isEnded, !isGone {
      _ = monitor.wait(until: SystemClock().monotonic + 200_000_000)
      if !isEnded, !isGone, stream.isHungUp { isGone = true }
    }
    let wasEnded = isEnded && !isGone
    let gone = isGone ? onGone : []
    onGone = []
    monitor.unlock()
    for body in gone { body() }
    return wasEnded
  }
}
