import Testing

@testable import HTTPClient

/// Addresses, patterns of hosts, and which IP addresses are public.
struct AddressTests {
  @Test("an address is read as libcurl connects to it")
  func parts() throws {
    let address = try HTTPAddress("HTTPS://Example.ORG/a/../b c?q=ä#part")
    #expect(address.scheme == "https" && address.host == "example.org" && address.port == 443)
    #expect(address.path == "/b%20c")
    #expect(address.text.hasPrefix("https://Example.ORG/b%20c?q=%") && !address.text.contains("#"))
    #expect(address.description == "https://example.org/b%20c")
    #expect(try HTTPAddress("http://[::1]:8080/x").host == "::1")
    #expect(try HTTPAddress("http://[::1]:8080/x").description == "http://[::1]:8080/x")
    // What people hide an address behind.
    for text in ["http://2130706433/", "http://0x7f.1/", "http://017700000001/", "http://127.1/"] {
      #expect(try HTTPAddress(text).host == "127.0.0.1", "\(text)")
    }
  }

  @Test(
    "what is no address of http or https is refused",
    arguments: [
      "", "example.org", "//example.org/", "ftp://example.org/", "file:///etc/passwd", "gopher://x/",
      "javascript:alert(1)",
      "http://", "http://user:word@example.org/", "http://user@example.org/", "http://example.org:0/",
      "http://example.org:99999/", "http://exa mple.org/", "http://example.org\r\nX: y/", "http://[::1/",
      "http://a\u{0}b/",
      "https://example.org/" + String(repeating: "a", count: 9000),
    ])
  func refused(_ text: String) { #expect(throws: HTTPFailure.self) { try HTTPAddress(text) } }

  @Test("a reference is resolved on what it stands on")
  func references() throws {
    let base = try HTTPAddress("https://example.org/a/b?c=d")
    #expect(try base.resolving("e").text == "https://example.org/a/e")
    #expect(try base.resolving("/e?f").text == "https://example.org/e?f")
    #expect(try base.resolving("//other.example/x").host == "other.example")
    #expect(try base.resolving("http://other.example:81/x").port == 81)
    #expect(throws: HTTPFailure.self) { try base.resolving("file:///etc/passwd") }
    let longer = try base.adding(query: [("key", "a b&c=d")])
    #expect(longer.text.hasPrefix("https://example.org/a/b?c=d&key=a"))
    #expect(!longer.text.contains("&c=d"))
  }

  @Test(
    "addresses that are not public",
    arguments: [
      "0.0.0.0", "10.1.2.3", "100.64.0.1", "100.127.255.255", "127.0.0.1", "127.255.0.1", "169.254.169.254",
      "172.16.0.1",
      "172.31.255.255", "192.0.0.1", "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1", "198.19.255.255",
      "198.51.100.1",
      "203.0.113.1", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255", "::", "::1", "::ffff:127.0.0.1",
      "::ffff:10.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a00:1", "64:ff9b:1::1", "100::1", "2001::1",
      "2001:db8::1", "2002:7f00:1::", "2002:a00:1::", "3fff::1", "5f00::1", "fc00::1", "fd12::1", "fe80::1",
      "fe80::1%eth0",
      "fec0::1", "ff02::1",
    ])
  func notPublic(_ text: String) throws { #expect(try !#require(NetworkAddress(text)).isPublic) }

  @Test(
    "addresses that are public",
    arguments: [
      "1.1.1.1", "8.8.8.8", "11.0.0.1", "100.63.255.255", "100.128.0.1", "172.15.0.1", "172.32.0.1", "192.0.1.1",
      "198.17.0.1",
      "198.20.0.1", "223.255.255.255", "2606:4700::1111", "2a00:1450::1", "64:ff9b::808:808", "::ffff:8.8.8.8",
      "2001:4860::8888",
    ])
  func isPublic(_ text: String) throws { #expect(try #require(NetworkAddress(text)).isPublic) }
}
