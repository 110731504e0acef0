import Testing

@testable import TwitchChat

struct TokenKeeperTests {
  private func keeper(canCheck: Bool = true, canRenew: Bool = true) -> TokenKeeper {
    TokenKeeper(nick: "tacobot", canCheck: canCheck, canRenew: canRenew)
  }

  private func good(login: String? = "tacobot", scopes: [String]? = ["chat:read", "chat:edit"], _ expiresIn: Int64?)
    -> TokenKeeper.Check
  {
    .valid(login: login, scopes: scopes, expiresIn: expiresIn)
  }

  @Test func `a good token is looked at again in an hour`() {
    var keeper = keeper()
    #expect(keeper.due(hasToken: true) == [.check])
    for expiresIn: Int64? in [nil, 0, 14_000] {
      #expect(keeper.checked(good(expiresIn)) == [.report(.info, "the token is good"), .wake(after: 3600)])
    }
    #expect(keeper.complaint == nil)
  }

  @Test func `one that ends before the next look is renewed`() {
    var keeper = keeper()
    #expect(keeper.checked(good(3700)) == [.renew])
    #expect(
      keeper.renewed(.renewed(expiresIn: 14_400)) == [
        .report(.info, "the token was renewed; it lasts 240 minutes"), .useRenewed, .wake(after: 3600),
      ])
    // A short life is looked at in the middle of it.
    #expect(keeper.renewed(.renewed(expiresIn: 600)).last == .wake(after: 300))
    #expect(keeper.renewed(.renewed(expiresIn: 1)).last == .wake(after: 60))
    #expect(keeper.renewed(.renewed(expiresIn: nil)).last == .wake(after: 3600))
  }

  @Test func `without a refresh token the operator is told`() {
    var keeper = keeper(canRenew: false)
    func complaint(_ answer: TokenKeeper.Check) -> String? {
      let outputs = keeper.checked(answer)
      guard case .complain(let text)? = outputs.first, outputs.last == .wake(after: 3600) else { return nil }
      #expect(keeper.complaint == text)
      return text
    }
    #expect(
      complaint(.invalid) == "the token is not valid, or not any more: make a new one (scopes chat:read and chat:edit)")
    #expect(complaint(good(120)) == "the token expires in 2 minutes: make a new one")
    #expect(
      complaint(good(login: "other", 9000))
        == "the token belongs to 'other', but the nick is 'tacobot': the login will be refused")
    #expect(complaint(good(scopes: ["chat:read"], 9000)) == "the token lacks the scope chat:edit")
    #expect(keeper.checked(good(9000)).first == .report(.info, "the token is good"))
    #expect(keeper.complaint == nil)
  }

  @Test func `nobody is asked in vain, and silence is no judgement`() {
    var keeper = keeper()
    #expect(keeper.checked(.invalid) == [.renew])
    #expect(keeper.renewed(.refused("id says “Invalid refresh token”")).last == .wake(after: 3600))
    let complaint =
      "the token could not be renewed: id says “Invalid refresh token”: make a new token and a new refresh token"
    #expect(keeper.complaint == complaint)
    #expect(
      keeper.checked(.unknown("no answer"))
        == [.report(.warning, "the token could not be checked: no answer"), .wake(after: 300)])
    #expect(
      keeper.renewed(.unknown("no answer"))
        == [.report(.warning, "the token could not be renewed: no answer"), .wake(after: 300)])
    #expect(keeper.complaint == complaint)
    #expect(self.keeper().due(hasToken: false) == [.renew])
    #expect(self.keeper(canCheck: false).due(hasToken: true) == [.wake(after: 3600)])
    #expect(self.keeper(canRenew: false).due(hasToken: false) == [.wake(after: 3600)])
  }
}

struct TokenExchangeTests {
  private func bytes<Result>(_ text: String, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    Array(text.utf8).withUnsafeBytes(body)
  }

  @Test func `a header holds the token and nothing that it could smuggle in`() {
    #expect(bytes("oauth:abc\n", TokenExchange.authorization) == "OAuth abc")
    #expect(bytes("abc", TokenExchange.authorization) == "OAuth abc")
    for token in ["", "oauth:", "a b", "a\r\nX: y", "\u{E9}"] {
      #expect(bytes(token, TokenExchange.authorization) == nil, "\(token)")
    }
  }

  @Test func `a form is encoded`() {
    #expect(
      TokenExchange.form(refreshToken: "a+b/c=&d~", clientID: "id", clientSecret: "\u{E9} ")
        == "grant_type=refresh_token&refresh_token=a%2Bb%2Fc%3D%26d~&client_id=id&client_secret=%C3%A9%20")
    #expect(
      TokenExchange.form(refreshToken: "r", clientID: "id", clientSecret: nil)
        == "grant_type=refresh_token&refresh_token=r&client_id=id")
  }
}
