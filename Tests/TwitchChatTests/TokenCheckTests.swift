import Testing

@testable import TwitchChat

struct TokenCheckTests {
  private func verdict(_ pieces: String...) -> TokenCheck.Verdict {
    var check = TokenCheck()
    for var piece in pieces { piece.withUTF8 { check.receive(UnsafeRawBufferPointer($0)) } }
    return check.verdict
  }

  private func request(_ token: String, _ url: String = "https://id.twitch.tv/oauth2/validate") -> String? {
    var token = token
    guard let endpoint = TokenCheck.Endpoint(url: url) else { return nil }
    return token.withUTF8 { TokenCheck.request(endpoint, token: UnsafeRawBufferPointer($0)) }
      .map { String(decoding: $0, as: UTF8.self) }
  }

  @Test func `the endpoint is read from its address`() {
    #expect(TokenCheck.Endpoint(url: "https://id.twitch.tv/oauth2/validate") == .twitch)
    let own = TokenCheck.Endpoint(url: "http://127.0.0.1:8080")
    #expect(own == TokenCheck.Endpoint(isTLS: false, host: "127.0.0.1", port: 8080, path: "/"))
    #expect(TokenCheck.Endpoint(url: "http://[::1]:80/x")?.host == "::1")
    #expect(TokenCheck.Endpoint(url: "https://[::1]/x")?.port == 443)
    for url in [
      "", "id.twitch.tv", "ftp://a/b", "https://", "https://a:0/", "https://a:99999/", "https://u@a/", "https://a/ b",
    ] {
      #expect(TokenCheck.Endpoint(url: url) == nil, "\(url)")
    }
  }

  @Test func `the request holds the token and nothing that it could smuggle in`() {
    #expect(
      request("oauth:abc\n")
        == "GET /oauth2/validate HTTP/1.0\r\nHost: id.twitch.tv\r\nAuthorization: OAuth abc\r\nAccept: application/json\r\n"
        + "Connection: close\r\n\r\n")
    for token in ["", "oauth:", "a b", "a\r\nX: y", "\u{E9}"] { #expect(request(token) == nil, "\(token)") }
  }

  @Test func `what the answer says`() {
    let body = #"{"login":"taco","scopes":["chat:read"],"expires_in":5000}"#
    #expect(
      verdict("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n", "\r\n", body) == .valid(body: Array(body.utf8)))
    #expect(
      verdict("HTTP/1.0 401 Unauthorized\r\n\r\n", #"{"status":401,"message":"invalid access token"}"#) == .invalid)
    #expect(
      verdict("HTTP/1.1 503 Service Unavailable\r\n\r\n") == .unknown("the answer is HTTP/1.1 503 Service Unavailable"))
    #expect(verdict("HTTP/1.1 200 OK\r\nA: b\r\n") == .unknown("the answer has no end"))
    #expect(verdict("") == .unknown("there was no answer"))
    for nonsense in [
      ":tmi.twitch.tv 001 taco :hi", "HTTP/1.1\r\n\r\n", "HTTP/1.1 20 x", "\r\n\r\n\r\n", "HTTP/ 999999 x",
    ] {
      #expect(verdict(nonsense) == .unknown("the answer is not HTTP"), "\(nonsense)")
    }
    // As much as anybody may send is looked at in part.
    #expect(verdict(String(repeating: "x", count: 10_000_000)) == .unknown("the answer is not HTTP"))
  }
}
