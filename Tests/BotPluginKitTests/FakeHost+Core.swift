import CBotHost
import Foundation
import Synchronization

@testable import BotPluginKit

extension FakeHost {
  static func coreTable() -> bh_host_api {
    var api = bh_host_api()
    api.size = UInt32(MemoryLayout<bh_host_api>.size)
    api.abi_minor = UInt32(BH_ABI_MINOR)
    api.log = { host, level, message, fields, count in
      var line = "\(level) \(text(message))"
      for index in 0..<Int(count) { line += " \(text(fields![index].name))=\(text(fields![index].value))" }
      FakeHost.at(host).state.withLock { $0.log.append(line) }
    }
    api.set_error = { host, code, message in
      let message = text(message)
      FakeHost.at(host).state.withLock { $0.errors.append((code, message)) }
    }
    api.query = { host, name, version in
      let name = text(name)
      guard FakeHost.at(host).offered.contains(name), version <= 1 else { return nil }
      return FakeHost.interface(name)
    }
    api.ack = { host, delivery in FakeHost.at(host).settle(delivery, 0, "", 0) }
    api.nack = { host, delivery, why, after, message in
      FakeHost.at(host).settle(delivery, why, text(message), after)
    }
    api.publish = { host, delivery, event in
      let host = FakeHost.at(host)
      if let refusal = host.refusal("publish") { return refusal }
      let event = event!.pointee
      var headers: [String: String] = [:]
      for index in 0..<Int(event.header_count) {
        headers[text(event.headers[index].name)] = text(event.headers[index].value)
      }
      var published = Published(
        topic: text(event.topic), payload: text(event.payload), key: text(event.key), delivery: delivery,
        contentType: text(event.content_type), correlation: text(event.correlation_id), headers: headers)
      let reference = Int(event.topic_ref)
      let notice = event.settled.map { Notice(settled: $0, context: event.settled_context) }
      host.state.withLock { state in
        if reference > 0 { published.topic = state.topics[reference - 1] }
        state.published.append(published)
        if let notice { state.notices.append(notice) }
      }
      return 0
    }
    api.topic = { host, name in
      let name = text(name)
      if name.isEmpty || name.contains(" ") { return 0 }
      return FakeHost.at(host).state.withLock { state in
        state.topics.append(name)
        return UInt64(state.topics.count)
      }
    }
    api.config_get = { host, pointer, writer, sink in
      let host = FakeHost.at(host)
      let whole = try? JSONSerialization.jsonObject(with: Data(host.configuration.utf8))
      let key = text(pointer).dropFirst()
      let part = key.isEmpty ? whole : (whole as? [String: Any])?[String(key)]
      guard let part, let data = try? JSONSerialization.data(withJSONObject: part, options: .fragmentsAllowed) else {
        return bh_rc(BH_E_NOTFOUND)
      }
      // In two pieces: a writer may be called several times.
      let half = data.count / 2
      return data.withUnsafeBytes { bytes in
        let first = writer!(sink, bytes.baseAddress, half)
        return first < 0 ? first : writer!(sink, bytes.baseAddress! + half, bytes.count - half)
      }
    }
    api.field = { _, event, pointer, out in FakeHost.field(event!.pointee, text(pointer), out!) }
    api.retain = { host, event, kept in
      let copy = UnsafeMutablePointer<bh_event>.allocate(capacity: 1)
      copy.initialize(to: event!.pointee)
      // The payload of a kept event is the host's own memory.
      let payload = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: event!.pointee.payload.len)
      _ = payload.initialize(from: event!.pointee.payload.buffer)
      copy.pointee.payload = bh_bytes(UnsafeRawBufferPointer(payload))
      kept!.pointee = UnsafePointer(copy)
      FakeHost.at(host).state.withLock { $0.retained += 1 }
      return 0
    }
    api.release = { host, kept in
      kept!.pointee.payload.ptr?.deallocate()
      kept!.deallocate()
      FakeHost.at(host).state.withLock { $0.released += 1 }
    }
    api.reply = { host, call, rc, result in
      let result = text(result)
      return FakeHost.at(host).state.withLock { state in
        if state.replies.contains(where: { $0.call == call }) { return bh_rc(BH_E_STALE) }
        state.replies.append(Reply(call: call, rc: rc, text: result))
        return 0
      }
    }
    api.ending = { FakeHost.at($0).state.withLock { $0.ending } }
    api.on_end = { host, token, ended, context in
      let watcher = Watcher(ended: ended!, context: context)
      return FakeHost.at(host).state.withLock { state in
        if state.settled.contains(where: { $0.delivery == token }) { return bh_rc(BH_E_STALE) }
        state.watchers[token, default: []].append(watcher)
        return 0
      }
    }
    api.now = { _, clock in clock == UInt32(BH_CLOCK_MONO) ? 1_000 : 2_000 }
    return api
  }

  private func settle(_ delivery: UInt64, _ rc: Int32, _ message: String, _ after: UInt64) -> bh_rc {
    state.withLock { state in
      if state.settled.contains(where: { $0.delivery == delivery }) { return bh_rc(BH_E_STALE) }
      state.settled.append(Settled(delivery: delivery, rc: rc, message: message, retryAfter: after))
      return 0
    }
  }

  /// One level of JSON is enough for the kit's own tests: the host's reader has its own.
  private static func field(_ event: bh_event, _ pointer: String, _ out: UnsafeMutablePointer<bh_value>) -> bh_rc {
    guard let whole = try? JSONSerialization.jsonObject(with: Data(event.payload.buffer)) as? [String: Any] else {
      return bh_rc(BH_E_INVALID)
    }
    guard let value = whole[String(pointer.dropFirst())] else { return bh_rc(BH_E_NOTFOUND) }
    func keep(_ text: String) -> bh_str {
      // As long as the event: the test's process.
      bh_str(UnsafeRawBufferPointer(start: strdup(text), count: text.utf8.count))
    }
    switch value {
    case is NSNull: out.pointee.kind = UInt32(BH_VALUE_NULL)
    case let string as String:
      out.pointee.kind = UInt32(BH_VALUE_STRING)
      out.pointee.text = keep(string)
    case let number as NSNumber:
      let type = String(cString: number.objCType)
      if type == "c" {
        out.pointee.kind = UInt32(BH_VALUE_BOOL)
        out.pointee.i = number.int64Value
      } else if type == "d" {
        out.pointee.kind = UInt32(BH_VALUE_DOUBLE)
        out.pointee.f = number.doubleValue
      } else {
        out.pointee.kind = UInt32(BH_VALUE_INT)
        out.pointee.i = number.int64Value
      }
    default:
      out.pointee.kind = UInt32(value is [Any] ? BH_VALUE_LIST : BH_VALUE_MAP)
      let data = (try? JSONSerialization.data(withJSONObject: value, options: .sortedKeys)) ?? Data()
      out.pointee.text = keep(String(decoding: data, as: UTF8.self))
    }
    return 0
  }
}
