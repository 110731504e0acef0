/// What a YAML file may cost.
public struct YAMLLimits: Sendable {
  /// The file's size.
  public var bytes = 1 << 20
  /// How deep nodes may lie in each other.
  public var depth = 64
  /// How many nodes a file may have with its aliases written out: an alias bomb is small on disk only.
  public var nodes = 50_000
  /// How many documents a file may have.
  public var documents = 256

  public static let standard = YAMLLimits()

  public init() {}
}
