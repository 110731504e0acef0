import CBotHost
import Glibc
import Synchronization

/// The threads that one generation of a plugin has asked for: counted, asked to stop, joined, and listened to when they fail.
///
/// A thread fails when it says why (`set_error`) and returns without having been asked to. One that just returns has done its work.
///
/// Safe on any thread. Tokens count from 1 and are never used again within the generation; of a thread that has returned nothing is kept.
final class PluginThreads: @unchecked Sendable {
  static let limit = 64

  private final class Record: @unchecked Sendable {
    let stop = Atomic<Bool>(false)
    let finished = Atomic<Bool>(false)
    let name: String
    let run: Main
    let failed: @Sendable (String) -> Void
    /// Where its end is announced.
    let ends: Monitor
    /// What it has said last. The thread's own.
    var complaint: String?

    init(name: String, run: Main, ends: Monitor, failed: @escaping @Sendable (String) -> Void) {
      self.name = name
      self.run = run
      self.ends = ends
      self.failed = failed
    }

    func begin() {
      nameThisThread(name)
      pthread_setspecific(PluginThreads.current, Unmanaged.passUnretained(self).toOpaque())
      run.function(run.context)
      pthread_setspecific(PluginThreads.current, nil)
      if let complaint, !stop.load(ordering: .relaxed) { failed("the thread '\(name)' ended: \(complaint)") }
      ends.withLock {
        finished.store(true, ordering: .releasing)
        ends.broadcast()
      }
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

  private struct Entry {
    let record: Record
    let handle: pthread_t
    /// Somebody waits for its end, and takes it out.
    var isJoined = false
  }

  private struct State {
    var entries: [bh_token: Entry] = [:]
    /// The last token that was given.
    var last: bh_token = 0
    var isClosed = false

    /// Takes out those that have returned, for whoever joins them.
    mutating func takeFinished() -> [pthread_t] {
      let finished = entries.filter { !$0.value.isJoined && $0.value.record.finished.load(ordering: .acquiring) }
      for token in finished.keys { entries[token] = nil }
      return finished.values.map(\.handle)
    }
  }

  private let state = Mutex(State())
  /// Held by a thread while it says that it has ended; taken before the state's lock.
  private let ends = Monitor()
  private let failed: @Sendable (String) -> Void

  /// - Parameter failed: told why a thread has failed, on that thread, which must not wait.
  init(failed: @escaping @Sendable (String) -> Void = { _ in }) { self.failed = failed }

  /// Starts a thread; `BH_E_NOSPACE` above the limit, `BH_E_CANCELLED` once `stopAll` was called.
  func spawn(name: String, run: Main) -> (bh_rc, bh_token) {
    joinFinished()
    return state.withLock { state in
      guard !state.isClosed else { return (bh_rc(BH_E_CANCELLED), 0) }
      guard state.entries.values.count(where: { !$0.record.finished.load(ordering: .acquiring) }) < Self.limit else {
        return (bh_rc(BH_E_NOSPACE), 0)
      }
      let record = Record(name: name, run: run, ends: ends, failed: failed)
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
      state.last += 1
      state.entries[state.last] = Entry(record: record, handle: handle)
      return (bh_rc(BH_OK), state.last)
    }
  }

  /// True for a thread that should return, and for a token that names none.
  func shouldStop(_ token: bh_token) -> Bool {
    state.withLock { $0.entries[token]?.record.stop.load(ordering: .relaxed) ?? true }
  }

  /// Asks one thread to stop and waits for it.
  func join(_ token: bh_token) -> bh_rc {
    let (isValid, entry) = state.withLock { state -> (Bool, Entry?) in
      guard token > 0, token <= state.last else { return (false, nil) }
      guard let entry = state.entries[token], !entry.isJoined else { return (true, nil) }
      guard pthread_equal(entry.handle, pthread_self()) == 0 else { return (false, nil) }
      state.entries[token]?.isJoined = true
      return (true, entry)
    }
    guard isValid else { return bh_rc(BH_E_INVALID) }
    if let entry {
      entry.record.stop.store(true, ordering: .relaxed)
      pthread_join(entry.handle, nil)
      state.withLock { _ = $0.entries.removeValue(forKey: token) }
    }
    return bh_rc(BH_OK)
  }

  /// Asks all to stop; no new one starts.
  func stopAll() {
    state.withLock { state in
      state.isClosed = true
      for entry in state.entries.values { entry.record.stop.store(true, ordering: .relaxed) }
    }
  }

  /// Lets new threads start again after an aborted swap.
  func reopen() {
    state.withLock { $0.isClosed = false }
  }

  /// Joins what has been asked to stop, up to the deadline; returns the names of those that are still running.
  func joinAll(deadline: Int64, clock: any HostClock) -> [String] {
    let end = SystemClock().monotonic + max(0, deadline - clock.monotonic)
    let running = ends.withLock {
      while areRunning, ends.wait(until: end) {}
      return names
    }
    joinFinished()
    return running
  }

  /// The names of those that have not returned, in the order of their starts.
  var names: [String] {
    state.withLock { state in
      state.entries.sorted { $0.key < $1.key }.map(\.value.record)
        .filter { !$0.finished.load(ordering: .acquiring) }.map(\.name)
    }
  }

  /// Whether one has not returned yet.
  var areRunning: Bool { !names.isEmpty }

  /// Gives back what the system keeps of threads that have returned.
  func joinFinished() {
    for handle in state.withLock({ $0.takeFinished() }) { pthread_join(handle, nil) }
  }

  /// How many are kept account of: those that run, and those that have returned and were not joined yet.
  var kept: Int { state.withLock { $0.entries.count } }

  /// How many were ever started: an image in which threads ran is looked at twice before it is unmapped.
  var started: Int { Int(state.withLock { $0.last }) }
}
