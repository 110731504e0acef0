import BotHost
import Glibc

/// `bothost call`: a method of a running host, or of a plugin that is loaded for this one call.
enum CallCommand: Command {
  static let name = "call"
  static let summary = "call a method and print its result as JSON"
  static let usage = "INSTANCE.METHOD [JSON|-] [--control SOCKET | --plugins DIR] [--timeout SECONDS]"
  static let options = [
    SharedOptions.control, SharedOptions.plugins, SharedOptions.config, SharedOptions.data,
    ArgumentParser.Option("timeout", value: "SECONDS", "give up after that long"),
  ]
  static let words = CompletionKind.instances
  static let discussion = """
    With --plugins the call needs no running host: what it needs is loaded, and ends with it. With - each line of standard input is one
    argument, and each line of output one result, in order: {"ok": ...} or {"error": {"code": ..., "message": ...}}.
    """

  static func run(_ arguments: ArgumentParser.Arguments) throws {
    guard let method = arguments.words.first, arguments.words.count <= 2 else {
      throw UsageError("call needs a method, INSTANCE.METHOD, and one JSON argument")
    }
    let timeout = try timeout(arguments)
    let caller: any MethodCaller =
      arguments.values("plugins").isEmpty
      ? LiveCaller(client: try Control.client(arguments)) : try OneShotCaller(arguments, method: method)
    defer { caller.finish() }

    if arguments.words.count == 2 && arguments.words[1] == "-" {
      var failed = false
      while let line = readLine() {
        if line.isEmpty { continue }
        var result = JSONObject()
        do {
          result["ok"] = try caller.call(method, try Control.json(line, "the argument"), timeout)
        } catch {
          failed = true
          let code = (error as? MethodFailure).map { ControlError.Code(rc: $0.rc) } ?? .invalid
          result["error"] = .object(["code": .string(code.rawValue), "message": .string("\(error)")])
        }
        Output.line(JSONValue.object(result).serialized())
      }
      if failed { throw CommandFailure("") }
      return
    }
    let argument =
      try arguments.words.count == 2 ? Control.json(arguments.words[1], "the argument") : .object(JSONObject())
    do { Output.line(try caller.call(method, argument, timeout).serialized()) } catch let failure as MethodFailure {
      throw CommandFailure(failure.description, code: failure.isUsage ? 2 : 1)
    }
  }

  private static func timeout(_ arguments: ArgumentParser.Arguments) throws -> Int64 {
    guard let word = arguments.value("timeout") else { return 0 }
    guard let seconds = Double(word), seconds > 0, seconds < 1e6 else {
      throw UsageError("--timeout takes a number of seconds, not '\(word)'")
    }
    return Int64(seconds * 1e9)
  }
}

/// Where a call goes.
protocol MethodCaller {
  /// The result, or a `MethodFailure`. `timeout` in nanoseconds; 0: the method's own.
  func call(_ method: String, _ argument: JSONValue, _ timeout: Int64) throws -> JSONValue
  func finish()
}

/// A running host.
struct LiveCaller: MethodCaller {
  let client: ControlClient

  func call(_ method: String, _ argument: JSONValue, _ timeout: Int64) throws -> JSONValue {
    var request = JSONObject()
    request["method"] = .string(method)
    request["argument"] = argument
    if timeout > 0 { request["timeout_ns"] = .int(timeout) }
    do { return try client.request("call", .object(request))["result"] ?? .null } catch {
      throw MethodFailure(error.code.rc, error.message)
    }
  }

  func finish() {}
}

/// A host that is made for the call, with what the call needs, and ends with it.
final class OneShotCaller: MethodCaller {
  private let host: Host

  init(_ arguments: ArgumentParser.Arguments, method: String) throws {
    guard let dot = method.lastIndex(of: ".") else {
      throw UsageError("'\(method)' is no method; write INSTANCE.METHOD")
    }
    let log = HostLog.standardError(threshold: .warning)
    let given = arguments.value("data").map(Control.absolute)
    let data = try given ?? Self.temporaryDirectory()
    var options = HostOptions(dataDirectory: data, environment: Control.environment)
    options.pluginDirectories = arguments.values("plugins").map(Control.absolute)
    options.configurationFile = arguments.value("config")
    options.only = [String(method[..<dot])]
    options.probe = false
    options.removesDataDirectory = given == nil
    host = Host(options, log: log)
    signal(SIGPIPE, SIG_IGN)
    do { try host.start() } catch {
      // An empty directory, or one in which something is left to look at.
      if given == nil { rmdir(data) }
      throw CommandFailure("\(error)")
    }
  }

  /// A directory of this call's own, where the system keeps such things (POSIX: TMPDIR).
  private static func temporaryDirectory() throws -> String {
    let place = Control.environment["TMPDIR"].flatMap { $0.hasPrefix("/") ? $0 : nil } ?? "/tmp"
    var template = Array("\(place)/bothost-call-XXXXXX".utf8CString)
    guard let made = mkdtemp(&template) else {
      throw CommandFailure(
        "no temporary directory can be made in \(place): \(String(cString: strerror(errno))); set TMPDIR, or give --data DIR"
      )
    }
    return String(cString: made)
  }

  func call(_ method: String, _ argument: JSONValue, _ timeout: Int64) throws -> JSONValue {
    try host.call(method, argument, timeout: timeout)
  }

  func finish() {
    host.stop()
  }
}
