import CBotHost
import Glibc

extension ImageProbe {
  /// The trial itself: what the program runs when its first argument is `ImageProbe.mode`. `arguments` are those
  /// after it. Reads the request from standard input, reports on descriptor 3, and returns the exit code.
  ///
  /// Runs code that nobody has vouched for: the process is to be thrown away.
  public static func childMain(_ arguments: [String]) -> Int32 {
    // Should the host die meanwhile, nobody would end a trial that hangs.
    if let seconds = arguments.first.flatMap({ UInt32($0) }) { alarm(seconds) }
    var none = rlimit(rlim_cur: 0, rlim_max: 0)
    setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &none)
    _ = fcntl(ProbeChild.reportDescriptor, F_SETFD, FD_CLOEXEC)
    guard let bytes = readInput(), let json = try? JSONValue(parsing: bytes), let request = ProbeRequest(json) else {
      return 2
    }
    let trial = ProbeTrial(request)
    do throws(ImageRefusal) {
      ProbeTrial.tell(ProbeMessage.reported(try trial.run()))
    } catch {
      ProbeTrial.tell(ProbeMessage.refused(error, call: trial.step))
    }
    // Not exit: the library's finalisers are not what is tried, and an unmapped one could have none any more.
    _exit(0)
  }

  private static func readInput() -> [UInt8]? {
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    var offset: off_t = 0
    while bytes.count < 64 << 20 {
      let count = pread(0, &buffer, buffer.count, offset)
      guard count > 0 else { return count == 0 ? bytes : nil }
      bytes += buffer[..<count]
      offset += off_t(count)
    }
    return nil
  }
}

/// One trial, in the child.
private final class ProbeTrial {
  private let request: ProbeRequest
  private(set) var step = "start"

  init(_ request: ProbeRequest) { self.request = request }

  static func tell(_ message: JSONValue) {
    let line = message.serializedBytes() + [UInt8(ascii: "\n")]
    var done = 0
    while done < line.count {
      let count = line.withUnsafeBytes {
        write(ProbeChild.reportDescriptor, $0.baseAddress?.advanced(by: done), line.count - done)
      }
      guard count > 0 else { return }
      done += count
    }
  }

  /// Says what comes next, so that the host knows where it ended.
  private func begin(_ step: String) {
    self.step = step
    Self.tell(ProbeMessage.step(step))
  }

  private func refuse(_ cause: ImageRefusal.Cause, _ message: String, _ advice: String = "") -> ImageRefusal {
    ImageRefusal(.probe, cause, library: request.source, message, advice: advice)
  }

  func run() throws(ImageRefusal) -> ImageProbe.Report {
    begin("its initialisers")
    guard let handle = dlopen(request.path, RTLD_NOW | RTLD_LOCAL) else {
      let text = dlerror().map { String(cString: $0) } ?? "the loader does not say why"
      let prefix = "\(request.path): "
      throw refuse(
        .loaderRefused, "cannot be loaded: \(text.hasPrefix(prefix) ? String(text.dropFirst(prefix.count)) : text)")
    }
    for name in request.exported where dlsym(handle, name) == nil {
      throw refuse(.missingSymbol(name), "does not give its function \(name) to the loader")
    }
    guard request.isPlugin else { return ImageProbe.Report() }

    begin(ImageInspection.entrySymbol)
    let descriptor = try ImageRegistry.descriptor(handle, request.expectations) { refuse($0, $1, $2) }
    var report = ImageProbe.Report()
    report.version = descriptor.version
    report.sdk = descriptor.sdk
    report.stateFormat = descriptor.stateFormat
    report.stateVersion = descriptor.stateVersion
    report.isReentrant = descriptor.isReentrant
    if let function = request.boundByName.first, descriptor.table.bind == nil {
      throw refuse(
        .missingSymbol(function.name),
        "exports no function \(function.name), which the manifest calls, and its descriptor has no `bind` to find it by"
      )
    }
    if let start = request.start { try create(descriptor, start, &report) }
    return report
  }

  private func create(
    _ descriptor: PluginDescriptor, _ start: ImageProbe.Start, _ report: inout ImageProbe.Report
  ) throws(ImageRefusal) {
    let host = ProbeHost(config: start.config)
    begin("create")
    var object: OpaquePointer?
    let code = host.withStart(start) {
      descriptor.table.create?(host.object, host.api, $0, &object) ?? bh_rc(BH_E_UNSUPPORTED)
    }
    guard code >= 0 else { throw failed("create", code, host) }

    if let bind = descriptor.table.bind {
      for function in request.boundByName {
        begin("bind")
        var binding: UInt32 = 0
        let code = ProbeHost.withText(function.name) { bind(object, function.kind, $0, &binding) }
        if code == bh_rc(BH_E_NOTFOUND) || (code >= 0 && binding == 0) {
          throw refuse(
            .missingSymbol(function.name),
            "exports no function \(function.name), which the manifest calls, and its `bind` does not know it",
            "check `call:` in the manifest")
        }
        guard code >= 0 else { throw failed("bind", code, host) }
      }
    }
    if let health = descriptor.table.health {
      begin("health")
      let sink = ProbeSink()
      let code = health(object, ProbeSink.write, sink.pointer)
      guard code >= 0 else { throw failed("health", code, host) }
      report.health = String(decoding: sink.bytes, as: UTF8.self)
      if let json = try? JSONValue(parsing: sink.bytes), json["ok"]?.bool == false {
        throw refuse(.failed(call: "health"), "says that it is not well: \(report.health)")
      }
    }
    begin("destroy")
    descriptor.table.destroy?(object)
    report.deniedCalls = host.deniedCalls
    begin("end")
  }

  private func failed(_ call: String, _ code: bh_rc, _ host: ProbeHost) -> ImageRefusal {
    let why = host.lastError.isEmpty ? "" : ": \(host.lastError)"
    return refuse(.failed(call: call), "answered \(Self.name(of: code)) in \(call)\(why)")
  }

  private static func name(of code: bh_rc) -> String {
    let names = [
      "BH_E_RETRY", "BH_E_REJECT", "BH_E_INVALID", "BH_E_DENIED", "BH_E_NOTFOUND", "BH_E_BUSY", "BH_E_TIMEOUT",
      "BH_E_CANCELLED",
      "BH_E_STALE", "BH_E_NOSPACE", "BH_E_UNSUPPORTED", "BH_E_INTERNAL", "BH_E_CONFLICT", "BH_E_CYCLE",
    ]
    let index = -Int(code) - 1
    return names.indices.contains(index) ? names[index] : "\(code)"
  }
}
