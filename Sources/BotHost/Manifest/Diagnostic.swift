/// One thing that is wrong with a file, in words that say what was expected.
public struct Diagnostic: Sendable, Hashable, CustomStringConvertible {
  /// How much it matters.
  public enum Severity: String, Sendable, Hashable {
    case error
    case warning
    case note
  }

  public var severity: Severity
  /// Where; nil when no place in a file is to blame.
  public var location: SourceLocation?
  public var message: String
  /// What to do about it, often the nearest right name.
  public var hint: String?
  /// The source line must not be shown: it may hold a secret.
  public var hidesSource: Bool

  public init(
    _ severity: Severity, _ message: String, at location: SourceLocation?, hint: String? = nil,
    hidesSource: Bool = false
  ) {
    self.severity = severity
    self.location = location
    self.message = message
    self.hint = hint
    self.hidesSource = hidesSource
  }

  /// `file:line:column: error: message (hint)`, in one line.
  public var description: String {
    var text = location.map { "\($0): " } ?? ""
    text += "\(severity.rawValue): \(message)"
    if let hint { text += " (\(hint))" }
    return text
  }

  /// The description, the source line and a caret under the place.
  ///
  /// - Parameters:
  ///   - source: the text that `location` points into, if it is at hand.
  ///   - colors: ANSI colours, for terminals only.
  public func rendered(source: SourceText?, colors: Bool = false) -> String {
    var text = colors ? coloredDescription : description
    guard let location, !hidesSource, let line = source?.line(location.line) else { return text }
    // A tab or a control character would shift the caret, or the terminal.
    let shown = line.unicodeScalars.map { $0.value < 0x20 || $0.value == 0x7f ? " " : Character($0) }
    guard location.column <= shown.count + 1 else { return text }
    // A very long line (a manifest on one line) is cut around the place.
    let window = 160
    let start = location.column > window / 2 && shown.count > window ? location.column - window / 2 : 0
    let excerpt = String(shown.dropFirst(start).prefix(window))
    let number = String(location.line)
    let gutter = String(repeating: " ", count: number.count)
    let lead = String(repeating: " ", count: location.column - 1 - start)
    let room = max(1, min(location.length, excerpt.count - lead.count))
    let caret = "^" + String(repeating: "~", count: room - 1)
    text += "\n \(number) | \(excerpt)\n \(gutter) | \(lead)\(colors ? "\u{1b}[1;32m\(caret)\u{1b}[0m" : caret)"
    return text
  }

  /// For programs: severity, file, line, column, message and hint.
  public var json: JSONValue {
    var object = JSONObject()
    object["severity"] = .string(severity.rawValue)
    if let location {
      object["file"] = .string(location.file)
      object["line"] = .int(Int64(location.line))
      object["column"] = .int(Int64(location.column))
    }
    object["message"] = .string(message)
    if let hint { object["hint"] = .string(hint) }
    return .object(object)
  }

  private var coloredDescription: String {
    let color = severity == .error ? "31" : severity == .warning ? "35" : "36"
    var text = location.map { "\u{1b}[1m\($0): \u{1b}[0m" } ?? ""
    text += "\u{1b}[1;\(color)m\(severity.rawValue):\u{1b}[0m \(message)"
    if let hint { text += " (\(hint))" }
    return text
  }
}
