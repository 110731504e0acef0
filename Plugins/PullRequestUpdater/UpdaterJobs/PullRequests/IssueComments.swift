import UpdaterGitHub

/// What the updater says in an issue: each thing once.
struct IssueComments {
  let client: GitHubClient
  let repository: RepositoryName
  let issue: Int

  private static let longest = 60_000

  /// Says something, unless it was said before.
  ///
  /// - Parameter about: what makes it the same thing; the title's digest is part of it, so that another request has another answer.
  /// - Returns: why it could not be said; nil where it was.
  func say(_ text: String, about: String) throws -> String? {
    let marker = "<!-- bothost:comment v1 key=\(Digest.hexadecimal(about, digits: 16)) -->"
    let login = try client.login().lowercased()
    let isSaid = try client.comments(on: issue, in: repository).contains { comment in
      comment.user?.login.lowercased() == login
        && comment.body?.split(whereSeparator: \.isNewline).last.map(String.init) == marker
    }
    if isSaid { return nil }
    do {
      try client.comment(on: issue, in: repository, "\(text.prefix(Self.longest))\n\n\(marker)")
      return nil
    } catch let failure as GitHubFailure where failure.kind == .permission || failure.kind == .notFound {
      // A locked issue, or one that has gone.
      return failure.message
    }
  }
}
