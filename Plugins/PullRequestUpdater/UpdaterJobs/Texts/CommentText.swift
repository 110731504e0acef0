import UpdaterGitHub

/// The comments that the updater writes.
enum CommentText {
  static let forms = """
    - `Update pip to 19`, `Update pip to the latest version`, `Bump django from 4.2.1 to 4.2.7`
    - `Update pip and setuptools to latest`, `Update all dependencies except numpy`
    - `Pin pip to 19.3.1`, `Pin all dependencies`, `Downgrade pip to 18.1`, `Unpin pip`, `Remove pip`
    - with `in requirements/dev.txt` behind it for one file
    """

  static func unclear(_ doubt: String?) -> String {
    let why = doubt.map { ": \(Markdown.text($0))" } ?? ""
    return
      "I cannot tell what this title asks for\(why). Titles that I understand:\n\n\(forms)\n\nEdit the title, and I look again."
  }

  static func refusals(_ refusals: [PlannedRefusal]) -> String {
    let lines = refusals.prefix(30).map { refusal in
      let place = refusal.path.map { " in \(Markdown.code($0))" } ?? ""
      let name = refusal.package == "*" ? "" : "\(Markdown.code(refusal.package))\(place): "
      return "- \(name)\(Markdown.text(refusal.reason, limit: 500)) (`\(refusal.code)`)"
    }
    return "Nothing is done about this:\n\n\(lines.joined(separator: "\n"))\n\nEdit the title, and I look again."
  }

  static func done(_ number: Int) -> String { "This is done in #\(number)." }

  static func closed(_ number: Int) -> String {
    "#\(number) was made for this and closed without being merged, so I leave it alone. Is it wanted after all? Then open #\(number) again."
  }

  static func foreign(_ branch: String, number: Int?) -> String {
    let what = number.map { "#\($0)" } ?? "The branch \(Markdown.code(branch))"
    return
      "\(what) is for this and holds commits that are not mine, so I leave it as it is. Delete the branch to have it made anew."
  }

  static func invalidSettings(_ problems: [String]) -> String {
    "\(Markdown.code(RepositorySettings.path)) cannot be read, so nothing is done:\n\n"
      + Markdown.block(problems.joined(separator: "\n"), language: "text", limit: 10_000)
  }
}
