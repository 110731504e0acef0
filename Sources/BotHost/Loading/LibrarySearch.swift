import Glibc

/// Finds the file that a manifest's `library:` means.
public enum LibrarySearch {
  /// The file's path; nil when there is none.
  ///
  /// A name with a slash is a path, relative to the manifest. A bare name is looked for beside the manifest, then in `directories` (those of
  /// `--plugins`), and last where the dynamic loader looks for the libraries of the system: its cache and its default directories.
  public static func find(_ library: String, manifestDirectory: String, directories: [String] = []) -> String? {
    guard !library.isEmpty, !library.utf8.contains(0) else { return nil }
    if library.hasPrefix("/") { return isFile(library) ? library : nil }
    if library.contains("/") {
      let path = "\(manifestDirectory)/\(library)"
      return isFile(path) ? path : nil
    }
    for directory in [manifestDirectory] + directories where isFile("\(directory)/\(library)") { return "\(directory)/\(library)" }
    return SystemLibraries().candidates(for: library).first(where: isFile)
  }

  private static func isFile(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
  }
}
