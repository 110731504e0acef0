/// Reads a template's source.
struct TemplateReader {
  enum Token {
    case text(String)
    case variable(String)
    case tag(String)
  }

  private let tokens: [Token]
  private var place = 0
  private var depth = 0

  init(_ tokens: [Token]) { self.tokens = tokens }

  /// The source in pieces.
  static func tokens(_ source: String, endClosesMarks: Bool = false) throws -> [Token] {
    var tokens: [Token] = []
    let bytes = Array(source.utf8)
    var start = 0
    var place = 0
    func text(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }
    func unclosed(_ place: Int, _ mark: String, _ closing: String) -> Template.Failure {
      Template.Failure("\(mark) at character \(text(0..<place).count + 1) of the template is not closed by \(closing)")
    }
    while place + 1 < bytes.count {
      let kind = bytes[place + 1]
      guard bytes[place] == 0x7B, kind == 0x7B || kind == 0x25 || kind == 0x23 else {
        place += 1
        continue
      }
      if start < place { tokens.append(.text(text(start..<place))) }
      let closing: [UInt8] = kind == 0x7B ? [0x7D, 0x7D] : [kind, 0x7D]
      var end = place + 2
      while end + 1 < bytes.count, !(bytes[end] == closing[0] && bytes[end + 1] == closing[1]) { end += 1 }
      if end + 1 >= bytes.count {
        guard endClosesMarks else {
          throw unclosed(place, text(place..<place + 2), String(decoding: closing, as: UTF8.self))
        }
        end = bytes.count
      }
      let inner = text(place + 2..<end).trimmed
      guard kind == 0x23 || inner.utf8.reduce(0, { $0 + ($1 == 0x22 ? 1 : 0) }).isMultiple(of: 2) else {
        throw Template.Failure("\(text(place..<min(end + 2, bytes.count))) has a quote that is not closed")
      }
      let mark = place
      place = min(end + 2, bytes.count)
      start = place
      if kind == 0x7B { tokens.append(.variable(inner)) }
      if kind == 0x25 {
        guard inner == "verbatim" else {
          tokens.append(.tag(inner))
          continue
        }
        while place < bytes.count, endOfVerbatim(bytes, place) == nil { place += 1 }
        guard let end = endOfVerbatim(bytes, place) else {
          throw unclosed(mark, "{% verbatim %}", "{% endverbatim %}")
        }
        tokens.append(.text(text(start..<place)))
        place = end
        start = place
      }
    }
    if start < bytes.count { tokens.append(.text(text(start..<bytes.count))) }
    return tokens
  }

  /// Where `{% endverbatim %}` ends that begins at a place; nil where there is none.
  private static func endOfVerbatim(_ bytes: [UInt8], _ place: Int) -> Int? {
    var rest = bytes[place...]
    for part in ["{%", "endverbatim", "%}"] {
      rest = rest.drop { $0 == 0x20 && part != "{%" }
      guard rest.starts(with: part.utf8) else { return nil }
      rest = rest.dropFirst(part.utf8.count)
    }
    return rest.startIndex
  }

  /// The nodes up to one of the tags; that tag is left to the caller.
  mutating func nodes(until ends: Set<String>) throws -> [Template.Node] {
    depth += 1
    defer { depth -= 1 }
    guard depth <= 16 else { throw Template.Failure("more than 16 tags inside each other") }
    var nodes: [Template.Node] = []
    while place < tokens.count {
      switch tokens[place] {
      case .text(let text):
        nodes.append(.text(text))
        place += 1
      case .variable(let source):
        nodes.append(.variable(try Self.expression(source)))
        place += 1
      case .tag(let source):
        let words = Self.words(source)
        guard let name = words.first else { throw Template.Failure("an empty tag") }
        if ends.contains(name) { return nodes }
        place += 1
        nodes += try tag(name, Array(words.dropFirst()))
      }
    }
    guard ends.isEmpty else { throw Template.Failure("\(ends.sorted().joined(separator: " or ")) is missing") }
    return nodes
  }

  private func endName() -> String {
    if place < tokens.count, case .tag(let source) = tokens[place] { Self.words(source).first ?? "" } else { "" }
  }

  private func endWords() -> [String] {
    if place < tokens.count, case .tag(let source) = tokens[place] { Array(Self.words(source).dropFirst()) } else { [] }
  }

  private mutating func tag(_ name: String, _ words: [String]) throws -> [Template.Node] {
    switch name {
    case "if":
      var branches = [(try Self.condition(words), try nodes(until: ["elif", "else", "endif"]))]
      while endName() == "elif" {
        let condition = try Self.condition(endWords())
        place += 1
        branches.append((condition, try nodes(until: ["elif", "else", "endif"])))
      }
      return [.branch(branches, otherwise: try otherwise("endif"))]
    case "ifequal", "ifunequal":
      guard words.count == 2 else { throw Template.Failure("\(name) needs two values") }
      let condition = Template.Condition.compare(
        try Self.expression(words[0]), name == "ifequal" ? .equal : .unequal, try Self.expression(words[1]))
      let body = try nodes(until: ["else", "end" + name])
      return [.branch([(condition, body)], otherwise: try otherwise("end" + name))]
    case "for":
      guard let place = words.firstIndex(of: "in"), place > 0, words.count == place + 2 else {
        throw Template.Failure("for needs names, in, and a collection")
      }
      let variables = words[..<place].flatMap { $0.split(separator: ",").map(String.init) }
      let collection = try Self.expression(words[place + 1])
      let body = try nodes(until: ["empty", "endfor"])
      var empty: [Template.Node] = []
      if endName() == "empty" {
        self.place += 1
        empty = try nodes(until: ["endfor"])
      }
      self.place += 1
      return [.loop(variables: variables, collection, body: body, empty: empty)]
    case "with":
      let bindings = try words.map { word -> (String, Template.Expression) in
        let parts = word.split(separator: "=", maxSplits: 1).map(String.init)
        guard parts.count == 2 else { throw Template.Failure("with needs name=value") }
        return (parts[0], try Self.expression(parts[1]))
      }
      let body = try nodes(until: ["endwith"])
      place += 1
      return [.with(bindings, body)]
    case "comment":
      _ = try nodes(until: ["endcomment"])
      place += 1
      return []
    case "safe":
      let body = try nodes(until: ["endsafe"])
      place += 1
      return body
    case "firstof": return [.firstOf(try words.map(Self.expression))]
    case "cycle":
      guard !words.isEmpty else { throw Template.Failure("cycle needs values") }
      return [.cycle(words.map(Self.unquoted))]
    case "now":
      guard !words.isEmpty else { throw Template.Failure("now needs a format, such as \"yyyy-MM-dd\"") }
      return [.now(words.map(Self.unquoted).joined(separator: " "))]
    case "debug": return [.debug]
    case "block":
      let body = try nodes(until: ["endblock"])
      place += 1
      return body
    case "script", "style":
      guard let address = words.first else { throw Template.Failure("\(name) needs an address") }
      let (start, end) =
        name == "script"
        ? ("<script src=\"", "\" type=\"application/javascript\"></script>")
        : ("<link href=\"", "\" rel=\"stylesheet\" type=\"text/css\" />")
      return [.text(start), .variable(try Self.expression(address)), .text(end)]
    case "include", "extends": throw Template.Failure("there are no other templates here for \(name)")
    case "sum": return [.sum(try words.map(Self.expression))]
    case "else", "elif", "empty",
      _ where name.hasPrefix("end"):
      throw Template.Failure("\(name) belongs to no tag before it")
    default: throw Template.Failure("there is no tag \(name)")
    }
  }

  private mutating func otherwise(_ end: String) throws -> [Template.Node] {
    var nodes: [Template.Node] = []
    if endName() == "else" {
      place += 1
      nodes = try self.nodes(until: [end])
    }
    place += 1
    return nodes
  }

  /// Words between spaces; quoted text stays together.
  static func words(_ source: String) -> [String] {
    var words: [String] = []
    var word = ""
    var quote: Character?
    for character in source {
      if let open = quote {
        word.append(character)
        if character == open { quote = nil }
      } else if character == " " {
        if !word.isEmpty { words.append(word) }
        word = ""
      } else {
        if character == "\"" { quote = character }
        word.append(character)
      }
    }
    if !word.isEmpty { words.append(word) }
    return words
  }

  /// `or` joins what `and` joins; `not` is about what follows up to one of them.
  private static func condition(_ words: [String]) throws -> Template.Condition {
    let alternatives = try words.split(separator: "or", omittingEmptySubsequences: false).map { part in
      let conditions = try part.split(separator: "and", omittingEmptySubsequences: false).map {
        try singleCondition(Array($0))
      }
      return conditions.count == 1 ? conditions[0] : .all(conditions)
    }
    return alternatives.count == 1 ? alternatives[0] : .any(alternatives)
  }

  private static func singleCondition(_ words: [String]) throws -> Template.Condition {
    guard let first = words.first else { throw Template.Failure("if, and, or and not need a condition") }
    if first == "not" { return .not(try singleCondition(Array(words.dropFirst()))) }
    if first == "any" || first == "all" {
      guard words.count > 1 else { throw Template.Failure("\(first) needs values") }
      let conditions = try words.dropFirst().map { Template.Condition.truth(try expression($0)) }
      return first == "any" ? .any(conditions) : .all(conditions)
    }
    if words.count == 3, let comparison = Comparison(words[1]) {
      return .compare(try expression(words[0]), comparison, try expression(words[2]))
    }
    guard words.count == 1 else {
      throw Template.Failure("the condition \(words.joined(separator: " ")) cannot be read")
    }
    return .truth(try expression(first))
  }

  private static func parts(_ source: String, at separator: Character) -> [String] {
    var parts = [""]
    var isQuoted = false
    for character in source {
      if character == "\"" { isQuoted.toggle() }
      if character == separator, !isQuoted { parts.append("") } else { parts[parts.count - 1].append(character) }
    }
    return parts
  }

  private static func unquoted(_ text: String) -> String {
    let text = text.trimmed
    return text.count >= 2 && text.first == "\"" && text.last == "\"" ? String(text.dropFirst().dropLast()) : text
  }

  static func expression(_ source: String) throws -> Template.Expression {
    var pieces = parts(source, at: "|")
    let subject = pieces.removeFirst().trimmed
    let filters = pieces.map { piece -> (name: String, arguments: [String]) in
      var arguments = parts(piece, at: ":").map(unquoted)
      return (arguments.removeFirst(), arguments)
    }
    for filter in filters where !TemplateFilters.names.contains(filter.name) {
      throw Template.Failure("there is no filter \(filter.name)")
    }
    let joined = try joiningAbbreviations(filters)
    var literal: Value?
    if subject.first == "\"" { literal = .string(unquoted(subject)) } else { literal = NumberText.parse(subject) }
    if subject == "." { return Template.Expression(path: [], literal: nil, filters: joined) }
    return Template.Expression(path: path(subject), literal: literal, filters: joined)
  }

  /// The keys between dots; two dots are one that belongs to a key.
  private static func path(_ text: String) -> [String] {
    var keys: [String] = []
    var isOpen = false
    for part in text.split(separator: ".", omittingEmptySubsequences: false) {
      if part.isEmpty {
        isOpen = !keys.isEmpty
      } else if isOpen {
        keys[keys.count - 1] += "." + part
        isOpen = false
      } else {
        keys.append(String(part))
      }
    }
    return keys
  }

  /// The marks before `abbreviate` as arguments of it.
  private static func joiningAbbreviations(
    _ filters: [(name: String, arguments: [String])]
  ) throws -> [(name: String, arguments: [String])] {
    var joined: [(name: String, arguments: [String])] = []
    var marks: [String] = []
    for filter in filters {
      if TemplateFilters.abbreviationMarks.contains(filter.name) {
        marks.append(filter.name)
        if filter.name == "abbr-ellipsis" { marks.append(filter.arguments.first ?? "") }
      } else if filter.name == "abbreviate" {
        joined.append((filter.name, filter.arguments + marks))
        marks = []
      } else if marks.isEmpty {
        joined.append(filter)
      } else {
        break
      }
    }
    guard marks.isEmpty else { throw Template.Failure("\(marks[0]) stands before abbreviate only") }
    return joined
  }
}
