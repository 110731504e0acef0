import CBotHost
import Configured
import Foundation
import KafkaPlugin

/// A host as the plugin sees one: the tables of `bothost.h`, real threads, and everything that the plugin does written down.
///
/// The test's thread is the lane.
final class PluginHost: @unchecked Sendable {
  struct Event {
    let topic: String
    let key: String
    let payload: String
    let headers: [String: String]
    let contentType: String
    let delivery: UInt64
    let settled: bh_publish_settled?
    let context: UnsafeMutableRawPointer?
    /// Published by a task of the lane's, not by a thread of the plugin's.
    let isFromLane: Bool

    var fields: [String: Any] {
      (try? JSONSerialization.jsonObject(with: Data(payload.utf8))) as? [String: Any] ?? [:]
    }
  }

  struct Answer {
    let rc: Int32
    let text: String
    var fields: [String: Any] {
      (try? JSONSerialization.jsonObject(with: Data(text.utf8))) as? [String: Any] ?? [:]
    }
  }

  struct Refusal: Error, CustomStringConvertible { let description: String }

  let condition = NSCondition()
  // Written by the plugin's threads under `notes`; read through the properties below.
  private var notedEvents: [Event] = []
  private var notedLog: [String] = []
  private var notedReplies: [UInt64: Answer] = [:]
  private var notedAcknowledged: Set<UInt64> = []
  private var notedRefused: [UInt64: Int32] = [:]
  private var notedStore: [String: [UInt8]] = [:]

  /// Guards the notes by themselves, so that a test may read them with `condition` held or not.
  private let notes = NSRecursiveLock()

  var events: [Event] { notes.withLock { notedEvents } }
  var log: [String] { notes.withLock { notedLog } }
  var replies: [UInt64: Answer] { notes.withLock { notedReplies } }
  var acknowledged: Set<UInt64> { notes.withLock { notedAcknowledged } }
  var refused: [UInt64: Int32] { notes.withLock { notedRefused } }
  var store: [String: [UInt8]] { notes.withLock { notedStore } }
  var refusesPublish: Int32 = 0
  private var topics: [String] = []
  private var threads: [Thread] = []
  private var running = 0
  private var stopping = false
  private var nextToken: UInt64 = 100

  private var me: OpaquePointer?
  private let plugin: UnsafePointer<bh_plugin>
  private var bindings: [String: UInt32] = [:]
  private static let api = makeTable()

  /// Makes and starts the plugin. Throws what `create` said.
  init(
    _ configuration: String, instance: String = "kafka", directory: String = "/tmp/a/kafka",
    store: [String: [UInt8]] = [:]
  )
    throws
  {
    guard let descriptor = kafkaPlugin(0) else { throw Refusal(description: "no descriptor") }
    plugin = descriptor.assumingMemoryBound(to: bh_plugin.self)
    notedStore = store
    var start = bh_start()
    start.size = UInt32(MemoryLayout<bh_start>.size)
    start.flags = UInt32(BH_START_FRESH)
    start.generation = 1
    let rc = withText(try Configured.json(configuration, of: "kafka")) { config in
      withText(instance) { instance in
        withText(directory) { directory in
          start.config = bh_bytes(
            ptr: UnsafeRawPointer(config.ptr)?.assumingMemoryBound(to: UInt8.self), len: config.len)
          start.instance = instance
          start.data_directory = directory
          return withUnsafePointer(to: Self.api) { plugin.pointee.create(handle, $0, &start, &me) }
        }
      }
    }
    guard rc == 0 else { throw Refusal(description: log.joined(separator: "\n")) }
    for (kind, names) in [
      (BH_BIND_HANDLER, ["on_bridge", "on_log", "on_spool"]), (BH_BIND_METHOD, ["publish", "state"]),
    ] {
      for name in names {
        var number: UInt32 = 0
        guard withText(name, { plugin.pointee.bind(me, UInt32(kind), $0, &number) }) == 0 else {
          throw Refusal(description: "\(name) is not bound")
        }
        bindings[name] = number
      }
    }
    guard plugin.pointee.activate(me) == 0 else { throw Refusal(description: log.joined(separator: "\n")) }
  }

  deinit { stop() }

  private var handle: OpaquePointer { OpaquePointer(Unmanaged.passUnretained(self).toOpaque()) }

  private let laneTask = NSRecursiveLock()
  /// Whether this thread runs a task of the lane's.
  private static var isOnLane: Bool { Thread.current.threadDictionary["lane"] != nil }

  // MARK: What the host does to the plugin

  /// Quiesces, joins the threads, destroys.
  func stop(seconds: Double = 5) {
    guard let plugin = me else { return }
    _ = self.plugin.pointee.quiesce(plugin, monotonic() + Int64(seconds * 1e9))
    condition.lock()
    stopping = true
    while running > 0 { condition.wait() }
    condition.unlock()
    self.plugin.pointee.destroy(plugin)
    me = nil
  }

  func call(_ method: String, _ argument: String) -> UInt64 {
    withEvent(topic: "kafka.\(method)", argument) { event in
      event.binding = bindings[method] ?? 0
      let rc = withText("kafka.\(method)") { plugin.pointee.invoke(me, $0, &event) }
      if rc < 0 {
        note { notedReplies[event.delivery] = Answer(rc: rc, text: notedLog.last ?? "") }
      }
      return event.delivery
    }
  }

  /// The answer of a call; waits for it.
  func answer(_ method: String, _ argument: String) -> Answer? {
    let call = call(method, argument)
    _ = wait { replies[call] != nil }
    return replies[call]
  }

  @discardableResult
  func deliver(
    _ handler: String, topic: String, _ payload: String, key: String = "", headers: [String: String] = [:],
    source: String = "tester"
  ) -> (rc: Int32, delivery: UInt64) {
    withEvent(topic: topic, payload, key: key, headers: headers, source: source) { event in
      event.binding = bindings[handler] ?? 0
      return (plugin.pointee.handle(me, &event), event.delivery)
    }
  }

  /// Says how a published event ended.
  func settle(_ event: Event, _ rc: Int = Int(BH_OK), _ message: String = "") {
    withText(message) { event.settled?(event.context, Int32(rc), $0) }
  }

  func health() -> [String: Any] {
    let sink = Sink()
    _ = plugin.pointee.health(me, Sink.write, Unmanaged.passUnretained(sink).toOpaque())
    return (try? JSONSerialization.jsonObject(with: Data(sink.bytes))) as? [String: Any] ?? [:]
  }

  func events(_ topic: String) -> [Event] { events.filter { $0.topic == topic } }

  /// Waits until something holds; `false` after a time that only a fault takes.
  func wait(_ holds: () -> Bool) -> Bool {
    let deadline = Date(timeIntervalSinceNow: 60)
    while !holds() {
      if Date() > deadline { return false }
      condition.lock()
      _ = condition.wait(until: Date(timeIntervalSinceNow: 0.05))
      condition.unlock()
    }
    return true
  }

  private func withEvent<Result>(
    topic: String, _ payload: String, key: String = "", headers: [String: String] = [:], source: String = "tester",
    _ body: (inout bh_event) -> Result
  ) -> Result {
    nextToken += 1
    var event = bh_event()
    event.size = UInt32(MemoryLayout<bh_event>.size)
    event.attempt = 1
    event.delivery = nextToken
    event.time_unix_ns = 1_700_000_000_000_000_000
    return withText(topic) { topic in
      withText(payload) { payload in
        withText(key) { key in
          withText(source) { source in
            withHeaders(headers) { headers in
              event.topic = topic
              event.key = key
              event.source = source
              event.payload = bh_bytes(
                ptr: UnsafeRawPointer(payload.ptr)?.assumingMemoryBound(to: UInt8.self), len: payload.len)
              event.headers = headers.baseAddress
              event.header_count = UInt32(headers.count)
              return body(&event)
            }
          }
        }
      }
    }
  }

  private func withHeaders<Result>(
    _ headers: [String: String], _ body: (UnsafeBufferPointer<bh_header>) -> Result
  ) -> Result {
    func lend(_ rest: ArraySlice<(key: String, value: String)>, _ lent: [bh_header]) -> Result {
      guard let first = rest.first else { return lent.withUnsafeBufferPointer(body) }
      return withText(first.key) { name in
        withText(first.value) { value in
          let value = bh_bytes(ptr: UnsafeRawPointer(value.ptr)?.assumingMemoryBound(to: UInt8.self), len: value.len)
          return lend(rest.dropFirst(), lent + [bh_header(name: name, value: value)])
        }
      }
    }
    return lend(Array(headers)[...], [])
  }

  // MARK: The tables

  private final class Sink {
    var bytes: [UInt8] = []
    static let write: bh_writer = { sink, bytes, count in
      guard let sink else { return -3 }
      if let bytes {
        Unmanaged<Sink>.fromOpaque(sink).takeUnretainedValue().bytes += UnsafeRawBufferPointer(
          start: bytes, count: count)
      }
      return 0
    }
  }

  private static func at(_ host: OpaquePointer?) -> PluginHost {
    // A host pointer of the tests is always one of theirs.
    Unmanaged<PluginHost>.fromOpaque(UnsafeRawPointer(host!)).takeUnretainedValue()
  }

  private func note(_ change: () -> Void) {
    condition.withLock {
      notes.withLock { change() }
      condition.broadcast()
    }
  }

  private static func makeTable() -> bh_host_api {
    var api = bh_host_api()
    api.size = UInt32(MemoryLayout<bh_host_api>.size)
    api.log = { host, _, message, _, _ in
      let line = text(message)
      PluginHost.at(host).note { PluginHost.at(host).notedLog.append(line) }
    }
    api.set_error = { host, _, message in
      let line = text(message)
      PluginHost.at(host).note { PluginHost.at(host).notedLog.append(line) }
    }
    api.query = { _, name, _ in
      switch text(name) {
      case BH_KV: UnsafeRawPointer(PluginHost.keyValue)
      case BH_THREAD: UnsafeRawPointer(PluginHost.thread)
      case BH_SECRET: UnsafeRawPointer(PluginHost.secret)
      default: nil
      }
    }
    api.ack = { host, delivery in
      PluginHost.at(host).note { PluginHost.at(host).notedAcknowledged.insert(delivery) }
      return 0
    }
    api.nack = { host, delivery, why, _, _ in
      PluginHost.at(host).note { PluginHost.at(host).notedRefused[delivery] = why }
      return 0
    }
    api.publish = { host, delivery, event in
      let host = PluginHost.at(host)
      guard let event = event?.pointee else { return -3 }
      var headers: [String: String] = [:]
      for index in 0..<Int(event.header_count) {
        if let header = event.headers?[index] { headers[text(header.name)] = text(header.value) }
      }
      var rc: Int32 = 0
      host.note {
        rc = host.refusesPublish
        guard rc == 0 else { return }
        host.notedEvents.append(
          Event(
            topic: host.topics[Int(event.topic_ref) - 1], key: text(event.key), payload: text(event.payload),
            headers: headers, contentType: text(event.content_type), delivery: delivery, settled: event.settled,
            context: event.settled_context, isFromLane: PluginHost.isOnLane))
      }
      return rc
    }
    api.topic = { host, name in
      let host = PluginHost.at(host)
      let name = text(name)
      if name.isEmpty || name.contains("..") { return 0 }
      return host.condition.withLock {
        host.topics.append(name)
        return UInt64(host.topics.count)
      }
    }
    api.config_get = { _, _, _, _ in -5 }
    api.field = { _, _, _, _ in -5 }
    api.reply = { host, call, rc, result in
      let answer = Answer(rc: rc, text: text(result))
      PluginHost.at(host).note { PluginHost.at(host).notedReplies[call] = answer }
      return 0
    }
    api.now = { _, clock in
      clock == UInt32(BH_CLOCK_MONO) ? monotonic() : Int64(Date().timeIntervalSince1970 * 1e9)
    }
    return api
  }

  private static func place<Table>(_ table: Table) -> UnsafePointer<Table> {
    let memory = UnsafeMutablePointer<Table>.allocate(capacity: 1)
    memory.initialize(to: table)
    return UnsafePointer(memory)
  }

  private static nonisolated(unsafe) let keyValue: UnsafePointer<bh_kv_v1> = {
    var table = bh_kv_v1()
    table.size = UInt32(MemoryLayout<bh_kv_v1>.size)
    table.version = 1
    table.get = { host, key, _, writer, sink in
      guard let value = PluginHost.at(host).store[text(key)] else { return Int32(BH_E_NOTFOUND) }
      return value.withUnsafeBytes { writer?(sink, $0.baseAddress, $0.count) ?? -3 }
    }
    table.put = { host, _, key, value, _, _ in
      let name = text(key)
      let bytes = Array(UnsafeRawBufferPointer(start: value.ptr, count: value.len))
      PluginHost.at(host).note { PluginHost.at(host).notedStore[name] = bytes }
      return 0
    }
    return place(table)
  }()

  private static nonisolated(unsafe) let secret: UnsafePointer<bh_secret_v1> = {
    var table = bh_secret_v1()
    table.size = UInt32(MemoryLayout<bh_secret_v1>.size)
    table.version = 1
    table.use = { _, _, use, context in
      withText("taco") {
        use?(context, bh_bytes(ptr: UnsafeRawPointer($0.ptr)?.assumingMemoryBound(to: UInt8.self), len: $0.len)) ?? -3
      }
    }
    return place(table)
  }()

  private struct Job: @unchecked Sendable {
    let run: bh_thread_main
    let context: UnsafeMutableRawPointer?
  }

  private static nonisolated(unsafe) let thread: UnsafePointer<bh_thread_v1> = {
    var table = bh_thread_v1()
    table.size = UInt32(MemoryLayout<bh_thread_v1>.size)
    table.version = 1
    table.spawn = { host, _, run, context, token in
      let host = PluginHost.at(host)
      guard let run else { return -3 }
      token?.pointee = 7
      let job = Job(run: run, context: context)
      host.note { host.running += 1 }
      Thread {
        job.run(job.context)
        host.note { host.running -= 1 }
      }.start()
      return 0
    }
    table.should_stop = { host, _ in
      let host = PluginHost.at(host)
      return host.condition.withLock { host.stopping } ? 1 : 0
    }
    table.join = { _, _ in 0 }
    // At once, on the thread that asks: one at a time is all that the plugin relies on here.
    table.on_lane = { host, task, context in
      PluginHost.at(host).laneTask.withLock {
        Thread.current.threadDictionary["lane"] = true
        task?(context)
        Thread.current.threadDictionary["lane"] = nil
      }
      return 0
    }
    return place(table)
  }()
}

private func monotonic() -> Int64 {
  var time = timespec()
  clock_gettime(CLOCK_MONOTONIC, &time)
  return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
}

private func text(_ value: bh_str) -> String {
  String(decoding: UnsafeRawBufferPointer(start: value.ptr, count: value.len), as: UTF8.self)
}

private func text(_ value: bh_bytes) -> String {
  String(decoding: UnsafeRawBufferPointer(start: value.ptr, count: value.len), as: UTF8.self)
}

private func withText<Result>(_ text: String, _ body: (bh_str) -> Result) -> Result {
  Array(text.utf8).withUnsafeBytes {
    body(bh_str(ptr: $0.baseAddress?.assumingMemoryBound(to: CChar.self), len: $0.count))
  }
}
