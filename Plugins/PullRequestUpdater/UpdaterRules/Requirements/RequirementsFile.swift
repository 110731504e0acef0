/// A requirements or constraints file, as pip reads it.
public struct RequirementsFile: Manifest {
  public static var ecosystem: Ecosystem { .pip }

  /// Another file that it takes in.
  public struct Reference: Sendable, Hashable {
    /// As it is written: relative to this file, or an address.
    public let path: String
    /// By `-c`: its lines only limit versions.
    public let isConstraint: Bool
    /// Counted from 1.
    public let line: Int
  }

  public let bytes: [UInt8]
  public let path: String
  public var dependencies: [Dependency] { [] }
  /// The files of `-r` and `-c`, in order.
  public var references: [Reference] { [] }
  /// Lines that pip would refuse; they do not stop the rest.
  public var problems: [Refusal] { [] }
  /// `--pre` stands in it.
  public var allowsPreReleases: Bool { false }
  /// `--require-hashes` or any `--hash` stands in it: then each requirement must be pinned and hashed.
  public var requiresHashes: Bool { false }

  public init(parsing bytes: [UInt8], path: String) throws(Refusal) {
    throw Refusal(.unsupported, reason: "\(path) cannot be read yet")
  }

  public func applying(_ update: Update, from project: IndexProject, policy: ChoicePolicy) -> EditOutcome {
    .refused(Refusal(.unsupported, reason: "\(path) cannot be rewritten yet"))
  }
}
