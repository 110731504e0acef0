import CBotHost
import Glibc
import Synchronization

/// The threads that one generation of a plugin has asked for: counted, asked to stop, joined, and listened to when they fail.
///
/// A thread fails when it says why (`set_error`) and returns without having been asked to.
///
/// Safe on any thread. Tokens are positions from 1; they are never used again within the generation.
final class PluginThreads: @unchecked Sendable {
  static let limit = 64

  private final class Record: @unchecked Sendable {
    let stop = Atomic<Bool>(false)
    let finished = Atomic<Bool>(false)
    let name: String
    let run: Main
    let failed: @Sendable (String) -> Void
    /// What it has said last. The thread's own.
    var complaint: String?

    init(name: String, run: Main, failed: @escaping @Sendable (String) -> Void) {
      self.name = name
      self.run = run
      self.failed = failed
    }

    func begin() {
      nameThisThread(name)
      pthread_setspecific(PluginThreads.current, Unmanaged.passUnretained(self).toOpaque())
      run.function(run.context)
      pthread_setspecific(PluginThreads.current, nil)
      if let complaint, !stop.load(ordering: .relaxed) { failed("the thread '\(name)' ended: \(complaint)") }
      finished.store(true, ordering: .releasing)
    }
  }

  /// Where a thread finds its record.
  private static let current: pthread_key_t = {
    var key = pthread_key_t()
    pthread_key_create(&key, nil)
    return key
  }()

  /// Notes what a plugin says of a failure on one of its threads; on other threads nothing.
  static func note(_ code: bh_rc, _ message: bh_str) {
    guard let record = pthread_getspecific(current) else { return }
    // The end of a swap or of the instance is no failure.
    let isFailure = code != bh_rc(BH_E_CANCELLED) && code != bh_rc(BH_E_STALE)
    Unmanaged<Record>.fromOpaque(record).takeUnretainedValue().complaint = isFailure ? message.string : nil
  }

  /// The plugin's function and the context that is its own business.
  struct Main: @unchecked Sendable {
    let function: bh_thread_main
    let context: UnsafeMutableRawPointer?
  }

  private struct State {
    var records: [Record] = []
    var handles: [pthread_t?] = []
    var isClosed = false
  }

  private let state = Mutex(State())
  private let failed: @Sendable (String) -> Void

  /// - Parameter failed: told why a thread has failed, on that thread, which must not wait.
  init(failed: @escaping @Sendable (String) -> Void = { _ in }) { self.failed = failed }

  /// Starts a thread; `BH_E_NOSPACE` above the limit, `BH_E_CANCELLED` once `stopAll` was called.
  func spawn(name: String, run: Main) -> (bh_rc, bh_token) {
    state.withLock { state in
      guard !state.isClosed else { return (bh_rc(BH_E_CANCELLED), 0) }
      guard state.records.count(where: { !$0.finished.load(ordering: .acquiring) }) < Self.limit else {
        return (bh_rc(BH_E_NOSPACE), 0)
      }
      let record = Record(name: name, run: run, failed: failed)
      var handle = pthread_t()
      let boxed = Unmanaged.passRetained(record)
      let status = pthread_create(
        &handle, nil,
        { pointer in
          guard let pointer else { return nil }
          Unmanaged<Record>.fromOpaque(pointer).takeRetainedValue().begin()
          return nil
        }, boxed.toOpaque())
      guard status == 0 else {
        boxed.release()
        return (bh_rc(BH_E_NOSPACE), 0)
      }
      state.records.append(record)
      state.handles.append(handle)
      return (bh_rc(BH_OK), bh_token(state.records.count))
    }
  }

  /// True for a thread that should return, and for a token that names none.
  func shouldStop(_ token: bh_token) -> Bool {
    state.withLock { state in
      guard token > 0, token <= state.records.count else { return true }
      return state.records[Int(token) - 1].stop.load(ordering: .relaxed)
    }
  }

  /// Asks one thread to stop and waits for it.
  func join(_ token: bh_token) -> bh_rc {
    let found = state.withLock { state -> (Record, pthread_t?)? in
      guard token > 0, token <= state.records.count else { return nil }
      let index = Int(token) - 1
      let handle = state.handles[index]
      if let handle, pthread_equal(handle, pthread_self()) != 0 { return nil }
      state.handles[index] = nil
      return (state.records[index], handle)
    }
    guard let (record, handle) = found else { return bh_rc(BH_E_INVALID) }
    record.stop.store(true, ordering: .relaxed)
    if let handle { pthread_join(handle, nil) }
    return bh_rc(BH_OK)
  }

  /// Asks all to stop; no new one starts.
  func stopAll() {
    state.withLock { state in
      state.isClosed = true
      for record in state.records { record.stop.store(true, ordering: .relaxed) }
    }
  }

  /// Lets new threads start again after an aborted swap.
  func reopen() {
    state.withLock { $0.isClosed = false }
  }

  /// Joins what has been asked to stop, up to the deadline; returns the names of those that are still running.
  func joinAll(deadline: Int64, clock: any HostClock) -> [String] {
    while true {
      let (ready, running) = state.withLock { state -> ([pthread_t], [String]) in
        var ready: [pthread_t] = []
        var running: [String] = []
        for index in state.records.indices {
          guard let handle = state.handles[index] else { continue }
          if state.records[index].finished.load(ordering: .acquiring) {
            ready.append(handle)
            state.handles[index] = nil
          } else {
            running.append(state.records[index].name)
          }
        }
        return (ready, running)
      }
      for handle in ready { pthread_join(handle, nil) }
      if running.isEmpty || clock.monotonic >= deadline { return running }
      usleep(500)
    }
  }

  /// Whether one has not returned yet.
  var areRunning: Bool {
    state.withLock { state in
      state.records.contains { !$0.finished.load(ordering: .acquiring) }
    }
  }

  /// Gives back what the system keeps of threads that have returned.
  func joinFinished() {
    _ = joinAll(deadline: 0, clock: SystemClock())
  }

  /// How many were ever started: an image in which threads ran is looked at twice before it is unmapped.
  var started: Int { state.withLock { $0.records.count } }
}
