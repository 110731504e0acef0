import CBotHost
import Synchronization

/// Ends generations that serve no more: off every lane, because destroying and unmapping take the loader's lock and their time.
final class Reaper: @unchecked Sendable {
  private let monitor = Monitor()
  private var queue: [(Generation, PluginInstance)] = []
  private var isStopping = false
  private var isBusy = false
  /// The process is about to end, so that nobody cares which images stay.
  private let isQuiet = Atomic<Bool>(false)
  private var thread: HostThread?
  private let clock: any HostClock

  /// For what has not returned by now, nanoseconds.
  static let callTime: Int64 = 2_000_000_000

  init(clock: any HostClock) {
    self.clock = clock
  }

  func start() {
    thread = HostThread(name: "reaper") { [self] in run() }
  }

  func retire(_ generation: Generation, of instance: PluginInstance) {
    monitor.withLock {
      queue.append((generation, instance))
      monitor.broadcast()
    }
  }

  /// From now on images that stay mapped are not worth a line: the process ends with them.
  func processEnds() { isQuiet.store(true, ordering: .relaxed) }

  /// Waits until everything handed over has ended; false when the time is up.
  func settle(timeout: Int64) -> Bool {
    let deadline = clock.monotonic + timeout
    return monitor.withLock {
      while isBusy || !queue.isEmpty {
        if !monitor.wait(until: deadline) { return !isBusy && queue.isEmpty }
      }
      return true
    }
  }

  func stop() {
    monitor.withLock {
      isStopping = true
      monitor.broadcast()
    }
    thread?.join()
    thread = nil
  }

  private func run() {
    while true {
      let next = monitor.withLock { () -> (Generation, PluginInstance)? in
        isBusy = false
        monitor.broadcast()
        while queue.isEmpty && !isStopping { monitor.wait() }
        guard !queue.isEmpty else { return nil }
        isBusy = true
        return queue.removeFirst()
      }
      guard let (generation, instance) = next else { return }
      end(generation, of: instance)
    }
  }

  /// Destroys the object, looks for what it left, and unmaps the image when that is safe.
  func end(_ generation: Generation, of instance: PluginInstance) {
    generation.handle.threads.stopAll()
    let running = generation.handle.threads.joinAll(deadline: clock.monotonic + Self.callTime, clock: clock)
    let hasReturned = instance.endpoint.endPromises(generation: generation.number, timeout: Self.callTime)
    var leaks = running.map { "thread '\($0)' is still running" }
    if !hasReturned { leaks.append("a function that was called on its lane has not returned") }
    destroy(generation, &leaks)
    let retained = instance.endpoint.retainedCount(generation: generation.number)
    if retained > 0 { leaks.append("\(retained) retained events were not released") }
    letGo(generation, of: instance, leaks)
  }

  /// Ends a generation that never served: an `activate` that failed may have left threads.
  func discard(_ generation: Generation, of instance: PluginInstance) {
    generation.handle.threads.stopAll()
    let running = generation.handle.threads.joinAll(deadline: clock.monotonic + Self.callTime, clock: clock)
    var leaks = running.map { "thread '\($0)' is still running" }
    if generation.isStuck { leaks.append("`import_state` has not returned") }
    destroy(generation, &leaks)
    letGo(generation, of: instance, leaks)
  }

  /// Not while something of it still runs.
  private func destroy(_ generation: Generation, _ leaks: inout [String]) {
    if leaks.isEmpty, BoundedCall.run("destroy", timeout: Self.callTime, { generation.destroy() }) == nil {
      leaks.append("`destroy` has not returned")
    }
    generation.handle.phase = .gone
  }

  private func letGo(_ generation: Generation, of instance: PluginInstance, _ leaks: [String]) {
    if !leaks.isEmpty {
      instance.log.warning(
        instance.name, "generation \(generation.number) left something behind: \(leaks.joined(separator: "; "))")
    }
    switch generation.image.retire(leaks: leaks) {
    case .unmapped:
      instance.log.info(instance.name, "generation \(generation.number) is unmapped")
    case .pinned(let reasons):
      let words = reasons.map { "\($0)" }
      instance.notePinned(generation.number, words)
      if !isQuiet.load(ordering: .relaxed) {
        instance.log.info(
          instance.name, "generation \(generation.number) stays mapped: \(words.joined(separator: "; "))")
      }
    }
  }
}
