import Glibc

/// The environment variables that configurations may take from.
public struct Environment: Sendable {
  private let values: [String: String]

  public init(_ values: [String: String]) { self.values = values }

  /// A copy of the process's environment. Take it early, on one thread: `environ` has no lock.
  public static func process() -> Environment {
    var values: [String: String] = [:]
    var pointer = environ
    while let entry = pointer.pointee {
      let text = String(cString: entry)
      if let equals = text.firstIndex(of: "=") {
        values[String(text[..<equals])] = String(text[text.index(after: equals)...])
      }
      pointer += 1
    }
    return Environment(values)
  }

  /// The value of a variable; nil when it is not set.
  public subscript(name: String) -> String? { values[name] }
  /// Of all variables that are set, in no order.
  public var names: [String] { Array(values.keys) }

  static func isName(_ text: String) -> Bool {
    guard let first = text.utf8.first, !(first >= 0x30 && first <= 0x39) else { return false }
    return text.utf8.allSatisfy {
      $0 | 0x20 >= 0x61 && $0 | 0x20 <= 0x7A || $0 >= 0x30 && $0 <= 0x39 || $0 == 0x5F
    }
  }
}

/// Text with `${NAME}`, `${NAME:-default}` and `$${`, which is a literal `${`.
struct EnvironmentTemplate: Sendable {
  enum Part: Sendable, Hashable {
    case text(String)
    case variable(name: String, fallback: String?)
  }
  struct Problem: Error {
    var message: String
  }

  var parts: [Part] = []

  init(_ text: String) throws(Problem) {
    var literal = ""
    var rest = text[...]
    while let dollar = rest.firstIndex(of: "$") {
      literal += rest[..<dollar]
      rest = rest[dollar...]
      if rest.hasPrefix("$${") {
        literal += "${"
        rest = rest.dropFirst(3)
      } else if rest.hasPrefix("${") {
        guard let end = rest.firstIndex(of: "}") else { throw Problem(message: "'${' is not closed by '}'") }
        let body = rest[rest.index(rest.startIndex, offsetBy: 2)..<end]
        let (name, fallback) = Self.split(body)
        guard Environment.isName(name) else {
          throw Problem(message: "'\(name)' is no name of an environment variable; a literal '${' is written '$${'")
        }
        if !literal.isEmpty { parts.append(.text(literal)) }
        literal = ""
        parts.append(.variable(name: name, fallback: fallback))
        rest = rest[rest.index(after: end)...]
      } else {
        literal += "$"
        rest = rest.dropFirst()
      }
    }
    literal += rest
    if !literal.isEmpty || parts.isEmpty { parts.append(.text(literal)) }
  }

  private static func split(_ body: Substring) -> (String, String?) {
    var index = body.startIndex
    while index < body.endIndex {
      let next = body.index(after: index)
      if body[index] == ":", next < body.endIndex, body[next] == "-" {
        return (String(body[..<index]), String(body[body.index(after: next)...]))
      }
      index = next
    }
    return (String(body), nil)
  }

  var hasVariables: Bool {
    parts.contains { part in
      if case .variable = part { return true }
      return false
    }
  }

  /// The text, or the names of the variables that are not set.
  func expand(_ environment: Environment) -> Result<String, MissingVariables> {
    var text = ""
    var missing: [String] = []
    for part in parts {
      switch part {
      case .text(let literal): text += literal
      case .variable(let name, let fallback):
        // As in a shell, `:-` also stands in for an empty value.
        if let value = environment[name], !(value.isEmpty && fallback != nil) {
          text += value
        } else if let fallback {
          text += fallback
        } else {
          missing.append(name)
        }
      }
    }
    return missing.isEmpty ? .success(text) : .failure(MissingVariables(names: missing))
  }

  struct MissingVariables: Error {
    var names: [String]
  }
}
