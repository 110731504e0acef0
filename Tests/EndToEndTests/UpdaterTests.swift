import Foundation
import Testing

/// The pull-request updater through a whole host: issues at a simulated GitHub, with real git objects, over TLS.
@Suite(.serialized)
struct UpdaterTests {
  private let token = ["UPDATER_TOKEN": "simulated-token"]
  private let branch = "bothost/pip/root/pip-19"

  private func host(_ configuration: String, _ directory: TemporaryDirectory) throws -> Host {
    try Host(arguments: ["--config", configuration], environment: token, directory: directory)
  }

  /// Waits until no request waits any more.
  private func waitForEmptyQueue(_ host: Host) throws {
    try eventually("no request waits") { try host.command("call", "updater.queue").joined().contains(#""jobs":[]"#) }
  }

  private func checkPullRequest(_ gitHub: SimulatedGitHub) throws {
    let state = try gitHub.state()
    #expect(state.pulls.count == 1)
    let pull = try #require(state.pulls.first)
    #expect(pull.title == "Update pip from 18.1 to 19.3.1")
    #expect(pull.message == "Update pip from 18.1 to 19.3.1")
    #expect(pull.head == branch && pull.base == "main" && pull.ahead == 1 && pull.open)
    #expect(pull.author == "bothost-bot")
    #expect(pull.body.contains("Closes #12"))
    let marker = try #require(pull.body.split(separator: "\n").last)
    #expect(
      String(marker).wholeMatch(
        of: /<!-- bothost:pr v1 key=[0-9a-f]{16} issue=12 from=18\.1 to=19\.3\.1 -->/) != nil, "\(marker)")
    #expect(
      try gitHub.file("requirements.txt", branch: branch)
        == Data("# what we need\r\ndjango>=3.2  # LTS\r\npip==19.3.1\r\npip-tools==3.0\r\n".utf8))
    #expect(state.branches.count == 2, "\(state.branches.keys.sorted())")
  }

  @Test("Update pip to 19: the issue becomes a pull request, once", .timeLimit(.minutes(20)))
  func seed() throws {
    let gitHub = try SimulatedGitHub()
    try gitHub.makeUsual()
    try gitHub.order([
      "order": "issue", "repository": "ann/app", "number": 12, "title": "Update pip to 19", "author": "ann",
    ])
    let directory = try TemporaryDirectory()
    let host = try host(try gitHub.configuration(directory), directory)
    try gitHub.waitForCall("201 POST /api/v3/repos/ann/app/pulls")
    try waitForEmptyQueue(host)
    try checkPullRequest(gitHub)
    let writes = try gitHub.calls().filter(\.isWrite)
    #expect(
      writes.map { "\($0.method) \($0.path)" } == [
        "POST /repos/ann/app/git/trees", "POST /repos/ann/app/git/commits", "POST /repos/ann/app/git/refs",
        "POST /repos/ann/app/pulls",
      ])
    // The audit has a line for each of them.
    for write in writes {
      #expect(host.program.printed(.error).contains { $0.contains("\(write.method) \(write.path): 201") })
    }

    // The same once more, by hand: there is nothing to do.
    let again = try host.command("call", "updater.run", #"{"repository":"ann/app","issue":12}"#).joined()
    #expect(again.contains(#""result":"unchanged""#), "\(again)")
    #expect(try gitHub.calls().filter(\.isWrite).count == 4)

    // Issues that have not changed cost nothing of the quota.
    try gitHub.waitForCall("304 GET /api/v3/repos/ann/app/issues?")

    // What git makes of the same objects.
    let stream = directory.url.appendingPathComponent("stream").path
    try gitHub.order(["order": "fast-import", "repository": "ann/app", "path": stream])
    let git = try #require(Build.tool("git"), "git is needed to look at the repository")
    let bare = directory.url.appendingPathComponent("app.git").path
    #expect(try RunningProgram.run(git, ["init", "--quiet", "--bare", bare]).status == 0)
    let input = String(decoding: try Data(contentsOf: URL(fileURLWithPath: stream)), as: UTF8.self)
    let imported = try RunningProgram.run(git, ["-C", bare, "fast-import", "--quiet"], input: input)
    #expect(imported.status == 0, "\(imported.error)")
    let branches = try gitHub.state().branches
    for (name, commit) in branches {
      #expect(try RunningProgram.run(git, ["-C", bare, "rev-parse", "refs/heads/\(name)"]).output == [commit])
    }
    let log = try RunningProgram.run(git, ["-C", bare, "log", "-p", "--format=%an %s", "main..\(branch)"]).output
    #expect(log.first == "bothost-bot Update pip from 18.1 to 19.3.1")
    #expect(
      log.filter { $0.hasPrefix("-") || $0.hasPrefix("+") } == [
        "--- a/requirements.txt", "+++ b/requirements.txt", "-pip==18.1\r", "+pip==19.3.1\r",
      ])
    #expect(try RunningProgram.run(git, ["-C", bare, "fsck", "--strict"]).status == 0)
    try host.stop()
  }

  /// For every place between two calls that change something: the call is not carried out, or carried out and never answered; then the
  /// host is killed and started anew.
  @Test("killed between any two writes, and started again: one pull request", .timeLimit(.minutes(20)))
  func kills() throws {
    for isCarriedOut in [false, true] {
      for number in 0..<4 {
        let gitHub = try SimulatedGitHub()
        try gitHub.makeUsual()
        try gitHub.order([
          "order": "issue", "repository": "ann/app", "number": 12, "title": "Update pip to 19", "author": "ann",
        ])
        try gitHub.order(["order": "fault", "method": "write", "after": number, "hold": true, "execute": isCarriedOut])
        let directory = try TemporaryDirectory()
        let configuration = try gitHub.configuration(directory)
        let first = try host(configuration, directory)
        try gitHub.waitForCall("held POST")
        first.program.signal(SIGKILL)
        try first.program.waitForExit()
        let second = try host(configuration, directory)
        try waitForPullRequest(gitHub)
        try waitForEmptyQueue(second)
        try checkPullRequest(gitHub)
        try second.stop()
      }
    }
  }

  @Test("faults on the way: slow, broken, dropped, refused for a moment; one pull request", .timeLimit(.minutes(20)))
  func faults() throws {
    let gitHub = try SimulatedGitHub()
    try gitHub.makeUsual()
    try gitHub.order([
      "order": "issue", "repository": "ann/app", "number": 12, "title": "Update pip to 19", "author": "ann",
    ])
    let faults: [[String: Any]] = [
      ["method": "GET", "path": "/git/trees", "delay": 2500],
      ["method": "GET", "path": "/collaborators", "status": 502],
      ["method": "GET", "path": "/simple/pip", "status": 503],
      ["method": "POST", "path": "/git/commits", "status": 422, "body": ["message": "Tree SHA does not exist"]],
      ["method": "POST", "path": "/git/refs", "execute": true],
      ["method": "POST", "path": "/pulls", "status": 500, "execute": true],
    ]
    for fault in faults { try gitHub.order(fault.merging(["order": "fault"]) { $1 }) }
    let directory = try TemporaryDirectory()
    let host = try host(try gitHub.configuration(directory, more: "timeout: 1s"), directory)
    try gitHub.waitForCall("500 POST /api/v3/repos/ann/app/pulls")
    try waitForEmptyQueue(host)
    try checkPullRequest(gitHub)
    #expect(try gitHub.calls().filter { $0.method == "POST" && $0.path.hasSuffix("/pulls") }.count == 1)
    try host.stop()
  }

  @Test("a swap in the middle of a run: one pull request", .timeLimit(.minutes(20)))
  func swap() throws {
    let gitHub = try SimulatedGitHub()
    try gitHub.makeUsual()
    try gitHub.order([
      "order": "issue", "repository": "ann/app", "number": 12, "title": "Update pip to 19", "author": "ann",
    ])
    for path in ["/git/trees", "/git/commits", "/git/refs", "/pulls"] {
      try gitHub.order(["order": "fault", "method": "POST", "path": path, "hold": true, "execute": true])
    }
    let directory = try TemporaryDirectory()
    let host = try host(try gitHub.configuration(directory), directory)
    for number in 0..<4 {
      try gitHub.waitForCall("held POST", number: number)
      try host.command("swap", "updater")
    }
    try waitForEmptyQueue(host)
    try checkPullRequest(gitHub)
    try host.stop()
  }

  private func waitForPullRequest(_ gitHub: SimulatedGitHub) throws {
    try eventually("there is a pull request") { try !gitHub.state().pulls.isEmpty }
  }

  @Test("who may not write gets nothing, not even a word; a maintainer's label changes that", .timeLimit(.minutes(20)))
  func permission() throws {
    let gitHub = try SimulatedGitHub()
    try gitHub.makeUsual()
    try gitHub.order([
      "order": "issue", "repository": "ann/app", "number": 12, "title": "Update pip to 19", "author": "bob",
    ])
    let directory = try TemporaryDirectory()
    let host = try host(try gitHub.configuration(directory), directory)
    try gitHub.waitForCall("200 GET /api/v3/repos/ann/app/collaborators/bob/permission")
    try waitForEmptyQueue(host)
    #expect(try gitHub.calls().filter(\.isWrite).isEmpty)
    // A label that somebody has given who may only read is worth as little.
    try gitHub.order([
      "order": "label", "repository": "ann/app", "number": 12, "label": "bothost:update", "actor": "bob",
    ])
    try gitHub.waitForCall("304 GET /api/v3/repos/ann/app/collaborators/bob/permission")
    try waitForEmptyQueue(host)
    #expect(try gitHub.calls().filter(\.isWrite).isEmpty)
    try gitHub.order([
      "order": "label", "repository": "ann/app", "number": 12, "label": "bothost:update", "actor": "ann",
    ])
    try gitHub.waitForCall("201 POST /api/v3/repos/ann/app/pulls")
    try waitForEmptyQueue(host)
    try checkPullRequest(gitHub)
    try host.stop()
  }

  @Test("a dry run plans, and writes nothing", .timeLimit(.minutes(20)))
  func dryRun() throws {
    let gitHub = try SimulatedGitHub()
    try gitHub.makeUsual()
    try gitHub.order([
      "order": "issue", "repository": "ann/app", "number": 12, "title": "Update pip to 19", "author": "ann",
    ])
    let directory = try TemporaryDirectory()
    let configuration = try gitHub.configuration(directory, more: "dry_run: true")
    let host = try host(configuration, directory)
    let tail = try RunningProgram(Build.bothost, ["tail", "updater.*", "--control", host.socket])
    try gitHub.order([
      "order": "issue", "repository": "ann/app", "number": 13, "title": "Update pip to 20", "author": "ann",
    ])
    try tail.line(.output, "the plan") { $0.contains("updater.planned") && $0.contains("pip==20.0") }
    try waitForEmptyQueue(host)
    #expect(try gitHub.calls().filter(\.isWrite).isEmpty)
    try host.stop()

    // The same as a command of its own, without a host.
    let planned = try RunningProgram.run(
      Build.bothost,
      [
        "updater", "plan", "ann/app", "12", "--plugins", Build.plugins, "--config", try gitHub.configuration(directory),
      ],
      environment: token)
    #expect(planned.status == 0, "\(planned.error)")
    #expect(planned.output.contains("-pip==18.1\r") && planned.output.contains("+pip==19.3.1\r"), "\(planned.output)")
    #expect(planned.output.contains { $0.contains("\"branch\" : \"\(branch)\"") })
    let titled = try RunningProgram.run(
      Build.bothost,
      [
        "updater", "plan", "ann/app", "--title", "Update pip to 20", "--plugins", Build.plugins, "--config",
        configuration,
      ], environment: token)
    #expect(titled.output.contains("+pip==20.0\r"), "\(titled.output) \(titled.error)")
    #expect(try gitHub.calls().filter(\.isWrite).isEmpty)
  }

  @Test("limits are kept: retry-after, and so many pull requests an hour", .timeLimit(.minutes(20)))
  func limits() throws {
    let gitHub = try SimulatedGitHub()
    try gitHub.makeUsual()
    try gitHub.order([
      "order": "issue", "repository": "ann/app", "number": 12, "title": "Update pip to 19", "author": "ann",
    ])
    try gitHub.order([
      "order": "fault", "method": "POST", "path": "/git/commits", "status": 403, "headers": ["Retry-After": "3"],
      "body": ["message": "You have exceeded a secondary rate limit."],
    ])
    let directory = try TemporaryDirectory()
    let host = try host(try gitHub.configuration(directory, more: "hour_limit: 1"), directory)
    try gitHub.waitForCall("201 POST /api/v3/repos/ann/app/pulls")
    try waitForEmptyQueue(host)
    try checkPullRequest(gitHub)
    let calls = try gitHub.calls()
    let refused = try #require(calls.firstIndex { $0.status == 403 })
    let next = try #require(calls[calls.index(after: refused)...].first { $0.path.hasPrefix("/repos") })
    #expect(next.time - calls[refused].time >= 3, "asked again \(next.time - calls[refused].time) s later")

    try gitHub.order([
      "order": "issue", "repository": "ann/app", "number": 20, "title": "Update pip to 20", "author": "ann",
    ])
    try host.program.line(.error, "that it waits") {
      $0.contains("ann/app#20 waits until") && $0.contains("within an hour")
    }
    #expect(try gitHub.state().pulls.count == 1)
    #expect(try host.command("call", "updater.queue").joined().contains(#""issue":20"#))
    try host.stop()
  }

  @Test("a webhook is believed with its signature, once for each delivery", .timeLimit(.minutes(20)))
  func webhook() throws {
    let gitHub = try SimulatedGitHub()
    try gitHub.makeUsual()
    try gitHub.order([
      "order": "issue", "repository": "ann/app", "number": 12, "title": "Update pip to 19", "author": "ann",
    ])
    let directory = try TemporaryDirectory()
    let host = try Host(
      arguments: ["--config", try gitHub.configuration(directory, poll: "0s")],
      environment: token.merging(["UPDATER_WEBHOOK_SECRET": "It's a Secret to Everybody"]) { $1 }, directory: directory)
    func call(_ body: String, _ signature: String, event: String, delivery: String) throws -> String {
      let argument: [String: Any] = [
        "headers": [
          "X-GitHub-Event": event, "X-GitHub-Delivery": delivery, "X-Hub-Signature-256": "sha256=\(signature)",
          "Content-Type": "application/json",
        ], "body": body,
      ]
      let json = String(decoding: try JSONSerialization.data(withJSONObject: argument), as: UTF8.self)
      return try host.command("call", "updater.webhook", json).joined()
    }
    let vector = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    #expect(try call("Hello, World!", vector, event: "ping", delivery: "1").contains(#""status":200"#))
    #expect(try call("Hello, World", vector, event: "ping", delivery: "1").contains(#""status":401"#))

    let payload =
      #"{"action":"opened","issue":{"number":12,"title":"Update pip to 19","user":{"login":"ann","type":"User"}},"repository":{"full_name":"ann/app"},"sender":{"login":"ann","type":"User"}}"#
    let file = try directory.file("payload", payload)
    let signed = try RunningProgram.run(
      "/usr/bin/openssl", ["dgst", "-sha256", "-hmac", "It's a Secret to Everybody", "-r", file])
    let signature = String(try #require(signed.output.first).prefix(64))
    #expect(try call(payload, signature, event: "issues", delivery: "2").contains(#""status":202"#))
    #expect(try call(payload, signature, event: "issues", delivery: "2").contains("known"))
    try gitHub.waitForCall("201 POST /api/v3/repos/ann/app/pulls")
    try waitForEmptyQueue(host)
    try checkPullRequest(gitHub)
    // Nothing was asked for by itself.
    #expect(gitHub.count("200 GET /api/v3/repos/ann/app/issues?") == 0)
    try host.stop()
  }

  @Test("as a GitHub App: with installation tokens that end meanwhile", .timeLimit(.minutes(20)))
  func app() throws {
    let gitHub = try SimulatedGitHub()
    try gitHub.makeUsual()
    struct App: Decodable {
      let id: String
      let key: String
    }
    let app = try JSONDecoder().decode(App.self, from: gitHub.order(["order": "app"]))
    try gitHub.order([
      "order": "issue", "repository": "ann/app", "number": 12, "title": "Update pip to 19", "author": "ann",
    ])
    try gitHub.order([
      "order": "fault", "method": "POST", "path": "/git/refs", "status": 401, "body": ["message": "Bad credentials"],
    ])
    let directory = try TemporaryDirectory()
    let host = try Host(
      arguments: ["--config", try gitHub.configuration(directory)],
      environment: ["UPDATER_APP_ID": app.id, "UPDATER_APP_KEY": app.key], directory: directory)
    try gitHub.waitForCall("201 POST /api/v3/repos/ann/app/pulls")
    try waitForEmptyQueue(host)
    let pull = try #require(try gitHub.state().pulls.first)
    #expect(pull.author == "bothost-updater[bot]" && pull.ahead == 1)
    #expect(try gitHub.state().pulls.count == 1)
    let tokens = try gitHub.calls().filter { $0.path.hasSuffix("/access_tokens") }
    #expect(tokens.count >= 2)
    // No secret is told to anybody.
    let log = host.program.printed(.error).joined(separator: "\n")
    #expect(!log.contains("ghs_") && !log.contains("PRIVATE KEY") && !log.contains("eyJ"))
    try host.stop()
  }
}
