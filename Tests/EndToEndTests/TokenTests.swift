import Foundation
import Testing

/// A user's token of Twitch ends after some hours: the bot gets itself another one, and goes on.
struct TokenTests {
  private struct Fixture {
    let chat: Simulator
    let identity: WebSimulator
    let directory: TemporaryDirectory
    let configuration: String

    /// - Parameters:
    ///   - accepted: the only token that the chat lets in.
    ///   - renewal: where a renewal is asked for.
    init(accepted: String, renewal: String = "/token") throws {
      chat = try Simulator(["--token", accepted])
      identity = try WebSimulator()
      directory = try TemporaryDirectory()
      try identity.set(
        "/validate", #"{"login":"tacobot","scopes":["chat:read","chat:edit"],"expires_in":14000}"#)
      try identity.set(
        "/token", #"{"access_token":"second-access","refresh_token":"second-refresh","expires_in":14400}"#)
      let address = "http://127.0.0.1:\(identity.http)"
      configuration = try directory.file(
        "host.yaml",
        """
        bothost: 1
        kind: host
        plugins:
          twitch:
            config: {client_id: app, token_check: "\(address)/validate", token_renewal: "\(address)\(renewal)"}

        """)
    }

    func start(token: String?) throws -> Host {
      var environment = chat.environment(channels: ["kitchen"])
      environment["TWITCH_TOKEN"] = token.map { "oauth:\($0)" } ?? ""
      environment["TWITCH_REFRESH_TOKEN"] = "first-refresh"
      environment["TWITCH_CLIENT_SECRET"] = "client&secret"
      return try Host(arguments: ["--config", configuration], environment: environment, directory: directory)
    }

    /// How often somebody has tried to log in.
    func logins() throws -> Int { try chat.transcript().filter { $0.line.hasPrefix("PASS") }.count }

    func hasNoSecrets(_ host: Host) -> Bool {
      let printed = host.program.printed(.error).joined(separator: "\n")
      return !["first-access", "second-access", "-refresh", "client&secret"].contains { printed.contains($0) }
    }
  }

  @Test("one that the chat refuses is renewed, and the new one is used after a restart", .timeLimit(.minutes(20)))
  func renewsARefusedToken() throws {
    let fixture = try Fixture(accepted: "second-access")
    let host = try fixture.start(token: "first-access")
    let asked = try fixture.identity.request("/token")
    #expect(asked.method == "POST")
    #expect(
      asked.body == "grant_type=refresh_token&refresh_token=first-refresh&client_id=app&client_secret=client%26secret")
    try fixture.chat.expect(1, "JOIN #kitchen")
    try host.program.line(.error, "that the token was renewed") {
      $0.contains("the token was renewed; it lasts 240 minutes")
    }
    #expect(fixture.hasNoSecrets(host))
    try host.stop()

    // The token of the environment is the old one still, but the renewed one is kept.
    let again = try fixture.start(token: "first-access")
    try fixture.chat.expect(2, "JOIN #kitchen")
    try again.program.line(.error, "that the token is good") { $0.contains("the token is good") }
    #expect(try fixture.logins() == 3)
    #expect(fixture.hasNoSecrets(again))
    try again.stop()
  }

  @Test("without one, the refresh token is enough", .timeLimit(.minutes(20)))
  func beginsWithTheRefreshToken() throws {
    let fixture = try Fixture(accepted: "second-access")
    let host = try fixture.start(token: nil)
    try fixture.chat.expect(1, "JOIN #kitchen")
    #expect(try fixture.logins() == 1)
    try host.stop()
  }

  @Test("when nobody gives another one, the operator is told", .timeLimit(.minutes(20)))
  func saysThatNothingHelps() throws {
    let refusal = "/status?n=400&body=%7B%22message%22:%22Invalid%20refresh%20token%22%7D"
    let fixture = try Fixture(accepted: "second-access", renewal: refusal)
    let host = try fixture.start(token: "first-access")
    try host.program.line(.error, "why the login is refused") {
      $0.contains(
        "the token could not be renewed: 127.0.0.1 says “Invalid refresh token”: make a new token and a new refresh token"
      )
    }
    #expect(fixture.hasNoSecrets(host))
    let shown = try host.command("ps").first { $0.hasPrefix("twitch ") }
    #expect(shown?.contains("login failed: the token could not be renewed") == true, "\(shown ?? "nothing")")
    try host.stop()
  }
}
