import CBotHost
import CJSON
import Glibc

/// Text that had to be unescaped, kept as long as the event that it came from.
struct FieldScratch {
  private var pieces: [UnsafeMutableRawPointer] = []
  private var bytes = 0

  /// One event's fields may take so much.
  static let limit = 64 << 20

  var isEmpty: Bool { pieces.isEmpty }

  mutating func take(_ count: Int) -> UnsafeMutablePointer<CChar>? {
    guard bytes + count <= Self.limit, let piece = malloc(max(count, 1)) else { return nil }
    pieces.append(piece)
    bytes += count
    return piece.assumingMemoryBound(to: CChar.self)
  }

  /// Frees all of it.
  mutating func empty() {
    for piece in pieces { free(piece) }
    pieces.removeAll(keepingCapacity: true)
    bytes = 0
  }
}

/// An event that a plugin keeps: one block with the view first, then everything that the view points to.
struct RetainedEvent {
  /// Says that a view is this struct's and not one on a stack.
  var mark: UnsafeRawPointer?
  var scratch: FieldScratch
  var generation: UInt32
  var view: bh_event
}

/// Reading fields and keeping events; no part of it needs to know which bus an event is of.
enum EventAccess {
  nonisolated(unsafe) private static let mark = UnsafeRawPointer(
    UnsafeMutableRawPointer.allocate(byteCount: 1, alignment: 1))
  private static let viewOffset = MemoryLayout<RetainedEvent>.offset(of: \RetainedEvent.view) ?? 0

  /// Copies an event to memory of its own. Nil when there is none left.
  static func retain(_ event: UnsafePointer<bh_event>, generation: UInt32) -> UnsafePointer<bh_event>? {
    let source = event.pointee
    var bytes = source.topic.len + source.source.len + source.key.len + source.correlation_id.len
    bytes += source.content_type.len + source.payload.len
    for index in 0..<Int(source.header_count) {
      guard let headers = source.headers else { break }
      bytes += MemoryLayout<bh_header>.stride + headers[index].name.len + headers[index].value.len
    }
    let header = (MemoryLayout<RetainedEvent>.stride + 15) & ~15
    guard let memory = malloc(header + bytes + EventArena.padding) else { return nil }
    let kept = memory.assumingMemoryBound(to: RetainedEvent.self)
    kept.initialize(to: RetainedEvent(mark: mark, scratch: FieldScratch(), generation: generation, view: source))
    var out = memory + header
    func put(_ bytes: UnsafeRawPointer?, _ count: Int) -> UnsafeMutableRawPointer {
      let place = out
      if let bytes, count > 0 { memcpy(place, bytes, count) }
      out += count
      return place
    }
    func text(_ text: bh_str) -> bh_str {
      bh_str(ptr: put(text.ptr, text.len).assumingMemoryBound(to: CChar.self), len: text.len)
    }
    func blob(_ blob: bh_bytes) -> bh_bytes {
      bh_bytes(ptr: put(blob.ptr, blob.len).assumingMemoryBound(to: UInt8.self), len: blob.len)
    }
    // The headers come first: they have to be aligned.
    if source.header_count > 0, let headers = source.headers {
      let copies = out.assumingMemoryBound(to: bh_header.self)
      out += Int(source.header_count) * MemoryLayout<bh_header>.stride
      for index in 0..<Int(source.header_count) {
        (copies + index).initialize(to: bh_header(name: text(headers[index].name), value: blob(headers[index].value)))
      }
      kept.pointee.view.headers = UnsafePointer(copies)
    }
    kept.pointee.view.payload = blob(source.payload)
    kept.pointee.view.topic = text(source.topic)
    kept.pointee.view.source = text(source.source)
    kept.pointee.view.key = text(source.key)
    kept.pointee.view.correlation_id = text(source.correlation_id)
    kept.pointee.view.content_type = text(source.content_type)
    return UnsafePointer((memory + viewOffset).assumingMemoryBound(to: bh_event.self))
  }

  /// The block of an event from `retain`; nil for any other view.
  static func block(_ event: UnsafePointer<bh_event>) -> UnsafeMutablePointer<RetainedEvent>? {
    let start = UnsafeMutableRawPointer(mutating: UnsafeRawPointer(event)) - viewOffset
    let kept = start.assumingMemoryBound(to: RetainedEvent.self)
    return kept.pointee.mark == mark ? kept : nil
  }

  /// Frees it; the generation that kept it.
  static func release(_ kept: UnsafeMutablePointer<RetainedEvent>) -> UInt32 {
    let generation = kept.pointee.generation
    kept.pointee.mark = nil
    kept.pointee.scratch.empty()
    kept.deinitialize(count: 1)
    free(kept)
    return generation
  }

  /// `bh_host_api.field`.
  static func field(
    _ event: UnsafePointer<bh_event>, _ pointer: bh_str, _ out: UnsafeMutablePointer<bh_value>
  ) -> bh_rc {
    guard out.pointee.size >= UInt32(MemoryLayout<bh_value>.size) else { return bh_rc(BH_E_INVALID) }
    let payload = event.pointee.payload
    guard let bytes = payload.ptr, payload.len > 0, pointer.bytes.count <= 4096 else { return bh_rc(BH_E_INVALID) }
    let json = UnsafeRawPointer(bytes).assumingMemoryBound(to: CChar.self)
    if event.pointee.flags & UInt32(BH_EVENT_JSON) == 0, cj_is_json(json, payload.len, 0) == 0 {
      return bh_rc(BH_E_INVALID)
    }
    var value = cj_value()
    switch cj_field(json, payload.len, pointer.ptr, pointer.bytes.count, &value) {
    case 0: break
    case 1: return bh_rc(BH_E_NOTFOUND)
    default: return bh_rc(BH_E_INVALID)
    }
    out.pointee.kind = value.kind
    out.pointee.i = value.i
    out.pointee.f = value.f
    out.pointee.text = bh_str(ptr: value.text, len: value.length)
    if value.kind == UInt32(BH_VALUE_STRING), value.escaped != 0 {
      return unescape(event, value, out)
    }
    if value.kind < UInt32(BH_VALUE_STRING) { out.pointee.text = bh_str(ptr: nil, len: 0) }
    return bh_rc(BH_OK)
  }

  private static func unescape(
    _ event: UnsafePointer<bh_event>, _ value: cj_value, _ out: UnsafeMutablePointer<bh_value>
  ) -> bh_rc {
    let thread = ThreadContext.current
    let memory: UnsafeMutablePointer<CChar>?
    if let view = thread.pointee.view, UnsafePointer(view) == event {
      memory = thread.pointee.scratch.take(value.length)
    } else if let kept = block(event) {
      memory = kept.pointee.scratch.take(value.length)
    } else {
      // A view of another thread's call: the text lives until this thread asks for much more.
      if thread.pointee.laneCount == 0 { thread.pointee.scratch.empty() }
      memory = thread.pointee.scratch.take(value.length)
    }
    guard let memory else { return bh_rc(BH_E_NOSPACE) }
    out.pointee.text = bh_str(ptr: memory, len: cj_unescape(value.text, value.length, memory))
    return bh_rc(BH_OK)
  }
}
