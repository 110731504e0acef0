import CBotHost
import Testing

@testable import BotPluginKit

/// Drives one plugin through its life by the C functions of its descriptor, as the host does.
final class PluginDriver {
  let host: FakeHost
  let descriptor: bh_plugin
  private(set) var me: OpaquePointer?
  private var nextDelivery: UInt64 = 1

  /// Creates the plugin. `failure` is the status of `create`.
  init<Plugin: BotPlugin>(
    _ plugin: Plugin.Type, _ host: FakeHost = FakeHost(), flags: Int = BH_START_FRESH, activate: Bool = true
  ) throws {
    self.host = host
    let entry = try #require(Plugin.entry(0))
    descriptor = entry.assumingMemoryBound(to: bh_plugin.self).pointee
    let rc = Self.create(descriptor, host, flags, &me)
    if rc < 0 { throw PluginError(PluginError.Code(rawValue: rc), host.lastError) }
    if activate { #expect(self.activate() == 0) }
  }

  deinit { destroy() }

  private static func create(
    _ descriptor: bh_plugin, _ host: FakeHost, _ flags: Int, _ me: inout OpaquePointer?
  ) -> bh_rc {
    var start = bh_start()
    start.size = UInt32(MemoryLayout<bh_start>.size)
    start.flags = UInt32(flags)
    start.generation = 3
    return withText("tester") { instance in
      withBytes(host.configuration) { configuration in
        withText("/data/tester") { directory in
          start.instance = instance
          start.config = configuration
          start.data_directory = directory
          return descriptor.create(host.pointer, host.core, &start, &me)
        }
      }
    }
  }

  func destroy() {
    if let me { descriptor.destroy(me) }
    me = nil
  }

  func bind(_ name: String, _ kind: Int = BH_BIND_HANDLER) throws -> UInt32 {
    var binding: UInt32 = 0
    let rc = withText(name) { descriptor.bind(me, UInt32(kind), $0, &binding) }
    if rc < 0 { throw PluginError(PluginError.Code(rawValue: rc), host.lastError) }
    return binding
  }

  func activate() -> bh_rc { descriptor.activate(me) }
  func quiesce() -> bh_rc { descriptor.quiesce(me, 99) }
  func resume() -> bh_rc { descriptor.resume(me) }

  /// Hands an event to the handler of that name; returns the status.
  @discardableResult
  func handle(_ name: String, _ payload: String, key: String = "", topic: String = "chat.message") -> bh_rc {
    guard let binding = bound(name, BH_BIND_HANDLER) else { return bh_rc(BH_E_INTERNAL) }
    return handle(binding: binding, payload, key: key, topic: topic)
  }

  private func bound(_ name: String, _ kind: Int) -> UInt32? {
    do { return try bind(name, kind) } catch {
      Issue.record(error)
      return nil
    }
  }

  @discardableResult
  func handle(binding: UInt32, _ payload: String, key: String = "", topic: String = "chat.message") -> bh_rc {
    event(payload, key, topic) { event in
      event.pointee.binding = binding
      return descriptor.handle(me, event)
    }
  }

  /// Calls a method or a hook by its bound number.
  @discardableResult
  func invoke(_ name: String, _ argument: String, _ kind: Int = BH_BIND_METHOD) -> bh_rc {
    guard let binding = bound(name, kind) else { return bh_rc(BH_E_INTERNAL) }
    return event(argument, "", "tester.\(name)") { event in
      event.pointee.binding = binding
      return withText("tester.\(name)") { descriptor.invoke(me, $0, event) }
    }
  }

  /// Calls a method that the host has not bound.
  func invoke(unbound name: String, _ argument: String) -> bh_rc {
    event(argument, "", name) { event in withText(name) { descriptor.invoke(me, $0, event) } }
  }

  /// The delivery of the last event or call.
  var lastDelivery: UInt64 { nextDelivery - 1 }

  private func event(
    _ payload: String, _ key: String, _ topic: String, _ body: (UnsafeMutablePointer<bh_event>) -> bh_rc
  ) -> bh_rc {
    var event = bh_event()
    event.size = UInt32(MemoryLayout<bh_event>.size)
    event.flags = UInt32(BH_EVENT_JSON | BH_EVENT_REDELIVERED)
    event.id = (7, 8)
    event.seq = 9
    event.time_unix_ns = 10
    event.deadline_mono_ns = 11
    event.attempt = 2
    event.delivery = nextDelivery
    nextDelivery += 1
    return withText(topic) { topic in
      withText(key) { key in
        withText("source") { source in
          withText("corr") { correlation in
            withText("x-trace") { name in
              withBytes("abc") { value in
                withBytes(payload) { payload in
                  var header = bh_header(name: name, value: value)
                  return withUnsafePointer(to: &header) { header in
                    (event.topic, event.key, event.source, event.correlation_id) = (topic, key, source, correlation)
                    event.payload = payload
                    event.headers = header
                    event.header_count = 1
                    return body(&event)
                  }
                }
              }
            }
          }
        }
      }
    }
  }

  func export(_ phase: Int = BH_STATE_FINAL, want: UInt32 = 0) -> (bh_rc, String) {
    let collector = ByteCollector()
    let rc = descriptor.export_state(
      me, UInt32(phase), want, ByteCollector.write, Unmanaged.passUnretained(collector).toOpaque())
    return (rc, String(decoding: collector.bytes, as: UTF8.self))
  }

  func importState(_ state: String, format: String, version: UInt32, _ phase: Int = BH_STATE_FINAL) -> bh_rc {
    withText(format) { format in withBytes(state) { descriptor.import_state(me, UInt32(phase), format, version, $0) } }
  }

  func reconfigure(_ configuration: String) -> bh_rc {
    withBytes(configuration) { descriptor.reconfigure(me, $0) }
  }

  func health() -> String {
    let collector = ByteCollector()
    let rc = descriptor.health(me, ByteCollector.write, Unmanaged.passUnretained(collector).toOpaque())
    return rc < 0 ? "\(rc)" : String(decoding: collector.bytes, as: UTF8.self)
  }
}
