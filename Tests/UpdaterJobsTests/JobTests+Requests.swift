import Foundation
import GitHubSimulator
import Testing
import UpdaterGitHub
import UpdaterWorld

@testable import UpdaterJobs

/// Kinds of requests and of manifests beside the plain ones.
extension JobTests {
  private func body() -> String { pulls().first?["body"] as? String ?? "" }

  // MARK: pyproject.toml

  @Test func aProjectFileIsFoundAndItsLockFilesAreNamed() throws {
    let text = """
      [project]
      dependencies = ["pip>=18.1,<19", 'flask']  # "pip==18.1"

      [dependency-groups]
      tools = ["pip == 18.1"]

      """
    push([
      "pyproject.toml": text, "uv.lock": "version = 1\n", "pdm.lock": "", "requirements/uv.lock": "",
      "services/pyproject.toml": text,
    ])
    issue("Update pip to 19")
    let report = try #require(reports(try work()).first)
    #expect(report.plan?.manifests.sorted() == ["pyproject.toml", "requirements.txt"])
    #expect(
      file("pyproject.toml", on: branch)
        == text.replacing("pip>=18.1,<19\"", with: "pip>=19.3.1,<20\"").replacing("pip == 18.1", with: "pip == 19.3.1"))
    #expect(file("requirements.txt", on: branch) == "pip==19.3.1\npip-tools==3.0\n")
    #expect(file("services/pyproject.toml", on: branch) == text)
    #expect(pulls().count == 1)
    #expect(body().contains("Not changed with it: `uv.lock`, `pdm.lock`."))
    #expect(report.plan?.pullRequests.first?.lockFiles == ["uv.lock", "pdm.lock"])
    // A request that leaves the project file alone leaves its lock files alone.
    project("pip-tools", ["3.0", "6.1"])
    issue("Update pip-tools to 6", number: 13)
    let other = try #require(reports(try work()).first)
    #expect(other.plan?.pullRequests.first?.lockFiles == [])
    #expect(other.plan?.pullRequests.first?.body.contains("uv.lock") == false)
  }

  @Test func aPackageOfPoetrysTablesIsRefusedAndNotPassedOverInSilence() throws {
    push(["pyproject.toml": "[tool.poetry.dependencies]\npython = \"^3.11\"\nflask = \"^2.0\"\n"])
    project("flask", ["2.0", "3.0"])
    issue("Update flask to 3")
    try work()
    #expect(pulls().isEmpty && comments().first?.contains("stands in a table of Poetry") == true)
  }

  @Test func aProjectFileThatIsNoneStopsNothing() throws {
    push(["pyproject.toml": "[project\n"])
    issue("Update pip to 19")
    let report = try #require(reports(try work()).first)
    #expect(pulls().count == 1)
    #expect(report.plan?.notes.contains { $0.contains("pyproject.toml is no TOML") } == true)
  }

  // MARK: “from”

  @Test func aVersionThatNoManifestHasIsSaidToBeDoubtful() throws {
    issue("Bump pip from 18.0 to 19")
    let report = try #require(reports(try work()).first)
    #expect(file("requirements.txt", on: branch) == "pip==19.3.1\npip-tools==3.0\n")
    #expect(body().contains("Please look twice: the title says that it is at 18\\.0, and no manifest does."))
    #expect(report.plan?.notes == ["pip: the title says that it is at 18.0, and no manifest does"])
  }

  @Test(arguments: ["18.1", "18", "18.1.0", "v18.1"])
  func aVersionThatAManifestHasIsNotDoubted(_ from: String) throws {
    push(["requirements-old.txt": "pip==17.0\n"])
    issue("Bump pip from \(from) to 19")
    try work()
    #expect(pulls().count == 1 && !body().contains("look twice"))
  }

  // MARK: Pinning everything

  @Test func everythingIsPinnedInOnePullRequest() throws {
    push(["requirements.txt": "pip>=18.1,<20  # here\nflask\nnumpy~=1.2\npip-tools==3.0\n"])
    project("flask", ["2.0", "3.0", "3.1rc1"])
    project("numpy", ["1.2", "1.9", "2.0"])
    project("pip-tools", ["3.0", "6.1"])
    issue("Pin all dependencies except numpy")
    try work()
    #expect(pulls().map { $0["title"] as? String } == ["Pin 2 packages"])
    #expect(pulls().first?["head"] as? String == "bothost/pip/root/all-pin")
    #expect(
      file("requirements.txt", on: "bothost/pip/root/all-pin")
        == "pip==19.3.1  # here\nflask==3.0\nnumpy~=1.2\npip-tools==3.0\n")
    #expect(body().contains("Pins 2 packages"))
    let writes = world.simulator.writes.count
    _ = try world.updater(["ann/app"]).run(try #require(RepositoryName("ann/app")), issue: 12)
    #expect(world.simulator.writes.count == writes)
  }

  @Test func pinsThatDoNotGoTogetherAreNotMade() throws {
    push(["requirements.txt": "pip>=18.1\nflask\n", "constraints.txt": "pip<20\n"])
    project("flask", ["3.0"])
    issue("Pin all dependencies")
    let report = try #require(reports(try work()).first)
    #expect(file("requirements.txt", on: "bothost/pip/root/all-pin") == "pip>=18.1\nflask==3.0\n")
    #expect(file("constraints.txt", on: "bothost/pip/root/all-pin") == "pip<20\n")
    #expect(report.plan?.refusals.map(\.code) == ["conflict"])
    #expect(report.plan?.refusals.first?.reason.contains("==19.3.1, ==26.3") == true)
    #expect(report.outcome == .done && comments().count == 1 && comments().first?.contains("conflict") == true)
  }

  @Test func whatIsPinnedIsNotPinnedAgain() throws {
    issue("Pin all dependencies")
    project("pip-tools", ["3.0"])
    try work()
    #expect(pulls().isEmpty && comments().first?.hasPrefix("Everything is pinned already.") == true)
  }

  // MARK: For development

  @Test func aDevelopmentDependencyIsChangedThereAlone() throws {
    let project = "[project]\ndependencies = [\"pip==18.1\"]\n[dependency-groups]\ndev = [\"pip==18.1\"]\n"
    push(["requirements-dev.txt": "pip==18.1\n", "pyproject.toml": project])
    issue("Update dev dependency pip to 19")
    try work()
    let branch = branch + "-dev"
    #expect(pulls().map { $0["head"] as? String } == [branch])
    #expect(file("requirements-dev.txt", on: branch) == "pip==19.3.1\n")
    #expect(file("requirements.txt", on: branch) == "pip==18.1\npip-tools==3.0\n")
    #expect(file("pyproject.toml", on: branch) == project)
    // The same without “dev” is another request, with a pull request of its own.
    issue("Update pip to 19", number: 13)
    try work()
    #expect(pulls().count == 2)
    #expect(file("requirements.txt", on: self.branch) == "pip==19.3.1\npip-tools==3.0\n")
  }

  @Test func whatDevelopmentDoesNotNeedIsSaid() throws {
    issue("Update dev dependency pip to 19")
    try work()
    #expect(pulls().isEmpty && comments().first?.contains("for development alone") == true)
  }

  @Test func allOfDevelopmentLeavesTheRestAlone() throws {
    push(["requirements-dev.txt": "pip==18.1\n"])
    issue("Update all dev dependencies")
    try work()
    let branch = try #require(pulls().first?["head"] as? String)
    #expect(file("requirements-dev.txt", on: branch) == "pip==26.3\n")
    #expect(file("requirements.txt", on: branch) == "pip==18.1\npip-tools==3.0\n")
  }
}
