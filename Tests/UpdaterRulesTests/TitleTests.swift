import SeededRandom
import Testing

@testable import UpdaterRules

@Suite("Issue titles")
struct TitleTests {
  /// A request in one line, for comparing.
  static func text(_ title: String) -> String {
    let request = TitleGrammar.read(title)
    var parts = [request.intent.rawValue]
    for package in request.packages {
      var text = package.name
      if let from = package.from { text += " from \(from)" }
      switch package.to {
      case .latest: text += " latest"
      case .level(let level): text += " \(level.rawValue)"
      case .version(let version): text += " \(version)"
      case .specifier(let specifier): text += " \(specifier)"
      case nil: break
      }
      parts.append(text)
    }
    if let ecosystem = request.ecosystem { parts.append("of \(ecosystem.rawValue)") }
    if let path = request.path { parts.append("in \(path)") }
    if request.scope == .dev { parts.append("dev") }
    if !request.except.isEmpty { parts.append("except \(request.except.joined(separator: ","))") }
    if let level = request.level { parts.append("up to \(level.rawValue)") }
    if request.security { parts.append("security") }
    if request.pre { parts.append("pre") }
    return parts.joined(separator: "; ")
  }

  @Test(
    "One package is asked for",
    arguments: [
      ("Update pip to 19", "update; pip 19"), ("upgrade `Django` to v4.2!", "update; Django 4.2"),
      ("Upgrade to Django 4.2", "update; Django 4.2"), ("Move to requests 2.31", "update; requests 2.31"),
      ("pip: update to 19", "update; pip 19"), ("requests: 2.1 → 2.2", "update; requests from 2.1 2.2"),
      ("requests 2.1 -> 2.2", "update; requests from 2.1 2.2"),
      ("Bump requests from v2.1 to v2.2", "update; requests from 2.1 2.2"),
      ("Upgrade from Django 3.2 to Django 4.2", "update; Django from 3.2 4.2"),
      ("Bump nginx:1.24 to 1.25", "update; nginx from 1.24 1.25"),
      ("Update pip to 19 from 18.1", "update; pip from 18.1 19"),
      ("Update django from 3.2.x to the latest 4.2.x", "update; django from 3.2.x 4.2.x"),
      ("update pip==19.3.1", "update; pip ==19.3.1"), ("Update pip to >=19, <20", "update; pip >=19,<20"),
      ("Update lodash to ^4.17", "update; lodash ^4.17"), ("Update pip to 19 or newer", "update; pip >=19"),
      ("Update pip to 19+", "update; pip >=19"), ("Update urllib3 to something below 2", "update; urllib3 <2"),
      ("Raise the minimum Django version to 4.2", "update; Django >=4.2"), ("Update flask", "update; flask latest"),
      ("Update to the latest version of flask", "update; flask latest"),
      ("Update numpy to the latest minor version", "update; numpy minor"),
      ("Bump minor version of requests", "update; requests minor"),
      ("Update eslint to latest beta", "update; eslint latest; pre"),
      ("Update lodash@4.17.21", "update; lodash 4.17.21"), ("Update @types/node to 20", "update; @types/node 20"),
      ("Update requests[security] to 2.31", "update; requests 2.31"), ("Downgrade pip to 18.1", "downgrade; pip 18.1"),
      ("Roll back requests to 2.25", "downgrade; requests 2.25"), ("pin flask", "pin; flask latest"),
      ("Pin flask at 2.0.3", "pin; flask 2.0.3"), ("Lock urllib3 below 2", "pin; urllib3 <2"),
      ("Unpin flask", "unpin; flask"),
      ("Drop six from requirements.txt", "remove; six; in requirements.txt"),
    ])
  func onePackage(title: String, expected: String) { #expect(Self.text(title) == expected) }

  @Test(
    "Dressing says nothing, or says more",
    arguments: [
      ("[deps] chore(deps)!: :arrow_up: 🚀 please update pip to 19 (#12)", "update; pip 19"),
      ("Can we upgrade Django to 4.2?", "update; Django 4.2"), ("@bothost: please update pip", "update; pip latest"),
      ("Update pip to 19 in the backend folder, thanks!", "update; pip 19; in backend"),
      ("Update requests in /backend to 2.31", "update; requests 2.31; in /backend"),
      ("Update pip to 19 because 18 is broken", "update; pip 19"), ("Update pip to 19 - 18 is old", "update; pip 19"),
      ("[CVE-2023-43804] Bump urllib3 to 2.0.7", "update; urllib3 2.0.7; security"),
      ("Bump urllib3 to 2.0.7 to fix GHSA-v845-jxx5-vc9f", "update; urllib3 2.0.7; security"),
      ("Update the pip package to 19", "update; pip 19"),
      ("Update python package requests to 2", "update; requests 2; of pip"),
      ("Update the serde crate to 1.0", "update; serde 1.0; of cargo"),
      ("Update the python docker image to 3.12-slim", "update; python 3.12-slim; of docker"),
      ("Bump the GitHub Action actions/checkout to v4", "update; actions/checkout 4; of github-actions"),
      ("Update dev dependency pytest to 8", "update; pytest 8; dev"),
    ])
  func dressing(title: String, expected: String) { #expect(Self.text(title) == expected) }

  @Test(
    "Several or all packages are asked for",
    arguments: [
      ("Update react & react-dom to 18.2", "update; react 18.2; react-dom 18.2"),
      ("Update flask to 2.3, werkzeug to 2.4, and jinja2", "update; flask 2.3; werkzeug 2.4; jinja2 latest"),
      ("bump flask==2.3.3, werkzeug==2.3.8", "update; flask ==2.3.3; werkzeug ==2.3.8"),
      ("Update pytest / pytest-cov + tox", "update; pytest latest; pytest-cov latest; tox latest"),
      ("Update all dependencies", "update-all"), ("update all python requirements", "update-all; of pip"),
      ("Update everything, except django and celery", "update-all; except django,celery"),
      ("Update all dev dependencies", "update-all; dev"), ("Apply all patch updates", "update-all; up to patch"),
      ("Apply security updates", "update-all; security"),
      ("Update requirements.txt", "update-all; in requirements.txt"),
      ("Update GitHub Actions", "update-all; of github-actions"), ("Freeze all requirements", "pin-all"),
      ("Update all dependencies to the latest minor version", "update-all; up to minor"),
    ])
  func severalPackages(title: String, expected: String) { #expect(Self.text(title) == expected) }

  @Test(
    "What is no request is none",
    arguments: [
      "", "   ", "🚀", "How do I update pip to 19?", "pip 19 breaks the build", "Updating pip to 19 fails",
      "Updated pip to 19",
      "Update to pip 19 failed", "Do not bump requests past 2.31", "Don't update pip",
      "Update documentation for pip 19",
      "Update README.md", "Bump version to 1.2.3", "Release 1.2.3", "Add support for Django 4.2",
      "Feature: automatic updates",
      "RFC: should we upgrade Django?", "TypeError after upgrading requests from 2.1 to 2.2", "Drop Python 2 support",
      "Switch from requests to httpx", "Move tests to pytest", "Revert \"Update pip to 19\"", "Update failed",
      "Update not working", "bump", "Update pip to 19 — the build breaks", "Update $(reboot) to 19",
      "Update ../../etc/passwd",
      "Обновить pip до 19", "Update pip to ١٩", "Update pip\u{0}to 19", "Update pip\u{202E} to 19",
      "docs: update pip to 19",
      "Update pip to 19 and fix the tests",
    ])
  func none(title: String) { #expect(Self.text(title) == "none") }

  @Test(
    "What is undecidable is unclear, and says why",
    arguments: [
      "Update pip to 19 or 20", "Update it to 19", "Bump to 19", "Update pip from 20 to 19", "Update pip or setuptools",
      "Maybe update pip to 19?", "Update pip to 19 (maybe 20)", "Update the package", "Update some packages",
      "Update pip to",
      "Update pip to 19 and 20", "Update all dependencies to 19", "Update pip to 19 and remove six", "Downgrade pip",
      "Update pip to 19/20", "Unpin everything", "Update pip and",
    ])
  func unclear(title: String) {
    let request = TitleGrammar.read(title)
    #expect(request.intent == .unclear)
    #expect(request.packages.isEmpty)
    #expect(request.doubt?.isEmpty == false)
  }

  @Test("Who speaks to the bot is heard")
  func addressed() {
    #expect(TitleGrammar.read("@bothost update pip").isAddressed)
    #expect(
      TitleGrammar.read("Hey @bothost, what is up").isAddressed == TitleGrammar.read("hey @bothost what").isAddressed)
    #expect(!TitleGrammar.read("update pip").isAddressed)
  }

  @Test("A title of more than 256 characters is none")
  func length() {
    let title = "Update pip to 19 because " + String(repeating: "x", count: 231)
    #expect(title.count == 256)
    #expect(TitleGrammar.read(title).intent == .update)
    #expect(TitleGrammar.read(title + "x").intent == .none)
  }

  @Test("Whatever a title holds, it is read, and names stay names")
  func mutations() {
    var random = RandomSource(seed: RandomSource.seed)
    let seeds = [
      "Update pip to 19", "[a](b): @bot please bump `requests` from 2.1 to >=2.2, <3 and flask (#1)",
      "Pin all but a/b in /c",
      ":x: chore(deps): update @a/b@1.2 -> latest beta",
      "Update everything except django, celery and c because of CVE-2023-1",
      "requests: 2.1 → 2.2 or newer", "Upgrade the latest minor version of the npm package left-pad to at least 1.3.x+",
    ]
    for _ in 0..<(RandomSource.isFull ? 1_000_000 : 20_000) {
      let title = random.mutated(random.pick(seeds)).text
      let request = TitleGrammar.read(title)
      for package in request.packages {
        #expect(TitlePhrase.isName(package.name), "\(title), seed \(RandomSource.seed)")
      }
      if [.none, .unclear, .updateAll, .pinAll].contains(request.intent) {
        #expect(request.packages.isEmpty)
      } else {
        #expect(!request.packages.isEmpty, "\(title), seed \(RandomSource.seed)")
      }
    }
  }

  @Test("Nested and repeated words cost no more than their number")
  func repetition() {
    for unit in [
      "update ", "to ", "(", "[", "@a ", "and ", "a, ", ">= ", "the ", "latest ", "from 1 to ", ":a:", "maybe ", "a: ",
      "-> ", "in ",
    ] {
      let title = String(repeating: unit, count: 256 / unit.count)
      for _ in 0..<20 { #expect(TitleGrammar.read(title).packages.count <= 256) }
    }
    #expect(TitleGrammar.read(String(repeating: "update ", count: 1_000_000)).intent == .none)
  }
}
