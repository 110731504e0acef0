import Glibc
import Synchronization

/// A library that is ready to be looked at, tried and mapped.
public struct StagedImage: Sendable, Hashable {
  /// Where a staged image lives.
  public enum Place: Sendable, Hashable {
    /// A read-only copy of its own, which nobody else opens.
    case privateCopy
    /// A library of the system (handlers without glue): shared with whoever else uses it, opened where it stands and
    /// never unmapped.
    case system
  }

  /// What to give to the dynamic loader.
  public let path: String
  /// The operator's file, as it was named; what messages show.
  public let source: String
  /// The directory of the operator's file with links resolved: what `$ORIGIN` meant to its author.
  public let sourceDirectory: String
  public let place: Place
  public let digest: ImageDigest
  /// In bytes.
  public let size: Int
  /// Of the private copy, when it was made; nil: nothing was copied.
  var identity: FileIdentity?
}

/// What tells that a file is another one than before, or that somebody has touched it.
struct FileIdentity: Sendable, Hashable {
  private let numbers: [Int]

  /// Nil when there is no such file.
  init?(_ path: String) {
    var status = stat()
    guard lstat(path, &status) == 0 else { return nil }
    numbers = [
      Int(status.st_dev), Int(status.st_ino), Int(status.st_size), status.st_ctim.tv_sec, status.st_ctim.tv_nsec,
    ]
  }
}

/// Makes the private copies that alone are ever mapped.
///
/// The dynamic loader knows an image by its name and by device and inode: a link to a mapped file, or a name used
/// twice, gives back the old code. And bytes that change under a mapping change the running code. So every build gets
/// a real copy, in a new file, under a path that is never used again, and nobody can write to it.
public final class ImageStaging: Sendable {
  /// Larger files are refused.
  public static let maximumSize = 1 << 30

  public let run: RunDirectory
  private let serial = Atomic<UInt64>(0)

  public init(run: RunDirectory) { self.run = run }

  /// Copies `library` for one generation of `plugin`. A library of the system is digested and left where it is.
  ///
  /// The copy has been flushed to disk when this returns, so that a full or failing disk is noticed now and not by a
  /// page that cannot be read later. Blocks on the disk; not for a lane. Throws an `ImageRefusal`.
  public func stage(library: String, plugin: String, generation: UInt64) throws -> StagedImage {
    func refuse(_ cause: ImageRefusal.Cause, _ message: String, advice: String = "") -> ImageRefusal {
      ImageRefusal(.stage, cause, library: library, message, advice: advice)
    }
    let real = try Self.realPath(library)
    let sourceDirectory = FileTree.directory(of: real)
    if SystemLibraries.current.isSystem(real) { return try Self.unstaged(library) }
    let original: (descriptor: Int32, size: Int)
    do { original = try FileBytes.open(real, limit: Self.maximumSize) } catch {
      throw refuse(error.cause, error.message)
    }
    defer { close(original.descriptor) }

    let directory = "\(run.path)/images/\(Self.fileName(plugin))"
    try FileTree.makeDirectories(directory)
    let number = serial.wrappingAdd(1, ordering: .relaxed).newValue
    var path = "\(directory)/\(generation)-\(number).new"
    let file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o500)
    guard file >= 0 else {
      throw refuse(.notStaged, "the private copy \(path) cannot be made: \(FileTree.reason(errno))")
    }
    var failure = FileBytes.copy(original.descriptor, to: file, size: original.size)
    if failure == nil && fsync(file) != 0 { failure = errno }
    close(file)
    do {
      if let failure {
        throw refuse(.notStaged, "the private copy \(path) cannot be written: \(FileTree.reason(failure))")
      }
      // What counts is what was copied, whatever has become of the original meanwhile.
      let copy = try LibraryBytes(mapping: path, limit: Self.maximumSize)
      guard let digest = ImageDigest(of: copy.buffer) else {
        throw refuse(.unreadable, "cannot be digested: libcrypto offers no SHA-256")
      }
      let named = "\(directory)/\(generation)-\(digest.short)-\(number).so"
      guard rename(path, named) == 0 else {
        throw refuse(.notStaged, "the private copy \(path) cannot be named: \(FileTree.reason(errno))")
      }
      path = named
      return StagedImage(
        path: path, source: library, sourceDirectory: sourceDirectory, place: .privateCopy, digest: digest,
        size: copy.buffer.count, identity: FileIdentity(named))
    } catch {
      unlink(path)
      throw error
    }
  }

  /// Describes a library where it stands, for looking at it and for nothing else: what is mapped is always a copy.
  ///
  /// Throws an `ImageRefusal` of step `.stage` when it cannot be read.
  public static func unstaged(_ library: String) throws -> StagedImage {
    func refuse(_ cause: ImageRefusal.Cause, _ message: String) -> ImageRefusal {
      ImageRefusal(.stage, cause, library: library, message)
    }
    let real = try realPath(library)
    let bytes: [UInt8]
    do { bytes = try FileBytes.read(real, limit: maximumSize) } catch { throw refuse(error.cause, error.message) }
    guard let digest = bytes.withUnsafeBytes({ ImageDigest(of: $0) }) else {
      throw refuse(.unreadable, "cannot be digested: libcrypto offers no SHA-256")
    }
    return StagedImage(
      path: real, source: library, sourceDirectory: FileTree.directory(of: real),
      place: SystemLibraries.current.isSystem(real) ? .system : .privateCopy, digest: digest, size: bytes.count)
  }

  /// A library's path without links.
  private static func realPath(_ library: String) throws -> String {
    guard let real = FileTree.realPath(library) else {
      throw ImageRefusal(
        .stage, .unreadable, library: library, "cannot be found: \(FileTree.reason(errno))",
        advice: "check `library:` in the manifest")
    }
    return real
  }

  /// Removes the private copy of an image that was refused or has been unmapped.
  public func discard(_ image: StagedImage) {
    if image.place == .privateCopy { unlink(image.path) }
  }

  /// The part of a plugin's name that may stand in a path.
  private static func fileName(_ plugin: String) -> String {
    let safe = plugin.utf8.prefix(64).map { byte -> UInt8 in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"),
        UInt8(ascii: "-"), UInt8(ascii: "_"):
        byte
      default: UInt8(ascii: "_")
      }
    }
    return safe.isEmpty ? "_" : String(decoding: safe, as: UTF8.self)
  }
}
