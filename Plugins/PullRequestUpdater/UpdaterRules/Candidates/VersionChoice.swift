/// The version that was chosen, and why not a newer one.
public struct VersionChoice: Sendable, Hashable {
  public enum Reason: Sendable, Hashable {
    /// With what the project says about it.
    case yanked(String?)
    case preRelease
    /// With what it requires.
    case pythonTooOld(String)
    case outsideRequest
    /// The manifest's own line excludes it.
    case excludedByManifest
    /// A build with a local label.
    case localBuild
    /// Its files are none that an installer takes.
    case noFiles
  }

  public struct Skipped: Sendable, Hashable {
    /// In normal form.
    public let version: String
    public let reason: Reason
  }

  /// In normal form.
  public let version: String
  /// The newer versions that were not taken, the newest first.
  public let skipped: [Skipped]
}
