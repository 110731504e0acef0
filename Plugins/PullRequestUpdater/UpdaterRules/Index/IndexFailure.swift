/// Why an index's answer cannot be used.
public struct IndexFailure: Error, Sendable, Hashable, CustomStringConvertible {
  public enum Code: String, Sendable, Hashable {
    /// Its major version of the API is above what is understood, or its content type is another.
    case unsupported
    case malformed
    case tooLarge = "too-large"
    /// It is about another project.
    case otherProject = "other-project"
  }

  public let code: Code
  public let description: String

  public init(_ code: Code, reason: String) {
    self.code = code
    description = reason
  }
}
