/// The difference between two states of a file, as `git diff` shows it.
public struct UnifiedDiff: Sendable, Hashable {
  /// Empty when nothing differs.
  public let bytes: [UInt8]
  /// The same for people: bytes that are no UTF-8 are replaced.
  public var text: String { String(decoding: bytes, as: UTF8.self) }

  /// - Parameters:
  ///   - path: in the repository.
  ///   - context: how many unchanged lines are shown around a change.
  public init(path: String, old: [UInt8], new: [UInt8], context: Int = 3) { bytes = [] }
}
