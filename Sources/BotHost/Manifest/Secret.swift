/// A value that must not be seen: its descriptions are masked, and only `reveal` gives it away.
public struct Secret: Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  private let value: String

  public init(_ value: String) { self.value = value }

  public var isEmpty: Bool { value.isEmpty }

  /// The value itself. Hand it on; do not keep it, print it or put it into an error.
  public func reveal<Result>(_ use: (String) throws -> Result) rethrows -> Result { try use(value) }

  public var description: String { "***" }
  /// Never the secret, also in a debugger.
  public var debugDescription: String { "***" }
  /// Nothing is shown of what is inside.
  public var customMirror: Mirror { Mirror(self, children: []) }
}
