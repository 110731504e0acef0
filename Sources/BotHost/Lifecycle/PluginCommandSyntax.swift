import CBotHost

/// A subcommand that a plugin adds, with what is needed to turn words into the method's argument.
public struct PluginCommandSyntax: Sendable {
  public let name: String
  /// Without the instance's name.
  public let method: String
  public let summary: String
  /// JSON pointers to the texts of the result that are printed; empty: the whole, as JSON.
  public let shows: [String]
  /// A JSON pointer to the text that says why the work has failed.
  public let error: String?
  /// How the command takes line after line; nil: it does not.
  public let interactive: CommandDeclaration.Interactive?
  /// Members that are given by position; the last one takes all words that are left.
  let positions: [String]
  /// The type of each member, for reading numbers and JSON.
  let types: [String: String]

  public init(_ command: CommandDeclaration, _ method: String, manifest: Manifest?) {
    name = command.name
    self.method = method
    summary = command.summary
    shows = command.shows
    error = command.error
    interactive = command.interactive
    positions = command.arguments
    var types: [String: String] = [:]
    for field in manifest?.method(command.method)?.arguments ?? [] { types[field.name] = field.type.description }
    self.types = types
  }

  public init?(json: JSONValue) {
    guard let name = json["name"]?.string, let method = json["method"]?.string else { return nil }
    self.name = name
    self.method = method
    summary = json["summary"]?.string ?? ""
    shows = (json["show"]?.array ?? []).compactMap(\.string)
    error = json["error"]?.string
    interactive = json["interactive"].flatMap { interactive in
      interactive["prompt"]?.string.map {
        CommandDeclaration.Interactive(prompt: $0, complete: interactive["complete"]?.string)
      }
    }
    positions = (json["positions"]?.array ?? []).compactMap(\.string)
    var types: [String: String] = [:]
    for (key, value) in json["types"]?.object ?? JSONObject() { types[key] = value.string }
    self.types = types
  }

  public var json: JSONValue {
    var members = JSONObject()
    for (key, value) in types.sorted(by: { $0.key < $1.key }) { members[key] = .string(value) }
    var object: JSONObject = [
      "name": .string(name), "method": .string(method), "summary": .string(summary),
      "positions": .array(positions.map(JSONValue.string)), "types": .object(members),
      "show": .array(shows.map(JSONValue.string)),
    ]
    if let error { object["error"] = .string(error) }
    if let interactive {
      var members: JSONObject = ["prompt": .string(interactive.prompt)]
      if let complete = interactive.complete { members["complete"] = .string(complete) }
      object["interactive"] = .object(members)
    }
    return .object(object)
  }

  /// Whether the plugin itself has an option of that name.
  public func hasOption(_ name: String) -> Bool { types[name] != nil || positions.contains(name) }

  /// The argument with a line of an interactive command in it.
  public func argument(_ base: JSONValue, line: String) throws(MethodFailure) -> JSONValue {
    guard case .object(var members) = base, let last = positions.last else { return base }
    members[last] = try value(line, of: last)
    return .object(members)
  }

  /// The lines that are printed of a result.
  public func lines(of result: JSONValue) -> [String] {
    guard !shows.isEmpty else { return Self.lines(result) }
    return shows.flatMap { pointer -> [String] in
      guard let value = result.value(at: pointer) else { return [] }
      if let list = value.array { return list.flatMap(Self.lines) }
      return Self.lines(value)
    }
  }

  private static func lines(_ value: JSONValue) -> [String] {
    if value.isNull { return [] }
    guard let text = value.string else { return [value.serialized()] }
    return text.isEmpty ? [] : [text]
  }

  /// Reads words: those by position, then `--member value`.
  public func argument(_ words: [String]) throws(MethodFailure) -> JSONValue {
    var result = JSONObject()
    var plain: [String] = []
    var index = 0
    while index < words.count {
      let word = words[index]
      index += 1
      guard word.hasPrefix("--"), word.count > 2 else {
        plain.append(word)
        continue
      }
      let member = String(word.dropFirst(2))
      guard types[member] != nil || positions.contains(member) else {
        let hint = Suggestion.hint(for: member, in: Array(types.keys)).map { "; \($0)" } ?? ""
        throw MethodFailure(BH_E_INVALID, "'\(name)' has no option '--\(member)'\(hint)")
      }
      guard index < words.count else {
        throw MethodFailure(BH_E_INVALID, "--\(member) needs a value")
      }
      result[member] = try value(words[index], of: member)
      index += 1
    }
    for (offset, member) in positions.enumerated() where offset < plain.count {
      let isLast = offset == positions.count - 1
      result[member] = try value(isLast ? plain[offset...].joined(separator: " ") : plain[offset], of: member)
    }
    if plain.count > positions.count && positions.isEmpty {
      throw MethodFailure(BH_E_INVALID, "'\(name)' takes no words: '\(plain[0])'")
    }
    return .object(result)
  }

  private func value(_ word: String, of member: String) throws(MethodFailure) -> JSONValue {
    switch types[member] {
    case nil, "string"?: return .string(word)
    case "any"?: return (try? JSONValue(parsing: word)) ?? .string(word)
    default:
      guard let value = try? JSONValue(parsing: word) else {
        throw MethodFailure(BH_E_INVALID, "'\(member)' is a \(types[member] ?? "value"), and '\(word)' is none")
      }
      return value
    }
  }
}
