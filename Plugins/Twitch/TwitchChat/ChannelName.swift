/// A room's name as it stands on the wire: lower-case, with its `#`.
public struct ChannelName: Hashable, Sendable, Comparable, CustomStringConvertible {
  /// Why a text is no room's name.
  public struct Invalid: Error, Hashable, Sendable, CustomStringConvertible {
    public let description: String
  }

  /// With its `#`, or the `&`, `+`, `!` of a plain IRC server.
  public let wire: String

  /// Takes `name`, `#name` or `Name`. With `strict`, the rest must be a Twitch login: 1 to 25 of a-z, 0-9 and `_`;
  /// without, whatever cannot break out of a line (RFC 1459, section 1.3).
  public init(_ text: String, strict: Bool) throws(Invalid) {
    var name = String(decoding: text.utf8.map { (0x41...0x5A).contains($0) ? $0 + 0x20 : $0 }, as: UTF8.self)
    if let first = name.utf8.first, first == 0x23 || (!strict && Self.isPrefix(first)) {
      // It has a prefix already.
    } else {
      name = "#" + name
    }
    let rest = name.utf8.dropFirst()
    if strict {
      let isLogin = rest.allSatisfy { byte in
        switch byte {
        case 0x30...0x39, 0x61...0x7A, 0x5F: true
        default: false
        }
      }
      guard isLogin, (1...25).contains(rest.count) else {
        throw Invalid(description: "“\(Self.shown(text))” is no channel: expected 1 to 25 of a-z, 0-9 and _")
      }
    } else {
      let isSafe = rest.allSatisfy { $0 > 0x20 && $0 != 0x2C && $0 != 0x7F }
      guard isSafe, (1...100).contains(rest.count) else {
        throw Invalid(
          description: "“\(Self.shown(text))” is no channel: expected 1 to 100 bytes without space, comma and controls")
      }
    }
    wire = name
  }

  /// A name that came from a server.
  init(trusted wire: String) { self.wire = wire }

  /// A name that came from a server, whose letters may be of either case.
  public init(server: ByteView) {
    wire = String(decoding: server.array.map { (0x41...0x5A).contains($0) ? $0 + 0x20 : $0 }, as: UTF8.self)
  }

  /// Without the `#`, where the name is found again without it: `kitchen` of `#kitchen`, but `##kitchen` as it is.
  public var bare: String {
    var text = wire
    return text.withUTF8 { Self.bare(ByteView(UnsafeRawBufferPointer($0))).string }
  }

  /// The same of a name that lies somewhere.
  @inlinable
  public static func bare(_ name: ByteView) -> ByteView {
    guard name.hasPrefix("#"), name.count < 2 || !isPrefix(name[1]) else { return name }
    return name.suffix(from: 1)
  }

  /// What a room's name begins with: `#`, or the `&`, `+`, `!` of a plain IRC server (RFC 2812, section 1.3).
  @usableFromInline
  static func isPrefix(_ byte: UInt8) -> Bool { byte == 0x23 || byte == 0x26 || byte == 0x2B || byte == 0x21 }

  /// Whether a name is a room's: the names of people begin with something else.
  static func isRoom(_ name: ByteView) -> Bool { name.count > 0 && isPrefix(name[0]) }
  static func isRoom(_ name: String) -> Bool { name.utf8.first.map(isPrefix) ?? false }

  public var description: String { wire }

  public static func < (left: ChannelName, right: ChannelName) -> Bool { left.wire < right.wire }

  private static func shown(_ text: String) -> String {
    let scalars = text.unicodeScalars.prefix(40).map { $0.value < 0x20 || $0.value == 0x7F ? "\u{FFFD}" : $0 }
    var view = String.UnicodeScalarView()
    view.append(contentsOf: scalars)
    return String(view)
  }
}
