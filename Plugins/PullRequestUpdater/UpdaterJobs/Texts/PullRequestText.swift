import UpdaterGitHub
import UpdaterRules

/// What a pull request, its commit and its title say.
struct PullRequestText {
  /// What was done with a package, in the words of a title.
  struct Item {
    var package: String
    var verb: Update.Verb
    var from: String?
    var to: String?
    var isDowngrade = false
  }

  // GitHub takes 65,535 characters of a body; each part of it has a bound, and all of them together stay below.
  private static let longestTitle = 72
  /// What GitHub takes as a title.
  private static let longestSubject = 256
  private static let longestDiff = 30_000
  private static let mostSkipped = 15
  private static let mostFiles = 20
  private static let mostItems = 100
  private static let mostLockFiles = 10
  private static let longestVersion = 60

  /// `Update pip from 18.1 to 19.3.1`; where that is too long for a subject, without where it comes from.
  static func title(_ items: [Item]) -> String {
    guard items.count == 1, let item = items.first else {
      return "\(items.allSatisfy { $0.verb == .pin } ? "Pin" : "Update") \(items.count) packages"
    }
    let verb =
      switch item.verb {
      case .unpin: "Unpin"
      case .remove: "Remove"
      case .pin where !item.isDowngrade: item.from == nil ? "Pin" : "Update"
      default: item.isDowngrade ? "Downgrade" : "Update"
      }
    guard let to = item.to else { return "\(verb) \(item.package)" }
    let short = "\(verb) \(item.package) to \(to)"
    guard short.utf8.count <= longestSubject else { return "\(verb) \(item.package)" }
    guard let from = item.from else { return short }
    let long = "\(verb) \(item.package) from \(from) to \(to)"
    return long.count <= longestTitle ? long : short
  }

  /// Whether a commit's message is one of ours about a package.
  static func isOurs(_ message: String, about package: String, isGroup: Bool) -> Bool {
    let words = message.prefix { !$0.isNewline }.split(separator: " ")
    guard let verb = words.first, ["Update", "Downgrade", "Pin", "Unpin", "Remove"].contains(verb), words.count >= 2
    else { return false }
    return isGroup || ProjectName.normalize(String(words[1])) == ProjectName.normalize(package)
  }

  var items: [Item]
  var request: String
  var issue: Int?
  var closes: Bool
  var files: [PlannedPullRequest.File]
  var skipped: [PlannedPullRequest.Skipped]
  var releaseNotes: [ProjectDescription.Link]
  /// Beside the files; they are not rewritten.
  var lockFiles: [String] = []
  /// What the title says and no manifest does, as a sentence without its first letter's case and its end.
  var doubt: String?
  var marker: Marker

  /// The body, with the marker as its last line.
  var body: String {
    var parts = [introduction]
    if let doubt { parts.append("Please look twice: \(Markdown.text(doubt)).") }
    if !lockFiles.isEmpty {
      var names = lockFiles.prefix(Self.mostLockFiles).map { Markdown.code($0, limit: 200) }.joined(separator: ", ")
      if lockFiles.count > Self.mostLockFiles { names += " and \(lockFiles.count - Self.mostLockFiles) more" }
      parts.append("Not changed with it: \(names). Have the tool that writes it make it anew on this branch.")
    }
    parts += files.prefix(Self.mostFiles).map {
      Markdown.block($0.diff, language: "diff", limit: Self.longestDiff / min(max(1, files.count), Self.mostFiles))
    }
    if !why.isEmpty { parts.append(why) }
    let links = releaseNotes.prefix(5).compactMap { Markdown.link($0.label, to: $0.address) }
    if !links.isEmpty { parts.append("What has changed there: \(links.joined(separator: ", "))") }
    if let issue { parts.append(closes ? "Closes #\(issue)" : "For #\(issue)") }
    return "\(parts.joined(separator: "\n\n"))\n\n\(marker.line)"
  }

  private var introduction: String {
    let asked = issue.map { " #\($0) asks for it." } ?? ""
    var places = files.prefix(Self.mostFiles).map { Markdown.code($0.path, limit: 200) }.joined(separator: ", ")
    if files.count > Self.mostFiles { places += " and \(files.count - Self.mostFiles) more" }
    if items.count == 1, let item = items.first {
      let name = Markdown.code(item.package)
      let what =
        switch (item.verb, item.from, item.to) {
        case (.remove, _, _): "Takes \(name) out of \(places)."
        case (.unpin, _, _): "Lets any version of \(name) into \(places)."
        case (_, let from?, let to?):
          "\(item.isDowngrade ? "Goes back with" : "Updates") \(name) from \(Markdown.code(from)) to \(Markdown.code(to)) in \(places)."
        case (_, _, let to?): "Sets \(name) to \(Markdown.code(to)) in \(places)."
        default: "Changes \(name) in \(places)."
        }
      return what + asked
    }
    var lines = items.prefix(Self.mostItems).map { item in
      "- \(Markdown.code(item.package, limit: 80)): \(item.from.map { "from \(Markdown.code($0, limit: Self.longestVersion)) " } ?? "")to \(Markdown.code(item.to ?? "any version", limit: Self.longestVersion))"
    }
    if items.count > Self.mostItems { lines.append("- and \(items.count - Self.mostItems) more") }
    return
      "\(items.allSatisfy { $0.verb == .pin } ? "Pins" : "Updates") \(items.count) packages in \(places).\(asked)\n\n\(lines.joined(separator: "\n"))"
  }

  /// Why it is this version and not a newer one.
  private var why: String {
    guard items.count == 1, let item = items.first, let to = item.to else { return "" }
    let reason =
      "\(Markdown.code(to)) is the newest release that fits the request \(Markdown.code(request))"
    guard !skipped.isEmpty else { return "Why this version: \(reason)." }
    var lines = skipped.prefix(Self.mostSkipped).map { "- \(Markdown.code($0.version)): \($0.reason)" }
    if skipped.count > Self.mostSkipped { lines.append("- and \(skipped.count - Self.mostSkipped) more") }
    return "Why this version: \(reason). Newer ones that were passed over:\n\n\(lines.joined(separator: "\n"))"
  }

  /// Why a version was passed over; what comes from the project is shown as it is written, and does nothing.
  static func reason(_ reason: VersionChoice.Reason) -> String {
    switch reason {
    case .yanked(let said): "yanked" + (said.flatMap { $0.isEmpty ? nil : " (\(Markdown.code($0, limit: 200)))" } ?? "")
    case .preRelease: "a pre-release"
    case .pythonTooOld(let wanted): "needs Python \(Markdown.code(wanted, limit: 100))"
    case .outsideRequest: "not what was asked for"
    case .excludedByManifest: "the manifest excludes it"
    case .localBuild: "a local build"
    case .noFiles: "has no files that can be installed"
    }
  }
}
