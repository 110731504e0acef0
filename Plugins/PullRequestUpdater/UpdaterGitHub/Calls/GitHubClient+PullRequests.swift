import HTTPClient

public struct PullRequest: Decodable, Sendable {
  public struct Side: Decodable, Sendable {
    public struct Home: Decodable, Sendable { public var fullName: String }
    public var ref: String
    public var sha: String
    /// nil when the repository of the head has been deleted.
    public var repo: Home?
  }

  public var number: Int
  public var htmlUrl: String?
  public var title: String
  public var body: String?
  public var state: String
  public var mergedAt: String?
  public var createdAt: String?
  public var user: Account?
  public var head: Side
  public var base: Side

  public var isOpen: Bool { state == "open" }
  public var isMerged: Bool { mergedAt != nil }
}

/// A pull request to be made.
public struct NewPullRequest: Encodable, Sendable {
  public var title: String
  public var head: String
  public var base: String
  public var body: String
  public var maintainerCanModify = true

  public init(title: String, head: String, base: String, body: String) {
    self.title = title
    self.head = head
    self.base = base
    self.body = body
  }
}

extension GitHubClient {
  /// The pull requests from a branch of the repository itself to a base, open and closed ones, the newest first.
  public func pullRequests(from branch: String, to base: String, in repository: RepositoryName) throws -> [PullRequest]
  {
    var call = Call(of: repository, "/pulls")
    call.query = [
      ("state", "all"), ("head", "\(repository.owner):\(branch)"), ("base", base), ("per_page", "100"),
    ]
    call.isConditional = false
    let found = try value([PullRequest].self, call)
    // An older server that does not know the filter answers with everything.
    return found.filter { $0.head.ref == branch && $0.base.ref == base }
  }

  public func openPullRequests(of repository: RepositoryName) throws -> [PullRequest] {
    var call = Call(of: repository, "/pulls")
    call.query = [("state", "open"), ("sort", "created"), ("direction", "desc"), ("per_page", "100")]
    return try all(call, of: PullRequest.self)
  }

  /// The pull requests that were made last, open and closed ones, the newest first: a page of them.
  public func latestPullRequests(of repository: RepositoryName) throws -> [PullRequest] {
    var call = Call(of: repository, "/pulls")
    call.query = [("state", "all"), ("sort", "created"), ("direction", "desc"), ("per_page", "100")]
    return try value([PullRequest].self, call)
  }

  /// Opens a pull request. Throws `unprocessable` where there is one already, or nothing to merge: look before trying again.
  public func open(_ new: NewPullRequest, in repository: RepositoryName) throws -> PullRequest {
    var call = Call("POST", "/pulls", of: repository)
    try call.send(new)
    return try value(PullRequest.self, call)
  }

  public func edit(_ number: Int, title: String, body: String, in repository: RepositoryName) throws {
    var call = Call("PATCH", "/pulls/\(number)", of: repository)
    try call.send(["title": title, "body": body])
    _ = try response(to: call)
  }

  /// Whom and what a pull request has been given; all in lower case.
  public struct Attendants: Sendable {
    public var labels: Set<String>
    public var assignees: Set<String>
    public var reviewers: Set<String>
    public var teams: Set<String>
  }

  public func attendants(of number: Int, in repository: RepositoryName) throws -> Attendants {
    struct Team: Decodable { var slug: String }
    struct Body: Decodable {
      var labels: [Issue.Label]?
      var assignees: [Account]?
      var requestedReviewers: [Account]?
      var requestedTeams: [Team]?
    }
    let body = try value(Body.self, Call(of: repository, "/pulls/\(number)"))
    return Attendants(
      labels: Set((body.labels ?? []).map { $0.name.lowercased() }),
      assignees: Set((body.assignees ?? []).map { $0.login.lowercased() }),
      reviewers: Set((body.requestedReviewers ?? []).map { $0.login.lowercased() }),
      teams: Set((body.requestedTeams ?? []).map { $0.slug.lowercased() }))
  }

  /// - Parameter teams: the slugs of teams of the repository's organisation.
  public func request(reviewers: [String], teams: [String], for number: Int, in repository: RepositoryName) throws {
    struct Body: Encodable {
      var reviewers: [String]
      var teamReviewers: [String]
    }
    var call = Call("POST", "/pulls/\(number)/requested_reviewers", of: repository)
    try call.send(Body(reviewers: reviewers, teamReviewers: teams))
    _ = try response(to: call)
  }
}
