/// The text of one of pip's configuration files: sections in brackets, and `key = value` lines in them.
struct PipConfiguration {
  /// The values by section and key; sections as they are written, keys with `-` for `_`, in lower case.
  private var values: [String: [String: String]] = [:]

  init(_ text: String) {
    var section: String?
    var key: String?
    for line in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline) {
      let bare = String(line).trimmed
      if bare.isEmpty || bare.hasPrefix("#") || bare.hasPrefix(";") { continue }
      if let first = line.utf8.first, first == 0x20 || first == 0x09, let section, let key {
        // A value goes on in an indented line.
        values[section]?[key, default: ""] += "\n" + bare
      } else if bare.hasPrefix("["), let end = bare.firstIndex(of: "]") {
        section = String(bare[bare.index(after: bare.startIndex)..<end])
        key = nil
      } else if let section, let mark = bare.firstIndex(where: { $0 == "=" || $0 == ":" }) {
        let name = Self.key(String(bare[..<mark]).trimmed)
        key = name
        values[section, default: [:]][name] = String(bare[bare.index(after: mark)...]).trimmed
      }
    }
  }

  private static func key(_ text: String) -> String {
    let name = text.lowercased().replacing("_", with: "-")
    return name.hasPrefix("--") ? String(name.dropFirst(2)) : name
  }

  /// What pip's `install` would use: its own section outranks the global one.
  var indexAddress: String? {
    for section in ["install", "global"] {
      if let address = values[section]?["index-url"]?.trimmed, !address.isEmpty { return address }
    }
    return nil
  }
}
