import BotHost
import Glibc

/// The program as a client of a running host.
enum Control {
  /// The socket that `--control` names, or the default one.
  static func socket(_ arguments: ArgumentParser.Arguments) -> String {
    arguments.value("control") ?? environment["BOTHOST_CONTROL"] ?? ControlSocket.defaultPath
  }

  static var environment: [String: String] {
    var result: [String: String] = [:]
    var entry = environ
    while let text = entry.pointee {
      let parts = String(cString: text).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      if parts.count == 2 { result[String(parts[0])] = String(parts[1]) }
      entry += 1
    }
    return result
  }

  /// Where the program keeps what outlives it: below XDG_STATE_HOME, or the home directory. Nil without either.
  static var stateDirectory: String? {
    let environment = environment
    if let state = environment["XDG_STATE_HOME"], state.hasPrefix("/") { return state + "/bothost" }
    if let home = environment["HOME"], home.hasPrefix("/") { return home + "/.local/state/bothost" }
    return nil
  }

  static func client(_ arguments: ArgumentParser.Arguments) throws -> ControlClient {
    do { return try ControlClient(path: socket(arguments)) } catch { throw CommandFailure(error.message) }
  }

  /// Sends a request and returns the answer, or throws what the host says is wrong.
  static func request(
    _ command: String, _ argument: JSONValue, _ client: ControlClient, onItem: (JSONValue) -> Bool = { _ in true }
  ) throws -> JSONValue {
    do { return try client.request(command, argument, onItem: onItem) } catch { throw failure(error) }
  }

  static func request(_ command: String, _ arguments: ArgumentParser.Arguments) throws -> JSONValue {
    guard arguments.words.isEmpty else { throw UsageError("\(command) takes no words: '\(arguments.words[0])'") }
    return try request(command, .object(JSONObject()), try client(arguments))
  }

  /// What the host says is wrong, with the program's exit code for it.
  static func failure(_ error: ControlError) -> CommandFailure {
    CommandFailure(error.message, code: error.code == .invalid || error.code == .notfound ? 2 : 1)
  }

  /// Receives values until the host ends the stream or `body` returns false.
  static func stream(
    _ command: String, _ argument: JSONValue, _ client: ControlClient, _ body: (JSONValue) -> Bool
  ) throws {
    _ = try request(command, argument, client, onItem: body)
  }

  static func json(_ text: String, _ what: String) throws -> JSONValue {
    do { return try JSONValue(parsing: text) } catch { throw UsageError("\(what) is not JSON: \(error)") }
  }

  static func absolute(_ path: String) -> String {
    if path.hasPrefix("/") { return path }
    if path.hasPrefix("./") { return absolute(String(path.dropFirst(2))) }
    guard let directory = getcwd(nil, 0) else { return path }
    defer { free(directory) }
    return String(cString: directory) + "/" + path
  }
}
