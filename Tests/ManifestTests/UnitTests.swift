import Testing

@testable import BotHost

@Suite struct UnitTests {
  @Test(arguments: [
    ("200ms", 200_000_000), ("5s", 5_000_000_000), ("10m", 600_000_000_000), ("1.5s", 1_500_000_000), ("0s", 0),
    ("1m30s", 90_000_000_000), ("2h", 7_200_000_000_000), ("1d", 86_400_000_000_000), ("7us", 7_000), ("7µs", 7_000),
    ("9ns", 9),
  ])
  func durations(text: String, nanoseconds: Int64) {
    #expect(TimeSpan(text)?.nanoseconds == nanoseconds)
  }

  @Test(arguments: [
    "", "5", "s", "-1s", "5 s", "1.s", ".5s", "5x", "30s1m", "1s1s", "1000000000d", "1e3s", "٥s", "1..2s",
  ])
  func noDurations(text: String) {
    #expect(TimeSpan(text) == nil)
  }

  @Test func ranges() {
    #expect(TimeRange("200ms..30s") == TimeRange(.milliseconds(200), .seconds(30)))
    #expect(TimeRange("1.5s..2s") == TimeRange(.milliseconds(1500), .seconds(2)))
    #expect(TimeRange("5s") == TimeRange(.seconds(5), .seconds(5)))
    for text in ["30s..1s", "..1s", "1s..", "1s...2s", "1s..2s..3s"] { #expect(TimeRange(text) == nil, "\(text)") }
  }

  @Test func rates() {
    #expect(RateLimit("5/10m") == RateLimit(5, per: .minutes(10)))
    for text in ["0/1s", "5/", "/1s", "5/0s", "a/1s", "5/1s/2s", "-1/1s", "5"] {
      #expect(RateLimit(text) == nil, "\(text)")
    }
  }

  @Test(arguments: [
    ("10MiB", 10 << 20), ("64KiB", 64 << 10), ("1GB", 1_000_000_000), ("7", 7), ("7B", 7), ("1.5KiB", 1536),
    ("3kB", 3000),
  ])
  func sizes(text: String, bytes: Int64) {
    #expect(ByteSize(text)?.bytes == bytes)
  }

  @Test(arguments: ["", "MiB", "-1B", "1.5B", "10mib", "1.", "9999999999TiB", "10 MiB"])
  func noSizes(text: String) {
    #expect(ByteSize(text) == nil)
  }

  @Test func descriptionsReadBack() {
    var generator = SeededGenerator(state: 5)
    for _ in 0..<1_000 {
      let span = TimeSpan(nanoseconds: Int64.random(in: 0...(1 << 50), using: &generator))
      #expect(
        TimeSpan(span.description).map { abs($0.nanoseconds - span.nanoseconds) } ?? .max <= span.nanoseconds >> 50)
      let size = ByteSize(bytes: Int64.random(in: 0...(1 << 40), using: &generator))
      #expect(ByteSize(size.description) == size)
    }
    #expect(TimeSpan.seconds(90).description == "90s")
    #expect(TimeSpan.minutes(10).description == "10m")
    #expect(ByteSize.mebibytes(16).description == "16MiB")
  }

  @Test func versions() throws {
    // semver.org, section 11.
    let order = [
      "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1",
      "1.0.0", "1.0.1", "1.10.0", "2.0.0",
    ]
    let versions = try order.map { try #require(SemanticVersion($0)) }
    #expect(versions == versions.shuffled().sorted())
    #expect(SemanticVersion("1.0.0+a") == SemanticVersion("1.0.0+b"))
    #expect(SemanticVersion("1.2.3-rc.1+b5")?.description == "1.2.3-rc.1+b5")
    for text in ["1", "1.2", "01.2.3", "1.2.3.4", "1.2.x", "v1.2.3", "1.2.3-", "1.2.3+", "", "1.2.3-a..b"] {
      #expect(SemanticVersion(text) == nil, "\(text)")
    }
  }

  @Test(arguments: [
    ("^1.2", "1.2.0", true), ("^1.2", "1.9.9", true), ("^1.2", "2.0.0", false), ("^1.2", "1.1.9", false),
    ("^0.2.3", "0.2.9", true), ("^0.2.3", "0.3.0", false), ("^0.0.3", "0.0.4", false), ("^1", "1.5.0", true),
    ("~1.2", "1.2.9", true), ("~1.2", "1.3.0", false), (">=1.0 <2", "1.5.0", true), (">=1.0 <2", "2.0.0", false),
    ("1.2.3", "1.2.3", true), ("1.2.3", "1.2.4", false), ("1.2", "1.2.7", true), ("*", "9.9.9", true),
    ("^1 || ^3", "3.1.0", true), ("^1 || ^3", "2.1.0", false), (">1.0.0", "1.0.0", false), ("<=1.0.0", "1.0.0", true),
  ])
  func versionRanges(range: String, version: String, contains: Bool) throws {
    #expect(try #require(VersionRange(range)).contains(#require(SemanticVersion(version))) == contains)
  }

  @Test func noVersionRanges() {
    for text in ["", "x", "^", ">=", "^1.2 ||", "1.2.3.4"] { #expect(VersionRange(text) == nil, "\(text)") }
  }

  @Test func secretsAreMasked() {
    let secret = Secret("hunter2")
    #expect("\(secret)" == "***")
    #expect(String(reflecting: secret) == "***")
    #expect(!"\([secret])\(Optional(secret) as Any)\(["k": secret])".contains("hunter2"))
    var dumped = ""
    dump(secret, to: &dumped)
    #expect(!dumped.contains("hunter2"))
    #expect(secret.reveal { $0 } == "hunter2")
  }
}
