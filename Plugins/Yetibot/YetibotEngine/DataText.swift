/// How a result reads in the chat.
public enum DataText {
  /// The text, and the value with its outer levels of nesting taken away.
  ///
  /// - Parameter mergingMaps: whether a list of maps is shown as one map, as ``Quirks/mergesMaps`` says.
  public static func format(_ value: Value, mergingMaps: Bool = false) -> (text: String, value: Value) {
    var value = value.unmarked
    // Each round takes away one level; the value's depth bounds them.
    while let items = value.items, let first = items.first?.unmarked, first.isCollection {
      if case .list = first {
        value = .list(items.flatMap { $0.items ?? [$0] })
      } else if mergingMaps {
        value = .map(merged(items))
      } else {
        break
      }
    }
    switch value {
    case .map(let map): return (map.lines.joined(separator: "\n"), value)
    case .list(let items): return (items.map(line).joined(separator: "\n"), value)
    default: return (scalar(value), value)
    }
  }

  /// The maps of a list as one, the later ones first in effect. The first map does not count.
  private static func merged(_ items: [Value]) -> ValueMap {
    var map = ValueMap()
    for item in items.dropFirst() {
      for member in item.members ?? ValueMap() { map[member.key] = member.value }
    }
    return map
  }

  /// An item of a list as a line of its own.
  static func line(_ item: Value) -> String { item.members?.lines.joined(separator: ", ") ?? scalar(item) }

  /// One item: text as it is, null as nothing, a collection inside as JSON.
  public static func scalar(_ value: Value) -> String {
    switch value.unmarked {
    case .list, .map: JSONText.print(value)
    default: value.text
    }
  }

  /// Whether some line is the address of an image.
  public static func hasImageLine(_ text: String) -> Bool {
    text.lines.contains { line in
      line.hasPrefix("http") && [".jpeg", ".jpg", ".png", ".gif"].contains { line.utf8.contains($0.utf8) }
    }
  }
}

extension Collection where Element == UInt8 {
  /// Whether the bytes of `other` lie somewhere in these.
  func contains(_ other: some Collection<UInt8>) -> Bool {
    guard let first = other.first else { return true }
    var rest = self[...]
    while let place = rest.firstIndex(of: first) {
      if rest[place...].starts(with: other) { return true }
      rest = rest[index(after: place)...]
    }
    return false
  }
}
