import Foundation
import GitHubSimulator
import Testing
import UpdaterGitHub
import UpdaterWorld

@Suite struct ClientTests {
  private let world = World()
  private let name: RepositoryName

  init() throws {
    name = try #require(RepositoryName("ann/app"))
    world.simulator.order([
      "order": "repository", "repository": "ann/app", "files": ["requirements.txt": "pip==18.1\n"],
      "permissions": ["ann": "admin"],
    ])
  }

  private func kind(_ body: () throws -> Void) -> GitHubFailure.Kind? {
    do { try body() } catch { return (error as? GitHubFailure)?.kind }
    return nil
  }

  // MARK: What may pass by itself

  @Test func aFaultOfTheServersIsRepeatedForReadingAlone() throws {
    let client = try world.client()
    world.simulator.order(["order": "fault", "method": "GET", "status": 502, "times": 3])
    #expect(try client.repository(name).defaultBranch == "main")
    #expect(world.waits == [.seconds(1), .seconds(2), .seconds(4)])
    world.simulator.order(["order": "fault", "method": "GET", "status": 502, "times": 4])
    #expect(kind { _ = try client.repository(name) } == .uncertain)

    world.simulator.order(["order": "issue", "repository": "ann/app", "title": "x"])
    let before = world.simulator.writes.count
    world.simulator.order(["order": "fault", "method": "POST", "status": 500, "execute": true])
    #expect(kind { try client.comment(on: 1, in: name, "x") } == .uncertain)
    world.simulator.order(["order": "fault", "method": "POST", "execute": true])
    #expect(kind { try client.comment(on: 1, in: name, "x") } == .uncertain)
    #expect(world.simulator.writes.count == before + 2)
  }

  @Test func aDroppedConnectionIsRepeatedForReadingAlone() throws {
    world.simulator.order(["order": "fault", "method": "GET", "times": 2])
    #expect(try world.client().repository(name).defaultBranch == "main")
  }

  @Test func anObjectThatIsNotThereYetIsWaitedFor() throws {
    let client = try world.client()
    let head = try #require(try client.head(of: "main", in: name))
    let tree = try client.makeTree(
      [NewFile(path: "requirements.txt", mode: "100644", content: Array("pip==19\n".utf8))], base: head, in: name)
    world.simulator.order([
      "order": "fault", "path": "/git/commits", "status": 422, "times": 3,
      "body": ["message": "Tree SHA does not exist"],
    ])
    let commit = try client.makeCommit("Update pip", tree: tree, parent: head, in: name)
    world.simulator.order([
      "order": "fault", "path": "/git/commits", "status": 422, "times": 4,
      "body": ["message": "Tree SHA does not exist"],
    ])
    #expect(kind { _ = try client.makeCommit("x", tree: tree, parent: head, in: name) } == .unprocessable)
    // Another 422 is none that passes.
    world.simulator.order(["order": "fault", "path": "/git/commits", "status": 422, "body": ["message": "no"]])
    let calls = world.simulator.writes.count
    #expect(kind { _ = try client.makeCommit("x", tree: tree, parent: head, in: name) } == .unprocessable)
    #expect(world.simulator.writes.count == calls + 1)

    try client.makeBranch("bothost/a", at: commit, in: name)
    world.simulator.order([
      "order": "fault", "method": "PATCH", "status": 422, "times": 10, "body": ["message": "Reference update failed"],
    ])
    try client.moveBranch("bothost/a", to: head, in: name)
    #expect(try client.head(of: "bothost/a", in: name) == head)
  }

  // MARK: Limits

  @Test func aLimitWithATimeIsKept() throws {
    let client = try world.client()
    world.simulator.order([
      "order": "fault", "status": 403, "headers": ["Retry-After": "30"], "body": ["message": "wait"],
    ])
    let until = world.clock.now + 30_000_000_000
    #expect(kind { _ = try client.repository(name) } == .limited(until: until))
    let calls = world.simulator.calls.count
    world.clock.now = until - 1
    #expect(kind { _ = try client.repository(name) } == .limited(until: until))
    #expect(world.simulator.calls.count == calls, "nothing is asked before that time")
    world.clock.now = until
    #expect(try client.repository(name).fullName == "ann/app")
  }

  @Test func anExhaustedQuotaWaitsForItsReset() throws {
    let client = try world.client()
    world.simulator.order(["order": "rate", "remaining": 0, "reset_in": 120])
    // The answer that uses the quota up is still an answer.
    #expect(try client.repository(name).fullName == "ann/app")
    let until = world.clock.now + 121_000_000_000
    #expect(kind { _ = try client.repository(name) } == .limited(until: until))
    world.clock.now = until
    world.simulator.order(["order": "rate"])
    #expect(try client.repository(name).fullName == "ann/app")
  }

  @Test func aSecondaryLimitWithoutATimeGrows() throws {
    let client = try world.client()
    for seconds in [60, 120, 240] as [Int64] {
      world.simulator.order([
        "order": "fault", "status": 403, "body": ["message": "You have exceeded a secondary rate limit."],
      ])
      let until = world.clock.now + seconds * 1_000_000_000
      #expect(kind { _ = try client.repository(name) } == .limited(until: until))
      world.clock.now = until
    }
    #expect(try client.repository(name).fullName == "ann/app")
  }

  @Test func whatIsNotPermittedIsExplainedAndNotRepeated() throws {
    let client = try world.client()
    world.simulator.order([
      "order": "permission", "repository": "ann/app", "login": "bothost-bot", "permission": "read",
    ])
    let calls = world.simulator.calls.count
    do {
      try client.comment(on: 1, in: name, "x")
      Issue.record("it was permitted")
    } catch let failure as GitHubFailure {
      #expect(failure.kind == .permission)
      #expect(failure.message.contains("contents=write"), "\(failure)")
    }
    #expect(world.simulator.calls.count == calls + 1)
    #expect(!world.audit.isEmpty)
  }

  @Test func aComplaintThatRepeatsTheTokenIsMasked() throws {
    world.simulator.order([
      "order": "fault", "status": 401, "body": ["message": "Bearer simulated-token is not known"],
    ])
    do {
      _ = try world.client().repository(name)
      Issue.record("it was taken")
    } catch let failure as GitHubFailure {
      #expect(failure.kind == .credentials)
      #expect(!failure.message.contains("simulated-token"), "\(failure)")
    }
  }

  @Test func writesAreASecondApartAndRecorded() throws {
    let client = try world.client()
    world.simulator.order(["order": "issue", "repository": "ann/app", "title": "x"])
    for _ in 0..<3 { try client.comment(on: 1, in: name, "x") }
    // The first one, too: nobody knows what the process before did in its last second.
    #expect(world.waits == [.seconds(1), .seconds(1), .seconds(1)])
    #expect(world.audit.map(\.status) == [201, 201, 201])
    #expect(world.audit.allSatisfy { $0.repository == "ann/app" && $0.path == "/repos/ann/app/issues/1/comments" })
  }

  @Test func aReaderWritesNothing() throws {
    let reader = try world.client(isReadOnly: true)
    #expect(kind { try reader.comment(on: 1, in: name, "x") } == .readOnly)
    #expect(world.simulator.writes.isEmpty)
  }

  // MARK: Reading

  @Test func whatHasNotChangedIsNotSentAgain() throws {
    let client = try world.client()
    _ = try client.repository(name)
    _ = try client.repository(name)
    #expect(world.simulator.calls.map(\.status) == [200, 304])
    world.simulator.order([
      "order": "repository", "repository": "ann/app", "default_branch": "trunk", "files": ["a": "b"],
    ])
    #expect(try client.repository(name).defaultBranch == "trunk")
  }

  @Test func listingsAreReadPageByPage() throws {
    for number in 1...250 {
      world.simulator.order(["order": "issue", "repository": "ann/app", "title": "issue \(number)"])
      world.clock.now += 1_000_000_000
    }
    var numbers: [Int] = []
    var pages = 0
    try world.client().openIssues(of: name, since: "") {
      numbers += $0.map(\.number)
      pages += 1
      return true
    }
    #expect(numbers == Array(1...250))
    #expect(pages == 3)
  }

  @Test func everyCallSaysWhatGitHubWantsToKnow() throws {
    _ = try world.client().repository(name)
    let call = try #require(world.simulator.calls.first)
    #expect(call.headers["accept"] == "application/vnd.github+json")
    #expect(call.headers["x-github-api-version"] == "2022-11-28")
    #expect(call.headers["authorization"] == "Bearer simulated-token")
  }

  @Test func aMovedRepositoryIsFollowedToTheSameOriginAlone() throws {
    let client = try world.client()
    world.simulator.order([
      "order": "fault", "status": 301, "headers": ["Location": "\(World.base)/repos/ann/app"], "path": "/repos/ann/old",
    ])
    let old = try #require(RepositoryName("ann/old"))
    #expect(try client.repository(old).fullName == "ann/app")
    world.simulator.order([
      "order": "fault", "status": 307, "headers": ["Location": "http://127.0.0.2:1/api/v3/repos/ann/app"],
      "path": "/repos/ann/old",
    ])
    #expect(kind { _ = try client.repository(old) } == .unexpected)
    world.simulator.order(["order": "fault", "status": 451, "body": ["message": "blocked"]])
    #expect(kind { _ = try client.repository(name) } == .legal)
  }

  // MARK: An App

  @Test func anAppGetsATokenForEachRepositoryAndRenewsIt() throws {
    let app = world.simulator.order(["order": "app"])
    let key = try #require(app["key"] as? String)
    let id = try #require(app["id"] as? String)
    let client = try world.client(
      credentials: .app(id: id) { use in try Array(key.utf8).withUnsafeBytes { try use($0) } })
    #expect(try client.login() == "bothost-updater[bot]")
    _ = try client.repository(name)
    _ = try client.permission(of: "ann", in: name)
    func tokens() -> Int { world.simulator.calls.filter { $0.path.hasSuffix("/access_tokens") }.count }
    #expect(tokens() == 1)
    let asked = try #require(world.simulator.calls.first { $0.path.hasSuffix("/access_tokens") }).json
    #expect(asked["repositories"] as? [String] == ["app"])
    #expect(
      asked["permissions"] as? [String: String] == [
        "contents": "write", "issues": "write", "metadata": "read", "pull_requests": "write",
      ])
    // Five minutes before its end it is replaced.
    world.clock.now += 3301 * 1_000_000_000
    _ = try client.repository(name)
    #expect(tokens() == 2)
    // One that is refused is replaced once.
    world.simulator.order(["order": "revoke"])
    _ = try client.repository(name)
    #expect(tokens() == 3)
    world.simulator.order(["order": "fault", "status": 401, "path": "/repos/ann/app", "times": 2, "method": "GET"])
    #expect(kind { _ = try client.repository(name) } == .credentials)
  }

  @Test func whatIsNoKeyIsSaid() throws {
    for key in ["", "no key", "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n"] {
      let client = try world.client(
        credentials: .app(id: "1") { use in try Array(key.utf8).withUnsafeBytes { try use($0) } })
      #expect(kind { _ = try client.login() } == .credentials)
    }
  }
}
