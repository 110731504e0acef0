import Foundation

/// The simulator of GitHub and a package index as a program of its own; orders say what there is and what goes wrong.
final class SimulatedGitHub {
  let program: RunningProgram
  let http: Int
  let https: Int
  let authorities: String
  private var answers = 0

  private struct Ready: Decodable {
    let http: Int
    let https: Int
    let ca: String
  }

  struct Pull: Decodable {
    let number: Int
    let title: String
    let body: String
    let head: String
    let base: String
    let open: Bool
    let author: String
    let labels: [String]
    let reviewers: [String]
    /// How many commits the branch is ahead of its base.
    let ahead: Int
    let message: String
  }

  struct State: Decodable {
    struct Issue: Decodable {
      let number: Int
      let comments: [String]
    }
    let branches: [String: String]
    let pulls: [Pull]
    let issues: [Issue]
  }

  struct Call: Decodable {
    let method: String
    let path: String
    let status: Int
    /// Seconds.
    let time: Double

    var isWrite: Bool { method != "GET" && !path.hasSuffix("/access_tokens") }
  }

  init() throws {
    program = try RunningProgram(Build.gitHubSimulator, [])
    let line = try program.line(.output, "its ports") { $0.hasPrefix("{\"ca\"") }
    let ready = try JSONDecoder().decode(Ready.self, from: Data(line.utf8))
    (http, https, authorities) = (ready.http, ready.https, ready.ca)
  }

  /// Gives an order, and returns what it is answered with.
  @discardableResult
  func order(_ order: [String: Any]) throws -> Data {
    program.send(String(decoding: try JSONSerialization.data(withJSONObject: order), as: UTF8.self))
    let number = answers
    answers += 1
    var count = -1
    let line = try program.line(.output, "the answer to an order") { line in
      if line.hasPrefix("{\"answer\"") { count += 1 }
      return count == number
    }
    let answer = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
    let object = answer?["answer"] as? [String: Any] ?? [:]
    if let error = object["error"] { throw RunningProgram.Failure(description: "the order \(order): \(error)") }
    return try JSONSerialization.data(withJSONObject: object)
  }

  func state(_ repository: String = "ann/app") throws -> State {
    try JSONDecoder().decode(State.self, from: order(["order": "state", "repository": repository]))
  }

  func calls() throws -> [Call] {
    struct Calls: Decodable { let calls: [Call] }
    return try JSONDecoder().decode(Calls.self, from: order(["order": "calls"])).calls
  }

  /// The bytes of a file on a branch.
  func file(_ path: String, branch: String, of repository: String = "ann/app") throws -> Data {
    struct File: Decodable { let base64: String }
    let order: [String: Any] = ["order": "file", "repository": repository, "branch": branch, "path": path]
    return Data(base64Encoded: try JSONDecoder().decode(File.self, from: self.order(order)).base64) ?? Data()
  }

  /// Waits for a call, such as `201 POST /api/v3/repos/ann/app/pulls`, or `held …`; the first one has the number 0.
  func waitForCall(_ text: String, number: Int = 0, within seconds: Double = 120) throws {
    var count = -1
    try program.line(.output, within: seconds, "the call \(text)") { line in
      if line.hasPrefix("{\"call\"") && line.contains("\"\(text)") { count += 1 }
      return count == number
    }
  }

  /// How many calls have been told of so far that begin so.
  func count(_ text: String) -> Int {
    program.printed().filter { $0.hasPrefix("{\"call\"") && $0.contains("\"\(text)") }.count
  }

  /// The usual repository: one file with pip in it, and an index that knows pip.
  func makeUsual(permissions: [String: String] = ["ann": "admin", "bob": "read"]) throws {
    try order([
      "order": "repository", "repository": "ann/app", "permissions": permissions,
      "files": [
        "requirements.txt": "# what we need\r\ndjango>=3.2  # LTS\r\npip==18.1\r\npip-tools==3.0\r\n",
        "README.md": "# App\n",
      ],
    ])
    try order([
      "order": "project", "name": "pip",
      "versions": ["18.0", "18.1", "19.0", "19.1", "19.3", "19.3.1", "19.4rc1", "20.0", "26.3"],
      "links": ["Changelog": "https://pip.simulated.example/news/"],
    ])
  }

  /// A host's configuration for it; `more` are further keys of the updater's.
  func configuration(_ directory: TemporaryDirectory, poll: String = "1s", more: String = "") throws -> String {
    try directory.file(
      "host.yaml",
      """
      bothost: 1
      kind: host
      plugins:
        updater:
          config:
            repositories: [ann/app]
            api: "https://127.0.0.1:\(https)/api/v3"
            index: "https://127.0.0.1:\(https)/index/simple/"
            ca_file: "\(authorities)"
            poll_interval: \(poll)
            write_interval: 50ms
            start_delay: 0s
      \(more.split(separator: "\n").map { "      \($0)" }.joined(separator: "\n"))

      """)
  }
}
