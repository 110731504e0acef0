import COpenSSL
import Glibc

/// Which builds have passed their trial, kept over restarts: an empty file each in a directory of the host's own, named by a digest.
///
/// The digest covers everything that a trial's outcome depends on: the library's bytes, what the manifest binds, the host's own build,
/// and the libraries that would come with it, each by its path, size and time. A name that fits is the whole of an entry, so that
/// damage cannot turn one into another; what is missing or cannot be read is tried again. Only success is kept: a crash may have been
/// the machine's fault.
///
/// The directory is readable by its owner alone. Who can write to it can write to everything else that the host believes, too.
struct ProbeVerdicts: Sendable {
  /// More than that, and the oldest are removed.
  private static let limit = 512

  private let directory: String
  private let host: [UInt8]

  /// Nil when the directory cannot be made: then every build is tried in each process.
  init?(directory: String) {
    guard (try? FileTree.makeDirectories(directory)) != nil, let own = Self.identity(of: "/proc/self/exe") else {
      return nil
    }
    self.directory = directory
    host = Array("\(HostVersion.text) \(own)".utf8)
  }

  func holds(_ image: StagedImage, _ inspection: ImageInspection, _ expectations: ImageExpectations) -> Bool {
    guard let path = path(image, inspection, expectations) else { return false }
    return access(path, F_OK) == 0
  }

  func add(_ image: StagedImage, _ inspection: ImageInspection, _ expectations: ImageExpectations) {
    guard let path = path(image, inspection, expectations) else { return }
    let names = FileTree.names(in: directory)
    if names.count >= Self.limit {
      let dated = names.map { name -> (Int, String) in
        var status = stat()
        return (stat("\(directory)/\(name)", &status) == 0 ? status.st_mtim.tv_sec : 0, name)
      }
      for (_, name) in dated.sorted(by: { $0 < $1 }).prefix(Self.limit / 2) { unlink("\(directory)/\(name)") }
    }
    let file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
    if file >= 0 { close(file) }
  }

  private func path(
    _ image: StagedImage, _ inspection: ImageInspection, _ expectations: ImageExpectations
  ) -> String? {
    var text: [UInt8] = []
    // Each part with its length before it, so that no two lists of parts look the same.
    func add(_ part: some Collection<UInt8>) { text += Array("\(part.count):".utf8) + part }
    add(host)
    add(image.digest.bytes)
    add(expectations.plugin.utf8)
    add((expectations.version ?? "").utf8)
    for function in expectations.functions {
      add("\(function.kind) \(function.name) \(function.signature.map { "\($0)" } ?? "")".utf8)
    }
    for library in inspection.needed {
      guard let path = library.path, let identity = Self.identity(of: path) else { return nil }
      add("\(path) \(identity)".utf8)
    }
    guard let digest = text.withUnsafeBytes({ ImageDigest(of: $0) }) else { return nil }
    return "\(directory)/\(digest)"
  }

  /// What changes when a file is replaced.
  private static func identity(of path: String) -> String? {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    return "\(status.st_dev) \(status.st_ino) \(status.st_size) \(status.st_mtim.tv_sec).\(status.st_mtim.tv_nsec)"
  }
}
