import CYAML

/// Reads YAML with libyaml into trees of `YAMLNode`.
///
/// libyaml does the syntax; what a plain scalar means, and what is refused (tags, complex and duplicate keys, alias
/// bombs, other encodings than UTF-8), is decided here.
public struct YAMLParser {
  /// The documents of a text, in order. What is wrong is added to `diagnostics`; after an error in the syntax the rest
  /// of the text is not read, and the documents before it are given.
  public static func documents(
    of source: SourceText, limits: YAMLLimits = .standard, diagnostics: inout Diagnostics
  ) -> [YAMLNode] {
    var bytes = source.bytes[...]
    guard bytes.count <= limits.bytes else {
      diagnostics.error("the file has \(bytes.count) bytes, the limit is \(limits.bytes)", at: .init(file: source.name))
      return []
    }
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes = bytes.dropFirst(3) }
    guard checkText(bytes, name: source.name, diagnostics: &diagnostics) else { return [] }
    let contiguous = Array(bytes)
    return contiguous.withUnsafeBufferPointer { buffer in
      var reader = Reader(name: source.name, limits: limits)
      let documents = reader.read(buffer)
      diagnostics.append(contentsOf: reader.diagnostics)
      return documents
    }
  }

  /// The one document of a text; a second one is an error.
  public static func document(
    of source: SourceText, limits: YAMLLimits = .standard, diagnostics: inout Diagnostics
  ) -> YAMLNode? {
    let before = diagnostics.errorCount
    let all = documents(of: source, limits: limits, diagnostics: &diagnostics)
    if all.count > 1 {
      diagnostics.error(
        "a second document begins here; this kind of file has one", at: all[1].location,
        hint: "put it into a file of its own")
    }
    if all.isEmpty, diagnostics.errorCount == before {
      diagnostics.error("the file is empty", at: SourceLocation(file: source.name))
    }
    return all.first
  }

  /// Looks for bytes that are no UTF-8 and for control characters, which libyaml reports without a column.
  private static func checkText(_ bytes: ArraySlice<UInt8>, name: String, diagnostics: inout Diagnostics) -> Bool {
    var line = 1
    var column = 1
    var decoder = Unicode.UTF8()
    var iterator = bytes.makeIterator()
    var offset = 0
    while true {
      switch decoder.decode(&iterator) {
      case .emptyInput:
        return true
      case .error:
        let location = SourceLocation(file: name, line: line, column: column)
        let utf16 = bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF])
        diagnostics.error(
          utf16 ? "the file is UTF-16; it must be UTF-8" : "these bytes are not UTF-8", at: location,
          hint: "save the file as UTF-8")
        return false
      case .scalarValue(let scalar):
        if scalar.value < 0x20 && scalar != "\n" && scalar != "\r" && scalar != "\t" || scalar.value == 0x7F {
          let location = SourceLocation(file: name, line: line, column: column)
          let code = String(scalar.value, radix: 16, uppercase: true)
          let padded = String(repeating: "0", count: 4 - code.count) + code
          diagnostics.error(
            "the control character U+\(padded) is not allowed", at: location,
            hint: "write it as an escape in a double-quoted string: \"\\x\(padded.suffix(2))\"")
          return false
        }
        offset += 1
        if scalar == "\n" {
          line += 1
          column = 1
        } else {
          column += 1
        }
      }
    }
  }
}

/// One run of libyaml over one text.
private struct Reader {
  let name: String
  let limits: YAMLLimits
  var diagnostics = Diagnostics()
  private var parser = yaml_parser_t()
  private var event = yaml_event_t()
  private var anchors: [String: YAMLNode] = [:]
  /// Anchors whose node is still being read: an alias to one would be a circle.
  private var open: [String] = []
  private var nodes = 0

  init(name: String, limits: YAMLLimits) {
    self.name = name
    self.limits = limits
  }

  /// Ends the reading of this text; the reason has been reported.
  private struct Stop: Error {}

  mutating func read(_ buffer: UnsafeBufferPointer<UInt8>) -> [YAMLNode] {
    guard yaml_parser_initialize(&parser) == 1 else {
      diagnostics.error("there is no memory to read the file", at: SourceLocation(file: name))
      return []
    }
    defer { yaml_parser_delete(&parser) }
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING)
    let empty: [UInt8] = [0x0A]
    return empty.withUnsafeBufferPointer { fallback in
      // libyaml refuses a null pointer also for no bytes.
      let input = buffer.baseAddress == nil || buffer.isEmpty ? fallback : buffer
      yaml_parser_set_input_string(&parser, input.baseAddress, input.count)
      var documents: [YAMLNode] = []
      do {
        while true {
          try next()
          switch event.type {
          case YAML_STREAM_END_EVENT:
            return documents
          case YAML_DOCUMENT_START_EVENT:
            try checkDirectives()
            guard documents.count < limits.documents else {
              try stop("more than \(limits.documents) documents in one file", at: location())
            }
            anchors = [:]
            try next()
            documents.append(try node(depth: 1))
          default:
            continue
          }
        }
      } catch {
        return documents
      }
    }
  }

  // MARK: Events

  private mutating func next() throws {
    yaml_event_delete(&event)
    guard yaml_parser_parse(&parser, &event) == 1 else { try syntaxError() }
  }

  private func location(_ mark: yaml_mark_t, length: Int = 1) -> SourceLocation {
    SourceLocation(file: name, line: Int(mark.line) + 1, column: Int(mark.column) + 1, length: length)
  }

  /// The place of the current event, underlined as far as it goes on its first line.
  private func location() -> SourceLocation {
    let start = event.start_mark
    let end = event.end_mark
    return location(start, length: start.line == end.line ? Int(end.column) - Int(start.column) : 1)
  }

  private mutating func stop(_ message: String, at location: SourceLocation, hint: String? = nil) throws -> Never {
    diagnostics.error(message, at: location, hint: hint)
    throw Stop()
  }

  private mutating func syntaxError() throws -> Never {
    let problem = parser.problem.map { String(cString: $0) } ?? "cannot be read"
    let place = location(parser.problem_mark)
    let context = parser.context.map { String(cString: $0) }
    switch problem {
    case "found character that cannot start any token":
      let tab = currentByte == 0x09
      try stop(
        tab
          ? "a tab stands where YAML wants blanks"
          : "a plain value cannot start with this character", at: place,
        hint: tab ? "indent with blanks" : "put the value in quotes")
    case "mapping values are not allowed in this context":
      try stop(
        "a ':' is not allowed here", at: place,
        hint: "begin a new line for the key, put the text in quotes, or put a blank before '{'")
    default:
      var hint: String?
      if let context { hint = "\(context) at line \(parser.context_mark.line + 1)" }
      if parser.error == YAML_MEMORY_ERROR {
        try stop("there is no memory to read the file", at: place)
      }
      try stop(problem, at: place, hint: hint)
    }
  }

  /// The byte that the scanner stands at.
  private var currentByte: UInt8? {
    guard let pointer = parser.buffer.pointer, pointer < parser.buffer.last else { return nil }
    return pointer.pointee
  }

  private mutating func checkDirectives() throws {
    let start = event.data.document_start
    if let version = start.version_directive?.pointee, version.major != 1 || version.minor != 2 {
      try stop(
        "the file says that it is YAML \(version.major).\(version.minor); this is read as YAML 1.2", at: location(),
        hint: "remove the %YAML line")
    }
    if start.tag_directives.start != start.tag_directives.end {
      try stop("tags are not used here", at: location(), hint: "remove the %TAG line")
    }
  }

  // MARK: Nodes

  /// The node that begins with the current event.
  private mutating func node(depth: Int) throws -> YAMLNode {
    nodes += 1
    let place = location()
    guard depth <= limits.depth else {
      try stop("nodes lie more than \(limits.depth) deep in each other", at: place)
    }
    try checkCount(at: place)
    switch event.type {
    case YAML_ALIAS_EVENT:
      let name = text(event.data.alias.anchor)
      guard !open.contains(name) else { try stop("the alias '*\(name)' stands inside its own anchor", at: place) }
      guard let target = anchors[name] else {
        try stop(
          "there is no anchor '&\(name)' before this alias", at: place,
          hint: Suggestion.question(about: name, in: anchors.keys, mark: "*"))
      }
      nodes += target.weight
      try checkCount(at: place)
      return target
    case YAML_SCALAR_EVENT:
      let scalar = event.data.scalar
      try refuseTag(scalar.tag, at: place)
      let anchor = scalar.anchor.map { text($0) }
      let bytes = UnsafeBufferPointer(start: scalar.value, count: scalar.length)
      let value = YAMLScalar(
        text: String(decoding: bytes, as: UTF8.self), isPlain: scalar.style == YAML_PLAIN_SCALAR_STYLE)
      let node = YAMLNode(.scalar(value), location: place)
      if let anchor { anchors[anchor] = node }
      return node
    case YAML_SEQUENCE_START_EVENT:
      let start = event.data.sequence_start
      try refuseTag(start.tag, at: place)
      let anchor = start.anchor.map { text($0) }
      if let anchor { open.append(anchor) }
      var items: [YAMLNode] = []
      try next()
      while event.type != YAML_SEQUENCE_END_EVENT {
        items.append(try node(depth: depth + 1))
        try next()
      }
      return finish(.sequence(items), place, anchor)
    case YAML_MAPPING_START_EVENT:
      let start = event.data.mapping_start
      try refuseTag(start.tag, at: place)
      let anchor = start.anchor.map { text($0) }
      if let anchor { open.append(anchor) }
      let members = try self.members(depth: depth)
      return finish(.mapping(members), place, anchor)
    default:
      try stop("a value is missing here", at: place)
    }
  }

  private mutating func members(depth: Int) throws -> [YAMLMember] {
    var members: [YAMLMember] = []
    var lines: [String: Int] = [:]
    try next()
    while event.type != YAML_MAPPING_END_EVENT {
      let keyLocation = location()
      guard event.type == YAML_SCALAR_EVENT else {
        try stop(
          "a key must be a plain word or a string", at: keyLocation,
          hint: event.type == YAML_ALIAS_EVENT ? nil : "put a value that contains '{' or '[' in quotes")
      }
      let scalar = event.data.scalar
      try refuseTag(scalar.tag, at: keyLocation)
      if let anchor = scalar.anchor {
        try stop("the anchor '&\(text(anchor))' on a key is not used here", at: keyLocation)
      }
      let key = String(decoding: UnsafeBufferPointer(start: scalar.value, count: scalar.length), as: UTF8.self)
      let isMerge = key == "<<" && scalar.style == YAML_PLAIN_SCALAR_STYLE
      try next()
      let value = try node(depth: depth + 1)
      if isMerge {
        diagnostics.error("the merge key '<<' is not part of YAML 1.2", at: keyLocation, hint: "write the keys out")
      } else if let line = lines[key] {
        diagnostics.error("the key '\(key)' stands here a second time; the first is in line \(line)", at: keyLocation)
      } else {
        lines[key] = keyLocation.line
        members.append(YAMLMember(key: key, keyLocation: keyLocation, value: value))
      }
      try next()
    }
    return members
  }

  private mutating func finish(_ content: YAMLNode.Content, _ place: SourceLocation, _ anchor: String?) -> YAMLNode {
    // The start of a block mapping is a mark without a width.
    let node = YAMLNode(content, location: place)
    if let anchor {
      open.removeLast()
      anchors[anchor] = node
    }
    return node
  }

  private mutating func checkCount(at place: SourceLocation) throws {
    guard nodes <= limits.nodes else {
      try stop("the file has more than \(limits.nodes) nodes with its aliases written out", at: place)
    }
  }

  private mutating func refuseTag(_ tag: UnsafeMutablePointer<yaml_char_t>?, at place: SourceLocation) throws {
    guard let tag else { return }
    diagnostics.error(
      "the tag '\(text(tag))' is not used here", at: place, hint: "remove it; quote what must be a string")
  }

  private func text(_ pointer: UnsafeMutablePointer<yaml_char_t>?) -> String {
    pointer.map { String(cString: $0) } ?? ""
  }
}
