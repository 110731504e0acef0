/// One IRC line, taken apart in place: RFC 1459, section 2.3.1, with the message tags of IRCv3.
///
///     line    := ["@" tags SP+] [":" source SP+] verb (SP+ middle)* [SP+ [":" trailing]] SP* CRLF
///
/// Parsing looks for the parts and copies nothing. Parameters and tags are found when they are asked for. Everything a
/// line hands out points into the buffer that it was made from and is valid for as long as that.
@frozen
public struct IRCLine {
  /// The whole line without its CR LF.
  public let raw: ByteView
  /// What stands between `@` and the first space: `name=value;name;…`, still escaped. Empty when there are no tags.
  public let rawTags: ByteView
  /// Who sent it, without the leading colon. Empty when the line does not say.
  public let source: ByteView
  /// The command or the three digits of a numeric. Never empty.
  public let verb: ByteView
  /// Everything after the verb.
  public let rawParameters: ByteView

  /// Takes a line apart; CR and LF at its end are dropped. Nil when there is no verb.
  @inlinable
  public init?(_ bytes: UnsafeRawBufferPointer) {
    self.init(ByteView(bytes))
  }

  /// Takes a line apart; CR and LF at its end are dropped. Nil when there is no verb.
  @inlinable
  public init?(_ bytes: ByteView) {
    var end = bytes.count
    while end > 0, bytes[end - 1] == 0x0A || bytes[end - 1] == 0x0D { end -= 1 }
    let line = bytes.slice(0, end)
    var position = 0
    var tags = ByteView.empty
    var source = ByteView.empty

    while position < end, line[position] == 0x20 { position += 1 }
    if position < end, line[position] == 0x40 {
      guard let space = line.firstIndex(of: 0x20, from: position + 1) else { return nil }
      tags = line.slice(position + 1, space)
      position = space
      while position < end, line[position] == 0x20 { position += 1 }
    }
    if position < end, line[position] == 0x3A {
      guard let space = line.firstIndex(of: 0x20, from: position + 1) else { return nil }
      source = line.slice(position + 1, space)
      position = space
      while position < end, line[position] == 0x20 { position += 1 }
    }
    guard position < end else { return nil }
    let verbEnd = line.firstIndex(of: 0x20, from: position) ?? end

    self.raw = line
    self.rawTags = tags
    self.source = source
    self.verb = line.slice(position, verbEnd)
    self.rawParameters = line.suffix(from: verbEnd)
  }

  /// The parameters, in order.
  @inlinable
  public var parameters: Parameters { Parameters(rawParameters) }

  /// The parameter at an index, counted from 0; nil when there are not so many.
  @inlinable
  public func parameter(_ index: Int) -> ByteView? {
    var iterator = parameters
    var left = index
    while let parameter = iterator.next() {
      if left == 0 { return parameter }
      left -= 1
    }
    return nil
  }

  /// The last parameter, where the text of most messages stands.
  @inlinable
  public var lastParameter: ByteView? {
    var iterator = parameters
    var last: ByteView?
    while let parameter = iterator.next() { last = parameter }
    return last
  }

  /// The tags, in the order of the line.
  @inlinable
  public var tags: IRCTags { IRCTags(rawTags) }

  /// The value of a tag, still escaped; of several with the name the last. Nil when it is absent, empty when it has no
  /// value.
  @inlinable
  public func tag(_ name: StaticString) -> ByteView? {
    let length = name.utf8CodeUnitCount
    var found: ByteView?
    var position = 0
    // Looked for in every message: tags of other names are passed over whole.
    while position < rawTags.count {
      let end = rawTags.firstIndex(of: 0x3B, from: position) ?? rawTags.count
      let tag = rawTags.slice(position, end)
      position = end + 1
      guard tag.hasPrefix(name) else { continue }
      if tag.count == length {
        found = .empty
      } else if tag[length] == 0x3D {
        found = tag.suffix(from: length + 1)
      }
    }
    return found
  }

  /// Walks over parameters: middles are separated by one or more spaces (RFC 1459; a tab is no separator), the last may
  /// begin with a colon and then holds the rest of the line as it is.
  @frozen
  public struct Parameters: Sequence, IteratorProtocol {
    @usableFromInline let bytes: ByteView
    @usableFromInline var position = 0

    @inlinable
    init(_ bytes: ByteView) { self.bytes = bytes }

    @inlinable
    public mutating func next() -> ByteView? {
      while position < bytes.count, bytes[position] == 0x20 { position += 1 }
      guard position < bytes.count else { return nil }
      if bytes[position] == 0x3A {
        let trailing = bytes.suffix(from: position + 1)
        position = bytes.count
        return trailing
      }
      let end = bytes.firstIndex(of: 0x20, from: position) ?? bytes.count
      let middle = bytes.slice(position, end)
      position = end
      return middle
    }
  }
}
