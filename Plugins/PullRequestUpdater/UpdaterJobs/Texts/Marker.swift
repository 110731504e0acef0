import UpdaterGitHub

/// The last line of a pull request's body, by which it is found again:
/// `<!-- bothost:pr v1 key=0123456789abcdef issue=12 from=18.1 to=19.3.1 -->`.
public struct Marker: Hashable, Sendable {
  /// Repository, base, ecosystem, manifests, package and request, in 16 hexadecimal digits.
  public var key: String
  /// 0: it was not an issue that asked.
  public var issue: Int
  /// `none` where the manifest named no version.
  public var from: String
  public var to: String

  public init(key: String, issue: Int, from: String, to: String) {
    self.key = key
    self.issue = issue
    self.from = from
    self.to = to
  }

  private static let opening = "<!-- bothost:pr v1 "
  private static let closing = " -->"

  public var line: String {
    "\(Self.opening)key=\(key) issue=\(issue) from=\(Self.word(from)) to=\(Self.word(to))\(Self.closing)"
  }

  /// The marker of a body; nil where its last line is none. A marker elsewhere is what somebody has quoted.
  public init?(body: String?) {
    guard let body else { return nil }
    let lines = body.split(whereSeparator: \.isNewline)
    guard let last = lines.last(where: { !$0.allSatisfy(\.isWhitespace) }), last.hasPrefix(Self.opening),
      last.hasSuffix(Self.closing)
    else { return nil }
    var values: [Substring: Substring] = [:]
    for member in last.dropFirst(Self.opening.count).dropLast(Self.closing.count).split(separator: " ") {
      let parts = member.split(separator: "=", maxSplits: 1)
      guard parts.count == 2 else { return nil }
      values[parts[0]] = parts[1]
    }
    guard let key = values["key"], let issue = values["issue"].flatMap({ Int($0) }), let from = values["from"],
      let to = values["to"]
    else { return nil }
    self.init(key: String(key), issue: issue, from: String(from), to: String(to))
  }

  /// A version without what would end the comment or the word.
  private static func word(_ text: String) -> String {
    let plain = text.utf8.filter {
      (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0)
        || "+._!*".utf8.contains($0)
    }
    return plain.isEmpty ? "none" : String(decoding: plain.prefix(80), as: UTF8.self)
  }

  /// A request's key.
  public static func key(
    repository: RepositoryName, base: String, ecosystem: String, manifests: [String], package: String, request: String
  ) -> String {
    let parts = [repository.normalized, base, ecosystem, manifests.sorted().joined(separator: ","), package, request]
    return Digest.hexadecimal(parts.joined(separator: "\n"), digits: 16)
  }
}
