import CELF
import Glibc
import Synchronization

/// Where the dynamic loader looks for the libraries that belong to the machine: its cache, and its default directories.
///
/// Reads `/etc/ld.so.cache` (the format `glibc-ld.so.cache1.1`) as it was when the value was made. Immutable; any thread.
final class SystemLibraries: Sendable {
  private static let cachePath = "/etc/ld.so.cache"
  private static let magic = Array("glibc-ld.so.cache1.1".utf8)
  private static let headerSize = 48
  private static let entrySize = 24

  private static let latest = Mutex<(stamp: [Int], value: SystemLibraries)?>(nil)

  /// As the cache is now; made anew when it has changed.
  static var current: SystemLibraries {
    var status = stat()
    let stamp =
      stat(cachePath, &status) == 0
      ? [Int(status.st_ino), Int(status.st_size), status.st_mtim.tv_sec, status.st_mtim.tv_nsec] : []
    return latest.withLock { latest in
      if let known = latest, known.stamp == stamp { return known.value }
      let value = SystemLibraries()
      latest = (stamp, value)
      return value
    }
  }

  private let cache: [UInt8]
  /// What `isSystem` goes by, without links: the default directories and those that the cache names.
  private let directories: Set<String>

  init() {
    let bytes = (try? FileBytes.read(Self.cachePath, limit: 64 << 20)) ?? []
    let cache = bytes.starts(with: Self.magic) && bytes.count >= Self.headerSize ? bytes : []
    self.cache = cache
    var named: Set<String> = []
    var previous: ArraySlice<UInt8> = []
    Self.forEachEntry(of: cache) { _, value in
      // A package may link into a directory of its own, so the cache is asked for the directories it names, not for the
      // files.
      guard let path = Self.bytes(of: cache, at: value), let slash = path.lastIndex(of: UInt8(ascii: "/")) else {
        return
      }
      let directory = path[..<slash]
      guard directory != previous else { return }
      previous = directory
      named.insert(String(decoding: directory, as: UTF8.self))
    }
    named.formUnion(Self.defaultDirectories)
    directories = named.union(named.compactMap { FileTree.realPath($0) })
  }

  /// The directories that are searched last, in the loader's order.
  static var defaultDirectories: [String] {
    #if arch(x86_64)
      let triplet = "x86_64-linux-gnu"
    #elseif arch(arm64)
      let triplet = "aarch64-linux-gnu"
    #endif
    return ["/lib/\(triplet)", "/usr/lib/\(triplet)", "/lib64", "/usr/lib64", "/lib", "/usr/lib"]
  }

  /// The paths that the loader would try for a library's name, best first.
  func candidates(for name: String) -> [String] {
    var found: [String] = []
    var name = name
    name.withUTF8 { wanted in
      cache.withUnsafeBytes { bytes in
        guard let start = bytes.baseAddress, let text = wanted.baseAddress else { return }
        Self.forEachEntry(of: cache) { key, value in
          guard key + wanted.count < bytes.count, bytes[key + wanted.count] == 0,
            memcmp(start + key, text, wanted.count) == 0, let path = Self.bytes(of: cache, at: value)
          else { return }
          found.append(String(decoding: path, as: UTF8.self))
        }
      }
    }
    return found + Self.defaultDirectories.map { "\($0)/\(name)" }
  }

  /// Whether a path, which has no links in it, lies in a directory of the system's: a default one, or one that the
  /// loader's configuration names.
  func isSystem(_ realPath: String) -> Bool {
    let directory = FileTree.directory(of: realPath)
    return directories.contains(directory)
      || Self.defaultDirectories.contains { directory.hasPrefix("\($0)/") && $0.hasSuffix("-linux-gnu") }
  }

  private static func forEachEntry(of cache: [UInt8], _ body: (_ key: Int, _ value: Int) -> Void) {
    guard !cache.isEmpty else { return }
    func word(_ at: Int) -> Int {
      Int(cache.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: at, as: UInt32.self) })
    }
    let count = min(word(20), (cache.count - headerSize) / entrySize)
    for index in 0..<count {
      let entry = headerSize + index * entrySize
      body(word(entry + 4), word(entry + 8))
    }
  }

  private static func bytes(of cache: [UInt8], at: Int) -> ArraySlice<UInt8>? {
    guard at < cache.count, let end = cache[at...].firstIndex(of: 0) else { return nil }
    return cache[at..<end]
  }
}
