import UpdaterGitHub

/// Who may ask: the issue's author, when they may write to the repository, or whoever may and has given the issue the label.
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
    if issue.hasLabel(label) {
      // The label counts for whoever gave it last: reading a repository may be enough to give labels.
      let giver = happenings.last { happening in
        happening.event == "labeled" && happening.label?.name.lowercased() == label.lowercased()
      }?.actor?.login
      if let giver, try client.permission(of: giver, in: repository).canWrite {
        return .permitted(by: giver, isLabelled: true)
      }
    }
    guard let author = issue.user else { return .refused("the issue's author is gone") }
    guard author.type != "Bot", try author.login.lowercased() != client.login().lowercased() else {
      return .refused("the issue is a bot's")
    }
    guard try client.permission(of: author.login, in: repository).canWrite else {
      return .refused("\(author.login) may not write to \(repository)")
    }
    return .permitted(by: author.login, isLabelled: false)
  }
}
