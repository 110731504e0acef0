/// Why an update cannot be made. The raw value is its code, for plans, logs and tests.
public struct Refusal: Error, Sendable, Hashable, CustomStringConvertible {
  public enum Code: String, Sendable, Hashable, CaseIterable {
    case noSuchVersion = "no-such-version"
    case onlyPreReleases = "only-prereleases"
    case yanked
    case pythonIncompatible = "python-incompatible"
    /// What the manifest says excludes every version that was asked for, or what was asked for cannot be said beside what it says.
    case conflict
    case wouldDowngrade = "would-downgrade"
    /// The package comes from an address or a path, not from an index.
    case directReference = "direct-reference"
    case hashesUnavailable = "hashes-unavailable"
    case unsupportedEnvironmentVariable = "unsupported-env-var"
    case invalidLine = "invalid-line"
    case invalidRequest = "invalid-request"
    /// The manifest's format, or this part of it, cannot be rewritten.
    case unsupported
  }

  public let code: Code
  /// The line of the manifest, counted from 1; 0 when it is about no line.
  public let line: Int
  /// What was wrong, what was expected, what to do: a sentence for the author.
  public let reason: String

  public init(_ code: Code, line: Int = 0, reason: String) {
    self.code = code
    self.line = line
    self.reason = reason
  }

  public var description: String { line > 0 ? "line \(line): \(reason)" : reason }
}
