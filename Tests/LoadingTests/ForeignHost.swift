import CBotHost
import Foundation
import Synchronization

@testable import BotHost

/// A host that reads fields out of JSON and keeps what is published and answered.
final class ForeignHost: @unchecked Sendable {
  struct Published: Equatable {
    var topic: UInt64
    var payload: String
    var key: String
    var delivery: UInt64
  }

  struct State {
    var published: [Published] = []
    var replies: [String] = []
    var errors: [String] = []
    var logged: [String] = []
    var topics: [String] = []
  }

  let state = Mutex(State())
  let api: UnsafeMutablePointer<bh_host_api>
  private let keptTexts = Mutex<[UInt]>([])

  var object: OpaquePointer { OpaquePointer(Unmanaged.passUnretained(self).toOpaque()) }
  var environment: ForeignFunction.Environment {
    ForeignFunction.Environment(plugin: nil, host: object, api: UnsafePointer(api))
  }

  var published: [Published] { state.withLock { $0.published } }
  var payloads: [String] { published.map(\.payload) }
  var lastError: String { state.withLock { $0.errors.last ?? "" } }

  static func of(_ host: OpaquePointer?) -> ForeignHost? {
    host.map { Unmanaged<ForeignHost>.fromOpaque(UnsafeRawPointer($0)).takeUnretainedValue() }
  }

  static func text(_ value: bh_str) -> String {
    String(decoding: UnsafeRawBufferPointer(start: value.ptr, count: value.len), as: UTF8.self)
  }

  static func text(_ value: bh_bytes) -> String {
    String(decoding: UnsafeRawBufferPointer(start: value.ptr, count: value.len), as: UTF8.self)
  }

  init() {
    api = .allocate(capacity: 1)
    api.initialize(to: bh_host_api())
    api.pointee.size = UInt32(MemoryLayout<bh_host_api>.size)
    api.pointee.set_error = { host, _, text in
      let message = ForeignHost.text(text)
      ForeignHost.of(host)?.state.withLock { $0.errors.append(message) }
    }
    api.pointee.log = { host, _, text, _, _ in
      let message = ForeignHost.text(text)
      ForeignHost.of(host)?.state.withLock { $0.logged.append(message) }
    }
    api.pointee.topic = { host, name in
      let text = ForeignHost.text(name)
      guard text.contains(".") else { return 0 }
      return ForeignHost.of(host)?.state.withLock { state in
        state.topics.append(text)
        return UInt64(state.topics.count)
      } ?? 0
    }
    api.pointee.publish = { host, delivery, event in
      guard let event else { return bh_rc(BH_E_INVALID) }
      let published = Published(
        topic: event.pointee.topic_ref, payload: ForeignHost.text(event.pointee.payload),
        key: ForeignHost.text(event.pointee.key),
        delivery: delivery)
      ForeignHost.of(host)?.state.withLock { $0.published.append(published) }
      return bh_rc(BH_OK)
    }
    api.pointee.reply = { host, _, _, result in
      let text = ForeignHost.text(result)
      ForeignHost.of(host)?.state.withLock { $0.replies.append(text) }
      return bh_rc(BH_OK)
    }
    api.pointee.config_get = { _, _, _, _ in bh_rc(BH_E_NOTFOUND) }
    api.pointee.field = { host, event, pointer, out in
      guard let event, let out, let this = ForeignHost.of(host) else { return bh_rc(BH_E_INTERNAL) }
      let payload = event.pointee.payload
      guard let json = try? JSONValue(parsing: UnsafeRawBufferPointer(start: payload.ptr, count: payload.len)) else {
        return bh_rc(BH_E_INVALID)
      }
      guard let value = json.value(at: ForeignHost.text(pointer)) else { return bh_rc(BH_E_NOTFOUND) }
      this.fill(out, value)
      return bh_rc(BH_OK)
    }
  }

  deinit {
    api.deallocate()
    keptTexts.withLock { for address in $0 { free(UnsafeMutableRawPointer(bitPattern: address)) } }
  }

  private func fill(_ out: UnsafeMutablePointer<bh_value>, _ value: JSONValue) {
    func set(_ kind: Int, _ text: String) {
      out.pointee.kind = UInt32(kind)
      let bytes = Array(text.utf8)
      let copy = UnsafeMutablePointer<CChar>.allocate(capacity: bytes.count + 1)
      for (index, byte) in bytes.enumerated() { copy[index] = CChar(bitPattern: byte) }
      // No NUL follows: nobody may expect one.
      copy[bytes.count] = 0x21
      out.pointee.text = bh_str(ptr: copy, len: bytes.count)
      let address = UInt(bitPattern: copy)
      keptTexts.withLock { $0.append(address) }
    }
    switch value {
    case .null: out.pointee.kind = UInt32(BH_VALUE_NULL)
    case .bool(let flag):
      out.pointee.kind = UInt32(BH_VALUE_BOOL)
      out.pointee.i = flag ? 1 : 0
    case .int(let number):
      out.pointee.kind = UInt32(BH_VALUE_INT)
      out.pointee.i = number
    case .double(let number):
      out.pointee.kind = UInt32(BH_VALUE_DOUBLE)
      out.pointee.f = number
    case .string(let text): set(BH_VALUE_STRING, text)
    case .array: set(BH_VALUE_LIST, value.serialized())
    case .object: set(BH_VALUE_MAP, value.serialized())
    }
  }

  /// Delivers an event to a function as the bus would.
  func deliver(
    _ function: ForeignFunction, _ payload: String, headers: [String: String] = [:], key: String = "",
    delivery: UInt64 = 77,
    isJSON: Bool = true
  ) -> bh_rc {
    Self.withEvent(payload, headers: headers, key: key, delivery: delivery, isJSON: isJSON) {
      function.handler(function.context, $0)
    }
  }

  static func withEvent<Value>(
    _ payload: String, headers: [String: String] = [:], key: String = "", delivery: UInt64 = 77, isJSON: Bool = true,
    _ body: (UnsafePointer<bh_event>) -> Value
  ) -> Value {
    var kept: [UnsafeMutablePointer<CChar>] = []
    defer { for text in kept { free(text) } }
    func keep(_ text: String) -> (UnsafePointer<CChar>, Int) {
      let copy = strdup(text) ?? .allocate(capacity: 1)
      kept.append(copy)
      return (UnsafePointer(copy), text.utf8.count)
    }
    func bytes(_ text: String) -> bh_bytes {
      let (start, count) = keep(text)
      return bh_bytes(ptr: UnsafeRawPointer(start).assumingMemoryBound(to: UInt8.self), len: count)
    }
    func str(_ text: String) -> bh_str {
      let (start, count) = keep(text)
      return bh_str(ptr: start, len: count)
    }
    let list = headers.map { bh_header(name: str($0.key), value: bytes($0.value)) }
    var event = bh_event()
    event.size = UInt32(MemoryLayout<bh_event>.size)
    event.flags = isJSON ? UInt32(BH_EVENT_JSON) : 0
    event.key = str(key)
    event.payload = bytes(payload)
    event.delivery = delivery
    event.attempt = 1
    return list.withUnsafeBufferPointer { headers in
      event.headers = headers.baseAddress
      event.header_count = UInt32(headers.count)
      return body(&event)
    }
  }
}
