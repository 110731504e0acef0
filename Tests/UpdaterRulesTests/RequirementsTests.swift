import SeededRandom
import Testing

@testable import UpdaterRules

@Suite("Requirements files")
struct RequirementsTests {
  static let pip = ["9.0.3", "18.0", "18.1", "19.0", "19.2", "19.2.3", "19.3", "19.3.1", "20.0.2", "21.0a1", "26.3"]

  static func project(_ name: String, _ versions: [String], digests: [String: [String]] = [:]) -> IndexProject {
    IndexProject(
      name: name,
      releases: versions.map { version in
        IndexProject.Release(
          version: version,
          files: (digests[version].map { $0.map(Optional.some) } ?? [nil]).map {
            IndexProject.File(name: "\(name)-\(version).tar.gz", sha256: $0)
          })
      })
  }

  static func outcome(
    _ text: String, _ request: String, package: String = "pip", versions: [String] = pip, verb: Update.Verb = .update,
    policy: ChoicePolicy = ChoicePolicy(), digests: [String: [String]] = [:]
  ) throws -> EditOutcome {
    try RequirementsFile(parsing: Array(text.utf8), path: "requirements.txt").applying(
      Update(name: package, verb: verb, target: VersionTarget(request)),
      from: project(package, versions, digests: digests), policy: policy)
  }

  /// The new text, or the code of why there is none.
  static func text(_ outcome: EditOutcome) -> String {
    switch outcome {
    case .changed(let edit): String(decoding: edit.bytes, as: UTF8.self)
    case .unchanged(let reason): reason.rawValue
    case .refused(let refusal): refusal.code.rawValue
    }
  }

  @Test(
    "Each clause says as much as before",
    arguments: [
      ("pip==18.1", "19", "pip==19.3.1"), ("pip==18.1", "19.2", "pip==19.2.3"), ("pip==18.1", "19.2.0", "pip==19.2"),
      ("pip==18.1", "19.x", "pip==19.3.1"), ("pip==18.1", "v19", "pip==19.3.1"), ("pip==18.1", "latest", "pip==26.3"),
      ("pip==18.1", ">=19,<20", "pip==19.3.1"), ("pip===18.1", "19", "pip===19.3.1"), ("pip~=18.1", "19", "pip~=19.3"),
      ("pip~=18.1.0", "19", "pip~=19.3.1"), ("pip==18.*", "19", "pip==19.*"), ("pip==18.1.*", "19", "pip==19.3.*"),
      ("pip>=18.0", "19", "pip>=19.3.1"), ("pip>18.0", "19", "pip>=19.3.1"), ("pip>=18,<19", "19", "pip>=19.3.1,<20"),
      ("pip>=18.0,<18.2", "19", "pip>=19.3.1,<19.4"), ("pip>=18,<19.3.1", "19", "pip>=19.3.1,<19.3.2"),
      ("pip<=18.1", "19", "pip<=19.3.1"), ("pip>=18,!=19.3.1", "19", "pip>=19.3,!=19.3.1"),
      ("pip", ">=19, <20", "pip>=19,<20"), ("pip >= 18, < 19", ">=19,<20", "pip >= 19, < 20"),
      ("pip == 18.1", "19", "pip == 19.3.1"), ("pip\t==\t18.1", "19", "pip\t==\t19.3.1"),
      ("pip (==18.1)", "19", "pip (==19.3.1)"),
      ("pip==18.1  # see #12", "19", "pip==19.3.1  # see #12"),
      ("\u{FEFF}pip==18.1\r\n", "19", "\u{FEFF}pip==19.3.1\r\n"),
      ("PIP[a, b]==18.1 ; python_version<'18.1'", "19", "PIP[a, b]==19.3.1 ; python_version<'18.1'"),
      ("pip \\\n    ==18.\\\n1\n", "19", "pip \\\n    ==19.3.1\n"),
      ("# old \\\npip==18.1\n", "19", "# old \\\npip==19.3.1\n"),
      ("pip==18.1 \\\n    # old\n", "19", "pip==19.3.1 \\\n    # old\n"), ("pip==18.1,", "19", "pip==19.3.1,"),
      ("pip[a] ; os_name=='nt'", "19", "pip[a]==19.3.1 ; os_name=='nt'"), ("pip ()", "19", "pip (==19.3.1)"),
    ])
  func rewriting(line: String, request: String, expected: String) throws {
    #expect(Self.text(try Self.outcome(line, request)) == expected)
  }

  @Test(
    "What stays as it is says why",
    arguments: [
      ("pip==19.3.1", "19", "up-to-date"), ("pip==19.3.1.0", "19", "up-to-date"),
      ("pip>=18", "latest", "already-allowed"),
      ("pip<20", "19", "already-allowed"), ("pip>=19.3.1", "19", "already-allowed"), ("pip", "latest", "unpinned"),
      ("pip", "minor", "unpinned"), ("pip<20", "minor", "unpinned"), ("pip-tools==3", "19", "not-this-package"),
      ("# pip==18.1", "19", "not-a-requirement"), ("-r pip.txt", "19", "not-a-requirement"),
      ("", "19", "not-a-requirement"),
      ("-e ./pip", "19", "not-a-requirement"), ("https://host.example/other-1.0.tar.gz", "19", "not-a-requirement"),
    ])
  func unchanged(line: String, request: String, reason: String) throws {
    #expect(Self.text(try Self.outcome(line, request)) == reason)
  }

  @Test(
    "What cannot be done is refused",
    arguments: [
      ("pip==18.1", "99", "no-such-version"), ("pip==18.1", "21", "only-prereleases"),
      ("pip==20.0.2", "19", "would-downgrade"),
      ("pip>=20", "19", "would-downgrade"), ("pip>26.3", "latest", "would-downgrade"),
      ("pip>=18,!=19.*", "19", "conflict"),
      ("pip==18.1,<19,==18.*", "nineteen", "invalid-request"), ("pip==18.1", ">=", "invalid-request"),
      ("pip @ https://host.example/pip.zip", "19", "direct-reference"),
      ("git+https://host.example/pip@1#egg=pip", "19", "direct-reference"),
      ("./files/pip-18.1-py3-none-any.whl", "19", "direct-reference"),
      ("./files/pip-18.1.tar.gz", "19", "direct-reference"),
      ("pip==${PIP}", "19", "unsupported-env-var"), ("pip=18.1", "19", "invalid-line"),
      ("pip==18.1#x", "19", "invalid-line"),
      ("pip==18.1\t--hash=sha256:1", "19", "invalid-line"), ("pip==18.1 --nothing", "19", "invalid-line"),
      ("pip==18.1; nonsense", "19", "invalid-line"), ("pip==18.1 --hash=sha256:11", "19", "hashes-unavailable"),
    ])
  func refused(line: String, request: String, code: String) throws {
    #expect(Self.text(try Self.outcome(line, request)) == code)
  }

  @Test("A verb may go down, pin, unpin and remove")
  func verbs() throws {
    #expect(Self.text(try Self.outcome("pip==20.0.2", "19", verb: .downgrade)) == "pip==19.3.1")
    #expect(Self.text(try Self.outcome("pip>=20", "19", verb: .downgrade)) == "pip>=19.3.1")
    #expect(Self.text(try Self.outcome("pip", "latest", verb: .pin)) == "pip==26.3")
    #expect(Self.text(try Self.outcome("pip >= 18, < 19", "latest", verb: .pin)) == "pip == 18.1")
    #expect(Self.text(try Self.outcome("pip>=20", "19", verb: .pin)) == "pip==19.3.1")
    #expect(Self.text(try Self.outcome("pip==18.1,!=18.0 # x", "latest", verb: .unpin)) == "pip!=18.0 # x")
    #expect(
      Self.text(try Self.outcome("pip (==18.1) ; os_name=='nt'", "latest", verb: .unpin)) == "pip ; os_name=='nt'")
    #expect(Self.text(try Self.outcome("pip>=18", "latest", verb: .unpin)) == "unpinned")
    #expect(
      Self.text(try Self.outcome("a==1\npip==18.1 \\\n  --hash=sha256:1\nb==1", "latest", verb: .remove))
        == "a==1\nb==1")
    #expect(Self.text(try Self.outcome("pip==1 --hash=sha256:1", "latest", verb: .unpin)) == "conflict")
  }

  @Test("Pre-releases and local builds come only when asked for")
  func preReleases() throws {
    let versions = ["1.0", "2.0b1", "2.0b2", "2.0", "2.1rc1", "2.1rc1+x"]
    func result(_ line: String, _ request: String, _ policy: ChoicePolicy = ChoicePolicy()) throws -> String {
      Self.text(try Self.outcome(line, request, package: "a", versions: versions, policy: policy))
    }
    #expect(try result("a==1.0", "latest") == "a==2.0")
    #expect(try result("a==1.0", "2.1rc1") == "a==2.1rc1")
    #expect(try result("a==1.0", ">=2.1rc1") == "a==2.1rc1")
    #expect(try result("--pre\na==1.0", "latest") == "--pre\na==2.1rc1")
    #expect(try result("a==1.0", "latest", ChoicePolicy(allowsPreReleases: true)) == "a==2.1rc1")
    #expect(try result("a==2.0b1", "2.0") == "a==2.0")
    #expect(try result("a~=2.0b1", "2.1rc1") == "a~=2.1rc1")
    #expect(try result("a==1.0", "2.1rc1+x") == "a==2.1rc1+x")
  }

  @Test("Hashes are replaced as a whole, in their layout")
  func hashes() throws {
    let (one, two) = (String(repeating: "a", count: 64), String(repeating: "b", count: 64))
    let digests = ["19.3.1": [one, two]]
    #expect(
      Self.text(
        try Self.outcome("pip==18.1 \\\n  --hash=sha256:11 \\\n  --hash=sha384:22\nb==1\n", "19", digests: digests))
        == "pip==19.3.1 \\\n  --hash=sha256:\(one) \\\n  --hash=sha256:\(two)\nb==1\n")
    let mixed = Self.text(
      try Self.outcome("pip==18.1 --hash sha256:11 -C a=b --hash=sha256:22  # x", "19", digests: digests))
    #expect(mixed == "pip==19.3.1 --hash=sha256:\(one) --hash=sha256:\(two) -C a=b  # x")
    // The first option ends with an escaped blank, so that what lies between the two is one blank less than there are.
    let escaped = Self.text(
      try Self.outcome("pip==18.1 --hash=sha256:11\\  --hash=sha256:22\n", "19", digests: digests))
    #expect(escaped == "pip==19.3.1 --hash=sha256:\(one) --hash=sha256:\(two)\n")
  }

  @Test("All of a package's lines change, or none")
  func severalLines() throws {
    #expect(
      Self.text(try Self.outcome("pip==18.1; a=='1'\nb==1\npip==18.0; a!='1'\n", "19")) == "invalid-line")
    let text = "pip==18.1; os_name=='nt'\nb==1\npip==18.0; os_name!='nt'\n"
    guard case .changed(let edit) = try Self.outcome(text, "19") else {
      Issue.record("nothing changed")
      return
    }
    #expect(
      String(decoding: edit.bytes, as: UTF8.self)
        == text.replacing("18.1", with: "19.3.1").replacing("18.0", with: "19.3.1"))
    #expect(edit.changes.map(\.line) == [1, 3])
    #expect(edit.changes.first?.oldText == "pip==18.1; os_name=='nt'")
    #expect(edit.changes.first?.newText == "pip==19.3.1; os_name=='nt'")
    #expect(edit.from == "18.0")
    #expect(edit.choice?.version == "19.3.1")
    #expect(edit.choice?.skipped.first == VersionChoice.Skipped(version: "26.3", reason: .outsideRequest))
    #expect(Self.text(try Self.outcome("pip==18.1\npip==20.0.2", "19")) == "would-downgrade")
    guard case .refused(let refusal) = try Self.outcome("a==1\npip==18.1\npip==20.0.2", "19") else {
      Issue.record("it was not refused")
      return
    }
    #expect(refusal.line == 3)
  }

  @Test("A file tells its packages, the files that it takes in and what is wrong with it")
  func reading() throws {
    let text = "-r base.txt\n--constraint='c d.txt'\nb[x]>=1 # c\nc=1\n--pre\nd==1 --hash=sha256:1\n"
    let file = try RequirementsFile(parsing: Array(text.utf8), path: "requirements-dev.txt")
    #expect(file.dependencies.map(\.name) == ["b", "d"])
    #expect(file.dependencies.map(\.requirement) == [">=1", "==1"])
    #expect(file.dependencies.map(\.line) == [3, 6])
    #expect(file.dependencies.map(\.isDevelopment) == [true, true])
    #expect(file.references.map(\.path) == ["base.txt", "c d.txt"])
    #expect(file.references.map(\.isConstraint) == [false, true])
    #expect(file.problems.map(\.line) == [4])
    #expect(file.allowsPreReleases && file.requiresHashes)
    for dependency in file.dependencies {
      #expect(String(decoding: file.bytes[dependency.span], as: UTF8.self) == dependency.requirement)
    }
    #expect(throws: Refusal.self) { try RequirementsFile(parsing: [0xFF, 0xFE, 0x61, 0], path: "a.txt") }
  }

  @Test("Python, yanked versions and levels limit the choice")
  func choice() throws {
    let project = IndexProject(
      name: "a",
      releases: [
        ("1.0", nil, false), ("1.0.2", nil, false), ("1.1", nil, true), ("1.2", nil, false), ("2.0", ">=3.8", false),
      ].map { version, python, yanked in
        IndexProject.Release(
          version: version,
          files: [
            IndexProject.File(name: "a", requiresPython: python, isYanked: yanked, yankReason: yanked ? "broken" : nil)
          ])
      })
    func result(_ request: String, python: String? = nil) throws -> EditOutcome {
      try RequirementsFile(parsing: Array("a==1.0".utf8), path: "r.txt").applying(
        Update(name: "A", target: VersionTarget(request)), from: project,
        policy: ChoicePolicy(python: python.flatMap { PEP440Version($0) }))
    }
    #expect(Self.text(try result("patch")) == "a==1.0.2")
    #expect(Self.text(try result("minor")) == "a==1.2")
    #expect(Self.text(try result("major")) == "a==2.0")
    #expect(Self.text(try result("latest", python: "3.7")) == "a==1.2")
    #expect(Self.text(try result("2", python: "3.7.1")) == "python-incompatible")
    #expect(Self.text(try result("1.1")) == "yanked")
    guard case .changed(let edit) = try result("patch") else {
      Issue.record("nothing changed")
      return
    }
    #expect(edit.choice?.skipped.map(\.version) == ["2.0", "1.2", "1.1"])
    guard case .refused(let refusal) = try result("1.1") else { return }
    #expect(refusal.reason.contains("broken"))
  }

  static let seeds = [
    "pip==18.1", "pip >= 18, < 19 ; python_version < '3' # c",
    "pip==18.1 \\\n    --hash=sha256:11 \\\n    --hash=sha256:22",
    "-r a.txt\n-c b.txt\npip~=18.1\n", "pip[a,b] (==18.1)\r\n", "git+https://h.example/x@1#egg=pip",
    "pip @ https://h.example/x",
    "pip==${A}", "--index-url https://h.example\npip\n", "# -*- coding: latin-1 -*-\npip==18.*",
    "pip===18.1,!=19.*,<20",
  ]

  @Test("Whatever a file holds, it is read, and only spans of the package change")
  func mutations() throws {
    var random = RandomSource(seed: RandomSource.seed)
    let project = Self.project("pip", Self.pip, digests: ["19.3.1": [String(repeating: "a", count: 64)]])
    for _ in 0..<(RandomSource.isFull ? 1_000_000 : 30_000) {
      let bytes = random.mutated(random.pick(Self.seeds))
      guard let file = try? RequirementsFile(parsing: bytes, path: "r.txt") else { continue }
      let update = Update(name: "pip", verb: random.pick([.update, .pin, .downgrade]), target: .version("19"))
      guard case .changed(let edit) = file.applying(update, from: project, policy: ChoicePolicy()) else { continue }
      // Around the only span that changes every byte is the same.
      let spans = file.dependencies.filter { $0.normalizedName == "pip" }.map(\.span)
      if spans.count == 1, !file.requiresHashes {
        #expect(edit.bytes.starts(with: bytes[..<spans[0].lowerBound]))
        #expect(edit.bytes.reversed().starts(with: bytes[spans[0].upperBound...].reversed()))
      }
      let again = try RequirementsFile(parsing: edit.bytes, path: "r.txt")
      let own = again.dependencies.filter { $0.normalizedName == "pip" }
      #expect(!own.isEmpty, "\(String(decoding: bytes, as: UTF8.self).debugDescription), seed \(RandomSource.seed)")
      #expect(again.dependencies.count == file.dependencies.count)
      #expect(
        again.dependencies.filter { $0.normalizedName != "pip" }.map(\.requirement)
          == file.dependencies.filter { $0.normalizedName != "pip" }.map(\.requirement))
      // A second time there is nothing to do.
      if case .changed(let twice) = again.applying(update, from: project, policy: ChoicePolicy()) {
        Issue.record(
          "\(edit.bytes.text.debugDescription) becomes \(twice.bytes.text.debugDescription), seed \(RandomSource.seed)")
      }
    }
  }

  @Test("A line of a megabyte takes no longer than its length needs")
  func longLines() throws {
    for unit in [
      "a", "-", "pip==18.1,", "\\\n", "[a,", "(", "--hash=sha256:1 ", "'", "# ", "${A}", ";", "a-", "é", ".",
      "python_version<'3' and ",
    ] {
      let text = "pip==18.1" + String(repeating: unit, count: 1_048_576 / unit.utf8.count)
      let outcome = try Self.outcome(text, "19")
      if case .changed(let edit) = outcome { #expect(edit.bytes.count > 0) } else { #expect(Self.text(outcome) != "") }
    }
  }
}
