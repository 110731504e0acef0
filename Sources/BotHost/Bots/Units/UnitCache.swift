import Glibc

/// Compiled units on disk, each under its key: `<directory>/<two digits>/<key>`.
///
/// An entry appears whole or not at all: it is written under another name, brought to disk and renamed. An entry that was
/// cut short, changed, or belongs to another key is none: its first line has a digest over the key and the content. So the
/// directory can be deleted, copied and shared between hosts at any time, and everything in it can be made anew. Any number
/// of processes and threads may use it at once.
public final class UnitCache: Sendable {
  public let directory: String
  /// In bytes, of all entries together; beyond it `prune` removes those that were not used for the longest time.
  public let limit: Int

  /// Larger units are not kept.
  static let entryLimit = 16 << 20
  /// How old what a killed process was writing has to be until it is removed; seconds.
  static let abandonedAfter = 3_600

  public init(directory: String, limit: Int = 256 << 20) {
    self.directory = directory
    self.limit = limit
  }

  private func folder(_ key: UnitKey) -> String { "\(directory)/\(key.description.prefix(2))" }
  func path(_ key: UnitKey) -> String { "\(folder(key))/\(key)" }

  // MARK: Reading

  /// The content of an entry; nil when there is none, or none that is whole. Notes that it was used.
  public func read(_ key: UnitKey) -> [UInt8]? {
    let path = path(key)
    guard let bytes = try? FileBytes.read(path, limit: Self.entryLimit + 1_024),
      let end = bytes.firstIndex(of: 0x0A), bytes[...end].elementsEqual(Self.header(key, bytes[(end + 1)...]))
    else { return nil }
    utimensat(AT_FDCWD, path, nil, 0)
    return Array(bytes[(end + 1)...])
  }

  /// The first line of an entry.
  private static func header(_ key: UnitKey, _ content: ArraySlice<UInt8>) -> [UInt8] {
    let digest = SHA256Digest.hexadecimal(of: Array("\(key)\n".utf8) + content)
    return Array("bothost-unit 1 \(key) \(digest) \(content.count)\n".utf8)
  }

  // MARK: Writing

  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  /// Keeps a unit. It is on disk when this returns. Throws when the directory cannot be written to; the unit itself is not
  /// affected by that.
  public func write(_ content: [UInt8], for key: UnitKey) throws {
    guard content.count <= Self.entryLimit else { return }
    let folder = folder(key)
    try FileTree.makeDirectories(folder)
    let temporary = "\(folder)/.\(key.short)-\(getpid())-\(UInt64.random(in: 0...UInt64.max))"
    func failure(_ what: String) -> Failure { Failure(description: "\(temporary) \(what): \(FileTree.reason(errno))") }
    let file = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o644)
    guard file >= 0 else { throw failure("cannot be made") }
    let bytes = Self.header(key, content[...]) + content
    var done = 0
    bytes.withUnsafeBytes { all in
      while done < all.count {
        let written = Glibc.write(file, all.baseAddress?.advanced(by: done), all.count - done)
        if written > 0 { done += written } else if errno != EINTR { return }
      }
    }
    guard done == bytes.count, fsync(file) == 0 else {
      let problem = failure("cannot be written")
      close(file)
      unlink(temporary)
      throw problem
    }
    close(file)
    guard rename(temporary, path(key)) == 0 else {
      let problem = failure("cannot be renamed")
      unlink(temporary)
      throw problem
    }
  }

  // MARK: Bounds

  private struct Entry {
    var path: String
    var size: Int
    var used: Int
  }

  /// Removes what was not used for the longest time until the rest fits, and what killed processes left behind.
  public func prune() {
    var entries: [Entry] = []
    var total = 0
    let now = time(nil)
    for folder in FileTree.names(in: directory) where folder.utf8.count == 2 {
      for name in FileTree.names(in: "\(directory)/\(folder)") {
        let path = "\(directory)/\(folder)/\(name)"
        var status = stat()
        guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { continue }
        if name.hasPrefix(".") {
          if now - status.st_mtim.tv_sec > Self.abandonedAfter { unlink(path) }
        } else if UnitKey(name) != nil {
          entries.append(Entry(path: path, size: Int(status.st_size), used: status.st_mtim.tv_sec))
          total += Int(status.st_size)
        }
      }
    }
    guard total > limit else { return }
    for entry in entries.sorted(by: { ($0.used, $0.path) < ($1.used, $1.path) }) where total > limit {
      if unlink(entry.path) == 0 { total -= entry.size }
    }
  }
}
