import Foundation
import GitHubSimulator
import Testing
import UpdaterGitHub
import UpdaterWorld

@testable import UpdaterJobs

/// From an issue's title to what is at GitHub afterwards, with the network and the clock of a test.
@Suite struct JobTests {
  let world = World()
  let branch = "bothost/pip/root/pip-19"

  init() {
    world.simulator.order([
      "order": "repository", "repository": "ann/app", "permissions": ["ann": "admin", "bob": "read", "cy": "write"],
      "files": ["requirements.txt": "pip==18.1\npip-tools==3.0\n", "README.md": "# App\n"],
    ])
    project("pip", ["18.1", "19.0", "19.3.1", "20.0", "26.3"])
  }

  func project(_ name: String, _ versions: [String], _ more: [String: Any] = [:]) {
    world.simulator.order(["order": "project", "name": name, "versions": versions].merging(more) { $1 })
  }

  func push(_ files: [String: Any], _ more: [String: Any] = [:]) {
    world.simulator.order(
      ["order": "push", "repository": "ann/app", "files": files].merging(more) { $1 })
  }

  func issue(_ title: String, number: Int = 12, by author: String = "ann") {
    world.simulator.order([
      "order": "issue", "repository": "ann/app", "number": number, "title": title, "author": author,
    ])
  }

  func state() -> [String: Any] { world.simulator.order(["order": "state", "repository": "ann/app"]) }
  func pulls() -> [[String: Any]] { state()["pulls"] as? [[String: Any]] ?? [] }
  func comments(on number: Int = 12) -> [String] {
    (state()["issues"] as? [[String: Any]] ?? []).first { $0["number"] as? Int == number }?["comments"] as? [String]
      ?? []
  }
  func file(_ path: String, on branch: String) -> String? {
    world.simulator.order(["order": "file", "repository": "ann/app", "branch": branch, "path": path])["text"] as? String
  }

  /// What the updater tells of a run until nothing waits any more, from nothing but what is stored.
  @discardableResult
  func work(
    _ change: (inout UpdaterSettings) -> Void = { _ in }, until time: Int64? = nil
  ) throws -> [Updater.Notice] {
    final class Notices { var all: [Updater.Notice] = [] }
    let notices = Notices()
    let updater = try world.updater(["ann/app"], change) { notices.all.append($0) }
    // What is due now, and then what waits for a limit, as long as the test wants.
    var polls = 0
    while let next = try updater.step() {
      if next > world.clock.now {
        guard let time, next <= time, polls < 200 else { break }
        polls += 1
        world.clock.now = next
      }
    }
    return notices.all
  }

  func reports(_ notices: [Updater.Notice]) -> [JobReport] {
    notices.compactMap { if case .report(let report) = $0 { report } else { nil } }
  }

  // MARK: The seed

  @Test func anIssueBecomesAPullRequest() throws {
    issue("Update pip to 19")
    let report = try #require(reports(try work()).first)
    #expect(report.outcome == .done && report.pullRequests.map(\.result) == [.opened])
    let pull = try #require(pulls().first)
    #expect(pulls().count == 1)
    #expect(pull["title"] as? String == "Update pip from 18.1 to 19.3.1")
    #expect(pull["head"] as? String == branch && pull["ahead"] as? Int == 1)
    let body = try #require(pull["body"] as? String)
    #expect(body.contains("Closes #12") && body.contains("-pip==18.1\n+pip==19.3.1\n"))
    #expect(body.contains("- `26.3`: not what was asked for"))
    #expect(Marker(body: body)?.issue == 12)
    #expect(file("requirements.txt", on: branch) == "pip==19.3.1\npip-tools==3.0\n")
    // The second time there is nothing to do, and whoever looks finds it as it is.
    let writes = world.simulator.writes.count
    try work()
    #expect(world.simulator.writes.count == writes)
    let again = try world.updater(["ann/app"]).run(try #require(RepositoryName("ann/app")), issue: 12)
    #expect(again?.pullRequests.map(\.result) == [.unchanged])
    #expect(world.simulator.writes.count == writes)
  }

  /// Stopped before each write, and after each write whose answer was lost, and begun again with what is stored alone.
  @Test func aRunMayBeStoppedAnywhere() throws {
    struct Killed: Error {}
    for isCarriedOut in [false, true] {
      var number = 0
      while true {
        let test = JobTests()
        test.push([".github/bothost.yml": "labels: [dependencies]\nassignees: [cy]\nreviewers: [cy]\n"])
        test.issue("Update pip to 19")
        let stop = number
        if isCarriedOut {
          test.world.simulator.order(["order": "fault", "method": "write", "after": stop, "execute": true])
          // The process ends before it can do anything about it.
          test.world.beforeWrite = { if $0 == stop + 1 { throw Killed() } }
        } else {
          test.world.beforeWrite = { if $0 == stop { throw Killed() } }
        }
        do {
          try test.work(until: test.world.clock.now + 60_000_000_000)
        } catch is Killed {}
        test.world.beforeWrite = { _ in }
        try test.work(until: test.world.clock.now + 3600_000_000_000)
        #expect(test.pulls().count == 1, "write \(stop)")
        #expect(test.pulls().first?["ahead"] as? Int == 1)
        #expect(test.pulls().first?["labels"] as? [String] == ["dependencies"], "write \(stop)")
        #expect(test.pulls().first?["reviewers"] as? [String] == ["cy"], "write \(stop)")
        #expect(test.file("requirements.txt", on: branch) == "pip==19.3.1\npip-tools==3.0\n")
        #expect((test.state()["branches"] as? [String: String])?.count == 2)
        number += 1
        if number > 6 { break }
      }
    }
  }

  // MARK: Who may ask

  @Test func whoMayNotWriteIsNotEvenAnswered() throws {
    for title in ["Update pip to 19", "Update pip to 19 or 20", "Update nothing-like-it to 3"] {
      let test = JobTests()
      test.issue(title, by: "bob")
      try test.work()
      #expect(test.world.simulator.writes.isEmpty, "\(title)")
    }
    issue("Update pip to 19", by: "dependabot[bot]")
    try work()
    #expect(world.simulator.writes.isEmpty)
  }

  @Test func aLabelCountsByWhoeverGaveIt() throws {
    issue("Update pip to 19", by: "bob")
    world.simulator.order([
      "order": "label", "repository": "ann/app", "number": 12, "label": "bothost:update", "actor": "bob",
    ])
    try work()
    #expect(world.simulator.writes.isEmpty)
    world.simulator.order([
      "order": "label", "repository": "ann/app", "number": 12, "label": "bothost:update", "actor": "cy",
    ])
    try work()
    #expect(pulls().count == 1)
  }

  @Test func anIssueFromElsewhereAsksForNothing() throws {
    issue("Update pip to 19")
    world.simulator.order(["order": "event", "repository": "ann/app", "number": 12, "event": "transferred"])
    #expect(reports(try work()).first?.code == "not-permitted")
    #expect(world.simulator.writes.isEmpty)
  }

  // MARK: What is asked

  @Test func anUnclearTitleIsAnsweredOnce() throws {
    issue("Update pip to 19 or 20")
    try work()
    #expect(comments().count == 1 && pulls().isEmpty)
    #expect(comments().first?.contains("Titles that I understand") == true)
    _ = try world.updater(["ann/app"]).run(try #require(RepositoryName("ann/app")), issue: 12)
    #expect(comments().count == 1)
  }

  @Test func aTitleAddsNoPackage() throws {
    issue("Update pipp to 19")
    try work()
    #expect(world.simulator.writes.isEmpty)
    issue("Update pip and pipp to 19", number: 13)
    try work()
    #expect(pulls().isEmpty)
    #expect(comments(on: 13).first?.contains("no manifest asks for it") == true)
  }

  @Test func whatCannotBeDoneIsSaid() throws {
    issue("Update pip to 99")
    try work()
    #expect(comments().count == 1 && comments().first?.contains("no-such-version") == true)
    issue("Update pip to 18.1", number: 13)
    try work()
    #expect(comments(on: 13).first?.contains("up-to-date") == true)
    #expect(pulls().isEmpty)
  }

  @Test func whatTheIndexDoesNotKnowIsSaid() throws {
    issue("Update pip-tools to 6")
    try work()
    #expect(pulls().isEmpty && comments().first?.contains("the package index does not know it") == true)
  }

  @Test func anIndexThatIsAwayIsWaitedFor() throws {
    issue("Update pip to 19")
    world.simulator.order(["order": "fault", "path": "/simple/pip", "status": 503, "times": 6])
    let notices = try work(until: world.clock.now + 600_000_000_000)
    #expect(notices.contains { if case .postponed = $0 { true } else { false } })
    #expect(pulls().count == 1)
  }

  @Test func aTitleMayNameAFileOrAFolder() throws {
    push(["requirements/dev.txt": "pip==18.1\n", "services/api/requirements.txt": "pip==18.1\n"])
    issue("Update pip to 19 in requirements/dev.txt")
    try work()
    #expect(file("requirements/dev.txt", on: "bothost/pip/requirements/pip-19") == "pip==19.3.1\n")
    #expect(file("requirements.txt", on: "bothost/pip/requirements/pip-19") == "pip==18.1\npip-tools==3.0\n")
    issue("Update pip to 19 in services/api", number: 13)
    try work()
    #expect(file("services/api/requirements.txt", on: "bothost/pip/services/api/pip-19") == "pip==19.3.1\n")
    issue("Update pip to 19 in nowhere/requirements.txt", number: 24)
    issue("Update pip to 19 in ../../etc/requirements.txt", number: 25)
    try work()
    #expect(pulls().count == 2)
    #expect(comments(on: 24).first?.contains("there is no") == true)
    #expect(comments(on: 25).first?.contains("no path inside the repository") == true)
  }

  @Test func severalPackagesAreSeveralPullRequests() throws {
    project("pip-tools", ["3.0", "6.1"])
    issue("Update pip to 19 and pip-tools to 6")
    try work()
    #expect(
      Set(pulls().compactMap { $0["title"] as? String }) == [
        "Update pip from 18.1 to 19.3.1", "Update pip-tools from 3.0 to 6.1",
      ])
  }

  @Test func everythingIsOnePullRequest() throws {
    project("pip-tools", ["3.0", "6.1"])
    issue("Update all dependencies")
    try work()
    #expect(pulls().map { $0["title"] as? String } == ["Update 2 packages"])
    #expect(file("requirements.txt", on: "bothost/pip/root/all-latest") == "pip==26.3\npip-tools==6.1\n")
    let writes = world.simulator.writes.count
    _ = try world.updater(["ann/app"]).run(try #require(RepositoryName("ann/app")), issue: 12)
    #expect(world.simulator.writes.count == writes)
  }

  // MARK: Manifests

  @Test func manifestsAreFoundWhereTheyAre() throws {
    push(
      [
        "requirements.txt": "-r lists/base.in\n-c constraints.txt\n-r ../outside.txt\n-r link.txt\n",
        "lists/base.in": "pip==18.1\n", "constraints.txt": "pip==18.1\n", "requirements/dev.txt": "PIP==18.1\n",
        "requirements/notes.md": "pip==18.1\n", "requirements-test.txt": "pip-tools==3.0\n",
        "services/requirements.txt": "pip==18.1\n", "link.txt": "services/requirements.txt",
      ], ["modes": ["link.txt": "120000", "constraints.txt": "100755"]])
    issue("Update pip to 19")
    let report = try #require(reports(try work()).first)
    #expect(
      report.plan?.manifests.sorted() == [
        "constraints.txt", "lists/base.in", "requirements-test.txt", "requirements.txt", "requirements/dev.txt",
      ])
    #expect(report.plan?.notes.contains { $0.contains("leads out of the repository") } == true)
    #expect(file("lists/base.in", on: branch) == "pip==19.3.1\n")
    #expect(file("constraints.txt", on: branch) == "pip==19.3.1\n")
    #expect(file("requirements/dev.txt", on: branch) == "PIP==19.3.1\n")
    #expect(file("services/requirements.txt", on: branch) == "pip==18.1\n")
    #expect(pulls().count == 1)
  }

  @Test func aLargeRepositoryIsLookedAtFolderByFolder() throws {
    let test = JobTests()
    test.world.simulator.order([
      "order": "repository", "repository": "ann/app", "permissions": ["ann": "admin"], "tree_limit": 2,
      "files": ["a.txt": "", "b.txt": "", "requirements.txt": "-r lists/base.txt\n", "lists/base.txt": "pip==18.1\n"],
    ])
    test.issue("Update pip to 19")
    try test.work()
    #expect(test.file("lists/base.txt", on: "bothost/pip/lists/pip-19") == "pip==19.3.1\n")
    let writes = test.world.simulator.writes.count
    _ = try test.world.updater(["ann/app"]).run(try #require(RepositoryName("ann/app")), issue: 12)
    #expect(test.world.simulator.writes.count == writes)
  }

  @Test func bytesThatAreNoTextStayAsTheyAre() throws {
    let bytes: [UInt8] = Array("# -*- coding: latin-1 -*-\n# ".utf8) + [0xE9] + Array("\npip==18.1\n".utf8)
    push([:], ["base64": ["requirements.txt": Data(bytes).base64EncodedString()]])
    issue("Update pip to 19")
    try work()
    let answer = world.simulator.order([
      "order": "file", "repository": "ann/app", "branch": branch, "path": "requirements.txt",
    ])
    let wanted: [UInt8] = Array("# -*- coding: latin-1 -*-\n# ".utf8) + [0xE9] + Array("\npip==19.3.1\n".utf8)
    #expect(answer["base64"] as? String == Data(wanted).base64EncodedString())
  }

  // MARK: What is there already

  @Test func aNewerVersionUpdatesTheSamePullRequest() throws {
    issue("Update pip to 19")
    try work()
    project("pip", ["18.1", "19.3.1", "19.4", "20.0"])
    world.clock.now += 90_000 * 1_000_000_000
    let found = reports(try work())
    #expect(found.flatMap(\.pullRequests).map(\.result) == [.updated])
    #expect(pulls().count == 1)
    #expect(pulls().first?["title"] as? String == "Update pip from 18.1 to 19.4")
    #expect(pulls().first?["ahead"] as? Int == 1)
    #expect(file("requirements.txt", on: branch) == "pip==19.4\npip-tools==3.0\n")
    #expect(Marker(body: pulls().first?["body"] as? String)?.to == "19.4")
  }

  @Test func aBaseThatHasMovedIsFollowed() throws {
    issue("Update pip to 19")
    try work()
    push(["requirements.txt": "flask\npip==18.1\n"])
    _ = try world.updater(["ann/app"]).run(try #require(RepositoryName("ann/app")), issue: 12)
    #expect(file("requirements.txt", on: branch) == "flask\npip==19.3.1\n")
    #expect(pulls().count == 1 && pulls().first?["ahead"] as? Int == 1)
  }

  @Test func somebodyElsesWorkIsLeftAlone() throws {
    issue("Update pip to 19")
    try work()
    push(["requirements.txt": "pip==19.0\n"], ["branch": branch, "login": "ann", "message": "Rather this"])
    let head = (state()["branches"] as? [String: String])?[branch]
    let report = try world.updater(["ann/app"]).run(try #require(RepositoryName("ann/app")), issue: 12)
    #expect(report?.pullRequests.map(\.result) == [.foreign])
    #expect((state()["branches"] as? [String: String])?[branch] == head)
    #expect(comments().count == 1)
    // The same where there is a branch and no pull request.
    let test = JobTests()
    test.push(["requirements.txt": "pip==19.0\n"], ["branch": branch, "from": "main", "login": "ann"])
    test.issue("Update pip to 19")
    #expect(test.reports(try test.work()).first?.pullRequests.map(\.result) == [.foreign])
    #expect(test.pulls().isEmpty)
  }

  @Test func whatWasClosedIsAskedAboutAndNotOpenedAgain() throws {
    issue("Update pip to 19")
    try work()
    let number = try #require(pulls().first?["number"] as? Int)
    world.simulator.order(["order": "close", "repository": "ann/app", "number": number])
    let report = try world.updater(["ann/app"]).run(try #require(RepositoryName("ann/app")), issue: 12)
    #expect(report?.pullRequests.map(\.result) == [.closed])
    #expect(pulls().count == 1)
    #expect(comments().count == 1 && comments().first?.contains("#\(number)") == true)
  }

  @Test func whatWasMergedIsDone() throws {
    issue("Update pip to 19")
    try work()
    let number = try #require(pulls().first?["number"] as? Int)
    world.simulator.order(["order": "merge", "repository": "ann/app", "number": number])
    _ = try world.updater(["ann/app"]).run(try #require(RepositoryName("ann/app")), issue: 12)
    #expect(
      comments().count == 1 && comments()[0].hasPrefix("This is done in #\(number).\n\n<!-- bothost:comment v1 key="))
    // Another issue a year later is another pull request, though its branch has the same name.
    project("pip", ["18.1", "19.3.1", "19.4", "20.0"])
    issue("Update pip to 19", number: 30)
    try work()
    #expect(
      pulls().filter { $0["open"] as? Bool == true }.map { $0["title"] as? String } == [
        "Update pip from 19.3.1 to 19.4"
      ])
  }

  @Test func aBranchInTheWayOfTheFolderIsGoneRound() throws {
    push(["x": "y"], ["branch": "bothost", "from": "main"])
    issue("Update pip to 19")
    try work()
    let head = try #require(pulls().first?["head"] as? String)
    #expect(head == BranchName.besideFolder(branch) && head.hasPrefix("bothost-"))
    let writes = world.simulator.writes.count
    _ = try world.updater(["ann/app"]).run(try #require(RepositoryName("ann/app")), issue: 12)
    #expect(world.simulator.writes.count == writes)
  }

  // MARK: Limits

  @Test func soManyPullRequestsAnHour() throws {
    for number in 0..<4 { project("p\(number)", ["1.0", "2.0"]) }
    push(["requirements.txt": (0..<4).map { "p\($0)==1.0\n" }.joined()])
    for number in 0..<4 { issue("Update p\(number) to 2", number: 20 + number) }
    let begin = world.clock.now
    try work()
    #expect(pulls().count == 2)
    try work(until: begin + 3500_000_000_000)
    #expect(pulls().count == 2)
    try work(until: begin + 3700_000_000_000)
    #expect(pulls().count == 4)
    // At no time are two writes less than a second apart.
    let times = world.writeTimes
    #expect(times.count == 16)
    #expect(zip(times, times.dropFirst()).allSatisfy { $1 - $0 >= 1_000_000_000 })
  }

  @Test func soManyOpenOnes() throws {
    issue("Update pip to 19")
    try work { $0.openLimit = 1 }
    project("pip-tools", ["3.0", "6.1"])
    issue("Update pip-tools to 6", number: 13)
    try work { $0.openLimit = 1 }
    #expect(pulls().count == 1)
    world.simulator.order(["order": "merge", "repository": "ann/app", "number": pulls().first?["number"] ?? 0])
    try work({ $0.openLimit = 1 }, until: world.clock.now + 7200_000_000_000)
    #expect(pulls().count == 2)
  }

  // MARK: What the repository says

  @Test func settingsComeFromTheBaseBranch() throws {
    push([".github/bothost.yml": "base: develop\nlabels: [never]\n"])
    push(
      [".github/bothost.yml": "labels: [dependencies]\nassignees: [cy]\nreviewers: [cy, nobody]\n"],
      ["branch": "develop", "from": "main"])
    issue("Update pip to 19")
    let report = try #require(reports(try work()).first)
    let pull = try #require(pulls().first)
    #expect(pull["base"] as? String == "develop")
    #expect(pull["labels"] as? [String] == ["dependencies"])
    // The issue is not closed by what does not go to the default branch.
    #expect((pull["body"] as? String)?.contains("Closes") == false)
    #expect(report.pullRequests.first?.notes.count == 1, "a reviewer who is none is noted: \(report.pullRequests)")
  }

  @Test func settingsThatAreWrongAreSaid() throws {
    push([".github/bothost.yml": "enabled: maybe\n"])
    issue("Update pip to 19")
    try work()
    #expect(pulls().isEmpty)
    #expect(comments().first?.contains(".github/bothost.yml:1:10: enabled: expected true or false") == true)
  }

  @Test func whatIsLeftAloneIsLeftAlone() throws {
    push([".github/bothost.yml": "ignore: [pip]\n"])
    issue("Update pip to 19")
    try work()
    #expect(pulls().isEmpty && comments().count == 1)
    push([".github/bothost.yml": "enabled: false\n"])
    issue("Update pip-tools", number: 13)
    let writes = world.simulator.writes.count
    try work()
    #expect(world.simulator.writes.count == writes)
  }

  // MARK: Faults

  @Test func refusalsThatPassAreGoneRound() throws {
    issue("Update pip to 19")
    world.simulator.order([
      "order": "fault", "path": "/git/commits", "status": 422, "times": 2,
      "body": ["message": "Tree SHA does not exist"],
    ])
    world.simulator.order([
      "order": "fault", "method": "POST", "path": "/pulls", "status": 422,
      "body": ["message": "Validation Failed", "errors": [["message": "No commits between main and x"]]],
    ])
    try work()
    #expect(pulls().count == 1)
  }

  @Test func whatFailsForLongIsGivenUpAndSaid() throws {
    issue("Update pip to 19")
    world.simulator.order(["order": "fault", "method": "POST", "path": "/pulls", "status": 500, "times": 1000])
    let notices = try work(until: world.clock.now + 86_000 * 1_000_000_000)
    #expect(notices.contains { if case .failed = $0 { true } else { false } })
    #expect(try world.updater(["ann/app"]).queue.jobs().isEmpty)
  }

  @Test func aDryRunWritesNothing() throws {
    issue("Update pip to 19")
    issue("Update pip to 19 or 20", number: 13)
    let found = reports(try work { $0.isDryRun = true })
    #expect(found.map(\.outcome) == [.planned, .refused])
    #expect(found.first?.plan?.diff.contains("+pip==19.3.1") == true)
    #expect(world.simulator.writes.isEmpty)
    // And it does not keep what it planned from being done later.
    try work()
    #expect(pulls().count == 1 && comments(on: 13).count == 1)
  }

  @Test func aRepositoryThatWasRenamedIsNotWrittenTo() throws {
    issue("Update pip to 19")
    world.simulator.order(["order": "alias", "repository": "ann/app", "name": "ann/old"])
    let report = try world.updater(["ann/old"]).run(try #require(RepositoryName("ann/old")), issue: 12)
    #expect(report?.code == "moved" && report?.reason.contains("ann/app") == true)
    #expect(world.simulator.writes.isEmpty)
  }

  @Test func aPrivateRepositoryThatMayNotBeSeenIsNotThere() throws {
    world.simulator.order(["order": "repository", "repository": "eve/secret", "private": true, "files": ["a": "b"]])
    world.simulator.order(["order": "permission", "repository": "eve/secret", "login": "bothost-bot"])
    let updater = try world.updater(["eve/secret"])
    let name = try #require(RepositoryName("eve/secret"))
    #expect(throws: GitHubFailure.self) { try updater.plan(name, issue: 1, title: "") }
  }
}
