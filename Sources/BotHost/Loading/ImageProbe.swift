import Glibc
import Synchronization

/// The trial of a library in a process of its own, before the host maps it.
///
/// A library's initialisers run when it is mapped, before anybody can check anything. So the first to map it is a
/// child process that is thrown away: what crashes or hangs there is a refusal, and not the end of the host.
public final class ImageProbe: Sendable {
  /// The `create` that is tried.
  public struct Start: Sendable, Hashable {
    public var instance: String
    /// The whole configuration as JSON, as `create` gets it.
    public var config: String
    public var dataDirectory: String

    public init(instance: String, config: String = "{}", dataDirectory: String = "") {
      self.instance = instance
      self.config = config
      self.dataDirectory = dataDirectory
    }
  }

  /// What the trial found out.
  public struct Report: Sendable, Hashable {
    /// From the descriptor; empty for a library without glue.
    public var version = ""
    public var sdk = ""
    public var stateFormat = ""
    public var stateVersion: UInt32 = 0
    public var isReentrant = false
    /// What `health` wrote; empty when there is no such function or nothing was created.
    public var health = ""
    /// How often `create` tried what is not permitted in standby: publishing, dialling, threads.
    public var deniedCalls = 0
  }

  private struct Key: Hashable {
    var digest: ImageDigest
    var expectations: ImageExpectations
    var start: Start?
  }

  private let program: String
  private let timeout: Int64
  private let verdicts: ProbeVerdicts?
  private let cache = Mutex<[Key: Result<Report, ImageRefusal>]>([:])
  private static let cacheLimit = 256

  /// `program`: the host's own program, which runs `childMain` when its first argument is `ImageProbe.mode`; nil: the
  /// program that this process runs. `timeout`: nanoseconds for the whole trial. `memory`: a directory in which builds that have passed
  /// are remembered over restarts; nil: nowhere.
  public init(program: String? = nil, timeout: Int64 = 10_000_000_000, memory: String? = nil) {
    verdicts = memory.flatMap { ProbeVerdicts(directory: $0) }
    self.program = program ?? "/proc/self/exe"
    self.timeout = timeout
  }

  /// The first argument of a program that is to be a trial.
  public static let mode = "__probe"

  /// Tries a library: maps it, reads its descriptor, resolves what the manifest names, and, with `start`, creates an
  /// object, asks for its health and destroys it.
  ///
  /// Blocks until the child has ended, at most the timeout; not for a lane. What a build answered, or that it
  /// crashed, is remembered by its digest; a timeout is not, since it may be the machine's fault. Of a build that an earlier process
  /// has tried, only that it has passed is known: its report is empty.
  @discardableResult
  public func run(
    _ image: StagedImage, _ inspection: ImageInspection, expecting expectations: ImageExpectations, start: Start? = nil
  ) throws(ImageRefusal) -> Report {
    let key = Key(digest: image.digest, expectations: expectations, start: start)
    if let known = cache.withLock({ $0[key] }) {
      // The same bytes may lie under another name now.
      do throws(ImageRefusal) { return try known.get() } catch {
        var refusal = error
        refusal.library = image.source
        throw refusal
      }
    }
    if start == nil, let verdicts, verdicts.holds(image, inspection, expectations) { return Report() }
    let request = ProbeRequest(image: image, inspection: inspection, expectations: expectations, start: start)
    let result: Result<Report, ImageRefusal>
    do throws(ImageRefusal) {
      result = .success(try attempt(request))
      if start == nil { verdicts?.add(image, inspection, expectations) }
    } catch {
      switch error.cause {
      case .timedOut, .notProbed: throw error
      default: result = .failure(error)
      }
    }
    cache.withLock { cache in
      if cache.count >= Self.cacheLimit { cache.removeAll() }
      cache[key] = result
    }
    return try result.get()
  }

  /// Forgets what is known of a build, so that the next trial is made.
  public func forget(_ digest: ImageDigest) {
    cache.withLock { cache in cache = cache.filter { $0.key.digest != digest } }
  }

  private func attempt(_ request: ProbeRequest) throws(ImageRefusal) -> Report {
    let source = request.source
    let child: ProbeChild
    do { child = try ProbeChild(program: program, request: request.json.serializedBytes(), timeout: timeout) } catch {
      throw ImageRefusal(.probe, .notProbed, library: source, "cannot be tried: \(error.message)")
    }
    let outcome = child.wait()
    var step = "start"
    var refusal: ImageRefusal?
    var report: Report?
    for line in outcome.lines {
      guard let message = try? JSONValue(parsing: line) else { continue }
      if let name = message["step"]?.string { step = name }
      if let refused = message["refused"] { refusal = ProbeMessage.refusal(refused, library: source) }
      if let result = message["report"] { report = ProbeMessage.report(result) }
    }
    let said = outcome.errors.isEmpty ? "" : "; it wrote: \(outcome.errors)"
    if outcome.timedOut {
      throw ImageRefusal(
        .probe, .timedOut(call: step), library: source,
        "did not end its trial within \(timeout / 1_000_000) ms; it was in \(step)\(said)",
        advice: "do not wait in initialisers or in create")
    }
    if let signal = outcome.signal {
      throw ImageRefusal(
        .probe, .crashed(call: step, signal: signal), library: source,
        "crashed with \(Self.signalName(signal)) in \(step)\(said)",
        advice: "run it under a debugger with `bothost verify`")
    }
    if let refusal { throw refusal }
    guard let report, outcome.exitCode == 0 else {
      throw ImageRefusal(
        .probe, .failed(call: step), library: source,
        "ended its trial in \(step) with exit code \(outcome.exitCode)\(said)",
        advice: "a library must not call exit")
    }
    return report
  }

  /// `SIGSEGV` and so on.
  static func signalName(_ signal: Int32) -> String {
    let names: [Int32: String] = [
      SIGABRT: "SIGABRT", SIGALRM: "SIGALRM", SIGBUS: "SIGBUS", SIGFPE: "SIGFPE", SIGILL: "SIGILL", SIGKILL: "SIGKILL",
      SIGPIPE: "SIGPIPE", SIGSEGV: "SIGSEGV", SIGSYS: "SIGSYS", SIGTERM: "SIGTERM", SIGTRAP: "SIGTRAP",
      SIGXCPU: "SIGXCPU",
    ]
    return names[signal] ?? "signal \(signal)"
  }
}
