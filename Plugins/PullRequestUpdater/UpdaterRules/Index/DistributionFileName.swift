/// The version that the name of a distribution's file says, in the formats that pip installs: `name-1.0-py3-none-any.whl`,
/// `name-1.0.tar.gz`.
struct DistributionFileName {
  /// As it is written.
  let version: String

  /// The ends of an archive's name, the longer ones first.
  private static let archives = [
    ".tar.lzma", ".tar.bz2", ".tar.gz", ".tar.xz", ".tar.lz", ".tbz", ".tgz", ".txz", ".tlz", ".zip", ".tar",
  ]
  private static let wheel = ".whl"

  /// Whether a name is a wheel's or an archive's.
  static func isArchive(_ name: String) -> Bool {
    let name = name.lowercased()
    return name.hasSuffix(wheel) || archives.contains { name.hasSuffix($0) }
  }

  /// Without `[extra]` at the end.
  static func withoutExtras(_ text: String) -> String {
    text.hasSuffix("]") ? text.lastIndex(of: "[").map { String(text[..<$0]) } ?? text : text
  }

  /// nil for a file of another project, or of a format that pip does not install.
  init?(_ name: String, of project: ProjectName) {
    let lower = name.lowercased()
    if lower.hasSuffix(Self.wheel) {
      let parts = name.dropLast(Self.wheel.count).split(separator: "-", omittingEmptySubsequences: false)
      guard parts.count == 5 || parts.count == 6, ProjectName.normalize(String(parts[0])) == project.normalized,
        !parts[1].isEmpty
      else { return nil }
      // In a wheel's name `_` stands for the `-` that separates its parts.
      version = String(parts[1].replacing("_", with: "-"))
      return
    }
    guard let end = Self.archives.first(where: { lower.hasSuffix($0) }) else { return nil }
    let stem = name.dropLast(end.count)
    // A name may have `-` in it, and so may a version: the first place at which the name before it is the project's.
    for index in stem.indices where stem[index] == "-" {
      if ProjectName.normalize(String(stem[..<index])) == project.normalized {
        let rest = stem[stem.index(after: index)...]
        guard !rest.isEmpty else { return nil }
        version = String(rest)
        return
      }
      // No longer beginning can be the project's.
      if stem.distance(from: stem.startIndex, to: index) > ProjectName.longest { return nil }
    }
    return nil
  }
}
