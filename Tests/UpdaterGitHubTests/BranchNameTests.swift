import Testing
import UpdaterGitHub

@Suite struct BranchNameTests {
  private func ours(_ package: String, _ target: String, in directory: String = "") -> String {
    BranchName.ours(ecosystem: "pip", directory: directory, package: package, target: target)
  }

  @Test func theUsualOnes() {
    #expect(ours("pip", "19") == "bothost/pip/root/pip-19")
    #expect(ours("pip", "latest") == "bothost/pip/root/pip-latest")
    #expect(ours("django", "4.2.7", in: "services/api") == "bothost/pip/services/api/django-4.2.7")
  }

  /// Whatever is asked for, git takes the name, it is short, and no two requests share one.
  @Test func anyTextMakesAName() {
    var source = SystemRandomNumberGenerator()
    let alphabet = Array("ab/.-_~^:?*[\\ @{}\n\u{0}é'\"$(`;|<>#!lock").map { String($0) }
    var seen: [String: String] = [:]
    for round in 0..<4000 {
      let length = Int.random(in: 0...(round % 10 == 0 ? 200 : 12), using: &source)
      let target = (0..<length).map { _ in alphabet.randomElement(using: &source) ?? "a" }.joined()
      let folder = (0..<Int.random(in: 0...6, using: &source)).map { _ in alphabet.randomElement(using: &source) ?? "a"
      }
      .joined()
      let name = ours("pip", target, in: folder)
      #expect(BranchName.isValid(name), "\(name)")
      #expect(name.hasPrefix("bothost/pip/") || name.hasPrefix("bothost/pip-"), "\(name)")
      #expect(name.utf8.count <= BranchName.longest, "\(name)")
      let parts = folder.split(separator: "/").joined(separator: "/")
      let request = "\(parts.isEmpty ? "root" : parts)|\(target)"
      #expect(seen[name] ?? request == request, "\(name): \(seen[name] ?? "") and \(request)")
      seen[name] = request
      #expect(BranchName.isValid(BranchName.besideFolder(name)))
    }
  }

  @Test func aBranchBesideTheFolderIsAlwaysTheSame() {
    let name = ours("pip", "19")
    let other = BranchName.besideFolder(name)
    #expect(other == BranchName.besideFolder(name))
    #expect(other.hasPrefix("bothost-") && other.hasSuffix("/pip/root/pip-19"))
  }

  @Test func whatGitDoesNotTake() {
    for name in [
      "", "a b", "a..b", "a.lock", "/a", "a/", "a//b", ".a", "a/.b", "-a", "a~", "a^", "a:", "a?", "a*", "a[", "a\\",
      "a@{b", "@", "a.", "a\u{7F}",
    ] {
      #expect(!BranchName.isValid(name), "\(name)")
    }
    for name in ["main", "release/1.x", "a@b", "föö", "feature/a-b_c.d"] {
      #expect(BranchName.isValid(name), "\(name)")
    }
  }
}
