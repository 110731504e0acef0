import BotPluginKit
import Glibc

/// Runs a call that may hang inside librdkafka on a thread of its own, and waits for a bounded time.
///
/// librdkafka before 2.6.1 can block in `rd_kafka_destroy`; the process ends at some point anyway, and must not wait for it.
enum BoundedCall {
  private final class Job: @unchecked Sendable {
    let lock = Monitor()
    let body: () -> Void
    var done = false

    init(_ body: @escaping () -> Void) { self.body = body }
  }

  /// Runs `body`; answers whether it has ended within the time. If not, its thread is left behind.
  @discardableResult
  static func run(seconds: Int64, _ body: @escaping () -> Void) -> Bool {
    let job = Job(body)
    var thread = pthread_t()
    let started = pthread_create(
      &thread, nil,
      { context in
        guard let context else { return nil }
        let job = Unmanaged<Job>.fromOpaque(context).takeRetainedValue()
        job.body()
        job.lock.lock()
        job.done = true
        job.lock.broadcast()
        job.lock.unlock()
        return nil
      }, Unmanaged.passRetained(job).toOpaque())
    guard started == 0 else {
      Unmanaged.passUnretained(job).release()
      body()
      return true
    }
    pthread_detach(thread)
    let deadline = Monitor.now + seconds * 1_000_000_000
    job.lock.lock()
    defer { job.lock.unlock() }
    while !job.done, job.lock.wait(until: deadline) {}
    return job.done
  }
}
