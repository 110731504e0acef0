/// A version of a Python project (PEP 440).
public struct PEP440Version: Sendable, Hashable, Comparable, CustomStringConvertible {
  /// In normal form.
  public let description: String

  /// nil for a text that is no version.
  public init?(_ text: String) { return nil }

  public static func < (one: Self, other: Self) -> Bool { false }
}
