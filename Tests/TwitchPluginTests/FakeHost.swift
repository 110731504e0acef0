import BotPluginKit
import CBotHost
import Foundation

@testable import TwitchPlugin

/// A host that writes down what the plugin does: the tables of `bothost.h`, one thread, a clock that is turned by hand.
final class FakeHost {
  struct Event {
    let topic: String
    let key: String
    let delivery: UInt64
    let payload: [String: Any]
  }

  struct Answer {
    let rc: Int32
    let payload: Any
    var map: [String: Any] { payload as? [String: Any] ?? [:] }
  }

  /// The newest event comes last.
  var events: [Event] = []
  var written: [String] = []
  var log: [String] = []
  var replies: [UInt64: Answer] = [:]
  var acknowledged: [UInt64] = []
  var refused: [UInt64: Int32] = [:]
  var timers: [String: UInt64] = [:]
  /// Connections to the chat.
  var dials = 0
  var reconnects = 0
  var closes = 0
  var now: Int64 = 1_000_000_000_000
  var topics: [String] = []
  var secret = "oauth:secret-value"
  var refusesPublish: Int32 = 0
  /// Whether payloads are read: not when speed is measured.
  var keepsEvents = true
  var published = 0

  private var me: OpaquePointer?
  private let plugin: UnsafePointer<bh_plugin>
  private var bindings: [String: UInt32] = [:]
  private var nextToken: UInt64 = 100
  /// The table has to stay where it is as long as a plugin lives.
  private static nonisolated(unsafe) let api: UnsafePointer<bh_host_api> = {
    let memory = UnsafeMutablePointer<bh_host_api>.allocate(capacity: 1)
    memory.initialize(to: makeTable())
    return UnsafePointer(memory)
  }()

  /// Makes the plugin of `configuration`, JSON. Throws what `create` said.
  init(configuration: String, flags: Int = 1) throws {
    guard let descriptor = twitchPlugin(0) else { throw Refusal(text: "no descriptor") }
    plugin = descriptor.assumingMemoryBound(to: bh_plugin.self)
    var start = bh_start()
    start.size = UInt32(MemoryLayout<bh_start>.size)
    start.flags = UInt32(flags)
    start.generation = 1
    var bytes = Array(configuration.utf8)
    var instance = Array("twitch".utf8)
    let rc = bytes.withUnsafeMutableBufferPointer { config in
      instance.withUnsafeMutableBytes { name in
        start.config = bh_bytes(ptr: UnsafePointer(config.baseAddress), len: config.count)
        start.instance = bh_str(ptr: name.baseAddress?.assumingMemoryBound(to: CChar.self), len: name.count)
        return plugin.pointee.create(handle, Self.api, &start, &me)
      }
    }
    guard rc == 0 else { throw Refusal(text: log.last ?? "\(rc)") }
    for (kind, names) in [
      (
        BH_BIND_HANDLER,
        [
          "on_open", "on_frame", "on_closed", "on_timer", "on_say", "on_open_2", "on_frame_2", "on_closed_2",
          "on_timer_2", "on_token_timer",
        ]
      ),
      (BH_BIND_METHOD, ["join", "leave", "say", "raw", "parse", "state"]),
    ] {
      for name in names {
        var number: UInt32 = 0
        let rc = withString(name) { plugin.pointee.bind(me, UInt32(kind), $0, &number) }
        guard rc == 0, number > 0 else { throw Refusal(text: "\(name) is not bound") }
        bindings[name] = number
      }
    }
  }

  struct Refusal: Error { let text: String }

  deinit { if let me { plugin.pointee.destroy(me) } }

  private var handle: OpaquePointer { OpaquePointer(Unmanaged.passUnretained(self).toOpaque()) }

  // MARK: What the host does to the plugin

  @discardableResult
  func activate() -> Int32 { plugin.pointee.activate(me) }
  @discardableResult
  func quiesce() -> Int32 { plugin.pointee.quiesce(me, now + 1_000_000_000) }
  @discardableResult
  func resume() -> Int32 { plugin.pointee.resume(me) }

  func reconfigure(_ configuration: String) -> Int32 {
    var bytes = Array(configuration.utf8)
    return bytes.withUnsafeMutableBufferPointer {
      plugin.pointee.reconfigure(me, bh_bytes(ptr: UnsafePointer($0.baseAddress), len: $0.count))
    }
  }

  func exportState() -> [UInt8] {
    let sink = Sink()
    let rc = plugin.pointee.export_state(me, UInt32(BH_STATE_FINAL), 0, Sink.write, sink.opaque)
    return rc == 0 ? sink.bytes : []
  }

  func importState(_ state: [UInt8]) -> Int32 {
    state.withUnsafeBufferPointer { state in
      withString("twitch-session") {
        plugin.pointee.import_state(
          me, UInt32(BH_STATE_FINAL), $0, 2, bh_bytes(ptr: state.baseAddress, len: state.count))
      }
    }
  }

  /// Delivers an event to a handler. Returns its status and the delivery.
  @discardableResult
  func deliver(_ call: String, _ payload: String) -> (rc: Int32, delivery: UInt64) {
    var bytes = Array(payload.utf8)
    return bytes.withUnsafeMutableBytes { deliver(bindings[call] ?? 0, UnsafeRawBufferPointer($0)) }
  }

  func binding(_ call: String) -> UInt32 { bindings[call] ?? 0 }

  func deliver(_ binding: UInt32, _ payload: UnsafeRawBufferPointer) -> (rc: Int32, delivery: UInt64) {
    var event = makeEvent(payload)
    event.binding = binding
    let rc = plugin.pointee.handle(me, &event)
    return (rc, event.delivery)
  }

  private func makeEvent(_ payload: UnsafeRawBufferPointer) -> bh_event {
    nextToken += 1
    var event = bh_event()
    event.size = UInt32(MemoryLayout<bh_event>.size)
    event.attempt = 1
    event.delivery = nextToken
    event.time_unix_ns = 1_700_000_000_000_000_000
    event.payload = bh_bytes(ptr: payload.baseAddress?.assumingMemoryBound(to: UInt8.self), len: payload.count)
    return event
  }

  /// Calls a method. The answer may come later, in `replies`.
  @discardableResult
  func call(_ method: String, _ argument: String) -> (rc: Int32, call: UInt64) {
    var bytes = Array(argument.utf8)
    return bytes.withUnsafeMutableBytes { bytes in
      var event = makeEvent(UnsafeRawBufferPointer(bytes))
      event.binding = bindings[method] ?? 0
      let rc = withString("twitch.\(method)") { plugin.pointee.invoke(me, $0, &event) }
      return (rc, event.delivery)
    }
  }

  func open() { deliver("on_open", "{}") }
  func line(_ text: String) { deliver("on_frame", text) }
  func closed(_ reason: String = "eof") { deliver("on_closed", #"{"reason":"\#(reason)","error":"","final":false}"#) }

  /// Turns the clock and gives the tick that is due.
  func pass(_ seconds: Double) {
    let until = now + Int64(seconds * 1e9)
    while let at = timers["session"], Int64(at) <= until {
      now = max(now, Int64(at))
      timers["session"] = nil
      deliver("on_timer", "null")
    }
    now = until
  }

  func logIn(_ channels: String...) {
    activate()
    open()
    line(":tmi.twitch.tv CAP * ACK :twitch.tv/membership twitch.tv/tags twitch.tv/commands")
    line(":tmi.twitch.tv 001 tacobot :Welcome, GLHF!")
    for channel in channels {
      line(":tacobot!tacobot@tacobot.tmi.twitch.tv JOIN #\(channel)")
      line("@badges=;display-name=TacoBot;mod=0 :tmi.twitch.tv USERSTATE #\(channel)")
    }
  }

  func events(_ topic: String) -> [Event] { events.filter { $0.topic == topic } }

  // MARK: The tables

  final class Sink {
    var bytes: [UInt8] = []
    var opaque: UnsafeMutableRawPointer { Unmanaged.passUnretained(self).toOpaque() }
    static let write: bh_writer = { sink, bytes, count in
      guard let sink else { return -3 }
      if let bytes {
        Unmanaged<Sink>.fromOpaque(sink).takeUnretainedValue().bytes += UnsafeRawBufferPointer(
          start: bytes, count: count)
      }
      return 0
    }
  }

  static func at(_ host: OpaquePointer?) -> FakeHost {
    // A host pointer of the tests is always one of theirs.
    Unmanaged<FakeHost>.fromOpaque(UnsafeRawPointer(host!)).takeUnretainedValue()
  }

  private static func makeTable() -> bh_host_api {
    var api = bh_host_api()
    api.size = UInt32(MemoryLayout<bh_host_api>.size)
    api.log = { host, level, message, fields, count in
      var line = text(message)
      for index in 0..<Int(count) {
        if let field = fields?[index] { line += " \(text(field.name))=\(text(field.value))" }
      }
      FakeHost.at(host).log.append(line)
    }
    api.set_error = { host, _, message in FakeHost.at(host).log.append("error: \(text(message))") }
    api.query = { _, name, _ in FakeServices.table(text(name)) }
    api.ack = { host, delivery in
      FakeHost.at(host).acknowledged.append(delivery)
      return 0
    }
    api.nack = { host, delivery, why, _, _ in
      FakeHost.at(host).refused[delivery] = why
      return 0
    }
    api.publish = { host, delivery, event in
      let host = FakeHost.at(host)
      guard let event, host.refusesPublish == 0 else { return host.refusesPublish }
      host.published += 1
      guard host.keepsEvents else { return 0 }
      let payload = UnsafeRawBufferPointer(start: event.pointee.payload.ptr, count: event.pointee.payload.len)
      guard let value = try? JSONSerialization.jsonObject(with: Data(payload)) as? [String: Any] else { return -3 }
      host.events.append(
        Event(
          topic: host.topics[Int(event.pointee.topic_ref) - 1], key: text(event.pointee.key), delivery: delivery,
          payload: value))
      return 0
    }
    api.topic = { host, name in
      FakeHost.at(host).topics.append(text(name))
      return UInt64(FakeHost.at(host).topics.count)
    }
    api.config_get = { _, _, _, _ in -5 }
    api.field = { _, _, _, _ in -5 }
    api.reply = { host, call, rc, result in
      let bytes = UnsafeRawBufferPointer(start: result.ptr, count: result.len)
      let value = try? JSONSerialization.jsonObject(with: Data(bytes), options: .fragmentsAllowed)
      FakeHost.at(host).replies[call] = Answer(rc: rc, payload: value ?? String(decoding: bytes, as: UTF8.self))
      return 0
    }
    api.now = { host, clock in clock == UInt32(BH_CLOCK_MONO) ? FakeHost.at(host).now : 1_700_000_000_000_000_000 }
    return api
  }
}

/// The services beside the core table.
enum FakeServices {
  private static nonisolated(unsafe) let net = makeNet()
  private static nonisolated(unsafe) let timer = makeTimer()
  private static nonisolated(unsafe) let secret = makeSecret()

  static func table(_ name: String) -> UnsafeRawPointer? {
    switch name {
    case BH_NET: UnsafeRawPointer(net)
    case BH_TIMER: UnsafeRawPointer(timer)
    case BH_SECRET: UnsafeRawPointer(secret)
    default: nil
    }
  }

  private static func place<Table>(_ table: Table) -> UnsafePointer<Table> {
    let memory = UnsafeMutablePointer<Table>.allocate(capacity: 1)
    memory.initialize(to: table)
    return UnsafePointer(memory)
  }

  private static func makeNet() -> UnsafePointer<bh_net_v1> {
    var net = bh_net_v1()
    net.size = UInt32(MemoryLayout<bh_net_v1>.size)
    net.version = 1
    net.dial = { host, spec, token in
      FakeHost.at(host).dials += 1
      token?.pointee = 1
      return 0
    }
    net.write = { host, _, _, bytes in
      let line = String(decoding: UnsafeRawBufferPointer(start: bytes.ptr, count: bytes.len), as: UTF8.self)
      FakeHost.at(host).written.append(String(line.dropLast(line.hasSuffix("\r\n") ? 1 : 0)))
      return 0
    }
    net.close = { host, _ in
      FakeHost.at(host).closes += 1
      return 0
    }
    net.reconnect = { host, _, _ in
      FakeHost.at(host).reconnects += 1
      return 0
    }
    net.describe = { _, _, writer, sink in
      let text = Array(#"{"state":"open","tls":true}"#.utf8)
      return text.withUnsafeBytes { writer?(sink, $0.baseAddress, $0.count) ?? -3 }
    }
    return place(net)
  }

  private static func makeTimer() -> UnsafePointer<bh_timer_v1> {
    var timer = bh_timer_v1()
    timer.size = UInt32(MemoryLayout<bh_timer_v1>.size)
    timer.version = 1
    timer.set = { host, name, delay, _, _ in
      let host = FakeHost.at(host)
      host.timers[text(name)] = UInt64(host.now) + delay
      return 0
    }
    timer.cancel = { host, name in
      FakeHost.at(host).timers[text(name)] = nil
      return 0
    }
    return place(timer)
  }

  private static func makeSecret() -> UnsafePointer<bh_secret_v1> {
    var secret = bh_secret_v1()
    secret.size = UInt32(MemoryLayout<bh_secret_v1>.size)
    secret.version = 1
    secret.use = { host, _, use, context in
      let value = Array(FakeHost.at(host).secret.utf8)
      return value.withUnsafeBufferPointer { use?(context, bh_bytes(ptr: $0.baseAddress, len: $0.count)) ?? -3 }
    }
    return place(secret)
  }
}

private func text(_ value: bh_str) -> String {
  String(decoding: UnsafeRawBufferPointer(start: value.ptr, count: value.len), as: UTF8.self)
}

private func text(_ value: bh_bytes) -> String {
  String(decoding: UnsafeRawBufferPointer(start: value.ptr, count: value.len), as: UTF8.self)
}

private func withString<Result>(_ text: String, _ body: (bh_str) -> Result) -> Result {
  Array(text.utf8).withUnsafeBytes {
    body(bh_str(ptr: $0.baseAddress?.assumingMemoryBound(to: CChar.self), len: $0.count))
  }
}
