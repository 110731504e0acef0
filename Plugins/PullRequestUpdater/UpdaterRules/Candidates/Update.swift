/// One package's update, as it is applied to a manifest.
public struct Update: Sendable, Hashable {
  public enum Verb: String, Sendable, Hashable {
    /// To a newer version; never down.
    case update
    /// To exactly one version, up or down.
    case pin
    /// To a version, up or down.
    case downgrade
    /// Any version will do.
    case unpin
    /// Without the package.
    case remove
  }

  public var name: String
  public var verb: Verb
  /// Not looked at by `unpin` and `remove`.
  public var target: VersionTarget
  /// What means one version already stays at it, whatever the target.
  public var keepsPins: Bool

  public init(name: String, verb: Verb = .update, target: VersionTarget = .latest, keepsPins: Bool = false) {
    self.name = name
    self.verb = verb
    self.target = target
    self.keepsPins = keepsPins
  }
}

/// What limits the choice of a version, besides the request and the manifest.
public struct ChoicePolicy: Sendable {
  /// Pre-releases may be chosen. Without it they are only when the request or the version that is there now is one.
  public var allowsPreReleases: Bool
  /// The Python that the project runs on; nil: any.
  public var python: PEP440Version?

  public init(allowsPreReleases: Bool = false, python: PEP440Version? = nil) {
    self.allowsPreReleases = allowsPreReleases
    self.python = python
  }
}
