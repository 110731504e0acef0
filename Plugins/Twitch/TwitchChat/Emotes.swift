/// The emotes of a message, `id:from-to,from-to/id:from-to`, read in place.
///
/// Positions are inclusive, zero-based and counted in Unicode code points of the text; of an action they count from
/// after `\x01ACTION `. The server's positions are now and then off or past the end of the text, so each is clamped to
/// the text, and what lies outside of it altogether, or is no position, is left out.
@frozen
public struct Emotes: Sequence, IteratorProtocol {
  /// One place where an emote stands.
  @frozen
  public struct Place {
    /// Digits, or text such as `emotesv2_…` or `300196486_TK`.
    public let id: ByteView
    /// The first code point.
    public let first: Int
    /// The last code point, at least `first`.
    public let last: Int

    @inlinable
    init(id: ByteView, first: Int, last: Int) {
      self.id = id
      self.first = first
      self.last = last
    }
  }

  @usableFromInline let bytes: ByteView
  @usableFromInline let length: Int
  @usableFromInline var position = 0
  @usableFromInline var id = ByteView.empty

  /// Walks over the value of an `emotes` tag; `length` is the number of code points of the text.
  @inlinable
  public init(_ value: ByteView, textLength length: Int) {
    bytes = value
    self.length = length
  }

  @inlinable
  public mutating func next() -> Place? {
    while position < bytes.count {
      if id.isEmpty {
        guard let colon = bytes.firstIndex(of: 0x3A, from: position) else { return nil }
        id = bytes.slice(position, colon)
        position = colon + 1
        if id.isEmpty { skipEmote() }
        continue
      }
      var end = position
      while end < bytes.count, bytes[end] != 0x2C, bytes[end] != 0x2F { end += 1 }
      let range = bytes.slice(position, end)
      let current = id
      if end >= bytes.count || bytes[end] == 0x2F { id = .empty }
      position = end + 1
      guard let dash = range.firstIndex(of: 0x2D, from: 1) else { continue }
      guard let from = range.slice(0, dash).integer, let to = range.suffix(from: dash + 1).integer else { continue }
      guard from >= 0, to >= from, from < Int64(length) else { continue }
      return Place(id: current, first: Int(from), last: Int(Swift.min(to, Int64(length - 1))))
    }
    return nil
  }

  @inlinable
  mutating func skipEmote() {
    let slash = bytes.firstIndex(of: 0x2F, from: position) ?? bytes.count
    position = slash + 1
  }
}

extension ByteView {
  /// The number of Unicode code points, if the bytes are UTF-8: bytes that do not continue another.
  @inlinable
  public var codePointCount: Int {
    var total = 0
    var index = 0
    while index < count {
      if start[index] & 0xC0 != 0x80 { total += 1 }
      index += 1
    }
    return total
  }
}

/// An emote that owns its text: what parsed messages and tests use.
public struct EmoteUse: Hashable, Sendable {
  public let id: String
  /// The name: the text that the emote stands for.
  public let name: String
  /// Code points, inclusive.
  public let first: Int
  public let last: Int

  /// The emotes of a text, in the order of the tag.
  public static func all(tag: ByteView, text: ByteView) -> [EmoteUse] {
    guard !tag.isEmpty else { return [] }
    let scalars = Array(text.string.unicodeScalars)
    return Emotes(tag, textLength: scalars.count).map { place in
      var name = String.UnicodeScalarView()
      name.append(contentsOf: scalars[place.first...place.last])
      return EmoteUse(id: place.id.string, name: String(name), first: place.first, last: place.last)
    }
  }
}
