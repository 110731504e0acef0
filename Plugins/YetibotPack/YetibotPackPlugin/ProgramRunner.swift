import BotPluginKit
import Dispatch
import Glibc
import Synchronization
import YetibotEngine
import YetibotServices

/// Runs programs for commands, `ssh` or those of the operator's own, a few at a time, each within its time and with a bounded output.
///
/// They are started without a shell, in a process group of their own, and without this process's open files.
final class ProgramRunner: Sendable {
  private struct Job: Sendable {
    let run: ProgramRun
    let deadline: Int64
    let reply: CommandReply
  }

  private struct State {
    var jobs: [Job] = []
    var isOpen = false
    /// Counts the starts: the threads of one before do not go on with the next.
    var round = 0
  }

  private let state = Mutex(State())
  private let available = DispatchSemaphore(value: 0)
  private let maximumOutput: Int

  private static let threads = 2
  private static let waiting = 8

  init(maximumOutput: Int) { self.maximumOutput = maximumOutput }

  func start(_ host: Host) throws {
    let round = state.withLock { state in
      state.isOpen = true
      state.round += 1
      return state.round
    }
    for number in 1...Self.threads {
      try host.thread("program-\(number)") { _ in
        while let job = self.next(round) { job.reply.send(self.run(job)) }
      }
    }
  }

  /// What waits is still done; then the threads end.
  func stop() {
    let count = state.withLock { state in
      state.isOpen = false
      return Self.threads * state.round
    }
    for _ in 0..<count { available.signal() }
  }

  /// Answers whether the command was taken.
  func push(_ run: ProgramRun, nanoseconds: Int64, _ reply: CommandReply) -> Bool {
    let job = Job(run: run, deadline: Self.now + nanoseconds, reply: reply)
    let isTaken = state.withLock { state in
      guard state.isOpen, state.jobs.count < Self.waiting else { return false }
      state.jobs.append(job)
      return true
    }
    if isTaken { available.signal() }
    return isTaken
  }

  private func next(_ round: Int) -> Job? {
    while true {
      available.wait()
      let (job, isOver) = state.withLock { state in
        (state.jobs.isEmpty ? nil : state.jobs.removeFirst(), !state.isOpen || state.round != round)
      }
      if let job { return job }
      if isOver { return nil }
    }
  }

  private static var now: Int64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }

  // MARK: A run

  private func run(_ job: Job) -> YetibotEngine.Outcome {
    let name = job.run.name
    if Self.now >= job.deadline { return .failure("\(name) was not asked in time: other commands were running") }
    guard let child = ChildProcess(job.run) else {
      return .failure("\(job.run.program) cannot be started: \(String(cString: strerror(errno)))")
    }
    let end = child.wait(until: job.deadline, maximumOutput: maximumOutput) { Self.now }
    let text = String(decoding: child.output, as: UTF8.self)
    switch end {
    case .timeout:
      return .failure(
        "\(name) did not finish in time" + (text.isEmpty ? "" : "; so far it said: \(text.prefix(500))"))
    case .overflow: return .failure("\(name) said more than \(maximumOutput) bytes")
    case .exit(let status) where status != 0 && text.isEmpty:
      return .failure("\(name) ended with \(status)")
    case .exit(let status):
      let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
      let kept = lines.last == "" ? Array(lines.dropLast()) : lines
      if status == job.run.unstarted { return .failure("\(name): \(kept.last ?? "no connection")") }
      let data: Value = ["name": .string(name), "status": .int(Int64(status)), "output": .string(text)]
      return .record(.init(kept.count > 1 ? .strings(kept) : .string(kept.first ?? ""), data: data))
    }
  }
}
