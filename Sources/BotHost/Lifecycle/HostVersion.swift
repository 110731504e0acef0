import CBotHost

/// What this host is.
public enum HostVersion {
  public static let text = "0.1.0"
  /// The newest ABI that it speaks.
  public static let abi = "\(BH_ABI_MAJOR).\(BH_ABI_MINOR)"
}
