import CELF
import Glibc

/// The libraries that an image would bring with it: its `DT_NEEDED` entries and theirs, each resolved as the dynamic
/// loader would.
struct LibraryClosure {
  /// A library of the closure that is not in the process yet, and so comes, and would go, with the image.
  struct Newcomer {
    var name: String
    var traits: ImageTraits
  }

  /// All names that were asked for, each once, in the loader's order.
  private(set) var needed: [NeededLibrary] = []
  private(set) var newcomers: [Newcomer] = []

  /// A bound on how many objects are followed.
  private static let limit = 512

  private let system = SystemLibraries.current
  private let swiftDirectory = LoadedLibrary.find("libswiftCore.so").map { FileTree.directory(of: $0) }

  /// Follows the needs of a library. `origin` is what `$ORIGIN` means in it.
  ///
  /// A name that is found nowhere stands in `needed` with the place `.missing`.
  init(of file: ELFFile, origin: String) {
    var queue = [Frame(needs: file.strings(DT_NEEDED), paths: SearchPaths(of: file, origin: origin, inherited: []))]
    var seen: Set<String> = []
    while !queue.isEmpty {
      let frame = queue.removeFirst()
      for name in frame.needs where seen.insert(name).inserted && seen.count <= Self.limit {
        if let path = LoadedLibrary.find(name) {
          needed.append(NeededLibrary(name: name, path: path, place: place(of: path), isLoaded: true))
          continue
        }
        guard let found = locate(name, frame.paths) else {
          needed.append(NeededLibrary(name: name, path: nil, place: .missing, isLoaded: false))
          continue
        }
        needed.append(NeededLibrary(name: name, path: found.path, place: place(of: found.path), isLoaded: false))
        newcomers.append(Newcomer(name: FileTree.name(of: name), traits: found.traits))
        queue.append(Frame(needs: found.needs, paths: found.paths))
      }
    }
  }

  private struct Frame {
    var needs: [String]
    var paths: SearchPaths
  }

  /// Where the libraries that one object needs are looked for.
  private struct SearchPaths {
    /// `DT_RPATH` of the object and of those that needed it; searched before the environment's.
    var before: [String]
    /// `DT_RUNPATH` of the object alone.
    var after: [String]
    var usesDefaults: Bool

    init(of file: ELFFile, origin: String, inherited: [String]) {
      func expand(_ tag: Int32) -> [String] {
        file.strings(tag).flatMap { $0.split(separator: ":", omittingEmptySubsequences: true) }.map { part in
          LibraryClosure.replace("${ORIGIN}", LibraryClosure.replace("$ORIGIN", String(part), by: origin), by: origin)
        }
      }
      after = expand(DT_RUNPATH)
      before = after.isEmpty ? expand(DT_RPATH) + inherited : []
      usesDefaults = file.flags1 & UInt64(DF_1_NODEFLIB) == 0
    }
  }

  private struct Found {
    var path: String
    var needs: [String]
    var paths: SearchPaths
    var traits: ImageTraits
  }

  private func locate(_ name: String, _ paths: SearchPaths) -> Found? {
    var candidates: [String]
    if name.contains("/") {
      candidates = [name]
    } else {
      let environment =
        getenv("LD_LIBRARY_PATH").map { String(cString: $0).split { $0 == ":" || $0 == ";" }.map(String.init) } ?? []
      candidates = (paths.before + environment + paths.after).map { "\($0)/\(name)" }
      if paths.usesDefaults { candidates += system.candidates(for: name) }
    }
    for candidate in candidates {
      // A file of another machine or word size is passed over, as the loader does.
      guard let real = FileTree.realPath(candidate),
        let bytes = try? LibraryBytes(mapping: real, limit: ImageStaging.maximumSize),
        let file = try? ELFFile(bytes)
      else { continue }
      let origin = FileTree.directory(of: real)
      return Found(
        path: real, needs: file.strings(DT_NEEDED),
        paths: SearchPaths(of: file, origin: origin, inherited: paths.before),
        traits: ImageTraits(of: file, name: FileTree.name(of: name)))
    }
    return nil
  }

  private func place(of path: String) -> NeededLibrary.Place {
    let real = FileTree.realPath(path) ?? path
    if system.isSystem(real) { return .system }
    if let swiftDirectory, FileTree.directory(of: real) == swiftDirectory { return .swiftRuntime }
    return .privateLibrary
  }

  private static func replace(_ word: String, _ text: String, by other: String) -> String {
    var rest = text[...]
    var result = ""
    while let range = rest.range(of: word) {
      result += rest[..<range.lowerBound] + other
      rest = rest[range.upperBound...]
    }
    return result + rest
  }
}

extension Substring {
  /// Where a word first stands. (Foundation's would bring Foundation.)
  fileprivate func range(of word: String) -> Range<Index>? {
    var start = startIndex
    while start < endIndex {
      if self[start...].hasPrefix(word) { return start..<index(start, offsetBy: word.count) }
      start = index(after: start)
    }
    return nil
  }
}

/// A library that an image needs.
public struct NeededLibrary: Sendable, Hashable {
  /// Where a library lies.
  public enum Place: Sendable, Hashable {
    /// In a directory of the system's.
    case system
    /// Beside the Swift runtime that this host runs on.
    case swiftRuntime
    /// Anywhere else.
    case privateLibrary
    /// Nowhere.
    case missing
  }

  /// As the image asks for it.
  public var name: String
  /// Without links; nil when it was not found.
  public var path: String?
  public var place: Place
  /// Whether the process has it already.
  public var isLoaded: Bool
}

/// Libraries that are in this process.
enum LoadedLibrary {
  /// The path of the library that the loader would take for a name without opening a file; nil when there is none.
  static func find(_ name: String) -> String? {
    // RTLD_NOLOAD maps nothing, runs nothing and takes a reference, which is given back.
    guard let handle = dlopen(name, RTLD_LAZY | RTLD_NOLOAD) else {
      _ = dlerror()
      return nil
    }
    defer { dlclose(handle) }
    guard let map = map(of: handle), let path = map.pointee.l_name, path.pointee != 0 else { return name }
    return FileTree.realPath(String(cString: path)) ?? String(cString: path)
  }

  /// The loader's record of an image; valid for as long as the image is mapped.
  static func map(of handle: UnsafeMutableRawPointer) -> UnsafeMutablePointer<link_map>? {
    var map: UnsafeMutablePointer<link_map>?
    return dlinfo(handle, Int32(BH_DLINFO_LINKMAP), &map) == 0 ? map : nil
  }
}
