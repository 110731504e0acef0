/// An IRC message that owns its parts: what tests, tools and the sending side use.
///
/// Parts are bytes, because IRC does not promise UTF-8; the `String` accessors replace what is not by U+FFFD.
public struct IRCMessage: Hashable, Sendable {
  /// One tag; an empty value and none are the same.
  public struct Tag: Hashable, Sendable {
    public var name: [UInt8]
    /// Unescaped.
    public var value: [UInt8]

    public init(name: [UInt8], value: [UInt8]) {
      self.name = name
      self.value = value
    }
  }

  /// Why a message cannot be put on the wire.
  public enum WireError: Error, Hashable, Sendable {
    case emptyVerb
    /// A byte that would end the line or the part that it stands in.
    case forbiddenByte(part: String, byte: UInt8)
    /// Only the last parameter may be empty, hold a space or begin with a colon.
    case parameterMustBeLast(index: Int)
  }

  /// In the order of the line, each name once.
  public var tags: [Tag]
  public var source: [UInt8]?
  public var verb: [UInt8]
  public var parameters: [[UInt8]]

  public init(tags: [Tag] = [], source: [UInt8]? = nil, verb: [UInt8], parameters: [[UInt8]] = []) {
    self.tags = tags
    self.source = source
    self.verb = verb
    self.parameters = parameters
  }

  /// A message of text parts.
  public init(_ verb: String, _ parameters: String..., tags: [(String, String)] = [], source: String? = nil) {
    self.init(
      tags: tags.map { Tag(name: Array($0.0.utf8), value: Array($0.1.utf8)) }, source: source.map { Array($0.utf8) },
      verb: Array(verb.utf8), parameters: parameters.map { Array($0.utf8) })
  }

  /// Copies a line. Of several tags with one name the last one's value stays, at the place of the first.
  public init(_ line: IRCLine) {
    var tags: [Tag] = []
    for tag in line.tags {
      let name = tag.name.array
      var value: [UInt8] = []
      IRCTags.unescape(tag.value) { value.append($0) }
      if let index = tags.firstIndex(where: { $0.name == name }) {
        tags[index].value = value
      } else {
        tags.append(Tag(name: name, value: value))
      }
    }
    self.init(
      tags: tags, source: line.source.isEmpty ? nil : line.source.array, verb: line.verb.array,
      parameters: line.parameters.map(\.array))
  }

  /// Parses one line; nil when it has no verb.
  public init?(parsing text: String) {
    var text = text
    let parsed = text.withUTF8 { IRCLine(UnsafeRawBufferPointer($0)).map(IRCMessage.init) }
    guard let parsed else { return nil }
    self = parsed
  }

  /// Parses one line; nil when it has no verb.
  public init?(parsing bytes: [UInt8]) {
    let parsed = bytes.withUnsafeBytes { IRCLine($0).map(IRCMessage.init) }
    guard let parsed else { return nil }
    self = parsed
  }

  /// The value of a tag as text.
  public subscript(tag name: String) -> String? {
    tags.first { $0.name.elementsEqual(name.utf8) }.map { String(decoding: $0.value, as: UTF8.self) }
  }

  /// The verb as text.
  public var verbText: String { String(decoding: verb, as: UTF8.self) }
  /// The source as text.
  public var sourceText: String? { source.map { String(decoding: $0, as: UTF8.self) } }
  /// The parameters as text.
  public var parameterTexts: [String] { parameters.map { String(decoding: $0, as: UTF8.self) } }

  /// The line without CR LF. Throws instead of writing a line that would be read as something else.
  public func serialized() throws(WireError) -> [UInt8] {
    var line: [UInt8] = []
    if !tags.isEmpty {
      line.append(0x40)
      for (index, tag) in tags.enumerated() {
        try Self.check(tag.name, "tag name", forbidden: [0x20, 0x3B, 0x3D], mayBeEmpty: false)
        if index > 0 { line.append(0x3B) }
        line += tag.name
        guard !tag.value.isEmpty else { continue }
        if tag.value.contains(0) { throw .forbiddenByte(part: "tag value", byte: 0) }
        line.append(0x3D)
        IRCTags.escape(tag.value, into: &line)
      }
      line.append(0x20)
    }
    if let source {
      try Self.check(source, "source", forbidden: [0x20], mayBeEmpty: false)
      line.append(0x3A)
      line += source
      line.append(0x20)
    }
    guard let first = verb.first else { throw .emptyVerb }
    try Self.check(verb, "verb", forbidden: [0x20], mayBeEmpty: false)
    if line.isEmpty || tags.isEmpty && source == nil {
      if first == 0x40 || first == 0x3A { throw .forbiddenByte(part: "verb", byte: first) }
    } else if first == 0x3A {
      throw .forbiddenByte(part: "verb", byte: first)
    }
    line += verb
    for (index, parameter) in parameters.enumerated() {
      try Self.check(parameter, "parameter", forbidden: [], mayBeEmpty: true)
      line.append(0x20)
      let needsColon = parameter.isEmpty || parameter.first == 0x3A || parameter.contains(0x20)
      if needsColon {
        guard index == parameters.count - 1 else { throw .parameterMustBeLast(index: index) }
        line.append(0x3A)
      }
      line += parameter
    }
    return line
  }

  private static func check(_ bytes: [UInt8], _ part: String, forbidden: [UInt8], mayBeEmpty: Bool) throws(WireError) {
    if bytes.isEmpty, !mayBeEmpty { throw .forbiddenByte(part: "empty \(part)", byte: 0) }
    for byte in bytes where byte == 0x0D || byte == 0x0A || byte == 0 || forbidden.contains(byte) {
      throw .forbiddenByte(part: part, byte: byte)
    }
  }
}
