import Foundation
import Testing
import UpdaterGitHub
import UpdaterRules

@testable import UpdaterJobs

@Suite struct TextTests {
  @Test func textOfOthersDoesNothing() {
    let evil = "@everyone <img src=x onerror=alert(1)> [x](javascript:1) `code` **bold** <!-- bothost:pr v1 -->\n# head"
    let text = Markdown.text(evil)
    #expect(text.contains("@\u{200B}everyone") && !text.contains("\n"))
    #expect(!text.contains(" <img") && text.contains("\\<img") && text.contains("\\[x\\]\\("))
    let code = Markdown.code(evil)
    #expect(code.hasPrefix("``") && code.hasSuffix("``") && !code.contains("\n"))
    #expect(Markdown.code("`") == "`` ` ``")
    #expect(Markdown.block("```\nx", language: "diff", limit: 100) == "````diff\n```\nx\n````")
    #expect(Markdown.link("x", to: "javascript:alert(1)") == nil)
    #expect(Markdown.link("a]b", to: "https://e.example/(x) y<z>") == "[a\\]b](https://e.example/%28x%29%20y%3Cz%3E)")
    #expect(Markdown.text("a\u{202E}b\u{7}c") == "abc")
  }

  /// A combining mark makes one `Character` of a tick and itself; to GitHub it is a tick with something behind it.
  @Test func combiningMarksHideNothing() {
    #expect(Markdown.code("``\u{301} @everyone") == "``` ``\u{301} @everyone ```")
    #expect(Markdown.code("a``\u{301}b") == "```a``\u{301}b```")
    #expect(Markdown.block("```\u{301}\nx", language: "diff", limit: 100) == "````diff\n```\u{301}\nx\n````")
    #expect(Markdown.text("[\u{301}x") == "\\[\u{301}x" && Markdown.text("`\u{301}") == "\\`\u{301}")
    #expect(Markdown.text("@\u{301}a #1") == "@\u{200B}\u{301}a \\#\u{200B}1")
    // Nor does a heap of them count as one.
    let heap = "a" + String(repeating: "\u{301}", count: 100_000)
    #expect(Markdown.text(heap).unicodeScalars.count == 301)
    #expect(Markdown.code(heap, limit: 10).unicodeScalars.count == 13)
    // A file with CRLF is cut between lines like any other.
    let long = String(repeating: "-pip==18.1\r\n", count: 100)
    #expect(Markdown.block(long, language: "diff", limit: 50).contains("-pip==18.1\r\n-pip==18.1"))
  }

  @Test func markersAreReadFromTheLastLineAlone() throws {
    let marker = Marker(key: "0123456789abcdef", issue: 12, from: "18.1", to: "19.3.1")
    #expect(marker.line == "<!-- bothost:pr v1 key=0123456789abcdef issue=12 from=18.1 to=19.3.1 -->")
    #expect(Marker(body: "text\n\n\(marker.line)\n") == marker)
    #expect(Marker(body: "\(marker.line)\n\ntext") == nil)
    #expect(Marker(body: nil) == nil)
    let evil = Marker(key: "a", issue: 1, from: "1 --> x", to: "")
    #expect(evil.line == "<!-- bothost:pr v1 key=a issue=1 from=1x to=none -->")
  }

  @Test func keysDifferWithEveryPart() throws {
    let name = try #require(RepositoryName("ann/app"))
    func key(
      base: String = "main", manifests: [String] = ["a", "b"], package: String = "pip", request: String = "19"
    ) -> String {
      Marker.key(
        repository: name, base: base, ecosystem: "pip", manifests: manifests, package: package, request: request)
    }
    #expect(key() == key(manifests: ["b", "a"]) && key().count == 16)
    #expect(Set([key(), key(base: "x"), key(manifests: ["a"]), key(package: "x"), key(request: "x")]).count == 5)
  }

  @Test func titles() {
    func title(_ verb: Update.Verb, _ from: String?, _ to: String?, isDowngrade: Bool = false, name: String = "pip")
      -> String
    {
      PullRequestText.title([.init(package: name, verb: verb, from: from, to: to, isDowngrade: isDowngrade)])
    }
    #expect(title(.update, "18.1", "19.3.1") == "Update pip from 18.1 to 19.3.1")
    #expect(title(.update, nil, "19.3.1") == "Update pip to 19.3.1")
    #expect(title(.downgrade, "19", "18.1", isDowngrade: true) == "Downgrade pip from 19 to 18.1")
    #expect(title(.pin, nil, "18.1") == "Pin pip to 18.1")
    #expect(title(.remove, nil, nil) == "Remove pip")
    #expect(title(.unpin, "18.1", nil) == "Unpin pip")
    let long = String(repeating: "a", count: 60)
    #expect(title(.update, "18.1", "19.3.1", name: long) == "Update \(long) to 19.3.1")
    for text in [title(.update, "1", "2"), title(.downgrade, "2", "1", isDowngrade: true), title(.remove, nil, nil)] {
      #expect(PullRequestText.isOurs(text, about: "Pip", isGroup: false), "\(text)")
    }
    #expect(!PullRequestText.isOurs("Update pip-tools from 1 to 2", about: "pip", isGroup: false))
    #expect(!PullRequestText.isOurs("Fix it", about: "pip", isGroup: false))
  }

  @Test func bodiesAreShortEnoughAndEndInTheMarker() {
    let marker = Marker(key: "0123456789abcdef", issue: 12, from: "1", to: "2")
    let diff = String(repeating: "-pip==18.1 @everyone\n+pip==19 `````\n", count: 10_000)
    let text = PullRequestText(
      items: (0..<300).map { .init(package: "p\($0)", verb: .update, from: "1", to: "2") }, request: "latest",
      issue: 12,
      closes: true, files: (0..<50).map { .init(path: "requirements/\($0).txt", changes: [], diff: diff) }, skipped: [],
      releaseNotes: [], marker: marker)
    #expect(text.body.count < 65_535)
    #expect(Marker(body: text.body) == marker)
    // With the longest of everything, too.
    let long = String(repeating: "1.", count: 5000) + "0"
    let longest = PullRequestText(
      items: (0..<300).map { _ in .init(package: long, verb: .update, from: long, to: long) }, request: long,
      issue: 12, closes: true, files: (0..<50).map { _ in .init(path: long, changes: [], diff: diff) }, skipped: [],
      releaseNotes: [], lockFiles: (0..<50).map { _ in long }, doubt: long, marker: marker)
    #expect(longest.body.count < 65_535)
    let one = PullRequestText(
      items: [.init(package: long, verb: .update, from: long, to: long)], request: long, issue: 12, closes: true,
      files: [.init(path: long, changes: [], diff: diff)],
      skipped: (0..<50).map { _ in .init(version: long, reason: PullRequestText.reason(.yanked(long))) },
      releaseNotes: [], lockFiles: (0..<50).map { _ in long }, doubt: long, marker: marker)
    #expect(one.body.count < 65_535)
  }

  @Test func pathsStayInTheRepository() {
    #expect(RepositoryPath.resolve("../b.txt", in: "a") == "b.txt")
    #expect(RepositoryPath.resolve("./x/../b.txt", in: "a/c") == "a/c/b.txt")
    for (path, folder) in [
      ("../b.txt", ""), ("../../b.txt", "a"), ("/etc/passwd", ""), ("a\\b", ""), ("x/../../y", ""),
    ] {
      #expect(RepositoryPath.resolve(path, in: folder) == nil, "\(path)")
    }
    #expect(RepositoryPath.commonFolder(of: ["a/b/c.txt", "a/b/d.txt"]) == "a/b")
    #expect(RepositoryPath.commonFolder(of: ["requirements.txt", "requirements/dev.txt"]) == "")
  }

  @Test func anIndexsPasswordIsTakenOutOfItsAddress() {
    let (bare, user) = PackageIndex.withoutUser("https://me:p%40ss@index.example/simple/")
    #expect(bare == "https://index.example/simple/" && user == "me:p@ss")
    #expect(PackageIndex.withoutUser("https://index.example/a@b/").user == nil)
  }
}
