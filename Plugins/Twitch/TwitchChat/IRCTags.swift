/// Walks over the tags of a line: `name=value;name;vendor/name=value`.
///
/// `name` and `name=` are the same: a tag without a value. Names are opaque and case-sensitive. Source: IRCv3,
/// message tags.
@frozen
public struct IRCTags: Sequence, IteratorProtocol {
  /// One tag of a line.
  @frozen
  public struct Tag {
    public let name: ByteView
    /// Still escaped; see `IRCTags.unescape`.
    public let value: ByteView

    @inlinable
    init(name: ByteView, value: ByteView) {
      self.name = name
      self.value = value
    }
  }

  @usableFromInline let bytes: ByteView
  @usableFromInline var position = 0

  /// Walks over what stands between `@` and the first space.
  @inlinable
  public init(_ bytes: ByteView) { self.bytes = bytes }

  @inlinable
  public mutating func next() -> Tag? {
    while position < bytes.count {
      let from = position
      // One pass over the name and one over the value: most names are short, so a loop beats a call.
      var index = from
      let count = bytes.count
      while index < count, bytes[index] != 0x3D, bytes[index] != 0x3B { index += 1 }
      let name = bytes.slice(from, index)
      var value = ByteView.empty
      if index < count, bytes[index] == 0x3D {
        let end = bytes.firstIndex(of: 0x3B, from: index + 1) ?? count
        value = bytes.slice(index + 1, end)
        index = end
      }
      position = index + 1
      if !name.isEmpty { return Tag(name: name, value: value) }
    }
    return nil
  }

  /// Calls `emit` with each byte of a tag's value as it was before escaping: `\:` is a semicolon, `\s` a space, `\\` a
  /// backslash, `\r` and `\n` themselves; of another pair the backslash is dropped, as is a lone one at the end.
  @inlinable
  public static func unescape(_ value: ByteView, _ emit: (UInt8) -> Void) {
    var index = 0
    while index < value.count {
      let byte = value[index]
      index += 1
      guard byte == 0x5C else {
        emit(byte)
        continue
      }
      guard index < value.count else { return }
      let escaped = value[index]
      index += 1
      switch escaped {
      case 0x3A: emit(0x3B)
      case 0x73: emit(0x20)
      case 0x72: emit(0x0D)
      case 0x6E: emit(0x0A)
      default: emit(escaped)
      }
    }
  }

  /// A tag's value as text, unescaped.
  public static func string(_ value: ByteView) -> String {
    guard value.firstIndex(of: 0x5C) != nil else { return value.string }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(value.count)
    unescape(value) { bytes.append($0) }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// A value in the form that it has on the wire.
  public static func escape(_ value: some Sequence<UInt8>, into output: inout [UInt8]) {
    for byte in value {
      switch byte {
      case 0x3B: output += [0x5C, 0x3A]
      case 0x20: output += [0x5C, 0x73]
      case 0x5C: output += [0x5C, 0x5C]
      case 0x0D: output += [0x5C, 0x72]
      case 0x0A: output += [0x5C, 0x6E]
      case 0x00: continue  // cannot be carried
      default: output.append(byte)
      }
    }
  }
}

extension IRCLine {
  /// The value of a tag as text, unescaped; nil when the tag is absent.
  public func tagText(_ name: StaticString) -> String? {
    tag(name).map(IRCTags.string)
  }

  /// The value of a tag as text; nil when the tag is absent or has no value.
  public func nonEmptyTag(_ name: StaticString) -> String? {
    guard let value = tag(name), !value.isEmpty else { return nil }
    return IRCTags.string(value)
  }

  /// The value of a tag as a number; nil when it is absent or no number.
  public func tagInteger(_ name: StaticString) -> Int64? {
    tag(name)?.integer
  }
}
