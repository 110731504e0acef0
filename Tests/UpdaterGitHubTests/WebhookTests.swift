import Foundation
import Testing
import UpdaterGitHub

@Suite struct WebhookTests {
  private let secret = "It's a Secret to Everybody"

  private func isGenuine(_ body: String, _ signature: String, secret: String? = nil) -> Bool {
    Array(body.utf8).withUnsafeBytes { body in
      Array((secret ?? self.secret).utf8).withUnsafeBytes { secret in
        WebhookReader.isGenuine(body, signature: signature, secret: secret)
      }
    }
  }

  /// The vector that GitHub's documentation gives.
  private let vector = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"

  @Test func signatureOfTheDocumentation() {
    #expect(isGenuine("Hello, World!", vector))
    #expect(!isGenuine("Hello, World", vector))
    #expect(!isGenuine("Hello, World!", vector, secret: "another"))
    #expect(!isGenuine("Hello, World!", vector, secret: ""))
  }

  @Test func everyChangedDigitIsSeen() {
    for place in vector.indices {
      var changed = vector
      changed.replaceSubrange(place...place, with: vector[place] == "0" ? "1" : "0")
      #expect(!isGenuine("Hello, World!", changed), "\(changed)")
    }
    for text in [
      "", "sha256=", String(vector.dropLast()), vector + "0", "sha1=" + vector.dropFirst(7), vector.uppercased(),
    ] {
      #expect(!isGenuine("Hello, World!", text), "\(text)")
    }
  }

  private func read(_ body: String, _ headers: [String: String], signed: Bool = true) throws -> WebhookDelivery {
    var headers = headers
    let bytes = Array(body.utf8)
    if signed { headers["X-Hub-Signature-256"] = "sha256=\(Self.signature(bytes, secret))" }
    return try WebhookReader.read(headers: headers, body: bytes) { use in
      try Array(secret.utf8).withUnsafeBytes { try use($0) }
    }
  }

  /// HMAC over SHA-256 (RFC 2104), once more, over the digest alone.
  private static func signature(_ body: [UInt8], _ secret: String) -> String {
    var key = Array(secret.utf8)
    if key.count > 64 { key = Digest.sha256(key) }
    key += [UInt8](repeating: 0, count: 64 - key.count)
    let inner = Digest.sha256(key.map { $0 ^ 0x36 } + body)
    return Digest.hexadecimal(Digest.sha256(key.map { $0 ^ 0x5C } + inner))
  }

  private func payload(_ action: String, sender: String = "User") -> String {
    """
    {"action": "\(action)", "issue": {"number": 12, "title": "Update pip to 19", "state": "open", "labels": [],
      "user": {"login": "ann", "type": "User"}}, "repository": {"full_name": "ann/app"},
      "sender": {"login": "ann", "type": "\(sender)"}}
    """
  }

  private let headers = ["x-github-event": "issues", "X-GITHUB-DELIVERY": "guid-1", "Content-Type": "application/json"]

  @Test func issuesAreRead() throws {
    let delivery = try read(payload("opened"), headers)
    #expect(delivery.id == "guid-1")
    #expect(delivery.issue?.issue.number == 12)
    #expect(delivery.issue?.repository.fullName == "ann/app")
    #expect(delivery.issue?.mayAsk(besides: "bothost") == true)
    #expect(delivery.issue?.mayAsk(besides: "Ann") == false)
    #expect(try read(payload("opened", sender: "Bot"), headers).issue?.mayAsk(besides: nil) == false)
    #expect(try read(payload("deleted"), headers).issue?.mayAsk(besides: nil) == false)
    for action in ["edited", "reopened", "labeled"] {
      #expect(try read(payload(action), headers).issue?.mayAsk(besides: nil) == true, "\(action)")
    }
  }

  @Test func whatIsNotProvedIsNotRead() throws {
    #expect(throws: WebhookReader.Refusal(status: 401, "X-Hub-Signature-256 is missing; give the webhook a secret")) {
      try read(payload("opened"), headers, signed: false)
    }
    var wrong = headers
    wrong["x-hub-signature-256"] = vector
    #expect(throws: WebhookReader.Refusal(status: 401, "the signature is not that of the payload")) {
      try read("not even JSON", wrong, signed: false)
    }
    #expect(throws: WebhookReader.Refusal.self) { try read("not even JSON", headers) }
    #expect(throws: WebhookReader.Refusal.self) { try read(payload("opened"), ["x-github-event": "issues"]) }
  }

  @Test func otherEventsAreTakenAsTheyAre() throws {
    #expect(try read(#"{"zen": "…"}"#, ["x-github-event": "ping", "x-github-delivery": "1"]).event == "ping")
    #expect(try read("[]", ["x-github-event": "push", "x-github-delivery": "1"]).issue == nil)
  }
}
