import HostPatterns
import Testing

@Suite struct HostPatternTests {
  @Test func coversTheHostsAndPortsThatItNames() throws {
    let one = try #require(HostPattern("127.0.0.1:*"))
    #expect(one.covers(host: "127.0.0.1", port: 6667) && !one.covers(host: "127.0.0.2", port: 6667))
    let any = try #require(HostPattern("*:443"))
    #expect(any.covers(host: "x", port: 443) && !any.covers(host: "x", port: 80))
    let domain = try #require(HostPattern("*.Example.org:443"))
    #expect(domain.covers(host: "a.example.org", port: 443) && domain.covers(host: "A.b.example.ORG", port: 443))
    #expect(!domain.covers(host: "example.org", port: 443) && !domain.covers(host: "badexample.org", port: 443))
    #expect(!domain.covers(host: "example.org.evil", port: 443) && !domain.covers(host: "a.example.org", port: 80))
    #expect(try #require(HostPattern("[::1]:6667")).covers(host: "::1", port: 6667))
    #expect(HostPattern(host: "Example.org", port: 1).covers(host: "example.org", port: 1))
    #expect(HostPattern(host: "::1", port: 80).description == "[::1]:80")
  }

  @Test(arguments: [
    "", "host", "host:", ":80", "host:0", "host:+1", "host:65536", "host:1x", "a:b:c", "*x:80", "*.:80", "a.*:80",
    "ho st:80", "[abc]:80", "[::g]:80", "::1:80", "hôst:80",
  ])
  func whatIsNoPatternIsRefused(_ text: String) {
    #expect(HostPattern(text) == nil)
  }
}
