/// Makes sendable lines of a text: cleans it and cuts it at spaces.
public enum OutgoingText {
  /// How long a part may be.
  public struct Limit: Hashable, Sendable, Codable {
    /// Unicode code points.
    public var codePoints: Int
    /// Bytes of UTF-8.
    public var bytes: Int

    public init(codePoints: Int, bytes: Int) {
      self.codePoints = max(1, codePoints)
      self.bytes = max(4, bytes)
    }

    /// Twitch takes 500 characters; its lines are not bound to the 512 bytes of RFC 1459.
    public static let twitch = Limit(codePoints: 500, bytes: 2000)
    /// The same with room for `/me `.
    public static let twitchAction = Limit(codePoints: 490, bytes: 2000)
    /// The most on a plain server, where less may be left of a line of 512 bytes: see `ChatSession.plainLimit`.
    public static let irc = Limit(codePoints: 420, bytes: 420)
  }

  /// The text without what could end the line or form a command of its own (CR, LF, NUL, the \x01 of CTCP): each run of
  /// line ends becomes one space, NUL and \x01 go, spaces at both ends go.
  public static func clean(_ text: String) -> String {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.utf8.count)
    var pendingSpace = false
    for byte in text.utf8 {
      switch byte {
      case 0x0D, 0x0A: pendingSpace = true
      case 0x00, 0x01: continue
      default:
        if pendingSpace, byte != 0x20, bytes.last != 0x20 { bytes.append(0x20) }
        pendingSpace = false
        bytes.append(byte)
      }
    }
    let end = bytes.lastIndex { $0 != 0x20 }.map { $0 + 1 } ?? 0
    let from = bytes.firstIndex { $0 != 0x20 } ?? end
    return String(decoding: bytes[from..<max(from, end)], as: UTF8.self)
  }

  /// The lines of a text, without what could form a command of its own, without spaces at their ends, and without empty lines at the
  /// beginning and the end. CR LF, LF and CR end a line each.
  public static func lines(_ text: String) -> [String] {
    var lines: [String] = []
    var line: [UInt8] = []
    func ended() -> String {
      let end = line.lastIndex { $0 != 0x20 }.map { $0 + 1 } ?? 0
      return String(decoding: line[..<end], as: UTF8.self)
    }
    var previous: UInt8 = 0
    for byte in text.utf8 {
      switch byte {
      case 0x0A where previous == 0x0D: break
      case 0x0A, 0x0D:
        lines.append(ended())
        line = []
      case 0x00, 0x01: break
      default: line.append(byte)
      }
      previous = byte
    }
    lines.append(ended())
    let first = lines.firstIndex { !$0.isEmpty } ?? lines.count
    let last = lines.lastIndex { !$0.isEmpty } ?? first - 1
    return first <= last ? Array(lines[first...last]) : []
  }

  /// Cuts a clean text into parts within the limit: at the last space that fits, which is dropped, else between two
  /// characters as a reader sees them, else between two code points. No part is empty; no text is lost but spaces at cuts.
  public static func split(_ text: String, limit: Limit) -> [String] {
    let scalars = text.unicodeScalars
    if text.utf8.count <= limit.bytes, scalars.count <= limit.codePoints { return text.isEmpty ? [] : [text] }
    var parts: [String] = []
    var from = scalars.startIndex
    while from < scalars.endIndex {
      if scalars[from] == " " {
        from = scalars.index(after: from)
        continue
      }
      // The longest run that fits, and the last space in it.
      var end = from
      var points = 0
      var bytes = 0
      var lastSpace: String.Index?
      while end < scalars.endIndex {
        let scalar = scalars[end]
        let size = UTF8.width(scalar)
        if points + 1 > limit.codePoints || bytes + size > limit.bytes { break }
        if scalar == " " { lastSpace = end }
        points += 1
        bytes += size
        end = scalars.index(after: end)
      }
      if end < scalars.endIndex, scalars[end] != " " {
        if let lastSpace {
          end = lastSpace
        } else {
          end = characterBoundary(in: text, atOrBefore: end, after: from)
        }
      }
      var last = end
      while last > from, scalars[scalars.index(before: last)] == " " { last = scalars.index(before: last) }
      if last > from { parts.append(String(scalars[from..<last])) }
      from = end
    }
    return parts
  }

  /// The last place, at or before `limit`, that does not cut a character; `limit` when there is none behind `from`.
  private static func characterBoundary(
    in text: String, atOrBefore limit: String.Index, after from: String.Index
  ) -> String.Index {
    let rest = text[from...]
    var boundary = from
    while boundary < limit {
      let next = rest.index(after: boundary)
      if next > limit { break }
      boundary = next
    }
    return boundary > from ? boundary : limit
  }
}

extension UTF8 {
  fileprivate static func width(_ scalar: Unicode.Scalar) -> Int {
    switch scalar.value {
    case 0..<0x80: 1
    case 0x80..<0x800: 2
    case 0x800..<0x10000: 3
    default: 4
    }
  }
}
