/// Who sent a line: `nick!user@host`, `nick@host`, `nick!user`, or a server's name, which stands in `nick`.
@frozen
public struct IRCSource {
  public let nick: ByteView
  /// Empty when absent.
  public let user: ByteView
  /// Empty when absent.
  public let host: ByteView

  /// Splits at the first `!` before the first `@`.
  @inlinable
  public init(_ source: ByteView) {
    let at = source.firstIndex(of: 0x40) ?? source.count
    let name = source.slice(0, at)
    let bang = name.firstIndex(of: 0x21) ?? name.count
    nick = name.slice(0, bang)
    user = name.suffix(from: bang + 1)
    host = source.suffix(from: at + 1)
  }
}
