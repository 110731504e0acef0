import Glibc

/// The few operations on directories that loading needs.
public enum FileTree {
  /// The names in a directory, without `.` and `..`, sorted; empty when it cannot be read.
  static func names(in directory: String) -> [String] {
    guard let stream = opendir(directory) else { return [] }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name != "." && name != ".." { names.append(name) }
    }
    return names.sorted()
  }

  /// Makes a directory and those above it that are missing, for its owner alone.
  static func makeDirectories(_ path: String) throws(ImageRefusal) {
    var made = path.hasPrefix("/") ? "" : "."
    for part in path.split(separator: "/") {
      made += "/\(part)"
      guard mkdir(made, 0o700) != 0 else { continue }
      let code = errno
      if isDirectory(made) { continue }
      throw ImageRefusal(.stage, .notStaged, library: made, "the directory cannot be made: \(FileTree.reason(code))")
    }
  }

  /// The links of a directory whose targets lie below one of the names in it, as `host.yaml -> ..data/host.yaml`: when `..data` is
  /// pointed elsewhere, all of them have changed.
  static func links(through names: Set<String>, in directory: String) -> Set<String> {
    guard names.contains(where: { target("\(directory)/\($0)") != nil }) else { return [] }
    return Set(
      self.names(in: directory).filter { name in
        guard let target = target("\(directory)/\(name)"), let slash = target.firstIndex(of: "/") else { return false }
        return names.contains(String(target[..<slash]))
      })
  }

  /// Whether there is something of that name; also when it cannot be seen why there should not be.
  static func exists(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 || (errno != ENOENT && errno != ENOTDIR)
  }

  /// Whether there is a directory of that name, or a link to one.
  static func isDirectory(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }

  /// Removes a file or a directory with all that is in it. Follows no symbolic link; what cannot be removed stays.
  public static func remove(_ path: String) {
    var status = stat()
    guard lstat(path, &status) == 0 else { return }
    if status.st_mode & S_IFMT == S_IFDIR {
      for name in names(in: path) { remove("\(path)/\(name)") }
      rmdir(path)
    } else {
      unlink(path)
    }
  }

  /// What a symbolic link says; nil when there is none of that name.
  static func target(_ path: String) -> String? {
    var text = [CChar](repeating: 0, count: Int(PATH_MAX))
    let count = readlink(path, &text, text.count)
    return count < 0 ? nil : String(decoding: text.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// The absolute path without links, or nil when there is no such file; `errno` says why.
  static func realPath(_ path: String) -> String? {
    guard let resolved = realpath(path, nil) else { return nil }
    defer { free(resolved) }
    return String(cString: resolved)
  }

  /// The part before the last slash; "/" for what lies in the root, "." for a bare name.
  static func directory(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  /// The part after the last slash.
  static func name(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return path }
    return String(path[path.index(after: slash)...])
  }

  /// What an `errno` value says.
  static func reason(_ code: Int32) -> String {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
      guard let base = buffer.baseAddress, strerror_r(code, base, buffer.count) == 0 else { return "error \(code)" }
      return String(cString: base)
    }
  }
}
