import Foundation

/// What is answered to one request.
public struct SimulatedAnswer: @unchecked Sendable {
  // Unchecked: made once and then only read.
  public var status: Int
  public var headers: [(name: String, value: String)]
  public var body: [UInt8]

  init(_ status: Int, _ json: Any? = nil, headers: [String: String] = [:]) {
    self.status = status
    self.headers = headers.map { ($0.key, $0.value) }
    body = []
    guard let json else { return }
    let data = try? JSONSerialization.data(
      withJSONObject: json, options: [.sortedKeys, .withoutEscapingSlashes, .fragmentsAllowed])
    body = Array(data ?? Data())
    self.headers.append(("Content-Type", "application/json; charset=utf-8"))
  }

  static func message(_ status: Int, _ text: String, errors: [[String: Any]] = []) -> SimulatedAnswer {
    var body: [String: Any] = ["message": text, "documentation_url": "https://docs.github.com/rest"]
    if !errors.isEmpty { body["errors"] = errors }
    return SimulatedAnswer(status, body)
  }

  static let notFound = message(404, "Not Found")

  /// 422 as GitHub writes it.
  static func invalid(_ text: String) -> SimulatedAnswer {
    message(422, "Validation Failed", errors: [["resource": "PullRequest", "code": "custom", "message": text]])
  }
}
