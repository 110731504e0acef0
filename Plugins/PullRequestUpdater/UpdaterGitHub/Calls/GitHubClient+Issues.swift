import HTTPClient

public struct Account: Decodable, Sendable, Hashable {
  public var login: String
  /// `User`, `Bot`, `Organization`.
  public var type: String?
}

public struct Issue: Decodable, Sendable {
  public struct Label: Decodable, Sendable { public var name: String }
  /// There is one where the row is a pull request.
  public struct PullRequestLink: Decodable, Sendable { public var url: String? }

  public var number: Int
  public var title: String
  public var state: String?
  public var user: Account?
  public var labels: [Label]?
  public var locked: Bool?
  public var updatedAt: String?
  public var pullRequest: PullRequestLink?

  public func hasLabel(_ name: String) -> Bool {
    (labels ?? []).contains { $0.name.lowercased() == name.lowercased() }
  }
}

/// A thing that happened to an issue.
public struct IssueHappening: Decodable, Sendable {
  /// `labeled`, `renamed`, `transferred` and others.
  public var event: String
  public var actor: Account?
  public var label: Issue.Label?
}

public struct Comment: Decodable, Sendable {
  public var id: Int64
  public var user: Account?
  public var body: String?
}

extension GitHubClient {
  public static var mostHappenings: Int { pages * 100 }

  public func issue(_ number: Int, in repository: RepositoryName) throws -> Issue {
    try value(Issue.self, Call(of: repository, "/issues/\(number)"))
  }

  /// The open issues that have changed since then, the one that changed longest ago first; pull requests are among the rows.
  ///
  /// - Parameter since: as GitHub writes times; empty: all.
  public func openIssues(
    of repository: RepositoryName, since: String, _ body: ([Issue]) throws -> Bool
  ) throws {
    var call = Call(of: repository, "/issues")
    call.query = [
      ("state", "open"), ("sort", "updated"), ("direction", "asc"), ("per_page", "100"),
    ]
    if !since.isEmpty { call.query.append(("since", since)) }
    try pages(call, of: Issue.self, body)
  }

  /// All that happened to an issue, in order; where that is more than ``mostHappenings``, the first of it.
  public func happenings(of issue: Int, in repository: RepositoryName) throws -> [IssueHappening] {
    var call = Call(of: repository, "/issues/\(issue)/events")
    call.query = [("per_page", "100")]
    return try all(call, of: IssueHappening.self)
  }

  public func comments(on issue: Int, in repository: RepositoryName) throws -> [Comment] {
    var call = Call(of: repository, "/issues/\(issue)/comments")
    call.query = [("per_page", "100")]
    return try all(call, of: Comment.self)
  }

  public func comment(on issue: Int, in repository: RepositoryName, _ body: String) throws {
    var call = Call("POST", "/issues/\(issue)/comments", of: repository)
    try call.send(["body": body])
    _ = try response(to: call)
  }

  public func add(labels: [String], to number: Int, in repository: RepositoryName) throws {
    var call = Call("POST", "/issues/\(number)/labels", of: repository)
    try call.send(["labels": labels])
    _ = try response(to: call)
  }

  public func add(assignees: [String], to number: Int, in repository: RepositoryName) throws {
    var call = Call("POST", "/issues/\(number)/assignees", of: repository)
    try call.send(["assignees": assignees])
    _ = try response(to: call)
  }
}
