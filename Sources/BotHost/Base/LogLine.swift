import Glibc

/// Composes the lines of the log.
struct LogLine {
  /// Bytes of one line with its newline; what does not fit is cut. It is PIPE_BUF, so lines of several processes on one
  /// pipe do not mix, and a pipe that has room takes the line whole.
  static let limit = 4096

  let format: HostLog.Format

  func compose(
    _ level: LogLevel, _ source: String, _ message: UnsafeRawBufferPointer, _ fields: [(String, String)], _ unix: Int64
  ) -> [UInt8] {
    // Escapes make a text longer, so what fits is found by trying.
    var allowed = Self.limit - 160
    while true {
      let line = compose(level, source, message, fields, unix, allowed: allowed)
      if line.count <= Self.limit || allowed < 16 { return line }
      allowed /= 2
    }
  }

  private func compose(
    _ level: LogLevel, _ source: String, _ message: UnsafeRawBufferPointer, _ fields: [(String, String)],
    _ unix: Int64, allowed: Int
  ) -> [UInt8] {
    let message = Self.cut(message, allowed)
    let perField = max(8, allowed / (2 * max(1, fields.count)))
    switch format {
    case .json: return json(level, source, message, fields, unix, perField)
    case .text(let colour): return text(level, source, message, fields, unix, perField, colour)
    }
  }

  private func json(
    _ level: LogLevel, _ source: String, _ message: UnsafeRawBufferPointer, _ fields: [(String, String)],
    _ unix: Int64, _ perField: Int
  ) -> [UInt8] {
    var writer = JSONWriter(capacity: 512)
    writer.beginObject()
    writer.key("time")
    writer.string(Timestamp.rfc3339(unix))
    writer.key("level")
    writer.string(level.name)
    writer.key("source")
    writer.string(Self.cut(source, 64))
    writer.key("message")
    writer.string(bytes: message)
    for (name, value) in fields {
      writer.key(Self.cut(name, 64))
      writer.string(Self.cut(value, perField))
    }
    writer.endObject()
    writer.append(byte: UInt8(ascii: "\n"))
    return Array(writer.bytes)
  }

  private func text(
    _ level: LogLevel, _ source: String, _ message: UnsafeRawBufferPointer, _ fields: [(String, String)],
    _ unix: Int64, _ perField: Int, _ colour: Bool
  ) -> [UInt8] {
    var line: [UInt8] = []
    line.reserveCapacity(message.count + 96)
    let style = colour ? Self.style(level) : ""
    if colour { line += "\u{1b}[2m".utf8 }
    line += Timestamp.rfc3339(unix).utf8
    if colour { line += "\u{1b}[0m".utf8 }
    line.append(UInt8(ascii: " "))
    line += style.utf8
    line += level.name.utf8
    if colour { line += "\u{1b}[0m".utf8 }
    line.append(UInt8(ascii: " "))
    Self.appendText(Self.cut(source, 64), to: &line)
    line += ": ".utf8
    Self.appendText(message, to: &line)
    for (name, value) in fields {
      line.append(UInt8(ascii: " "))
      if colour { line += "\u{1b}[2m".utf8 }
      Self.appendText(Self.cut(name, 64), to: &line)
      line.append(UInt8(ascii: "="))
      if colour { line += "\u{1b}[0m".utf8 }
      let value = Self.cut(value, perField)
      if value.isEmpty || value.utf8.contains(where: { $0 <= 0x20 || $0 == 0x22 || $0 == 0x3d }) {
        var writer = JSONWriter(capacity: value.utf8.count + 16)
        writer.string(value)
        line += writer.bytes
      } else {
        Self.appendText(value, to: &line)
      }
    }
    line.append(UInt8(ascii: "\n"))
    return line
  }

  private static func style(_ level: LogLevel) -> String {
    switch level {
    case .error: "\u{1b}[1;31m"
    case .warning: "\u{1b}[33m"
    case .notice: "\u{1b}[1m"
    case .info: ""
    case .debug: "\u{1b}[2m"
    }
  }

  private static func appendText(_ text: String, to line: inout [UInt8]) {
    var text = text
    text.withUTF8 { appendText(UnsafeRawBufferPointer($0), to: &line) }
  }

  /// A text cannot begin a line that looks like another entry, nor steer a terminal: control characters are written as
  /// escapes, and what is not UTF-8 as U+FFFD.
  private static func appendText(_ text: UnsafeRawBufferPointer, to line: inout [UInt8]) {
    var position = 0
    while position < text.count {
      let byte = text[position]
      let length = UTF8Scan.length(at: position, in: text)
      switch (byte, length) {
      case (_, 0):
        line += [0xef, 0xbf, 0xbd]
      case (0x0a, _):
        line += "\\n".utf8
      case (0x09, _):
        line += "\\t".utf8
      case (0..<0x20, _), (0x7f, _),
        (0xc2, 2) where byte < 0x80 || text[position + 1] < 0xa0:
        // C0, DEL and C1
        let code = length == 2 ? text[position + 1] : byte
        line += "\\x".utf8
        line += [hex(code >> 4), hex(code & 15)]
      default:
        line += text[position..<position + length]
      }
      position += max(1, length)
    }
  }

  private static func hex(_ digit: UInt8) -> UInt8 { digit < 10 ? 48 + digit : 87 + digit }

  /// The text's beginning, so long that whole characters remain.
  private static func cut(_ text: UnsafeRawBufferPointer, _ limit: Int) -> UnsafeRawBufferPointer {
    guard text.count > limit else { return text }
    var end = limit
    while end > 0, text[end] & 0xc0 == 0x80 { end -= 1 }
    return UnsafeRawBufferPointer(rebasing: text[..<end])
  }

  private static func cut(_ text: String, _ limit: Int) -> String {
    guard text.utf8.count > limit else { return text }
    var text = text
    return text.withUTF8 { String(decoding: cut(UnsafeRawBufferPointer($0), limit), as: UTF8.self) }
  }
}
