import Foundation

/// The simulator of web servers as a program of its own; what a path answers is set while it runs.
final class WebSimulator {
  let program: RunningProgram
  let http: Int
  private var answers = 0

  private struct Ready: Decodable { let http: Int }

  init() throws {
    program = try RunningProgram(Build.webSimulator, [])
    let line = try program.line(.output, "its ports") { $0.hasPrefix("{") }
    http = try JSONDecoder().decode(Ready.self, from: Data(line.utf8)).http
  }

  var base: String { "http://127.0.0.1:\(http)" }

  /// Has a path answered with this, on one line.
  func set(_ path: String, _ body: String) throws {
    program.send("\(path) \(body)")
    var count = 0
    try program.line(.output, "that it is set") { line in
      if line == "set" { count += 1 }
      return count == answers + 1
    }
    answers += 1
  }

  /// What has been asked, a line of JSON for each request.
  var requests: [String] { program.printed().filter { $0.hasPrefix("{\"body\"") } }

  /// What a client asked for.
  struct Request: Decodable {
    let method: String
    let target: String
    let body: String
  }

  /// Waits for a request to a path; the first one has the number 0.
  func request(_ path: String, number: Int = 0) throws -> Request {
    var found: Request?
    var count = 0
    try program.line(.output, "request \(number) to \(path)") { line in
      guard let request = try? JSONDecoder().decode(Request.self, from: Data(line.utf8)),
        request.target.prefix(while: { $0 != "?" }) == path
      else { return false }
      found = request
      defer { count += 1 }
      return count == number
    }
    guard let found else { throw RunningProgram.Failure(description: "no request to \(path)") }
    return found
  }
}
