import CBotHost

/// A subcommand that a plugin adds, with what is needed to turn words into the method's argument.
public struct PluginCommandSyntax: Sendable {
  public let name: String
  /// Without the instance's name.
  public let method: String
  public let summary: String
  /// Members that are given by position; the last one takes all words that are left.
  let positions: [String]
  /// The type of each member, for reading numbers and JSON.
  let types: [String: String]

  public init(_ command: CommandDeclaration, _ method: String, manifest: Manifest?) {
    name = command.name
    self.method = method
    summary = command.summary
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
    positions = (json["positions"]?.array ?? []).compactMap(\.string)
    var types: [String: String] = [:]
    for (key, value) in json["types"]?.object ?? JSONObject() { types[key] = value.string }
    self.types = types
  }

  public var json: JSONValue {
    var members = JSONObject()
    for (key, value) in types.sorted(by: { $0.key < $1.key }) { members[key] = .string(value) }
    return .object([
      "name": .string(name), "method": .string(method), "summary": .string(summary),
      "positions": .array(positions.map(JSONValue.string)), "types": .object(members),
    ])
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
