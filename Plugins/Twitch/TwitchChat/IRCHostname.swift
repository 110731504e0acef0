/// Host names as IRC servers accept them: labels of letters, digits and inner hyphens (RFC 952, RFC 1123), at least one
/// dot, which may be the last byte.
public enum IRCHostname {
  public static func isValid(_ host: String) -> Bool {
    let bytes = Array(host.utf8)
    guard !bytes.isEmpty, bytes.count <= 253, bytes.contains(0x2E) else { return false }
    var labels = bytes.split(separator: 0x2E, omittingEmptySubsequences: false)
    if labels.last?.isEmpty == true { labels.removeLast() }
    return labels.allSatisfy(isValidLabel)
  }

  private static func isValidLabel(_ label: ArraySlice<UInt8>) -> Bool {
    guard let first = label.first, let last = label.last, label.count <= 63, first != 0x2D, last != 0x2D else {
      return false
    }
    return label.allSatisfy { byte in
      switch byte {
      case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D: true
      default: false
      }
    }
  }
}
