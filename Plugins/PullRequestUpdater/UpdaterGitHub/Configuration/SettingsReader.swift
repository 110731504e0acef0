/// Turns the tree of a `.github/bothost.yml` into settings, and collects all that is wrong with it.
struct SettingsReader {
  let file: String
  private(set) var problems: [String] = []

  init(file: String) { self.file = file }

  private static let keys = [
    "enabled", "base", "labels", "reviewers", "assignees", "allow", "ignore", "pre_releases", "python_version",
    "manifests", "limits",
  ]
  /// How many entries a list may have, and how many bytes one of them.
  private static let longestList = 100
  private static let longestText = 255

  private mutating func complain(_ place: YAMLTree.Place, _ text: String) {
    if problems.count < 20 { problems.append("\(file):\(place.line):\(place.column): \(text)") }
  }

  mutating func read(_ tree: YAMLTree, into settings: inout RepositorySettings) {
    guard case .map(let members, _) = tree else {
      return complain(tree.place, "expected keys with values, such as \"enabled: true\"")
    }
    for (key, place, value) in members {
      switch key {
      case "enabled": settings.isEnabled = truth(value, key) ?? settings.isEnabled
      case "base": settings.base = branch(value) ?? settings.base
      case "labels": settings.labels = texts(value, key, "a label's name") { $0.count <= 50 }
      case "reviewers": readReviewers(value, into: &settings)
      case "assignees": settings.assignees = texts(value, key, "a login", where: GitHubLogin.isValid)
      case "allow": settings.allow = patterns(value, key)
      case "ignore": settings.ignore = patterns(value, key)
      case "pre_releases": settings.allowsPreReleases = truth(value, key) ?? false
      case "python_version":
        settings.pythonVersion = text(value, key, "a version such as \"3.11\" in quotes") {
          $0.utf8.allSatisfy { (0x30...0x39).contains($0) || $0 == 0x2E } && $0.first != "." && $0.last != "."
        }
      case "manifests":
        settings.manifests = texts(value, key, "a path below the repository's root", where: Self.isPath)
          .map { NamePattern($0) }
      case "limits": readLimits(value, into: &settings)
      default:
        complain(place, "there is no key \"\(key)\"; expected one of \(Self.keys.joined(separator: ", "))")
      }
    }
  }

  private mutating func readReviewers(_ value: YAMLTree, into settings: inout RepositorySettings) {
    let isReviewer = { (text: String) in
      text.split(separator: "/", omittingEmptySubsequences: false).allSatisfy { GitHubLogin.isValid(String($0)) }
        && text.filter { $0 == "/" }.count <= 1
    }
    let named = texts(value, "reviewers", "a login, or organisation/team", where: isReviewer)
    settings.reviewers = named.filter { !$0.contains("/") }
    settings.teamReviewers = named.compactMap { $0.split(separator: "/").dropFirst().first.map(String.init) }
  }

  private mutating func readLimits(_ value: YAMLTree, into settings: inout RepositorySettings) {
    guard case .map(let members, _) = value else {
      return complain(value.place, "limits: expected {open: 5, hour: 1}")
    }
    for (key, place, value) in members {
      switch key {
      case "open": settings.openLimit = number(value, "limits.open")
      case "hour": settings.hourLimit = number(value, "limits.hour")
      default: complain(place, "there is no limit \"\(key)\"; expected open or hour")
      }
    }
  }

  // MARK: Values

  private mutating func truth(_ value: YAMLTree, _ key: String) -> Bool? {
    if case .scalar(let text, isPlain: true, _) = value {
      if ["true", "True", "TRUE"].contains(text) { return true }
      if ["false", "False", "FALSE"].contains(text) { return false }
    }
    complain(value.place, "\(key): expected true or false")
    return nil
  }

  private mutating func number(_ value: YAMLTree, _ key: String) -> Int? {
    if case .scalar(let text, isPlain: true, _) = value, let number = Int(text), (0...1000).contains(number) {
      return number
    }
    complain(value.place, "\(key): expected a whole number from 0 to 1000")
    return nil
  }

  private mutating func text(
    _ value: YAMLTree, _ key: String, _ expected: String, where fits: (String) -> Bool
  ) -> String? {
    if case .scalar(let text, _, _) = value, !text.isEmpty, text.utf8.count <= Self.longestText,
      !text.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F }), fits(text)
    {
      return text
    }
    complain(value.place, "\(key): expected \(expected)")
    return nil
  }

  private mutating func texts(
    _ value: YAMLTree, _ key: String, _ expected: String, where fits: (String) -> Bool
  ) -> [String] {
    guard case .list(let items, let place) = value else {
      complain(value.place, "\(key): expected a list, such as [one, two]")
      return []
    }
    guard items.count <= Self.longestList else {
      complain(place, "\(key): more than \(Self.longestList) entries")
      return []
    }
    return items.compactMap { text($0, key, expected, where: fits) }
  }

  private mutating func patterns(_ value: YAMLTree, _ key: String) -> [NamePattern] {
    texts(value, key, "a package's name, or a pattern such as \"django-*\"") { text in
      text.utf8.allSatisfy { (0x21...0x7E).contains($0) }
    }.map { NamePattern($0.lowercased().replacing("_", with: "-").replacing(".", with: "-")) }
  }

  private mutating func branch(_ value: YAMLTree) -> String? {
    text(value, "base", "a branch's name", where: BranchName.isValid)
  }

  private static func isPath(_ text: String) -> Bool {
    !text.hasPrefix("/") && !text.contains("\\") && !text.hasSuffix("/")
      && text.split(separator: "/", omittingEmptySubsequences: false).allSatisfy {
        !$0.isEmpty && $0 != "." && $0 != ".."
      }
  }
}
