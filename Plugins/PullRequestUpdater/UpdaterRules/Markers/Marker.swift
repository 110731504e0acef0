/// An environment marker (PEP 508): `python_version < "3.8" and sys_platform == 'linux'`. It is checked, and never changed: the numbers in
/// it are none of the package's.
enum Marker {
  private static let variables: Set<String> = [
    "python_version", "python_full_version", "os_name", "os.name", "sys_platform", "sys.platform", "platform_release",
    "platform_system", "platform_version", "platform.version", "platform_machine", "platform.machine",
    "platform_python_implementation", "platform.python_implementation", "python_implementation",
    "implementation_name", "implementation_version", "extra", "extras", "dependency_groups",
  ]
  private static let operators = ["===", "==", "~=", "!=", "<=", ">=", "<", ">"]

  /// Whether a text is a marker.
  static func isValid(_ text: ArraySlice<UInt8>) -> Bool {
    var reader = Reader(rest: text)
    return reader.marker()
  }

  private struct Reader {
    var rest: ArraySlice<UInt8>

    /// Operands, operators and brackets in turn; the brackets are counted, so that their depth costs nothing.
    mutating func marker() -> Bool {
      var depth = 0
      while true {
        while take("(") { depth += 1 }
        guard value(), comparison(), value() else { return false }
        while depth > 0, take(")") { depth -= 1 }
        skipBlanks()
        if rest.isEmpty { return depth == 0 }
        guard let word = word(), word == "and" || word == "or" else { return false }
      }
    }

    private mutating func skipBlanks() { rest = rest.drop { $0 == 0x20 || $0 == 0x09 } }

    private mutating func take(_ text: String) -> Bool {
      skipBlanks()
      guard rest.starts(with: text.utf8) else { return false }
      rest = rest.dropFirst(text.utf8.count)
      return true
    }

    private mutating func word() -> String? {
      skipBlanks()
      let word = rest.prefix { $0.isAlphanumeric || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: ".") }
      guard !word.isEmpty else { return nil }
      rest = rest[word.endIndex...]
      return word.text
    }

    private mutating func value() -> Bool {
      skipBlanks()
      if let quote = rest.first, quote == UInt8(ascii: "'") || quote == UInt8(ascii: "\"") {
        guard let end = rest.dropFirst().firstIndex(of: quote) else { return false }
        rest = rest[(end + 1)...]
        return true
      }
      return word().map(variables.contains) == true
    }

    private mutating func comparison() -> Bool {
      if operators.contains(where: { take($0) }) { return true }
      guard let first = word() else { return false }
      return first == "in" || (first == "not" && word() == "in")
    }
  }
}
