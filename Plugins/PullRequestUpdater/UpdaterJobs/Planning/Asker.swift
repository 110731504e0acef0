import UpdaterGitHub

/// Who may ask: the issue's author, when they may write to the repository, or whoever may and has given the issue the label.
///
/// Either answers for the title that they saw: where somebody has changed it since then who may not write, it is that somebody who asks.
struct Asker {
  let client: GitHubClient
  let repository: RepositoryName
  /// `bothost:update`
  let label: String

  enum Verdict: Equatable {
    case permitted(by: String, isLabelled: Bool)
    /// The reason is for the operator; in the issue nothing is said.
    case refused(String)
  }

  func verdict(on issue: Issue) throws -> Verdict {
    let happenings = try client.happenings(of: issue.number, in: repository)
    // Whoever opened it elsewhere has asked for nothing here, and its title may be a stranger's.
    guard !happenings.contains(where: { $0.event == "transferred" }) else {
      return .refused("the issue was transferred from another repository")
    }
    // What came last is not among them then, and that is what counts.
    guard happenings.count < GitHubClient.mostHappenings else {
      return .refused("more has happened to the issue than is read; open another one")
    }
    if issue.hasLabel(label) {
      // The label counts for whoever gave it last: reading a repository may be enough to give labels.
      let given = happenings.lastIndex { happening in
        happening.event == "labeled" && happening.label?.name.lowercased() == label.lowercased()
      }
      if let given, let giver = happenings[given].actor?.login, try canWrite(giver),
        try stranger(in: happenings[given...], besides: giver) == nil
      {
        return .permitted(by: giver, isLabelled: true)
      }
    }
    guard let author = issue.user else { return .refused("the issue's author is gone") }
    guard author.type != "Bot", try author.login.lowercased() != client.login().lowercased() else {
      return .refused("the issue is a bot's")
    }
    guard try canWrite(author.login) else {
      return .refused("\(author.login) may not write to \(repository)")
    }
    if let stranger = try stranger(in: happenings[...], besides: author.login) {
      return .refused("\(stranger) has changed the title and may not write to \(repository)")
    }
    return .permitted(by: author.login, isLabelled: false)
  }

  private func canWrite(_ login: String) throws -> Bool {
    try client.permission(of: login, in: repository).canWrite
  }

  /// Who has given the issue its present title and may not write; nil: nobody. Of the changes the last one counts.
  private func stranger(in happenings: ArraySlice<IssueHappening>, besides vouching: String) throws -> String? {
    guard let change = happenings.last(where: { $0.event == "renamed" }) else { return nil }
    guard let who = change.actor?.login else { return "somebody who is gone" }
    return try who.lowercased() == vouching.lowercased() || canWrite(who) ? nil : who
  }
}
