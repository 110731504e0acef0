import SeededRandom
import Testing

@testable import UpdaterRules

@Suite("A package index")
struct IndexTests {
  static let digest = String(repeating: "a", count: 64)

  @Test("Its JSON tells versions with their files")
  func json() throws {
    let body = """
      {"meta": {"api-version": "1.4", "unknown": 1}, "name": "A.b", "versions": ["1.0", "2.0", "3.0", "odd"],
       "project-status": {"status": "archived", "reason": "done"}, "more": {},
       "files": [
        {"filename": "a_b-1.0-py3-none-any.whl", "url": "../f", "hashes": {"sha256": "\(Self.digest)", "md5": "1"},
         "requires-python": ">=3.8", "yanked": false, "size": 1},
        {"filename": "a.b-1.0.tar.gz", "url": "../g", "hashes": {}, "yanked": "broken"},
        {"filename": "a-b-2.0.tar.gz", "url": "x", "hashes": {"sha256": "../../x"}, "yanked": true},
        {"filename": "a-b-2.1.exe", "url": "x", "hashes": {}}, {"filename": "other-9.tar.gz", "url": "x", "hashes": {}}
       ]}
      """
    let project = try IndexProject(
      simpleAPI: Array(body.utf8), contentType: "application/vnd.pypi.simple.v1+json; charset=utf-8", name: "a-b")
    #expect(project.releases.map(\.version) == ["1.0", "2.0", "3.0"])
    #expect(project.status == .archived && project.statusReason == "done")
    let first = try #require(project.releases.first)
    #expect(first.files.map(\.isYanked) == [false, true] && !first.isYanked)
    #expect(first.sha256 == [Self.digest] && first.files[0].requiresPython == ">=3.8")
    #expect(project.releases[1].isYanked && project.releases[1].sha256.isEmpty)
    #expect(project.releases[2].files.isEmpty)
  }

  @Test("Without a list of versions, the files' names tell them")
  func fileNames() throws {
    for (name, version) in [
      ("zope.interface-5.0-cp39-cp39-manylinux_2_5_x86_64.whl", "5.0"),
      ("zope_interface-5.1-1-py3-none-any.whl", "5.1"),
      ("zope.interface-5.2.tar.gz", "5.2"), ("Zope-Interface-5.3.zip", "5.3"),
      ("zope-interface-5.4-1.tar.bz2", "5.4-1"),
    ] {
      #expect(DistributionFileName(name, of: try #require(ProjectName("zope-interface")))?.version == version)
    }
    for name in ["zope-5.tar.gz", "zope.interface.tar.gz", "zope.interface-5.egg", "zope.interface-5.whl", "-", ""] {
      #expect(DistributionFileName(name, of: try #require(ProjectName("zope.interface"))) == nil)
    }
  }

  @Test("Its HTML form says the same")
  func html() throws {
    let body = """
      <!DOCTYPE html><html><head><meta name="pypi:repository-version" content="1.1"></head><body>
      <a href="../../f/a_b-1.0-py3-none-any.whl#sha256=\(Self.digest)" data-requires-python="&gt;=3.8">x</a><br>
      <A HREF="https://host.example/a%2Db-2.0.tar.gz?x#md5=1" data-yanked="">a-b-2.0.tar.gz</A>
      <a href="a-b-2.1.tar.gz" data-yanked="why">y</a></body></html>
      """
    let project = try IndexProject(simpleAPI: Array(body.utf8), contentType: "text/html", name: "a-b")
    #expect(project.releases.map(\.version) == ["1.0", "2.0", "2.1"])
    #expect(project.releases.map(\.isYanked) == [false, true, true])
    #expect(project.releases[0].files[0].requiresPython == ">=3.8" && project.releases[0].sha256 == [Self.digest])
    #expect(project.releases[2].yankReason == "why")
  }

  @Test(
    "An answer that cannot be trusted is refused",
    arguments: [
      (
        #"{"meta": {"api-version": "2.0"}, "everything": "else"}"#, "application/vnd.pypi.simple.v1+json", "unsupported"
      ),
      (#"{"meta": {"api-version": "x"}, "files": []}"#, "application/json", "malformed"),
      (#"{"files": []}"#, "application/json", "malformed"), ("[", "application/json", "malformed"),
      (#"{"meta": {"api-version": "1.0"}, "name": "b", "files": []}"#, "application/json", "other-project"),
      ("<meta name='pypi:repository-version' content='2.0'>", "text/html", "unsupported"),
      ("", "text/plain", "unsupported"),
      ("", "", "unsupported"),
    ])
  func refused(body: String, type: String, code: String) {
    do throws(IndexFailure) {
      _ = try IndexProject(simpleAPI: Array(body.utf8), contentType: type, name: "a")
      Issue.record("it was read")
    } catch {
      #expect(error.code.rawValue == code)
    }
  }

  @Test("A project's description leads to what changed")
  func description() throws {
    let body = """
      {"info": {"name": "a", "summary": " It is. ", "home_page": "https://a.example", "project_urls":
        {"Source Code": "https://a.example/src", "Change-Log": "https://a.example/c", "Bad": "javascript:x", "None": null}},
       "vulnerabilities": [{"id": "X-1", "aliases": ["GHSA-1", "CVE-1"], "details": "bad", "fixed_in": ["2.0"]},
        {"id": "X-2", "withdrawn": "2024"}]}
      """
    let found = try ProjectDescription(json: Array(body.utf8))
    #expect(found.summary == "It is.")
    #expect(found.links.map(\.label) == ["Change-Log", "Homepage", "Source Code"])
    #expect(found.releaseNotes.map(\.address) == ["https://a.example/c", "https://a.example/src"])
    #expect(found.vulnerabilities.map(\.names) == [["CVE-1", "GHSA-1", "X-1"]])
    #expect(throws: IndexFailure.self) { try ProjectDescription(json: Array("{}".utf8)) }
  }

  @Test("The address comes from whoever says it first")
  func settings() throws {
    let files = [
      (name: "/etc/pip.conf", text: "[global]\nindex-url = https://one.example/simple\n"),
      (
        name: "~/pip.conf",
        text:
          "# c\n[global]\nindex_url: https://two.example/simple/\n[install]\n--index-url=\n  https://three.example/s\n"
      ),
    ]
    func settings(_ configured: String?, _ environment: [String: String], _ count: Int) throws -> IndexSettings {
      try IndexSettings(
        configured: configured, key: "index", environment: environment, pipConfigurations: Array(files.prefix(count)))
    }
    let environment = ["PIP_INDEX_URL": "https://user:secret@env.example/simple"]
    #expect(try settings("http://127.0.0.1:8080/simple", environment, 2).address == "http://127.0.0.1:8080/simple/")
    #expect(try settings("", environment, 2).source == "PIP_INDEX_URL")
    #expect(try settings(nil, [:], 2).address == "https://three.example/s/")
    #expect(try settings(nil, [:], 1).source == "/etc/pip.conf")
    let name = try #require(ProjectName("A_b"))
    #expect(try settings(nil, [:], 1).page(of: name) == "https://one.example/simple/a-b/")
    for wrong in ["ftp://x.example", "https://", "https://:8080/x", "https://x.example/?a", "simple"] {
      #expect(throws: IndexSettings.Failure.self) { try settings(wrong, [:], 0) }
    }
    do throws(IndexSettings.Failure) {
      _ = try IndexSettings(configured: nil, key: "index.pip", environment: [:], pipConfigurations: [])
      Issue.record("there is no index")
    } catch {
      #expect(error.description.contains("`index.pip`"))
    }
    do throws(IndexSettings.Failure) {
      _ = try IndexSettings(
        configured: "https://user:secret@/x", key: "index", environment: [:], pipConfigurations: [])
      Issue.record("it has no host")
    } catch {
      #expect(!error.description.contains("secret"))
    }
  }
}

@Suite("The difference of two states of a file")
struct UnifiedDiffTests {
  static func diff(_ old: String, _ new: String, path: String = "a.txt") -> String {
    UnifiedDiff(path: path, old: Array(old.utf8), new: Array(new.utf8)).text
  }

  @Test("Changed lines are shown with three lines around them")
  func hunks() {
    #expect(Self.diff("a\n", "a\n") == "")
    #expect(
      Self.diff("1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\nx\n6\n7\n8\n9\n")
        == "--- a/a.txt\n+++ b/a.txt\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+x\n 6\n 7\n 8\n")
    #expect(
      Self.diff("a==1\r\nb", "a==2\r\nb")
        == "--- a/a.txt\n+++ b/a.txt\n@@ -1,2 +1,2 @@\n-a==1\r\n+a==2\r\n b\n\\ No newline at end of file\n")
    #expect(
      Self.diff("", "a\n", path: "ä\"").hasPrefix(
        "--- \"a/\\303\\244\\\"\"\n+++ \"b/\\303\\244\\\"\"\n@@ -0,0 +1 @@\n+a\n"))
    #expect(Self.diff("a", "").hasSuffix("@@ -1 +0,0 @@\n-a\n\\ No newline at end of file\n"))
  }

  @Test("Changes far apart are apart")
  func severalHunks() {
    let old = (1...40).map { "\($0)\n" }
    var new = old
    new[2] = "x\n"
    new[30] = "y\n"
    let text = Self.diff(old.joined(), new.joined())
    #expect(text.split(separator: "\n").count { $0.hasPrefix("@@") } == 2)
  }
}

@Suite("pyproject.toml")
struct PyProjectTests {
  static let text = """
    [build-system]
    requires = ["setuptools>=40", 'wheel']  # build
    [project]
    name = "x"
    dependencies = [
      "pip==18.1 ; python_version >= '18.1'", # pip==18.1
      "Other[a]~=1.0",
    ]
    [project.optional-dependencies]
    nt = ["pip>=18,<19"]
    [dependency-groups]
    dev = ["pytest", {include-group = "pip==1"}]
    [tool.poetry.dependencies]
    python = "^3.8"
    requests = {version = "^2.1", extras = ["pip==1"]}
    """

  @Test("Specifiers change where they stand, and nothing else does")
  func rewriting() throws {
    let file = try PyProjectFile(parsing: Array(Self.text.utf8), path: "pyproject.toml")
    #expect(file.dependencies.map(\.normalizedName) == ["setuptools", "wheel", "pip", "other", "pip", "pytest"])
    #expect(file.dependencies.map(\.isDevelopment) == [false, false, false, false, false, true])
    let project = RequirementsTests.project("pip", RequirementsTests.pip)
    func result(_ name: String, _ verb: Update.Verb = .update) -> String {
      RequirementsTests.text(
        file.applying(Update(name: name, verb: verb, target: .version("19")), from: project, policy: ChoicePolicy()))
    }
    let expected = Self.text.replacing("\"pip==18.1 ;", with: "\"pip==19.3.1 ;").replacing(
      "pip>=18,<19", with: "pip>=19.3.1,<20")
    #expect(result("PIP") == expected)
    #expect(result("requests") == "unsupported")
    #expect(result("nothing") == "not-this-package")
    #expect(result("pip", .remove) == "unsupported")
  }

  @Test(
    "What is no TOML is refused, with its line",
    arguments: [
      "a = [\n", "a = \"x\n\"", "[a", "a", "a = 'x' y", "= 1", "a = {b = 1", "a = \"\"\"x",
      "a = \(String(repeating: "[", count: 40))",
    ])
  func malformed(text: String) {
    #expect(throws: Refusal.self) { try PyProjectFile(parsing: Array(text.utf8), path: "pyproject.toml") }
  }

  @Test("Whatever a file holds, it is read or refused")
  func mutations() {
    var random = RandomSource(seed: RandomSource.seed)
    let project = RequirementsTests.project("pip", RequirementsTests.pip)
    var changed = 0
    for _ in 0..<5_000 {
      let bytes = random.mutated(Self.text)
      guard let file = try? PyProjectFile(parsing: bytes, path: "pyproject.toml") else { continue }
      let update = Update(name: "pip", target: .version("19"))
      if case .changed(let edit) = file.applying(update, from: project, policy: ChoicePolicy()) {
        changed += 1
        #expect((try? PyProjectFile(parsing: edit.bytes, path: "x"))?.dependencies.count == file.dependencies.count)
      }
    }
    #expect(changed > 0)
  }
}

@Suite("Which files are manifests")
struct ManifestFormatTests {
  @Test("The path tells the format")
  func paths() {
    for path in [
      "requirements.txt", "a/requirements-dev.txt", "requirements/base.in", "dev_requirements.txt", "constraints.txt",
      "requirements2.txt", "Requirements.TXT", "a/constraints-3.8.txt",
    ] { #expect(ManifestFormat(path: path) == .requirements, "\(path)") }
    #expect(ManifestFormat(path: "a/pyproject.toml") == .pyproject)
    for path in ["", "notes.txt", "requirements.md", "requirementsx.txt", "requirements.txt/x.md", "robots.txt"] {
      #expect(ManifestFormat(path: path) == nil, "\(path)")
    }
  }
}
