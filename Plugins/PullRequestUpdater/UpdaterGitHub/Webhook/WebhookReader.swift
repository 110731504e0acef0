import FoundationEssentials

/// Reads what GitHub sends to a webhook, once it is proved to come from GitHub
/// (https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries).
public struct WebhookReader {
  /// What GitHub sends at most.
  public static let largestPayload = 25 << 20

  /// Why a delivery is not taken, with the status to answer.
  public struct Refusal: Error, Sendable, Hashable, CustomStringConvertible {
    public var status: Int
    public var message: String
    public var description: String { message }

    public init(status: Int, _ message: String) {
      self.status = status
      self.message = message
    }
  }

  private static let prefix = "sha256="

  /// Whether a signature is that of the body, in constant time.
  ///
  /// - Parameter signature: the header `X-Hub-Signature-256`.
  public static func isGenuine(_ body: UnsafeRawBufferPointer, signature: String, secret: UnsafeRawBufferPointer)
    -> Bool
  {
    // What is no signature at all is not worth a digest of 25 MB.
    guard signature.hasPrefix(prefix), signature.utf8.count == prefix.utf8.count + 64, !secret.isEmpty else {
      return false
    }
    let digest = Digest.hmac(body, key: secret)
    return !digest.isEmpty
      && Digest.areEqual(Array(Digest.hexadecimal(digest).utf8), Array(signature.utf8.dropFirst(prefix.utf8.count)))
  }

  /// - Parameters:
  ///   - headers: the request's, with names in any case.
  ///   - body: as it came over the wire, byte for byte.
  ///   - withSecret: lends the webhook's secret.
  /// - Throws: ``Refusal``.
  public static func read(
    headers: [String: String], body: [UInt8], withSecret: ((UnsafeRawBufferPointer) throws -> Bool) throws -> Bool
  ) throws -> WebhookDelivery {
    guard body.count <= largestPayload else {
      throw Refusal(status: 413, "the payload has more than \(largestPayload) bytes")
    }
    var values: [String: String] = [:]
    for (name, value) in headers { values[name.lowercased()] = value }
    guard let signature = values["x-hub-signature-256"] else {
      throw Refusal(status: 401, "X-Hub-Signature-256 is missing; give the webhook a secret")
    }
    let isGenuine = try body.withUnsafeBytes { body in
      try withSecret { Self.isGenuine(body, signature: signature, secret: $0) }
    }
    guard isGenuine else { throw Refusal(status: 401, "the signature is not that of the payload") }
    guard let event = values["x-github-event"], event.utf8.count <= 100 else {
      throw Refusal(status: 400, "X-GitHub-Event is missing")
    }
    guard let delivery = values["x-github-delivery"], (1...100).contains(delivery.utf8.count) else {
      throw Refusal(status: 400, "X-GitHub-Delivery is missing")
    }
    guard event == "issues" else { return WebhookDelivery(id: delivery, event: event, issue: nil) }
    if let type = values["content-type"], !type.lowercased().hasPrefix("application/json") {
      throw Refusal(status: 415, "the payload is \(type); set the webhook's content type to application/json")
    }
    do {
      return WebhookDelivery(id: delivery, event: event, issue: try JSONBody.decode(IssueEvent.self, body))
    } catch { throw Refusal(status: 400, "the payload is no issue's: \(JSONBody.describe(error))") }
  }
}

/// A genuine delivery.
public struct WebhookDelivery: Sendable {
  /// The same again when GitHub delivers it again.
  public var id: String
  public var event: String
  /// nil for other events than `issues`.
  public var issue: IssueEvent?
}

/// An `issues` event.
public struct IssueEvent: Decodable, Sendable {
  public struct Home: Decodable, Sendable { public var fullName: String }

  public var action: String
  public var issue: Issue
  public var repository: Home
  public var sender: Account
  public var label: Issue.Label?

  /// Whether it may be somebody's request: what was opened, edited, opened again or labelled, and not by a bot.
  ///
  /// - Parameter login: our own.
  public func mayAsk(besides login: String?) -> Bool {
    ["opened", "edited", "reopened", "labeled"].contains(action) && sender.type != "Bot"
      && sender.login.lowercased() != login?.lowercased() && issue.pullRequest == nil
  }
}
