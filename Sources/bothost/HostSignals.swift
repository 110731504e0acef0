import BotHost
import Glibc

/// The signals of a host, heard by a thread of its own from before the host starts, so that a start that takes its time can be ended, too.
final class HostSignals: Sendable {
  private let log: HostLog
  private let monitor = Monitor()
  // Under the monitor.
  private nonisolated(unsafe) var wantsStop = false
  private nonisolated(unsafe) var wantsReload = false

  private static var heard: sigset_t {
    var signals = sigset_t()
    sigemptyset(&signals)
    for number in [SIGTERM, SIGINT, SIGHUP] { sigaddset(&signals, number) }
    return signals
  }

  /// Begins to listen. To be made by the main thread before there are others: they inherit its mask.
  ///
  /// - Parameter stopping: called once, at the first signal to stop, on a thread of its own.
  init(log: HostLog, stopping: @escaping @Sendable () -> Void) throws(CommandFailure) {
    self.log = log
    var signals = Self.heard
    pthread_sigmask(SIG_BLOCK, &signals, nil)
    signal(SIGPIPE, SIG_IGN)
    guard HostThread(name: "signals", { [self] in listen(stopping) }) != nil else {
      throw CommandFailure("no thread that waits for signals can be started")
    }
  }

  private func listen(_ stopping: @Sendable () -> Void) {
    var signals = Self.heard
    while true {
      var number: Int32 = 0
      guard sigwait(&signals, &number) == 0 else { continue }
      if number == SIGHUP {
        ask { wantsReload = true }
        continue
      }
      if monitor.withLock({ wantsStop }) {
        log.warning("host", "stopped at once; what was under way comes back if its topic is durable")
        _exit(1)
      }
      log.notice("host", "stopping; a second signal stops at once")
      stopping()
      ask { wantsStop = true }
    }
  }

  private func ask(_ change: () -> Void) {
    monitor.withLock {
      change()
      monitor.broadcast()
    }
  }

  /// Waits for the first signal to stop. Until then `reload` is called, on a thread of its own, after each SIGHUP; those that come
  /// while it runs are one more call of it.
  func waitForStop(reload: @escaping @Sendable () -> Void) {
    // A reload that is under way at the end sees that the host ends.
    let reloader = HostThread(name: "reload") { [self] in
      while isAskedToReload() { reload() }
    }
    if reloader == nil {
      log.error("host", "no thread for reloads can be started: SIGHUP does nothing until the host is started again")
    }
    monitor.withLock { while !wantsStop { monitor.wait() } }
  }

  private func isAskedToReload() -> Bool {
    monitor.withLock {
      while !wantsStop, !wantsReload { monitor.wait() }
      wantsReload = false
      return !wantsStop
    }
  }
}
