import CELF
import Glibc

/// Where the dynamic loader looks for the libraries that belong to the machine: its cache, and its default directories.
///
/// Reads `/etc/ld.so.cache` (the format `glibc-ld.so.cache1.1`) as it was when the value was made.
struct SystemLibraries {
  private static let cachePath = "/etc/ld.so.cache"
  private static let magic = Array("glibc-ld.so.cache1.1".utf8)
  private static let headerSize = 48
  private static let entrySize = 24

  private let cache: [UInt8]

  init() {
    let bytes = (try? FileBytes.read(Self.cachePath, limit: 64 << 20)) ?? []
    cache = bytes.starts(with: Self.magic) && bytes.count >= Self.headerSize ? bytes : []
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
    let wanted = Array(name.utf8)
    forEachEntry { key, value in
      if matches(key, wanted), let path = text(at: value) { found.append(path) }
    }
    return found + Self.defaultDirectories.map { "\($0)/\(name)" }
  }

  /// Whether a path, which has no links in it, lies in a directory of the system's: a default one, or one that the
  /// loader's configuration names.
  func isSystem(_ realPath: String) -> Bool {
    let directory = FileTree.directory(of: realPath)
    if Self.defaultDirectories.contains(where: { $0 == directory || FileTree.realPath($0) == directory }) {
      return true
    }
    if Self.defaultDirectories.contains(where: { directory.hasPrefix("\($0)/") && $0.hasSuffix("-linux-gnu") }) {
      return true
    }
    // A package may link into a directory of its own, so the cache is asked for the directories it names, not for the
    // file.
    var previous: [UInt8] = []
    var isNamed = false
    forEachEntry { _, value in
      guard !isNamed, let path = bytes(at: value), let slash = path.lastIndex(of: UInt8(ascii: "/")) else { return }
      let named = Array(path[..<slash])
      guard named != previous else { return }
      previous = named
      let text = String(decoding: named, as: UTF8.self)
      isNamed = text == directory || FileTree.realPath(text) == directory
    }
    return isNamed
  }

  private func forEachEntry(_ body: (_ key: Int, _ value: Int) -> Void) {
    guard !cache.isEmpty else { return }
    let count = min(Int(word(20)), (cache.count - Self.headerSize) / Self.entrySize)
    for index in 0..<count {
      let entry = Self.headerSize + index * Self.entrySize
      body(Int(word(entry + 4)), Int(word(entry + 8)))
    }
  }

  private func word(_ at: Int) -> UInt32 {
    cache.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: at, as: UInt32.self) }
  }

  private func matches(_ at: Int, _ name: [UInt8]) -> Bool {
    guard at + name.count < cache.count, cache[at + name.count] == 0 else { return false }
    return cache[at..<at + name.count].elementsEqual(name)
  }

  private func bytes(at: Int) -> ArraySlice<UInt8>? {
    guard at < cache.count, let end = cache[at...].firstIndex(of: 0) else { return nil }
    return cache[at..<end]
  }

  private func text(at: Int) -> String? { bytes(at: at).map { String(decoding: $0, as: UTF8.self) } }
}
