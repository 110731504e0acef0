/// How far an update goes, measured from the version that is there now.
public enum UpdateLevel: String, Sendable, Hashable, CaseIterable {
  case major, minor, patch
}

/// Which version somebody wants.
public enum VersionTarget: Sendable, Hashable {
  case latest
  case level(UpdateLevel)
  /// As typed, without a leading `v`: `19`, `2.3.x`, `3.12-slim`.
  case version(String)
  /// Without blanks: `>=3.2,<4`.
  case specifier(String)

  /// Reads what a configuration or a case says: `latest`, `major`, `minor`, `patch`, a specifier (it starts with an operator) or a version.
  public init(_ text: String) {
    let bare = text.utf8.filter { !$0.isBlank }.text
    switch bare.lowercased() {
    case "latest": self = .latest
    case "major": self = .level(.major)
    case "minor": self = .level(.minor)
    case "patch": self = .level(.patch)
    default:
      if let first = bare.utf8.first, "<>=!~^".utf8.contains(first) {
        self = .specifier(bare)
      } else {
        self = .version(text.trimmed)
      }
    }
  }
}
