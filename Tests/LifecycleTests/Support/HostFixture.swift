import Foundation
import Synchronization
import Testing

@testable import BotHost

/// A host in this process, with plugins of its own making and everything that it logs.
final class HostFixture {
  struct Failure: Error, CustomStringConvertible { let description: String }

  let host: BotHost.Host
  let directory: URL
  private let log: Pipe
  private let lines: Lines
  private var builds = 1

  /// What has been logged so far; filled by a thread that reads the log's pipe.
  private final class Lines: Sendable {
    private let monitor = Monitor()
    nonisolated(unsafe) private var text = ""

    func append(_ more: String) {
      monitor.withLock {
        text += more
        monitor.broadcast()
      }
    }

    func wait(for part: String) -> Bool {
      let deadline = SystemClock().monotonic + 60_000_000_000
      return monitor.withLock {
        while !text.contains(part) {
          if !monitor.wait(until: deadline) { return text.contains(part) }
        }
        return true
      }
    }

    var all: String { monitor.withLock { text } }
  }

  /// A host over the manifests, by file name; `start` starts it.
  ///
  /// - Parameter configuration: the operator's file, without its first two lines.
  init(
    _ manifests: [String: String], libraries: [String] = ["actor"], configuration: String? = nil,
    environment: [String: String] = [:], watch: Bool = false
  ) throws {
    directory = URL(fileURLWithPath: NSTemporaryDirectory()).appendingPathComponent(
      "bothost-life-\(UUID().uuidString.prefix(8))")
    let plugins = directory.appendingPathComponent("plugins")
    try FileManager.default.createDirectory(at: plugins, withIntermediateDirectories: true)
    for name in libraries {
      try FileManager.default.copyItem(
        atPath: Self.library(name), toPath: plugins.appendingPathComponent("lib\(name).so").path)
    }
    for (name, text) in manifests {
      try Data(text.utf8).write(to: plugins.appendingPathComponent("\(name).yaml"))
    }
    var options = HostOptions(dataDirectory: directory.appendingPathComponent("data").path, environment: environment)
    if let configuration {
      options.configurationFile = directory.appendingPathComponent("host.yaml").path
      try Self.write(configuration, to: directory)
    }
    options.pluginDirectories = [plugins.path]
    // The trial runs in a child that is this program, which the tests' is not.
    options.probe = false
    options.watch = watch
    log = Pipe()
    let lines = Lines()
    self.lines = lines
    log.fileHandleForReading.readabilityHandler = { handle in
      lines.append(String(decoding: handle.availableData, as: UTF8.self))
    }
    host = BotHost.Host(
      options, log: HostLog(descriptor: log.fileHandleForWriting.fileDescriptor, threshold: .debug, rate: .unlimited))
  }

  deinit {
    host.stop()
    log.fileHandleForReading.readabilityHandler = nil
    try? FileManager.default.removeItem(at: directory)
  }

  /// Replaces a manifest, as an operator does before a swap.
  func write(_ name: String, _ manifest: String) throws {
    try Data(manifest.utf8).write(to: directory.appendingPathComponent("plugins/\(name).yaml"))
  }

  /// Replaces the operator's file.
  func configure(_ configuration: String) throws { try Self.write(configuration, to: directory) }

  private static func write(_ configuration: String, to directory: URL) throws {
    try Data("bothost: 1\nkind: host\n\(configuration)\n".utf8).write(
      to: directory.appendingPathComponent("host.yaml"), options: .atomic)
  }

  /// Puts another build of the actor in its place, which does the same: bytes behind the end of a library mean nothing.
  func installAnotherBuild() throws {
    builds += 1
    let bytes = try Data(contentsOf: URL(fileURLWithPath: Self.library("actor")))
    try install("actor", bytes + Data("build \(builds)".utf8))
  }

  /// Puts a library in its place at once, as a deployment does; nil: the actor.
  func install(_ name: String, _ bytes: Data? = nil) throws {
    let place = directory.appendingPathComponent("plugins/lib\(name).so").path
    let contents = try bytes ?? Data(contentsOf: URL(fileURLWithPath: Self.library(name)))
    try contents.write(to: URL(fileURLWithPath: place + ".new"))
    guard rename(place + ".new", place) == 0 else { throw Failure(description: "\(place) cannot be replaced") }
  }

  func instance(_ name: String = "actor") throws -> PluginInstance { try #require(host.instance(name)) }

  /// Publishes an event for the actor's handler.
  func work() throws {
    try host.publish(topic: "work", payload: Array("{}".utf8), key: "", contentType: "application/json")
  }

  /// How many events the actor has handled.
  func count(_ name: String = "actor") throws -> Int64? { try host.call("\(name).count", .object([:])).int }

  /// Waits until the actor has handled so many.
  func expectCount(
    _ wanted: Int64, of name: String = "actor", sourceLocation: Testing.SourceLocation = #_sourceLocation
  ) throws {
    var counted: Int64?
    try eventually("counted \(counted ?? -1), not \(wanted)", sourceLocation: sourceLocation) {
      counted = try count(name)
      return counted == wanted
    }
  }

  /// Tells the running build how to behave.
  func act(_ mode: String) throws { _ = try host.call("actor.act", .object(["mode": .string(mode)])) }

  /// Lets an actor go on that waits for it.
  func letGo(_ name: String = "actor") throws {
    try Data().write(to: URL(fileURLWithPath: try instance(name).dataDirectory + "/go"))
  }

  func expectLog(_ part: String, sourceLocation: Testing.SourceLocation = #_sourceLocation) {
    #expect(lines.wait(for: part), "no line says '\(part)':\n\(lines.all)", sourceLocation: sourceLocation)
  }

  /// Waits until an instance is in a state.
  func expect(
    _ name: String, sourceLocation: Testing.SourceLocation = #_sourceLocation, _ isSo: (InstanceState) -> Bool
  ) throws {
    let instance = try instance(name)
    try eventually("\(name) is \(instance.state)", sourceLocation: sourceLocation) { isSo(instance.state) }
  }

  // MARK: Libraries

  private static let built = Mutex<[String: String]>([:])
  private static let store: URL = {
    let url = URL(fileURLWithPath: NSTemporaryDirectory()).appendingPathComponent("bothost-actors-\(getpid())")
    try? FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    atexit { try? FileManager.default.removeItem(at: HostFixture.store) }
    return url
  }()

  /// The actor, compiled as a plugin of that name; once a run. `format` is that of its state.
  static func library(_ name: String, format: String? = nil) throws -> String {
    try built.withLock { built in
      let key = "\(name)-\(format ?? "")"
      if let path = built[key] { return path }
      let source = store.appendingPathComponent("\(key).c")
      try Data(Actor.source.utf8).write(to: source)
      let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()
      let path = store.appendingPathComponent("\(key).so").path
      let process = Process()
      process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
      process.arguments = [
        "cc", "-std=c99", "-shared", "-fPIC", "-DNAME=\"\(name)\"", "-DFORMAT=\"\(format ?? name)\"", "-I",
        root.appendingPathComponent("Sources/CBotHost/include").path, "-o", path, source.path,
      ]
      try process.run()
      process.waitUntilExit()
      guard process.terminationStatus == 0 else { throw Failure(description: "the actor does not compile") }
      built[key] = path
      return path
    }
  }
}
