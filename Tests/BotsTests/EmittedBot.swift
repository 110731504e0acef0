import CBotHost
import Foundation
import Testing

@testable import BotHost

/// A bot emitted as C, compiled and loaded into the test, with a host of the test's own around it.
///
/// What it does is noted in the words of `Recorder`, so that it can be compared with the interpreter. Lines that it prints go to a
/// file and are read at the end.
final class EmittedBot {
  private let handle: UnsafeMutableRawPointer
  private let plugin: UnsafePointer<bh_plugin>
  private var object: OpaquePointer?
  private let host: EmittedHost
  private let subscriptions: [BotSubscription]
  private let instances: [BoundInstance]

  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  static var compiler: String? {
    ["/usr/bin/cc", "/usr/bin/clang", "/usr/bin/gcc"].first { FileManager.default.isExecutableFile(atPath: $0) }
  }

  /// Compiles sources without a warning, or throws what the compiler says.
  static func compile(_ source: String, _ library: String, _ options: [String] = []) throws {
    guard let compiler else { throw Failure(description: "there is no C compiler") }
    let file = library + ".c"
    try Data(source.utf8).write(to: URL(fileURLWithPath: file))
    let process = Process()
    process.executableURL = URL(fileURLWithPath: compiler)
    process.arguments =
      ["-std=c99", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-I"]
      + [repository.appendingPathComponent("Sources/CBotHost/include").path] + options + ["-o", library, file]
    let pipe = Pipe()
    process.standardError = pipe
    try process.run()
    let said = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      throw Failure(description: String(decoding: said.prefix(4_000), as: UTF8.self))
    }
  }

  init(_ bot: BoundBot, _ library: String, _ recorder: EmittedHost) throws {
    host = recorder
    subscriptions = bot.program.subscriptions
    instances = bot.instances
    guard let handle = dlopen(library, RTLD_NOW | RTLD_LOCAL), let symbol = dlsym(handle, "bh_plugin_entry_v1") else {
      throw Failure(description: dlerror().map { String(cString: $0) } ?? "it cannot be loaded")
    }
    self.handle = handle
    let entry = unsafeBitCast(symbol, to: (@convention(c) (UInt32) -> UnsafePointer<bh_plugin>?).self)
    guard let plugin = entry(0) else { throw Failure(description: "it does not want this host") }
    self.plugin = plugin
    var start = bh_start()
    start.size = UInt32(MemoryLayout<bh_start>.size)
    let code = plugin.pointee.create?(host.pointer, host.api, &start, &object)
    guard code == bh_rc(BH_OK) else { throw Failure(description: "it cannot be created") }
  }

  deinit {
    plugin.pointee.destroy?(object)
    dlclose(handle)
  }

  /// Delivers an event as the bus does.
  func deliver(_ subscription: Int, _ payload: String, delivery: UInt64) -> bh_rc {
    guard let symbol = dlsym(handle, "on_\(subscription)") else { return bh_rc(BH_E_NOTFOUND) }
    let call = unsafeBitCast(symbol, to: bh_handler.self)
    let source = Array(instances[subscriptions[subscription].requirement].name.utf8CString)
    return source.withUnsafeBufferPointer { source in
      Array(payload.utf8).withUnsafeBufferPointer { bytes in
        var event = bh_event()
        event.size = UInt32(MemoryLayout<bh_event>.size)
        event.source = bh_str(ptr: source.baseAddress, len: source.count - 1)
        event.payload = bh_bytes(ptr: bytes.baseAddress, len: bytes.count)
        event.delivery = delivery
        return call(object, &event)
      }
    }
  }
}

/// The host's side of an emitted bot.
final class EmittedHost {
  struct Call {
    var method: String
    var argument: String
    var delivery: UInt64
    var done: bh_call_done?
    var context: UnsafeMutableRawPointer?
  }

  var calls: [Call] = []
  var settled: [(delivery: UInt64, failure: String?)] = []
  var said: String?
  let configuration: [String: String]
  let secrets: [String: String]
  let api: UnsafeMutablePointer<bh_host_api>
  private let rpc: UnsafeMutablePointer<bh_rpc_v1>
  private let secret: UnsafeMutablePointer<bh_secret_v1>

  var pointer: OpaquePointer { OpaquePointer(Unmanaged.passUnretained(self).toOpaque()) }

  static func of(_ pointer: OpaquePointer?) -> EmittedHost? {
    pointer.map { Unmanaged<EmittedHost>.fromOpaque(UnsafeRawPointer($0)).takeUnretainedValue() }
  }

  static func text(_ text: bh_str) -> String {
    String(decoding: UnsafeRawBufferPointer(start: text.ptr, count: text.ptr == nil ? 0 : text.len), as: UTF8.self)
  }

  static func text(_ bytes: bh_bytes) -> String {
    String(decoding: UnsafeRawBufferPointer(start: bytes.ptr, count: bytes.ptr == nil ? 0 : bytes.len), as: UTF8.self)
  }

  /// - Parameter configuration: JSON text by key.
  init(configuration: [String: String], secrets: [String: String]) {
    self.configuration = configuration
    self.secrets = secrets
    api = .allocate(capacity: 1)
    rpc = .allocate(capacity: 1)
    secret = .allocate(capacity: 1)
    var table = bh_host_api()
    table.size = UInt32(MemoryLayout<bh_host_api>.size)
    table.set_error = { host, _, message in EmittedHost.of(host)?.said = EmittedHost.text(message) }
    table.query = { host, name, _ in
      switch EmittedHost.text(name) {
      case "bh.rpc": UnsafeRawPointer(EmittedHost.of(host)?.rpc)
      case "bh.secret": UnsafeRawPointer(EmittedHost.of(host)?.secret)
      default: nil
      }
    }
    table.ack = { host, delivery in
      EmittedHost.of(host)?.settled.append((delivery, nil))
      return bh_rc(BH_OK)
    }
    table.nack = { host, delivery, _, _, message in
      EmittedHost.of(host)?.settled.append((delivery, EmittedHost.text(message)))
      return bh_rc(BH_OK)
    }
    table.config_get = { host, pointer, writer, sink in
      guard let value = EmittedHost.of(host)?.configuration[String(EmittedHost.text(pointer).dropFirst())] else {
        return bh_rc(BH_E_NOTFOUND)
      }
      return Array(value.utf8).withUnsafeBytes { writer?(sink, $0.baseAddress, $0.count) ?? bh_rc(BH_E_INTERNAL) }
    }
    api.initialize(to: table)
    var calls = bh_rpc_v1()
    calls.size = UInt32(MemoryLayout<bh_rpc_v1>.size)
    calls.version = 1
    calls.call = { host, cause, method, argument, _, done, context, _ in
      EmittedHost.of(host)?.calls.append(
        Call(
          method: EmittedHost.text(method), argument: EmittedHost.text(argument), delivery: cause, done: done,
          context: context))
      return bh_rc(BH_OK)
    }
    rpc.initialize(to: calls)
    var keeper = bh_secret_v1()
    keeper.size = UInt32(MemoryLayout<bh_secret_v1>.size)
    keeper.version = 1
    keeper.use = { host, name, use, context in
      guard let value = EmittedHost.of(host)?.secrets[EmittedHost.text(name)] else { return bh_rc(BH_E_NOTFOUND) }
      return Array(value.utf8).withUnsafeBufferPointer {
        use?(context, bh_bytes(ptr: $0.baseAddress, len: $0.count)) ?? bh_rc(BH_E_INTERNAL)
      }
    }
    secret.initialize(to: keeper)
  }

  deinit {
    api.deallocate()
    rpc.deallocate()
    secret.deallocate()
  }

  func reply(_ call: Int, _ result: Result<String, Recorder.TestFailure>) {
    let (code, text) =
      switch result {
      case .success(let text): (bh_rc(BH_OK), text)
      case .failure(let failure): (bh_rc(BH_E_INTERNAL), failure.message)
      }
    Array(text.utf8).withUnsafeBufferPointer {
      calls[call].done?(calls[call].context, code, bh_bytes(ptr: $0.baseAddress, len: $0.count))
    }
  }
}
