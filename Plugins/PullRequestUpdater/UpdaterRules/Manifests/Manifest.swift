/// A file in which a project says which versions of which packages it takes.
///
/// A manifest keeps its bytes: an update replaces spans of them, and every other byte stays as it was.
public protocol Manifest: Sendable {
  static var ecosystem: Ecosystem { get }

  /// The names of files that a tool makes from it, which are not rewritten: where one stands beside it, a pull request says so.
  static var lockFiles: [String] { get }

  /// - Throws: ``Refusal`` (`unsupported`, `invalid-line`) for a file that cannot be read at all.
  init(parsing bytes: [UInt8], path: String) throws(Refusal)

  var bytes: [UInt8] { get }

  /// What it asks for, in the order of the file.
  var dependencies: [Dependency] { get }

  /// Whether it asks for a package in any way, also in one that is none of the ``dependencies`` and cannot be rewritten.
  ///
  /// - Parameter name: in its ecosystem's normal form.
  func mentions(_ name: String) -> Bool

  /// The manifest with one package's update. Of a package's lines either all are rewritten or none is.
  ///
  /// - Parameter project: the package as its index knows it; not looked at by `unpin` and `remove`.
  func applying(_ update: Update, from project: IndexProject, policy: ChoicePolicy) -> EditOutcome
}

extension Manifest {
  public static var lockFiles: [String] { [] }

  public func mentions(_ name: String) -> Bool { dependencies.contains { $0.normalizedName == name } }
}

/// One package of a manifest.
public struct Dependency: Sendable, Hashable {
  /// As it is written.
  public let name: String
  /// In its ecosystem's normal form: equal for the same package.
  public let normalizedName: String
  /// What the manifest says about its version, as it is written; empty when nothing.
  public let requirement: String
  /// Where that stands, in bytes from the file's start; empty and behind the name when nothing is said.
  public let span: Range<Int>
  /// The line on which it begins, counted from 1.
  public let line: Int
  /// Whether it is needed only for development.
  public let isDevelopment: Bool

  /// Whether what somebody says of its present version is true: the pin or lower bound is that version, or begins with its numbers. Also where
  /// nothing can be told from either.
  public func isAt(_ version: String) -> Bool {
    guard let said = PEP440Version(version), let base = SpecifierSet(requirement)?.base else { return true }
    return base == said || (!said.hasSuffix && base.hasPrefix(said))
  }
}
