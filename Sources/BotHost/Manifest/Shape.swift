import HostPatterns

/// What may stand at one place in a YAML file.
///
/// One tree of shapes describes a kind of file. The check with all its messages, the JSON Schema for editors and the
/// tables in the documentation come from it, so that they cannot disagree.
indirect enum Shape: Sendable {
  /// Text of a certain form; a number without quotes counts as its text.
  case text(TextForm)
  case integer(ClosedRange<Int64>)
  case number(ClosedRange<Double>)
  case bool
  case choice([String])
  /// Any YAML value.
  case any
  /// Any scalar.
  case scalar
  /// `FieldType` in YAML.
  case fieldType
  case list(Shape)
  /// Any keys of one form.
  case map(key: TextForm, value: Shape, keyWord: String)
  case object(ObjectShape)
  /// The first alternative whose test holds; the last one's always does.
  case either([Alternative])

  struct Alternative: Sendable {
    var applies: @Sendable (YAMLNode) -> Bool
    var shape: Shape
  }

  /// A scalar in one form, anything else in another.
  static func scalarOr(_ scalar: Shape, _ other: Shape) -> Shape {
    .either([
      Alternative(applies: { $0.scalar != nil }, shape: scalar), Alternative(applies: { _ in true }, shape: other),
    ])
  }
}

/// A mapping with known keys.
struct ObjectShape: Sendable {
  /// Names it in the JSON Schema and the documentation.
  var name: String
  var summary: String
  var keys: [KeyShape]

  func key(_ name: String) -> KeyShape? { keys.first { $0.name == name } }
}

/// A key of an `ObjectShape`.
struct KeyShape: Sendable {
  var name: String
  var shape: Shape
  var isRequired: Bool
  var summary: String
  /// As one would write it in YAML.
  var defaultText: String?

  init(_ name: String, _ shape: Shape, required: Bool = false, default defaultText: String? = nil, _ summary: String) {
    self.name = name
    self.shape = shape
    isRequired = required
    self.summary = summary
    self.defaultText = defaultText
  }
}

/// A form of text: what it is called in messages, what is wrong with a text, and a pattern for editors.
struct TextForm: Sendable {
  /// `a length of time such as 5s`: completes "expected …".
  var expected: String
  /// For JSON Schema, ECMA 262; looser than `problem` is allowed, stricter is not.
  var pattern: String?
  /// Why a text does not have the form, or nil.
  var problem: @Sendable (String) -> String?

  init(_ expected: String, pattern: String? = nil, problem: @escaping @Sendable (String) -> String? = { _ in nil }) {
    self.expected = expected
    self.pattern = pattern
    self.problem = problem
  }

  /// A form that a failable initializer checks.
  init(
    _ expected: String, pattern: String? = nil, accepts: @escaping @Sendable (String) -> Bool
  ) {
    self.init(expected, pattern: pattern) { text in accepts(text) ? nil : "expected \(expected)" }
  }
}

extension TextForm {
  static let free = TextForm("text")
  static let line = TextForm("one line of text") { text in
    text.contains(where: \.isNewline) ? "expected one line" : text.utf8.count > 1_024 ? "at most 1,024 bytes" : nil
  }
  static let name = TextForm("a name", pattern: "^[A-Za-z0-9_-]+$", problem: { NameRules.nameProblem($0) })
  static let plugin = TextForm("a name", pattern: "^[A-Za-z0-9_-]+$", problem: { NameRules.pluginProblem($0) })
  static let fieldName = TextForm("a name", pattern: "^[^\\s?]+\\??$") { text in
    let name = text.hasSuffix("?") ? text.dropLast() : text[...]
    return name.isEmpty ? "the name is empty" : name.utf8.count > 128 ? "a field's name has at most 128 bytes" : nil
  }
  static let instance = TextForm(
    "an instance's name", pattern: "^[A-Za-z0-9_.-]+$", problem: { NameRules.instanceProblem($0) })
  static let topic = TextForm(
    "a topic such as chat.message", pattern: "^[A-Za-z0-9_-]+(\\.[A-Za-z0-9_-]+)*$",
    problem: { NameRules.topicProblem($0) })
  static let topicPattern = TextForm(
    "a topic pattern such as chat.*", pattern: "^[A-Za-z0-9_*-]+(\\.[A-Za-z0-9_*-]+)*$",
    problem: { TopicPattern.problem(with: $0) })
  static let methodPattern = TextForm(
    "a method such as yetibot.eval", pattern: "^[A-Za-z0-9_*-]+(\\.[A-Za-z0-9_*-]+)*$"
  ) { text in
    if let problem = TopicPattern.problem(with: text) { return problem }
    return text.contains(".") || text == "**" ? nil : "expected plugin.method"
  }
  static let symbol = TextForm(
    "a function's name", pattern: "^[A-Za-z_][A-Za-z0-9_]*$", problem: { NameRules.symbolProblem($0) })
  /// A function's name, or a name that the plugin binds itself.
  static let call = TextForm("a function's name", pattern: "^[A-Za-z0-9_.-]+$", problem: { NameRules.topicProblem($0) })
  static let pointer = TextForm("a JSON pointer such as /user/name", pattern: "^(/.*)?$", problem: pointerProblem)
  static let expression = TextForm(
    "a POSIX extended regular expression such as words?",
    problem: { text in
      do throws(TextPattern.Problem) {
        _ = try FieldMatch(pointer: "", pattern: text)
        return nil
      } catch { return error.message }
    })
  static let duration = TextForm(
    "a length of time such as 200ms, 5s or 10m", pattern: "^([0-9.]+(ns|us|µs|ms|s|m|h|d))+$",
    accepts: { TimeSpan($0) != nil })
  static let durationRange = TextForm(
    "two lengths of time such as 200ms..30s", pattern: "^[0-9.nuµmshd]+$", accepts: { TimeRange($0) != nil })
  static let size = TextForm(
    "a size such as 64KiB or 10MiB", pattern: "^[0-9.]+([kKMGT]?i?B)?$", accepts: { ByteSize($0) != nil })
  static let rate = TextForm(
    "a rate such as 5/10m", pattern: "^[0-9]+/([0-9.]+(ns|us|µs|ms|s|m|h|d))+$", accepts: { RateLimit($0) != nil })
  static let version = TextForm(
    "a version such as 1.2.0", pattern: "^[0-9]+\\.[0-9]+\\.[0-9]+([-+].*)?$", accepts: { SemanticVersion($0) != nil })
  static let versionRange = TextForm(
    "a range of versions such as ^1.2 or >=1.0 <2", accepts: { VersionRange($0) != nil })
  static let environmentName = TextForm(
    "the name of an environment variable", pattern: "^[A-Za-z_][A-Za-z0-9_]*$", accepts: { Environment.isName($0) })
  static let connect = TextForm(
    "host:port such as irc.example.org:6697, *.example.org:443 or 127.0.0.1:*", pattern: "^.+:([0-9]+|\\*)$",
    accepts: { HostPattern($0) != nil })
  static let stateFormat = TextForm(
    "a format and a version such as twitch/2", pattern: "^[A-Za-z0-9_.-]+/[0-9]+$",
    accepts: { SwapPolicy.StateFormat($0) != nil })
  static let signature = TextForm(
    "a C signature such as cstring(cstring,u32)", pattern: "^.+\\(.*\\)$",
    problem: { text in
      do throws(Signature.Problem) {
        _ = try Signature(parsing: text)
        return nil
      } catch {
        return "\(error.message) (column \(error.offset + 1) of the signature)"
      }
    })
  /// A field, a header or the whole event: how an argument is written in one word.
  static let binding = TextForm(
    "a JSON pointer, $event or header:NAME, with ?default if it may be missing", pattern: "^(/.*|\\$event|header:.+)?$"
  ) { text in
    let (place, _) = ArgumentBinding.split(text)
    if place == "$event" || place.hasPrefix("header:") && place.count > 7 { return nil }
    if place.hasPrefix("$") || place.hasPrefix("header") { return "expected $event or header:NAME" }
    return pointerProblem(place)
  }

  /// RFC 6901.
  private static let pointerProblem: @Sendable (String) -> String? = { text in
    guard text.isEmpty || text.hasPrefix("/") else { return "a JSON pointer begins with '/': /\(text)" }
    guard text.utf8.count <= 512 else { return "a JSON pointer has at most 512 bytes" }
    var isEscape = false
    for byte in text.utf8 {
      if isEscape, byte != 0x30, byte != 0x31 { return "in a JSON pointer '~' is written ~0 and '/' in a name ~1" }
      isEscape = byte == 0x7E
    }
    return isEscape ? "in a JSON pointer '~' is written ~0" : nil
  }
}

extension SwapPolicy.StateFormat {
  /// `name/version`.
  init?(_ text: String) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2, NameRules.topicProblem(String(parts[0])) == nil, let version = UInt32(parts[1]) else {
      return nil
    }
    self.init(name: String(parts[0]), version: version)
  }
}

extension ArgumentBinding {
  /// `/user/name?anonymous` as place and default.
  static func split(_ text: String) -> (place: String, defaultText: String?) {
    guard let mark = text.firstIndex(of: "?") else { return (text, nil) }
    return (String(text[..<mark]), String(text[text.index(after: mark)...]))
  }
}
