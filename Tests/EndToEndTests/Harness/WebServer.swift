import Foundation

/// The web simulator as a program of its own: servers of HTTP whose answers a test sets.
final class WebServer {
  let program: RunningProgram
  /// The port of plain HTTP, and of HTTPS with a certificate for 127.0.0.1 that `certificate` signed.
  let http: Int
  let https: Int
  let certificate: String

  private struct Ready: Decodable {
    let http: Int
    let https: Int
    let ca: String
  }

  /// What a client asked for.
  struct Request: Decodable {
    let method: String
    let target: String
    let headers: [String: String]
    let body: String
  }

  init() throws {
    program = try RunningProgram(Build.webSimulator, [])
    let ready = try JSONDecoder().decode(
      Ready.self, from: Data(program.line(.output, "its ports") { $0.hasPrefix("{") }.utf8))
    (http, https, certificate) = (ready.http, ready.https, ready.ca)
  }

  /// Sets what a path answers from now on: HTML when it begins with `<`, else JSON; one line.
  func set(_ path: String, _ body: String) throws {
    program.send("\(path) \(body)")
    try program.line(.output, "that the answer is set") { $0 == "set" }
  }

  /// Waits for a request to a path; the first one has the number 0.
  func request(_ path: String, number: Int = 0, within seconds: Double = 60) throws -> Request {
    var found: Request?
    var count = 0
    try program.line(.output, within: seconds, "request \(number) to \(path)") { line in
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
