import YetibotEngine

/// A message as it is sent: the envelope and the text of RFC 5322, with lines of CR LF.
public struct MailMessage: Sendable, Hashable {
  public var from: String
  public var to: String
  public var subject: String
  public var body: String

  /// The whole message. Subject and body may hold any character: both are encoded (RFC 2047, RFC 2045).
  ///
  /// - Parameters:
  ///   - milliseconds: when it is sent, since 1970.
  ///   - identifier: makes the message's id unique.
  public func text(milliseconds: Int64, identifier: UInt64) -> String {
    let host = from.split(separator: "@").last.map(String.init) ?? "localhost"
    let lines = [
      "From: <\(from)>", "To: <\(to)>", "Subject: \(Self.encoded(subject))", "Date: \(Self.date(milliseconds))",
      "Message-ID: <\(String(identifier, radix: 36)).\(milliseconds)@\(host)>", "MIME-Version: 1.0",
      "Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: base64", "Auto-Submitted: auto-generated",
      "",
    ]
    let encoded = Array(Base64.encode(Array(body.utf8)).utf8)
    let pieces = stride(from: 0, to: encoded.count, by: 76).map {
      String(decoding: encoded[$0..<min($0 + 76, encoded.count)], as: UTF8.self)
    }
    return (lines + pieces).joined(separator: "\r\n") + "\r\n"
  }

  /// ASCII as it is; anything else in words of at most 75 characters, none of which parts a character.
  static func encoded(_ text: String) -> String {
    let line = String(text.map { $0.isNewline || ($0.unicodeScalars.first?.value ?? 0) < 0x20 ? " " : $0 }.prefix(200))
    if line.utf8.allSatisfy({ $0 < 0x7F }), !line.contains("=?"), line.utf8.count <= 70 { return line }
    var words: [[UInt8]] = [[]]
    for character in line {
      let bytes = Array(String(character).utf8)
      if words[words.count - 1].count + bytes.count > 42 { words.append([]) }
      words[words.count - 1] += bytes
    }
    return words.map { "=?utf-8?B?\(Base64.encode($0))?=" }.joined(separator: "\r\n ")
  }

  private static func date(_ milliseconds: Int64) -> String {
    let time = CivilTime(milliseconds: milliseconds)
    let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    let two = CivilTime.two
    return "\(days[time.weekday - 1]), \(time.day) \(months[time.month - 1]) \(time.year) "
      + "\(two(time.hour)):\(two(time.minute)):\(two(time.second)) +0000"
  }
}
