import Foundation
import GitHubSimulator
import Testing
import UpdaterGitHub
import UpdaterWorld

@testable import UpdaterJobs

/// Titles, files and people that mean no good.
extension JobTests {
  private func edit(_ title: String, by actor: String) {
    world.simulator.order([
      "order": "edit", "repository": "ann/app", "number": 12, "title": title, "actor": actor,
    ])
  }

  private func label(by actor: String) {
    world.simulator.order([
      "order": "label", "repository": "ann/app", "number": 12, "label": "bothost:update", "actor": actor,
    ])
  }

  // MARK: Titles that change

  @Test func aLabelDoesNotCountForATitleThatWasChangedBehindIt() throws {
    issue("Update pip to 19", by: "bob")
    label(by: "cy")
    edit("Remove pip", by: "bob")
    #expect(reports(try work()).first?.code == "not-permitted")
    #expect(world.simulator.writes.isEmpty)
    // Whoever may write sees the new title and says so.
    label(by: "cy")
    try work()
    #expect(pulls().map { $0["title"] as? String } == ["Remove pip"])
  }

  @Test func aTitleThatWhoeverMayWriteHasChangedIsTheirs() throws {
    issue("Update pip to 20", by: "bob")
    label(by: "cy")
    edit("Update pip to 19", by: "ann")
    try work()
    #expect(pulls().map { $0["title"] as? String } == ["Update pip from 18.1 to 19.3.1"])
  }

  @Test func anAuthorDoesNotAnswerForWhatOthersHaveMadeOfTheTitle() throws {
    issue("Update pip to 19", by: "ann")
    edit("Remove pip", by: "bob")
    let report = try #require(reports(try work()).first)
    #expect(report.code == "not-permitted" && report.reason.contains("bob has changed the title"))
    #expect(world.simulator.writes.isEmpty)
    edit("Update pip to 19", by: "ann")
    try work()
    #expect(pulls().count == 1)
  }

  @Test func anOperatorsWordIsForTheTitleThatTheySaw() throws {
    issue("Update pip to 19", by: "bob")
    world.simulator.order(["order": "fault", "path": "/simple/pip", "status": 503, "times": 4])
    let name = try #require(RepositoryName("ann/app"))
    #expect(try world.updater(["ann/app"]).run(name, issue: 12) == nil, "it waits")
    edit("Remove pip", by: "bob")
    world.clock.now += 60_000_000_000
    try work()
    #expect(world.simulator.writes.isEmpty)
  }

  // MARK: Files

  @Test func aFileThatTakesInItselfAndThousandsOfOthersIsReadOnce() throws {
    var lines = (0..<3000).map { "-r missing\($0).txt\n" }.joined()
    lines += "-r requirements.txt\n-r a.txt\npip==18.1\n"
    push(["requirements.txt": "-r a.txt\npip==18.1\n", "a.txt": lines])
    issue("Update pip to 19")
    let report = try #require(reports(try work()).first)
    #expect(report.plan?.manifests.sorted() == ["a.txt", "requirements.txt"])
    #expect(report.plan.map { $0.notes.count <= ManifestSearch.mostNotes + 1 } == true)
    #expect(pulls().count == 1)
  }

  @Test func filesThatCannotBeReadCountAsWell() throws {
    var files: [String: Any] = [:]
    for number in 0..<150 { files["requirements/\(100 + number).txt"] = "\u{FEFF}" }
    let utf16: [UInt8] = [0xFF, 0xFE, 0x70, 0]
    var base64: [String: String] = [:]
    for name in files.keys { base64[name] = Data(utf16).base64EncodedString() }
    push([:], ["base64": base64])
    issue("Update pip to 19")
    let report = try #require(reports(try work()).first)
    #expect(report.plan?.notes.contains { $0.contains("there are more than 100 manifests") } == false)
    #expect(report.plan?.notes.last == "there is more that was not read")
    #expect(pulls().count == 1)
  }

  @Test func allManifestsTogetherHaveABound() throws {
    let large = String(repeating: "# filler line of a manifest\n", count: 36_000)
    var files: [String: Any] = [:]
    for number in 0..<5 { files["requirements/\(number).txt"] = large + "pip==18.1\n" }
    push(files)
    issue("Update pip to 19")
    let report = try #require(reports(try work { $0.isDryRun = true }).first)
    #expect(report.plan?.notes.contains { $0.contains("bytes") && $0.contains("is not read") } == true)
    #expect(report.plan?.pullRequests.count == 1)
  }

  // MARK: Text

  @Test func whatAFileSaysDoesNotBreakOutOfItsBlock() throws {
    push(["requirements.txt": "pip==18.1  # ```\u{301} @everyone <img src=x>\n````\u{301}\n# ~~~\n"])
    issue("Update pip to 19")
    try work()
    let body = try #require(pulls().first?["body"] as? String)
    #expect(body.contains("\n\n`````diff\n") || body.contains("\n`````diff\n"))
  }

  @Test func whatAFileSaysSteersNoTerminal() throws {
    push(["requirements.txt": "pip==18.1  # \u{1B}]0;x\u{7}\u{202E}\u{9B}31m\r\n"])
    issue("Update pip to 19")
    let name = try #require(RepositoryName("ann/app"))
    let plan = try #require(try world.updater(["ann/app"]).plan(name, issue: 12, title: "").plan)
    #expect(plan.diff.contains("\u{1B}"))
    #expect(plan.diffForTerminal.contains("+pip==19.3.1  # ␛]0;x␇\u{FFFD}\u{FFFD}31m\r\n"))
  }

  // MARK: Branches

  /// The account may be a person's, who has copied the marker's line into a pull request of their own.
  @Test func aMarkerMeansNothingOnABranchOfSomebodysOwn() throws {
    issue("Update pip to 19")
    try work()
    let body = try #require(pulls().first?["body"] as? String)
    let number = try #require(pulls().first?["number"] as? Int)
    world.simulator.order(["order": "close", "repository": "ann/app", "number": number])
    let test = JobTests()
    test.push(
      ["requirements.txt": "pip==19.0\n"],
      ["branch": "feature", "from": "main", "login": "bothost-bot", "message": "Update pip by hand"])
    let name = try #require(RepositoryName("ann/app"))
    _ = try test.world.client().open(
      NewPullRequest(title: "By hand", head: "feature", base: "main", body: body), in: name)
    test.issue("Update pip to 19")
    let head = (test.state()["branches"] as? [String: String])?["feature"]
    try test.work()
    #expect((test.state()["branches"] as? [String: String])?["feature"] == head)
    #expect(test.pulls().count == 2)
  }
}
