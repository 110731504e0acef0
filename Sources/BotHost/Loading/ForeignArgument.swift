import CBotHost
import Glibc

/// One step of an argument program: where a parameter's value comes from and which C arguments it fills. Trivial, so
/// that going through the program touches no reference count.
struct ForeignArgument {
  /// Where the value comes from.
  enum Source: UInt8 {
    /// A word that is known before the call: a constant, `self`, `host`, NULL, a callback's address.
    case constant
    case event
    case delivery
    case payload
    case field
    case header
  }

  /// What the parameter takes.
  enum Target {
    case scalar(Signature.Scalar)
    case cstring
    case str
    case bytes
    case json
    /// A pointer that needs no conversion.
    case word
  }

  /// Why a delivery cannot be turned into a call.
  enum Failure {
    case missing
    case notJSON
    /// The kind that was found.
    case wrongKind(UInt32)
    case outOfRange
    case embeddedNUL
    case notUTF8
    case unreadable
  }

  var source: Source
  var target: Target
  /// The pointer's or header's text, owned by the function.
  var name = bh_str()
  /// The C argument that it fills, and for two-part types the one after it.
  var index: Int
  /// A constant's words, or those of the default when `hasDefault`.
  var first: UInt64 = 0
  var second: UInt64 = 0
  var hasDefault = false

  /// Fills the argument's words. Nil when that worked.
  @inline(__always)
  func fill(
    _ scratch: ForeignScratch, _ event: UnsafePointer<bh_event>, _ host: OpaquePointer,
    _ api: UnsafePointer<bh_host_api>
  ) -> Failure? {
    let words = scratch.words + index
    switch source {
    case .constant:
      set(words, first, second)
      return nil
    case .event:
      words[0] = UInt64(UInt(bitPattern: event))
      return nil
    case .delivery:
      words[0] = event.pointee.delivery
      return nil
    case .payload: return fillPayload(scratch, words, event)
    case .field: return fillField(scratch, words, event, host, api)
    case .header: return fillHeader(scratch, words, event)
    }
  }

  @inline(__always)
  private func set(_ words: UnsafeMutablePointer<UInt64>, _ first: UInt64, _ second: UInt64) {
    words[0] = first
    switch target {
    case .str, .bytes, .json: words[1] = second
    default: break
    }
  }

  private func fillDefault(_ words: UnsafeMutablePointer<UInt64>) -> Failure? {
    guard hasDefault else { return .missing }
    set(words, first, second)
    return nil
  }

  // MARK: The payload as it is

  private func fillPayload(
    _ scratch: ForeignScratch, _ words: UnsafeMutablePointer<UInt64>, _ event: UnsafePointer<bh_event>
  ) -> Failure? {
    let payload = event.pointee.payload
    if case .json = target, event.pointee.flags & UInt32(BH_EVENT_JSON) == 0 { return .notJSON }
    return fillText(scratch, words, UnsafeRawBufferPointer(start: payload.ptr, count: payload.len), checked: false)
  }

  // MARK: A field of the payload

  @inline(__always)
  private func fillField(
    _ scratch: ForeignScratch, _ words: UnsafeMutablePointer<UInt64>, _ event: UnsafePointer<bh_event>,
    _ host: OpaquePointer,
    _ api: UnsafePointer<bh_host_api>
  ) -> Failure? {
    var value = bh_value()
    value.size = UInt32(MemoryLayout<bh_value>.size)
    guard let field = api.pointee.field else { return .unreadable }
    switch field(host, event, name, &value) {
    case bh_rc(BH_OK): break
    case bh_rc(BH_E_NOTFOUND): return fillDefault(words)
    case bh_rc(BH_E_INVALID): return .notJSON
    default: return .unreadable
    }
    switch target {
    case .scalar(let scalar): return fillScalar(words, value, scalar)
    case .cstring, .str, .bytes:
      guard value.kind == UInt32(BH_VALUE_STRING) else { return .wrongKind(value.kind) }
      return fillText(
        scratch, words, UnsafeRawBufferPointer(start: value.text.ptr, count: value.text.len), checked: true)
    case .json:
      fillJSON(scratch, words, value)
      return nil
    case .word: return .wrongKind(value.kind)
    }
  }

  @inline(__always)
  private func fillScalar(_ words: UnsafeMutablePointer<UInt64>, _ value: bh_value, _ scalar: Signature.Scalar)
    -> Failure?
  {
    switch value.kind {
    case UInt32(BH_VALUE_INT):
      if scalar == .bool { return .wrongKind(value.kind) }
      guard let bits = scalar.bits(value.i) else { return .outOfRange }
      words[0] = bits
    case UInt32(BH_VALUE_DOUBLE):
      if scalar == .bool { return .wrongKind(value.kind) }
      guard let bits = scalar.bits(value.f) else { return .outOfRange }
      words[0] = bits
    case UInt32(BH_VALUE_BOOL):
      guard scalar == .bool else { return .wrongKind(value.kind) }
      words[0] = value.i == 0 ? 0 : 1
    default: return .wrongKind(value.kind)
    }
    return nil
  }

  private func fillJSON(_ scratch: ForeignScratch, _ words: UnsafeMutablePointer<UInt64>, _ value: bh_value) {
    switch value.kind {
    case UInt32(BH_VALUE_LIST), UInt32(BH_VALUE_MAP):
      set(words, UInt64(UInt(bitPattern: value.text.ptr)), UInt64(value.text.len))
      return
    default: break
    }
    scratch.writer.reset()
    switch value.kind {
    case UInt32(BH_VALUE_BOOL): scratch.writer.bool(value.i != 0)
    case UInt32(BH_VALUE_INT): scratch.writer.int(value.i)
    case UInt32(BH_VALUE_DOUBLE): scratch.writer.double(value.f)
    case UInt32(BH_VALUE_STRING):
      scratch.writer.string(bytes: UnsafeRawBufferPointer(start: value.text.ptr, count: value.text.len))
    default: scratch.writer.null()
    }
    let text = scratch.writer.bytes
    set(words, UInt64(UInt(bitPattern: scratch.terminated(text.baseAddress, text.count))), UInt64(text.count))
  }

  // MARK: A header

  private func fillHeader(
    _ scratch: ForeignScratch, _ words: UnsafeMutablePointer<UInt64>, _ event: UnsafePointer<bh_event>
  ) -> Failure? {
    let headers = UnsafeBufferPointer(start: event.pointee.headers, count: Int(event.pointee.header_count))
    for header in headers where header.name.len == name.len {
      guard name.len == 0 || memcmp(header.name.ptr, name.ptr, name.len) == 0 else { continue }
      let text = UnsafeRawBufferPointer(start: header.value.ptr, count: header.value.len)
      switch target {
      case .scalar(let scalar): return fillScalar(words, parsing: text, scalar)
      case .cstring, .str, .bytes: return fillText(scratch, words, text, checked: false)
      case .json:
        scratch.writer.reset()
        scratch.writer.string(bytes: text)
        let json = scratch.writer.bytes
        set(words, UInt64(UInt(bitPattern: scratch.terminated(json.baseAddress, json.count))), UInt64(json.count))
        return nil
      case .word: return .wrongKind(UInt32(BH_VALUE_STRING))
      }
    }
    return fillDefault(words)
  }

  /// A header is text; a number in it is one as JSON would write it.
  private func fillScalar(
    _ words: UnsafeMutablePointer<UInt64>, parsing text: UnsafeRawBufferPointer, _ scalar: Signature.Scalar
  ) -> Failure? {
    let failure = Failure.wrongKind(UInt32(BH_VALUE_STRING))
    guard text.count <= 64, let json = try? JSONValue(parsing: text) else { return failure }
    switch json {
    case .bool(let value):
      guard scalar == .bool else { return failure }
      words[0] = value ? 1 : 0
    case .int(let value):
      guard scalar != .bool else { return failure }
      guard let bits = scalar.bits(value) else { return .outOfRange }
      words[0] = bits
    case .double(let value):
      guard scalar != .bool else { return failure }
      guard let bits = scalar.bits(value) else { return .outOfRange }
      words[0] = bits
    default: return failure
    }
    return nil
  }

  // MARK: Text

  /// `checked`: it is known to be UTF-8.
  @inline(__always)
  private func fillText(
    _ scratch: ForeignScratch, _ words: UnsafeMutablePointer<UInt64>, _ text: UnsafeRawBufferPointer, checked: Bool
  ) -> Failure? {
    switch target {
    case .bytes, .json: set(words, UInt64(UInt(bitPattern: text.baseAddress)), UInt64(text.count))
    case .str:
      if !checked, !isUTF8(text) { return .notUTF8 }
      set(words, UInt64(UInt(bitPattern: text.baseAddress)), UInt64(text.count))
    case .cstring:
      if !checked, !isUTF8(text) { return .notUTF8 }
      if let base = text.baseAddress, memchr(base, 0, text.count) != nil { return .embeddedNUL }
      words[0] = UInt64(UInt(bitPattern: scratch.terminated(text.baseAddress, text.count)))
    case .scalar, .word: return .wrongKind(UInt32(BH_VALUE_STRING))
    }
    return nil
  }
}

/// Whether bytes are well-formed UTF-8.
func isUTF8(_ bytes: UnsafeRawBufferPointer) -> Bool {
  var at = 0
  while at < bytes.count {
    if bytes[at] < 0x80 {
      at &+= 1
      continue
    }
    let length = UTF8Scan.length(at: at, in: bytes)
    guard length > 0 else { return false }
    at &+= length
  }
  return true
}
