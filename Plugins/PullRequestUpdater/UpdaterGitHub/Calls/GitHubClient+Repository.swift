import FoundationEssentials
import HTTPClient

/// A repository, as far as the work needs it.
public struct Repository: Decodable, Sendable {
  public struct Permissions: Decodable, Sendable { public var push: Bool? }

  public var fullName: String
  public var defaultBranch: String
  public var archived: Bool?
  public var disabled: Bool?
  public var fork: Bool?
  public var permissions: Permissions?
}

/// What somebody may do with a repository.
public struct Permission: Decodable, Sendable {
  /// `admin`, `write`, `read` or `none`; `maintain` counts as `write` and `triage` as `read` here.
  public var permission: String
  /// The role, which knows `maintain` and `triage` and those that an organisation has made.
  public var roleName: String?

  public var canWrite: Bool {
    ["admin", "maintain", "write"].contains(permission) || roleName == "admin" || roleName == "maintain"
  }
}

extension GitHubClient {
  public func repository(_ name: RepositoryName) throws -> Repository {
    try value(Repository.self, Call(of: name))
  }

  /// Nobody in particular may do nothing: GitHub answers 404 for who is no collaborator.
  public func permission(of login: String, in repository: RepositoryName) throws -> Permission {
    guard GitHubLogin.isValid(login) else { return Permission(permission: "none") }
    do {
      return try value(Permission.self, Call(of: repository, "/collaborators/\(login)/permission"))
    } catch let failure as GitHubFailure where failure.kind == .notFound { return Permission(permission: "none") }
  }
}

extension GitHubClient.Call {
  init(of repository: RepositoryName, _ path: String = "") { self.init("GET", path, of: repository) }
}

/// Names of accounts.
enum GitHubLogin {
  /// What may stand in a path as it is: letters, digits and hyphens, and the `[bot]` of an App (escaped, it has no permissions to ask for).
  static func isValid(_ login: String) -> Bool {
    (1...100).contains(login.utf8.count)
      && login.utf8.allSatisfy { byte in
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
          || "-_".utf8.contains(byte)
      }
  }
}

/// Parts of paths.
enum PathEscape {
  /// Percent-encodes everything but the unreserved characters of RFC 3986 and slashes.
  static func path(_ text: String) -> String {
    var escaped = ""
    for byte in text.utf8 {
      if (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
        || "-_.~/".utf8.contains(byte)
      {
        escaped.unicodeScalars.append(Unicode.Scalar(byte))
      } else {
        escaped += "%\(Digest.hexadecimal([byte]).uppercased())"
      }
    }
    return escaped
  }
}
