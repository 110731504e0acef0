/// Names of branches: what git takes (git-check-ref-format), and how the updater's own are made.
public enum BranchName {
  /// The longest of our own, in bytes.
  public static let longest = 100
  /// The folder of our own.
  public static let folder = "bothost"

  /// Whether a branch has a name that ``ours(ecosystem:directory:package:target:)`` or ``besideFolder(_:)`` may have made.
  public static func isOurs(_ name: String) -> Bool { name.hasPrefix("\(folder)/") || name.hasPrefix("\(folder)-") }

  /// Whether git would take it.
  public static func isValid(_ name: String) -> Bool {
    let forbidden: Set<UInt8> = Set(" ~^:?*[\\".utf8)
    guard !name.isEmpty, name.utf8.count <= 255, name != "@", !name.hasPrefix("-"), !name.hasSuffix("."),
      !name.contains(".."), !name.contains("@{"),
      !name.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F || forbidden.contains($0) })
    else { return false }
    return name.split(separator: "/", omittingEmptySubsequences: false)
      .allSatisfy { !$0.isEmpty && !$0.hasPrefix(".") && !$0.hasSuffix(".lock") }
  }

  /// `bothost/<ecosystem>/<folder or root>/<name>-<target>`, of characters that need no escaping anywhere, no longer than ``longest``: a longer
  /// one ends in the digest of the whole. Equal requests have equal names, and what was dropped from a part makes no two requests equal.
  ///
  /// - Parameters:
  ///   - directory: of the manifests, without slashes around it; empty for the root.
  ///   - target: what was asked for, not what was found: a later version belongs to the same branch.
  public static func ours(ecosystem: String, directory: String, package: String, target: String) -> String {
    let directories = directory.isEmpty ? ["root"] : directory.split(separator: "/").map(String.init)
    let parts = [folder, ecosystem] + directories + ["\(package)-\(target)"]
    let clean = parts.map(sanitized).joined(separator: "/")
    let isWhole = clean == parts.joined(separator: "/")
    if isWhole, clean.utf8.count <= longest { return clean }
    let tail = "-" + Digest.hexadecimal(parts.joined(separator: "/"), digits: 8)
    var short = String(decoding: clean.utf8.prefix(longest - tail.utf8.count), as: UTF8.self)
    while let last = short.last, "/.-".contains(last) { short.removeLast() }
    return short + tail
  }

  /// The name to use where a branch called `bothost` stands in the way of the folder: git cannot have both. The same request has the same one, so
  /// that it is found again.
  public static func besideFolder(_ name: String) -> String {
    let digits = Digest.hexadecimal(name, digits: 4)
    return String(
      decoding: "\(folder)-\(digits)\(name.dropFirst(folder.count))".utf8.prefix(longest + 5), as: UTF8.self)
  }

  private static func sanitized(_ part: String) -> String {
    var bytes: [UInt8] = []
    for byte in part.utf8 {
      let isPlain =
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
        || "-_.".utf8.contains(byte)
      guard isPlain else { continue }
      // No "..", and no part that begins with a dot.
      if byte == UInt8(ascii: "."), bytes.isEmpty || bytes.last == byte {
        if bytes.isEmpty { bytes += "dot-".utf8 }
        continue
      }
      bytes.append(byte)
    }
    while let last = bytes.last, last == UInt8(ascii: ".") { bytes.removeLast() }
    let text = String(decoding: bytes, as: UTF8.self)
    if text.isEmpty { return "x" }
    return text.hasSuffix(".lock") ? text.dropLast(5) + "-lock" : text
  }
}
