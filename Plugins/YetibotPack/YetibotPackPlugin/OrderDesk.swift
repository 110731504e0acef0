import BotPluginKit
import HTTPClient
import Synchronization
import YetibotEngine
import YetibotServices

/// Does what a plan says with the client, step after step, and answers the command in the end. Any thread may call it.
final class OrderDesk: Sendable {
  private let host: Host
  private let settings: Settings
  private let named: Reach
  private let smtp: MailServer?
  private let imap: MailServer?
  /// Made by ``open()``; a plugin in standby has no thread.
  private let client = Mutex<HTTPClient?>(nil)

  /// How many messages `mail fetch` reads.
  private static let mailLimit = 5

  init(host: Host, settings: Settings) throws {
    self.host = host
    self.settings = settings
    named = try settings.named()
    smtp = try settings.mailServer(.smtp)
    imap = try settings.mailServer(.imap)
  }

  func open() throws {
    do {
      let made = try HTTPClient(settings.client())
      client.withLock { $0 = made }
    } catch { throw PluginError.internal("\(error)") }
  }

  /// Gives up what is under way, and waits for the client's thread. Closures of requests may keep this object longer than the plugin.
  func close() { client.withLock { $0 }?.close() }

  /// What is left of a command's time, in nanoseconds, with a tenth kept back, so that the answer is there before the caller gives up, on
  /// a busy machine as well.
  static func left(until deadline: Int64?, _ host: Host) -> Int64? {
    deadline.map { deadline in
      let left = deadline - host.monotonicTime
      return max(1_000_000, left - max(150_000_000, left / 10))
    }
  }

  func take(_ plan: Plan, until deadline: Int64?, _ reply: CommandReply) {
    do {
      switch plan {
      case .answer(let outcome): reply.send(outcome)
      // Nothing that a request leads to.
      case .pass, .run: reply.send(.failure("the command cannot be done"))
      case .fetch(let fetch, let then):
        let request = try self.request(fetch, deadline)
        // What goes on on the client's thread is handed over with the closure that comes along.
        let next = Continuation(then: then)
        try openClient().send(request) { result in
          switch result {
          case .success(let response):
            let plan = next.then(response)
            // Some servers repeat the secret that they do not like.
            if case .answer(.failure(let text)) = plan {
              reply.send(.failure(request.masking(text)))
            } else {
              self.take(plan, until: deadline, reply)
            }
          case .failure(let failure): reply.send(.failure(failure.message))
          }
        }
      case .send(let message): try send(message, deadline, reply)
      case .readMail: try readMail(deadline, reply)
      }
    } catch { reply.send(.failure((error as? PluginError)?.message ?? "\(error)")) }
  }

  /// A plan's closure on its way between threads. It is called once, and holds values alone.
  private struct Continuation: @unchecked Sendable { let then: (HTTPResponse) -> Plan }

  /// How long a request may take that has to be answered by then.
  private func timeout(until deadline: Int64?) -> Duration {
    .nanoseconds(min(Self.left(until: deadline, host) ?? .max, settings.timeout))
  }

  private func openClient() throws -> HTTPClient {
    guard let client = client.withLock({ $0 }) else { throw PluginError.internal("the plugin is not active") }
    return client
  }

  // MARK: The web

  private func request(_ fetch: Fetch, _ deadline: Int64?) throws -> HTTPRequest {
    var request = fetch.request
    request.timeout = timeout(until: deadline)
    request.connectTimeout = request.timeout
    request.maximumBody = settings.maxBody
    switch fetch.scope {
    case .named: request.reach = named
    case .service(let base, let isConfigured):
      // The service itself, and whatever public place it leads to; a private one when the operator has put it there.
      let place = base.pattern
      request.reach = Reach(hosts: Reach.web + [place], privateHosts: isConfigured ? [place] : [])
    }
    if let secret = fetch.secret {
      if let value = try self.secret(secret) {
        secret.apply(value, to: &request)
      } else if secret.isRequired {
        throw PluginError.invalid(secret.missing)
      }
    }
    return request
  }

  /// nil when the operator has given none.
  private func secret(_ secret: ServiceSecret) throws -> String? {
    if let setting = secret.setting { return try secretText(setting) }
    guard let text = try secretText("service_secrets") else { return nil }
    guard let members = (try? JSONText.parse(text))?.members else {
      throw PluginError.invalid(
        "service_secrets in yetibot-pack's configuration is not JSON of the form {\"service\": \"secret\"}")
    }
    return members[secret.service]?.text
  }

  private func secretText(_ name: String) throws -> String? {
    do {
      let text = try host.secret(name).withBytes { String(decoding: $0, as: UTF8.self) }
      return text.isEmpty ? nil : text
    } catch let error as PluginError where error.code == .notFound { return nil }
  }

  // MARK: Mail

  private func send(_ message: MailMessage, _ deadline: Int64?, _ reply: CommandReply) throws {
    let client = try openClient()
    guard var server = smtp else { throw PluginError.invalid("no mail can be sent: set mail_smtp") }
    server.timeout = timeout(until: deadline)
    server.password = try secretText("mail_password")
    let text = message.text(milliseconds: host.unixTime / 1_000_000, identifier: .random(in: 0...UInt64.max))
    client.send(mail: Array(text.utf8), from: message.from, to: message.to, by: server) { result in
      switch result {
      case .success:
        reply.send(
          .record(
            .init(
              .string("sent to \(message.to)"),
              data: ["to": .string(message.to), "subject": .string(message.subject), "body": .string(message.body)])))
      case .failure(let failure): reply.send(.failure(failure.message))
      }
    }
  }

  private func readMail(_ deadline: Int64?, _ reply: CommandReply) throws {
    let client = try openClient()
    guard var server = imap else { throw PluginError.invalid("no mail can be read: set mail_imap") }
    server.timeout = timeout(until: deadline)
    server.password = try secretText("mail_password")
    client.readMail(from: server, limit: Self.mailLimit) { result in
      switch result {
      case .success(let messages): reply.send(ReceivedMail.outcome(messages.map { ReceivedMail($0) }))
      case .failure(let failure): reply.send(.failure(failure.message))
      }
    }
  }
}
