/// What applying an update to a manifest came to.
public enum EditOutcome: Sendable, Hashable {
  case changed(ManifestEdit)
  case unchanged(Unchanged)
  /// Nothing is changed: an update is applied to all of a package's lines in a manifest or to none.
  case refused(Refusal)
}

/// Why a manifest stays as it is. The raw value is its code, for plans, logs and tests.
public enum Unchanged: String, Sendable, Hashable, CaseIterable {
  case upToDate = "up-to-date"
  /// Its range lets the version in already.
  case alreadyAllowed = "already-allowed"
  /// It names the package without a version.
  case unpinned
  /// It has no line of this package.
  case notThisPackage = "not-this-package"
  /// It has no requirement at all.
  case notARequirement = "not-a-requirement"
}

/// A manifest's new bytes, with what changed.
public struct ManifestEdit: Sendable, Hashable {
  public struct Change: Sendable, Hashable {
    /// Of the first byte that changed, counted from 1.
    public let line: Int
    /// The physical lines that changed, without the last one's end.
    public let oldText: String
    /// Empty when the lines were removed.
    public let newText: String
  }

  public let bytes: [UInt8]
  /// In the order of the file; never empty.
  public let changes: [Change]
  /// The pin or lower bound that was there before, in normal form; nil when there was none. Of several lines the lowest.
  public let from: String?
  /// The version that was chosen; nil for `unpin` and `remove`.
  public let choice: VersionChoice?
  /// The version is below one that was there.
  public let isDowngrade: Bool
}
