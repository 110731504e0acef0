import CCurl

/// What sending and reading mail have in common.
class MailExchange: Exchange {
  let server: MailServer

  init(_ server: MailServer, maximumBody: Int, authorities: String?) {
    self.server = server
    super.init(
      reach: server.reach, timeout: server.timeout, connectTimeout: server.connectTimeout, maximumBody: maximumBody,
      authorities: authorities)
    host = server.host
    port = server.port
  }

  /// - Parameter path: behind the server's address.
  func configure(_ handle: EasyHandle, path: String) {
    configureCommon(handle)
    handle.set(CURLOPT_URL, server.origin + path)
    handle.set(CURLOPT_PROTOCOLS_STR, "smtp,smtps,imap,imaps")
    handle.set(CURLOPT_USE_SSL, Int((server.permitsPlainText ? CURLUSESSL_TRY : CURLUSESSL_ALL).rawValue))
    if let user = server.user { handle.set(CURLOPT_USERNAME, user) }
    if let password = server.password { handle.set(CURLOPT_PASSWORD, password) }
  }

  override func masking(_ text: String) -> String {
    guard let password = server.password, password.utf8.count >= 4 else { return text }
    return text.replacing(password, with: "…")
  }
}

/// A message on its way (SMTP, RFC 5321).
final class MailSending: MailExchange {
  private let sender: String
  private let recipient: String
  private let message: [UInt8]
  private var sent = 0
  private let completion: (Result<Void, HTTPFailure>) -> Void

  init(
    _ server: MailServer, from sender: String, to recipient: String, _ message: [UInt8], authorities: String?,
    _ completion: @escaping (Result<Void, HTTPFailure>) -> Void
  ) {
    self.sender = sender
    self.recipient = recipient
    self.message = message
    self.completion = completion
    super.init(server, maximumBody: 65_536, authorities: authorities)
  }

  override func check() throws(HTTPFailure) {
    for address in [sender, recipient]
    where address.isEmpty || address.utf8.contains(where: { $0 <= 0x20 || $0 == 0x3C || $0 == 0x3E || $0 == 0x7F }) {
      throw HTTPFailure(.invalid, "that is no mail address")
    }
  }

  override func configure(_ handle: EasyHandle) throws(HTTPFailure) {
    sent = 0
    configure(handle, path: "")
    handle.set(CURLOPT_MAIL_FROM, "<\(sender)>")
    handle.set(CURLOPT_MAIL_RCPT, list: ["<\(recipient)>"])
    handle.set(CURLOPT_UPLOAD, 1)
    handle.set(CURLOPT_INFILESIZE_LARGE, offset: message.count)
    handle.set(read: { room, size, count, me in
      Exchange.of(me).give(UnsafeMutableRawBufferPointer(start: room, count: size * count))
    })
    handle.set(CURLOPT_READDATA, pointer: Unmanaged.passUnretained(self as Exchange).toOpaque())
  }

  override func give(_ room: UnsafeMutableRawBufferPointer) -> Int {
    let count = min(room.count, message.count - sent)
    room.copyBytes(from: message[sent..<sent + count])
    sent += count
    return count
  }

  override func succeeded(_ handle: EasyHandle) throws(HTTPFailure) -> Step {
    completion(.success(()))
    return .over
  }

  override func failure(of code: CURLcode, _ handle: EasyHandle) -> HTTPFailure {
    // The server's own number: RFC 5321, section 4.2.
    let status = handle.get(CURLINFO_RESPONSE_CODE)
    if code == CURLE_SEND_ERROR || code == CURLE_WEIRD_SERVER_REPLY || code == CURLE_UPLOAD_FAILED, status >= 400 {
      return HTTPFailure(.refused, "\(name) does not take the mail (\(status))")
    }
    return super.failure(of: code, handle)
  }

  override func complete(failed failure: HTTPFailure) { completion(.failure(failure)) }
}

/// What is new in a mailbox (IMAP, RFC 3501). Reading a message marks it as read.
final class MailReading: MailExchange {
  private let limit: Int
  private let completion: (Result<[[UInt8]], HTTPFailure>) -> Void
  /// The numbers (UID) of the messages that are still to be read; nil before they are known.
  private var wanted: [UInt32]?
  private var messages: [[UInt8]] = []

  /// How much is read of each message, in bytes.
  private static let messageBytes = 32_768

  init(
    _ server: MailServer, limit: Int, authorities: String?,
    _ completion: @escaping (Result<[[UInt8]], HTTPFailure>) -> Void
  ) {
    self.limit = limit
    self.completion = completion
    // A little more than a message: libcurl counts what is around it, too.
    super.init(server, maximumBody: Self.messageBytes * 2, authorities: authorities)
  }

  override func configure(_ handle: EasyHandle) throws(HTTPFailure) {
    if let next = wanted?.first {
      configure(handle, path: "/INBOX;UID=\(next);PARTIAL=0.\(Self.messageBytes)")
    } else {
      configure(handle, path: "/INBOX")
      handle.set(CURLOPT_CUSTOMREQUEST, "UID SEARCH UNSEEN")
    }
  }

  override func succeeded(_ handle: EasyHandle) throws(HTTPFailure) -> Step {
    if wanted == nil {
      // "* SEARCH 4 8 15": the newest ones have the highest numbers.
      let words = String(decoding: body, as: UTF8.self).split(whereSeparator: \.isWhitespace)
      wanted = Array(words.compactMap { UInt32($0) }.sorted().suffix(limit))
    } else {
      messages.append(body)
      wanted?.removeFirst()
    }
    if wanted?.isEmpty == false { return .again }
    completion(.success(messages))
    return .over
  }

  override func complete(failed failure: HTTPFailure) { completion(.failure(failure)) }
}

extension HTTPClient {
  /// Sends a mail: `message` as it is to go over the wire (RFC 5322), with lines of CR LF. As ``send(_:completion:)`` otherwise.
  @discardableResult
  public func send(
    mail message: [UInt8], from sender: String, to recipient: String, by server: MailServer,
    completion: @escaping @Sendable (Result<Void, HTTPFailure>) -> Void
  ) -> Ticket? {
    submit(
      MailSending(
        server, from: sender, to: recipient, message, authorities: configuration.authorities, completion)
    ) { completion(.failure($0)) }
  }

  /// Reads the newest messages of the inbox that nobody has read, the oldest of them first, and marks them as read.
  ///
  /// - Parameter limit: how many, at most. Of a long one the beginning is read.
  @discardableResult
  public func readMail(
    from server: MailServer, limit: Int, completion: @escaping @Sendable (Result<[[UInt8]], HTTPFailure>) -> Void
  ) -> Ticket? {
    submit(MailReading(server, limit: max(1, limit), authorities: configuration.authorities, completion)) {
      completion(.failure($0))
    }
  }
}
