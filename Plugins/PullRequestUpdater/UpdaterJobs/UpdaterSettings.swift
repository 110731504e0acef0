import UpdaterGitHub

/// What the operator has said.
public struct UpdaterSettings: Sendable {
  public var repositories: [RepositoryName]
  /// The label by which a maintainer asks in an author's place.
  public var label = "bothost:update"
  /// Plans are made and nothing is written.
  public var isDryRun = false
  /// Open pull requests a repository, and new ones an hour.
  public var openLimit = 10
  public var hourLimit = 2
  /// How often issues are looked for; zero: never.
  public var pollInterval: Duration = .seconds(60)
  /// How often open pull requests are compared with what the index knows; zero: never.
  public var refreshInterval: Duration = .seconds(86_400)

  public init(repositories: [RepositoryName]) { self.repositories = repositories }
}
