import Testing
import UpdaterGitHub

@Suite struct RepositorySettingsTests {
  private func read(_ text: String) throws -> RepositorySettings { try RepositorySettings(yaml: Array(text.utf8)) }

  private func problems(_ text: String) -> [String] {
    do { _ = try RepositorySettings(yaml: Array(text.utf8)) } catch { return error.problems }
    return []
  }

  @Test func everythingThatCanBeSaid() throws {
    let settings = try read(
      """
      enabled: false   # for now
      base: release/1.x
      labels: [dependencies, "kind: chore"]
      reviewers: [ann, example/python-team]
      assignees:
        - bob
      allow: [pip, "Django_*"]
      ignore: [numpy]
      pre_releases: true
      python_version: "3.11"
      manifests: [requirements.txt, "services/*/requirements.txt"]
      limits: {open: 5, hour: 1}
      """)
    #expect(!settings.isEnabled)
    #expect(settings.base == "release/1.x")
    #expect(settings.labels == ["dependencies", "kind: chore"])
    #expect(settings.reviewers == ["ann"])
    #expect(settings.teamReviewers == ["python-team"])
    #expect(settings.assignees == ["bob"])
    #expect(settings.permits("pip") && settings.permits("django-rest") && !settings.permits("flask"))
    #expect(settings.allowsPreReleases)
    #expect(settings.pythonVersion == "3.11")
    #expect(settings.manifests.contains { $0.matches("services/api/requirements.txt") })
    #expect(!settings.manifests.contains { $0.matches("services/api/v2/requirements.txt") })
    #expect(settings.openLimit == 5 && settings.hourLimit == 1)
  }

  @Test func nothingSaidIsTheDefault() throws {
    for text in ["", "# nothing\n", "{}"] { #expect(try read(text) == RepositorySettings()) }
    #expect(RepositorySettings().permits("anything"))
  }

  @Test func whatIsWrongIsSaidWithItsPlace() {
    #expect(
      problems("enabled: on\nbase: \"a b\"\nlabel: [x]\nlimits: {open: -1}\n") == [
        ".github/bothost.yml:1:10: enabled: expected true or false",
        ".github/bothost.yml:2:7: base: expected a branch's name",
        ".github/bothost.yml:3:1: there is no key \"label\"; expected one of enabled, base, labels, reviewers, assignees, allow, ignore, pre_releases, python_version, manifests, limits",
        ".github/bothost.yml:4:16: limits.open: expected a whole number from 0 to 1000",
      ])
    #expect(
      problems("manifests: [../requirements.txt]") == [
        ".github/bothost.yml:1:13: manifests: expected a path below the repository's root"
      ])
    #expect(problems("a: 1\na: 2\n") == [".github/bothost.yml:2:1: \"a\" stands here twice"])
    #expect(
      problems("labels: &x [a]\nignore: *x\n") == [
        ".github/bothost.yml:1:9: an anchor; write the value out where it is needed"
      ])
    #expect(problems("enabled: !!bool true").first?.contains("a tag") == true)
    #expect(problems("enabled: [").first?.hasPrefix(".github/bothost.yml:") == true)
    #expect(problems(String(repeating: "[", count: 100)).first?.contains("more than 8 levels") == true)
    #expect(problems("enabled: true\n---\nenabled: false\n").first?.contains("a second document") == true)
    #expect(problems("[enabled]").first?.contains("expected keys") == true)
    #expect(problems("reviewers: [../x]").count == 1)
  }

  /// No bytes whatever bring the reader down.
  @Test func mutationsAreReadOrRefused() {
    var source = SystemRandomNumberGenerator()
    let text = Array("enabled: true\nlabels: [a, b]\nlimits: {open: 1}\nallow:\n  - \"x*\"\n".utf8)
    for _ in 0..<5000 {
      var bytes = text
      for _ in 0..<Int.random(in: 1...4, using: &source) {
        let place = Int.random(in: 0..<bytes.count, using: &source)
        switch Int.random(in: 0..<3, using: &source) {
        case 0: bytes[place] = UInt8.random(in: 0...255, using: &source)
        case 1: bytes.remove(at: place)
        default: bytes.insert(UInt8.random(in: 0...255, using: &source), at: place)
        }
      }
      do { _ = try RepositorySettings(yaml: bytes) } catch {
        #expect(error.problems.allSatisfy { $0.hasPrefix(".github/bothost.yml:") && $0.count < 1000 })
      }
    }
  }
}
