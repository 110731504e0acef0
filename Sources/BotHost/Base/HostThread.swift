import Glibc

/// A plain thread of the host, with a name that `top -H` shows. Threads that run plugins and I/O are never those of
/// Swift's cooperative pool. One that nobody has joined goes on when the value is given up.
public final class HostThread: @unchecked Sendable {
  /// Enough for a parser's recursion at the depths that the host permits.
  public static let defaultStackBytes = 1 << 20

  private var handle = pthread_t()
  private var isJoined = false

  private final class Start {
    let name: String
    let body: @Sendable () -> Void

    init(name: String, body: @escaping @Sendable () -> Void) {
      self.name = name
      self.body = body
    }
  }

  /// Starts the thread. Nil when the system has no room for another one. `name`: at most 15 bytes are shown.
  public init?(name: String, stackBytes: Int = defaultStackBytes, _ body: @escaping @Sendable () -> Void) {
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    defer { pthread_attr_destroy(&attributes) }
    pthread_attr_setstacksize(&attributes, max(stackBytes, 64 << 10))
    let start = Unmanaged.passRetained(Start(name: name, body: body))
    let failure = pthread_create(
      &handle, &attributes,
      { context in
        guard let context else { return nil }
        let start = Unmanaged<Start>.fromOpaque(context).takeRetainedValue()
        nameThisThread(start.name)
        start.body()
        return nil
      }, start.toOpaque())
    if failure != 0 {
      start.release()
      isJoined = true
      return nil
    }
  }

  /// Whether the caller runs on this thread.
  public var isCurrent: Bool { pthread_equal(pthread_self(), handle) != 0 }

  /// Waits for its end. Called once, by another thread.
  public func join() {
    guard !isJoined else { return }
    isJoined = true
    pthread_join(handle, nil)
  }

  deinit {
    if !isJoined { pthread_detach(handle) }
  }
}
