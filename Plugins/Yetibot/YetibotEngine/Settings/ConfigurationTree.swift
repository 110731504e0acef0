/// Settings in the form of the original: texts under nested keys, from an EDN file and from the environment.
public struct ConfigurationTree: Sendable, Hashable {
  /// What a setting must look like.
  public enum Shape: Sendable, Hashable {
    case text
    case notBlankText
    case texts
    /// A map that has these keys, each with a text.
    case map([String])
  }

  /// What a look-up finds.
  public enum Answer: Sendable, Hashable {
    case value(Value)
    case notFound
    /// Something is there, but of another shape: what is wrong with it.
    case invalid(String)
  }

  public private(set) var root: Value

  public init(_ root: Value) { self.root = root }

  /// The prefixes that name the bot's own settings, in a file and in the environment; the later one wins.
  public static let prefixes = ["yb", "yetibot"]

  /// The settings below each prefix, as one tree.
  public static func mergedPrefixes(of root: Value, _ prefixes: [String] = prefixes) -> ConfigurationTree {
    ConfigurationTree(prefixes.compactMap { root[$0] }.reduce(.map(ValueMap())) { merged($0, $1) })
  }

  /// The settings in an environment: `YB_COMMAND_PREFIX` is `command.prefix`, and parts that are numbers make lists.
  ///
  /// - Parameter prefix: the only prefix that counts, in the place of ``prefixes``.
  public static func exploded(_ environment: [String: String], prefix: String? = nil) -> ConfigurationTree {
    let prefixes = prefix.map { [$0.lowercased()] } ?? prefixes
    var root = Value.map(ValueMap())
    // In order of the names, so that what contradicts itself does so always alike.
    for (name, value) in environment.sorted(by: { $0.key < $1.key }) {
      let parts = name.lowercased().split(separator: "_").map(String.init)
      guard parts.count > 1, parts.count <= 16, prefixes.contains(parts[0]) else { continue }
      root = merged(root, parts.reversed().reduce(.string(value)) { .map(ValueMap([($1, $0)])) })
    }
    return ConfigurationTree(withLists(mergedPrefixes(of: root, prefixes).root))
  }

  /// The members of both, those of the second first in effect.
  private static func merged(_ first: Value, _ second: Value) -> Value {
    guard var map = first.members, let other = second.members else { return second }
    for member in other { map[member.key] = map[member.key].map { merged($0, member.value) } ?? member.value }
    return .map(map)
  }

  /// Maps whose keys are all numbers as lists, in order.
  private static func withLists(_ value: Value) -> Value {
    guard let map = value.members else { return value }
    let numbers = map.keys.compactMap { UInt32($0) }
    guard !map.isEmpty, numbers.count == map.count else {
      return .map(ValueMap(map.map { ($0.key, withLists($0.value)) }))
    }
    return .list(zip(numbers, map.values).sorted { $0.0 < $1.0 }.map { withLists($0.1) })
  }

  /// This, and what the other one says over it.
  public func overlaid(with other: ConfigurationTree) -> ConfigurationTree {
    ConfigurationTree(Self.merged(root, other.root))
  }

  public func look(up path: [String], as shape: Shape) -> Answer {
    var value: Value? = root
    for key in path { value = value?[key] }
    guard let value, value != .null else { return .notFound }
    return shape.problem(of: value).map { .invalid("\(path.joined(separator: ".")): \($0)") } ?? .value(value)
  }
}

extension ConfigurationTree.Shape {
  /// Why the value has another shape; nil when it has this one.
  fileprivate func problem(of value: Value) -> String? {
    switch self {
    case .text: return value.stringValue == nil ? "a text was expected" : nil
    case .notBlankText:
      return value.stringValue.map { $0.trimmed.isEmpty } ?? true ? "a text that is not blank was expected" : nil
    case .texts:
      return value.items?.allSatisfy { $0.stringValue != nil } ?? false ? nil : "a list of texts was expected"
    case .map(let keys):
      guard value.members != nil else { return "a map with \(keys.joined(separator: " and ")) was expected" }
      let missing = keys.filter { value[$0]?.stringValue == nil }
      return missing.isEmpty ? nil : "\(missing.joined(separator: " and ")) is missing"
    }
  }
}
