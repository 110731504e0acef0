import YetibotEngine

/// A message that was read: who wrote it when about what, and its text (RFC 5322, 2045 to 2047). What is not understood stays as it is;
/// no message is an error.
public struct ReceivedMail: Sendable, Hashable {
  public private(set) var from = ""
  public private(set) var subject = ""
  public private(set) var date = ""
  /// The first part that is plain text, at most 2,000 characters.
  public private(set) var body = ""

  public init(_ bytes: [UInt8]) {
    let part = MailPart(Array(bytes.prefix(65_536)))
    from = MailPart.decoded(part["from"])
    subject = MailPart.decoded(part["subject"])
    date = part["date"]
    body = String((part.plainText(depth: 0) ?? "").prefix(2000)).trimmed
  }

  /// What `mail fetch` answers.
  public static func outcome(_ messages: [ReceivedMail]) -> Outcome {
    guard !messages.isEmpty else { return .plain(.string("there is no new mail")) }
    return .record(
      .init(
        .strings(messages.map { "\($0.from): \($0.subject)" }),
        data: .list(
          messages.map { message in
            [
              "from": .string(message.from), "subject": .string(message.subject), "date": .string(message.date),
              "body": .string(message.body),
            ]
          })))
  }
}

/// A message or a part of one: a head, an empty line, and what follows.
struct MailPart {
  private var headers: [(name: String, value: String)] = []
  private var content: ArraySlice<UInt8> = []

  init(_ bytes: [UInt8]) {
    var place = 0
    while place < bytes.count {
      let end = bytes[place...].firstIndex(of: 0x0A) ?? bytes.count
      var line = String(decoding: bytes[place..<end], as: UTF8.self)
      place = min(end + 1, bytes.count)
      while line.unicodeScalars.last == "\r" { line.unicodeScalars.removeLast() }
      if line.isEmpty { break }
      if line.first == " " || line.first == "\t", !headers.isEmpty {
        headers[headers.count - 1].value += " " + line.trimmed
      } else if let colon = line.firstIndex(of: ":"), headers.count < 200 {
        headers.append((line[..<colon].lowercased(), String(line[line.index(after: colon)...]).trimmed))
      }
    }
    content = bytes[place...]
  }

  /// A header's value, empty when there is none.
  subscript(_ name: String) -> String { headers.first { $0.name == name }?.value ?? "" }

  func plainText(depth: Int) -> String? {
    let type = self["content-type"]
    let kind = type.prefix { $0 != ";" }.lowercased()
    if kind.hasPrefix("multipart/"), depth < 4 {
      guard let boundary = Self.parameter("boundary", of: type), !boundary.isEmpty else { return nil }
      for part in parts(Array("--\(boundary)".utf8)) {
        if let text = part.plainText(depth: depth + 1) { return text }
      }
      return nil
    }
    guard kind.isEmpty || kind.hasPrefix("text/plain") else { return nil }
    let charset = (Self.parameter("charset", of: type) ?? "utf-8").lowercased()
    switch self["content-transfer-encoding"].lowercased() {
    case "base64":
      let digits = String(decoding: content.filter { $0 > 0x20 }, as: UTF8.self)
      // What was cut off may end within a group of four.
      return Base64.decode(String(digits.prefix(digits.utf8.count / 4 * 4))).map { Self.text($0, charset) } ?? ""
    case "quoted-printable": return Self.text(Self.unquoted(Array(content), isHeader: false), charset)
    default: return Self.text(Array(content), charset)
    }
  }

  private func parts(_ boundary: [UInt8]) -> [MailPart] {
    var parts: [MailPart] = []
    var lines: [UInt8]?
    for line in content.split(separator: 0x0A, omittingEmptySubsequences: false) where parts.count < 20 {
      if line.starts(with: boundary) {
        if let lines { parts.append(MailPart(lines)) }
        lines = []
      } else {
        lines? += line + [0x0A]
      }
    }
    // The end may have been cut off.
    if let lines, !lines.isEmpty { parts.append(MailPart(lines)) }
    return parts
  }

  private static func parameter(_ name: String, of header: String) -> String? {
    for piece in header.split(separator: ";").dropFirst() {
      let sides = piece.split(separator: "=", maxSplits: 1).map { String($0).trimmed }
      if sides.count == 2, sides[0].lowercased() == name { return sides[1].filter { $0 != "\"" } }
    }
    return nil
  }

  private static func text(_ bytes: [UInt8], _ charset: String) -> String {
    charset.hasPrefix("iso-8859-1") || charset == "windows-1252"
      ? String(String.UnicodeScalarView(bytes.map { Unicode.Scalar($0) })) : String(decoding: bytes, as: UTF8.self)
  }

  /// Quoted-printable (RFC 2045, section 6.7), and the `Q` of headers.
  private static func unquoted(_ bytes: [UInt8], isHeader: Bool) -> [UInt8] {
    var result: [UInt8] = []
    var place = 0
    while place < bytes.count {
      let byte = bytes[place]
      place += 1
      if byte == 0x5F, isHeader {
        result.append(0x20)
      } else if byte == 0x3D {
        let next = bytes[place..<min(place + 2, bytes.count)]
        if next.count == 2, let value = UInt8(String(decoding: next, as: UTF8.self), radix: 16) {
          result.append(value)
          place += 2
        } else if next.first == 0x0A || next.elementsEqual([0x0D, 0x0A]) {
          place += next.first == 0x0A ? 1 : 2
        } else {
          result.append(byte)
        }
      } else {
        result.append(byte)
      }
    }
    return result
  }

  /// A header with encoded words (RFC 2047): `=?utf-8?B?…?=`.
  static func decoded(_ header: String) -> String {
    var result = ""
    var rest = String(header.prefix(2000))[...]
    var wasWord = false
    while let start = rest.firstRange(of: "=?") {
      let before = rest[..<start.lowerBound]
      let pieces = rest[start.upperBound...].split(separator: "?", maxSplits: 3, omittingEmptySubsequences: false)
      guard pieces.count == 4, pieces[3].first == "=", let word = word(pieces) else {
        result += rest[..<start.upperBound]
        rest = rest[start.upperBound...]
        wasWord = false
        continue
      }
      // The space between two encoded words is not there.
      if !(wasWord && before.allSatisfy(\.isWhitespace)) { result += before }
      result += word
      rest = pieces[3].dropFirst()
      wasWord = true
    }
    return String((result + rest).map { $0.isNewline ? " " : $0 })
  }

  private static func word(_ pieces: [Substring]) -> String? {
    switch pieces[1].uppercased() {
    case "B": Base64.decode(String(pieces[2])).map { text($0, pieces[0].lowercased()) }
    case "Q": text(unquoted(Array(pieces[2].utf8), isHeader: true), pieces[0].lowercased())
    default: nil
    }
  }
}
