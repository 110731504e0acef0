import Foundation
import Synchronization

@testable import BotHost

/// Libraries that the tests need, compiled when they are first asked for and kept for the run.
enum Fixtures {
  struct Failure: Error, CustomStringConvertible { var description: String }

  /// A directory of this run's own.
  static let directory: String = {
    let path = NSTemporaryDirectory() + "/bothost-loading-\(getpid())-\(UInt32.random(in: 0...UInt32.max))"
    try? FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    atexit { try? FileManager.default.removeItem(atPath: Fixtures.directory) }
    return FileTree.realPath(path) ?? path
  }()

  /// The repository.
  static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().path

  /// The host's program, which was built beside the tests.
  static let program = FileTree.directory(of: FileTree.realPath("/proc/self/exe") ?? "") + "/bothost"

  private static let built = Mutex<[String: Result<String, Failure>]>([:])

  /// Compiles a source with a command and gives the path of what comes out. The same output name is built once.
  static func build(
    _ name: String, _ source: String, suffix: String = "c", _ command: [String], libraries: [String] = [],
    output: String
  ) throws -> String {
    try built.withLock { built in
      if let known = built[output] { return try known.get() }
      let result: Result<String, Failure>
      do {
        let folder = "\(directory)/source-\(output)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try source.write(toFile: "\(folder)/\(name).\(suffix)", atomically: true, encoding: .utf8)
        let path = "\(directory)/\(output)"
        try FileManager.default.createDirectory(atPath: FileTree.directory(of: path), withIntermediateDirectories: true)
        _ = try run(
          command + ["-I\(root)/Sources/CBotHost/include", "-o", path, "\(folder)/\(name).\(suffix)"] + libraries)
        result = .success(path)
      } catch { result = .failure(error as? Failure ?? Failure(description: "\(error)")) }
      built[output] = result
      return try result.get()
    }
  }

  /// Runs a program and gives what it wrote; a failure holds what it complained of.
  static func run(_ command: [String]) throws -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = command
    let output = "\(directory)/output-\(UInt64.random(in: 0...UInt64.max))"
    _ = FileManager.default.createFile(atPath: output, contents: nil)
    defer { try? FileManager.default.removeItem(atPath: output) }
    guard let handle = FileHandle(forWritingAtPath: output) else { throw Failure(description: "no \(output)") }
    process.standardOutput = handle
    process.standardError = handle
    process.standardInput = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    let text = try String(contentsOfFile: output, encoding: .utf8)
    guard process.terminationStatus == 0 else {
      throw Failure(description: "\(command.joined(separator: " ")):\n\(text)")
    }
    return text
  }

  /// A shared library from C.
  static func c(_ output: String, _ source: String, _ flags: [String] = [], libraries: [String] = []) throws -> String {
    try build(
      "library", source, ["cc", "-std=gnu11", "-shared", "-fPIC", "-Wl,-z,noexecstack"] + flags, libraries: libraries,
      output: "\(output).so")
  }

  /// A shared library from C++, by g++, which knows unique symbols.
  static func cpp(_ output: String, _ source: String, _ flags: [String] = []) throws -> String {
    try build(
      "library", source, suffix: "cpp", ["g++", "-std=c++17", "-shared", "-fPIC"] + flags, output: "\(output).so")
  }

  /// A shared library from Swift.
  static func swift(_ output: String, _ source: String, _ flags: [String] = []) throws -> String {
    let map = "\(directory)/cbothost"
    try FileManager.default.createDirectory(atPath: map, withIntermediateDirectories: true)
    try "module CBotHost { header \"\(root)/Sources/CBotHost/include/bothost.h\" export * }"
      .write(toFile: "\(map)/module.modulemap", atomically: true, encoding: .utf8)
    return try build(
      "library", source, suffix: "swift",
      [
        "swiftc", "-parse-as-library", "-emit-library", "-I", map, "-Xlinker", "-Bsymbolic", "-module-name",
        "Module_\(output)",
      ] + flags,
      output: "\(output).so")
  }

  /// The smallest plugin, named `small`. `-DVALUE=…` is what its function `value` returns; `extra` may define more.
  static func plugin(_ output: String, extra: String = "", _ flags: [String] = [], libraries: [String] = []) throws
    -> String
  {
    try c(output, extra + "\n" + smallPlugin, flags, libraries: libraries)
  }

  static let smallPlugin = #"""
    #include <bothost.h>
    #include <stddef.h>
    #ifndef VALUE
    #define VALUE 1
    #endif
    #ifndef SIZE
    #define SIZE sizeof(bh_plugin)
    #endif
    #ifndef MAJOR
    #define MAJOR BH_ABI_MAJOR
    #endif
    #ifndef NAME
    #define NAME "small"
    #endif
    #ifndef IN_CREATE
    #define IN_CREATE
    #endif
    #ifndef IN_ENTRY
    #define IN_ENTRY
    #endif
    #ifndef HEALTH
    #define HEALTH NULL
    #endif
    #ifndef BIND
    #define BIND NULL
    #endif
    static int object;
    static int calls;
    BH_EXPORT int value(void) { return VALUE; }
    BH_EXPORT int count(void) { return ++calls; }
    BH_EXPORT bh_rc on_event(bh_self *self, const bh_event *event) { (void)self; (void)event; return BH_OK; }
    static bh_rc create(bh_host *host, const bh_host_api *api, const bh_start *start, bh_self **self) {
      (void)host; (void)api; (void)start;
      IN_CREATE;
      *self = (bh_self *)&object;
      return BH_OK;
    }
    static void destroy(bh_self *self) { (void)self; }
    static const bh_plugin plugin = {
      .size = SIZE, .abi_major = MAJOR, .name = {NAME, sizeof NAME - 1}, .version = {"1.0.0", 5},
      .create = create, .bind = BIND, .health = HEALTH, .destroy = destroy};
    BH_EXPORT const bh_plugin *bh_plugin_entry_v1(uint32_t minor) { (void)minor; IN_ENTRY; return &plugin; }
    """#

  static let smallExpectations = ImageExpectations(plugin: "small")

  /// A place for private copies.
  static func staging(_ name: String = #function) throws -> ImageStaging {
    let safe = name.prefix { $0.isLetter }
    return ImageStaging(run: try RunDirectory(below: "\(directory)/run-\(safe)-\(UInt32.random(in: 0...UInt32.max))"))
  }

  /// A description of a file as it stands, for inspections of bytes.
  static func described(_ path: String, _ bytes: [UInt8]) throws -> StagedImage {
    guard let digest = bytes.withUnsafeBytes({ ImageDigest(of: $0) }) else { throw Failure(description: "no SHA-256") }
    return StagedImage(
      path: path, source: path, sourceDirectory: FileTree.directory(of: path), place: .privateCopy, digest: digest,
      size: bytes.count)
  }

  /// Looks at bytes as if they were a library.
  @discardableResult
  static func inspect(
    _ bytes: [UInt8], as path: String = "library.so", _ expectations: ImageExpectations = smallExpectations
  ) throws -> ImageInspection {
    try ImageInspection(bytes: LibraryBytes(copying: bytes), image: try described(path, bytes), expecting: expectations)
  }

  static func inspect(file path: String, _ expectations: ImageExpectations = smallExpectations) throws
    -> ImageInspection
  {
    try inspect(try FileBytes.read(path, limit: 1 << 30), as: path, expectations)
  }

  static func bytes(_ path: String) throws -> [UInt8] { try FileBytes.read(path, limit: 1 << 30) }

  /// What a step refuses, or nil.
  static func refusal(_ body: () throws -> Void) -> ImageRefusal? {
    do {
      try body()
      return nil
    } catch { return error as? ImageRefusal }
  }

  /// The first number of a text that a C `int (void)` function returns.
  static func call(_ address: UnsafeMutableRawPointer?) -> Int32? {
    address.map { unsafeBitCast($0, to: (@convention(c) () -> Int32).self)() }
  }
}
