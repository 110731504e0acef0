import Glibc
import Synchronization

/// The loop's thread.
final class LoopThread: Sendable {
  /// nil when it has been joined.
  private let thread: Mutex<pthread_t?>

  init(_ loop: TransferLoop) throws(HTTPFailure) {
    // Signals are the program's business; one that ended up here would also break a poll off. SIGPIPE stays away from it, too.
    var all = sigset_t()
    var before = sigset_t()
    sigfillset(&all)
    pthread_sigmask(SIG_SETMASK, &all, &before)
    defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
    let context = Unmanaged.passRetained(loop)
    var made = pthread_t()
    let failure = pthread_create(
      &made, nil,
      { context in
        if let context { Unmanaged<TransferLoop>.fromOpaque(context).takeRetainedValue().run() }
        return nil
      }, context.toOpaque())
    guard failure == 0 else {
      context.release()
      throw HTTPFailure(.busy, "there is no thread for requests: \(String(cString: strerror(failure)))")
    }
    thread = Mutex(made)
  }

  /// Waits for its end, once. On the thread itself it does not: it is let go.
  func join() {
    guard
      let thread = thread.withLock({ thread in
        defer { thread = nil }
        return thread
      })
    else { return }
    if pthread_equal(thread, pthread_self()) != 0 { pthread_detach(thread) } else { pthread_join(thread, nil) }
  }
}
