/// As whom GitHub is asked. Secrets are lent for each use and kept by nobody here, but for installation tokens, which live for an hour.
public enum Credentials {
  /// A user's token: a fine-grained or a classic personal access token.
  case token(lend: () throws -> String)
  /// A GitHub App. `withKey` lends its private key in PEM.
  case app(id: String, withKey: ((UnsafeRawBufferPointer) throws -> String) throws -> String)
}

/// Whom a token speaks for.
enum Authorization: Hashable {
  /// The App itself.
  case app
  /// The App's installation at a repository, or the user.
  case repository(RepositoryName)
  /// The user, where no repository is concerned.
  case user
}
