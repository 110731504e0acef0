import Foundation
import Testing

@testable import UpdaterGitHub

@Suite struct SmallPartsTests {
  @Test func timesAreReadAndWritten() {
    let formatter = ISO8601DateFormatter()
    for seconds in stride(from: 0, to: 4_000_000_000, by: 8_765_432) {
      let text = formatter.string(from: Date(timeIntervalSince1970: Double(seconds)))
      #expect(UTCTime.nanoseconds(text) == Int64(seconds) * 1_000_000_000)
      #expect(UTCTime.text(Int64(seconds) * 1_000_000_000) == text)
    }
    #expect(UTCTime.nanoseconds("2024-02-29T23:59:59.123Z") == 1_709_251_199_000_000_000)
    for text in [
      "", "2024-02-29", "2024-02-29T23:59:59+01:00", "2024-13-01T00:00:00Z", "20240229T235959Z", "x024-02-29T23:59:59Z",
    ] {
      #expect(UTCTime.nanoseconds(text) == nil, "\(text)")
    }
  }

  @Test func linksAreRead() {
    let header = #"<https://a.example/x?page=2&a=b,c>; rel="next", <https://a.example/x?page=9>; rel="last""#
    #expect(LinkHeader.target("next", in: header) == "https://a.example/x?page=2&a=b,c")
    #expect(LinkHeader.target("last", in: header) == "https://a.example/x?page=9")
    #expect(LinkHeader.target("prev", in: header) == nil)
    #expect(LinkHeader.target("next", in: "<unfinished") == nil)
    #expect(LinkHeader.target("next", in: "") == nil)
  }

  @Test func objectsHaveGitsNames() {
    // git hash-object of a file with "hello\n", and of an empty one.
    #expect(GitObject.blob(Array("hello\n".utf8)) == "ce013625030ba8dba906f756967f9e9ca394464a")
    #expect(GitObject.blob([]) == "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391")
  }

  @Test func namesOfRepositories() {
    #expect(RepositoryName("Ann/App.js") == RepositoryName("ann/app.JS"))
    for text in ["", "a", "a/b/c", "a/", "/b", "a b/c", "../x", "a/..", "a/b?c", "a/b#c", "ä/b"] {
      #expect(RepositoryName(text) == nil, "\(text)")
    }
  }

  @Test func pathsAreEscaped() {
    #expect(PathEscape.path("bothost/pip/a b#c?d") == "bothost/pip/a%20b%23c%3Fd")
    #expect(PathEscape.path("ä") == "%C3%A4")
  }

  @Test func patternsMatch() {
    #expect(NamePattern("requirements*.txt").matches("requirements-dev.txt"))
    #expect(!NamePattern("requirements*.txt").matches("requirements/dev.txt"))
    #expect(NamePattern("a*b*c").matches("axxbyyc") && !NamePattern("a*b*c").matches("axxbyy"))
    #expect(NamePattern("*").matches("") && !NamePattern("*").matches("a/b"))
    // A pattern that would take a naive matcher an age.
    #expect(!NamePattern(String(repeating: "a*", count: 100) + "b").matches(String(repeating: "a", count: 1000)))
  }
}
