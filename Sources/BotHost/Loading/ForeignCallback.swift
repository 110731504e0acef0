import CBotHost
import CFFI
import Glibc
import Synchronization

/// A C function, made at run time, that publishes an event whenever the library calls it.
///
/// A library may keep the function for ever, and nobody can tell when it has forgotten it. So the function's own
/// memory is never given back (one for each callback parameter and load), and what `close` ends is what it does. An
/// image that got one is never unmapped.
final class ForeignCallback: @unchecked Sendable {
  /// What to give to the library.
  let address: UnsafeMutableRawPointer

  private let callback: Signature.Callback
  private let interface: ForeignInterface
  private let fields: [String]
  private let topic: UInt64
  private let topicName: String
  private let function: String
  private let environment: ForeignFunction.Environment
  private let isClosed = Atomic<Bool>(false)
  private let running = Atomic<Int>(0)
  /// The delivery within whose call the library is now, and the thread that made the call.
  private let delivery = Atomic<UInt64>(0)
  private let thread = Atomic<UInt>(0)

  init?(
    _ callback: Signature.Callback, of function: String, publishingOn topic: UInt64, named topicName: String,
    fields: [String],
    environment: ForeignFunction.Environment
  ) {
    guard
      let interface = ForeignInterface(result: callback.result.ffiCode, arguments: callback.items.flatMap(\.ffiCodes))
    else { return nil }
    var code: UnsafeMutableRawPointer?
    guard let memory = ffi_closure_alloc(MemoryLayout<ffi_closure>.size, &code), let code else { return nil }
    address = code
    self.callback = callback
    self.interface = interface
    self.fields = fields
    self.topic = topic
    self.topicName = topicName
    self.function = function
    self.environment = environment
    let entry:
      @convention(c) (
        UnsafeMutablePointer<ffi_cif>?, UnsafeMutableRawPointer?, UnsafeMutablePointer<UnsafeMutableRawPointer?>?,
        UnsafeMutableRawPointer?
      ) -> Void = { _, result, arguments, context in
        guard let context else { return }
        Unmanaged<ForeignCallback>.fromOpaque(context)._withUnsafeGuaranteedRef { $0.called(arguments, result) }
      }
    let context = Unmanaged.passRetained(self)
    guard
      ffi_prep_closure_loc(
        memory.assumingMemoryBound(to: ffi_closure.self), interface.cif, entry, context.toOpaque(), code) == FFI_OK
    else {
      context.release()
      ffi_closure_free(memory)
      return nil
    }
  }

  /// Says within which delivery the calls that follow on this thread are, and gives what was said before.
  func enter(_ token: bh_token) -> (delivery: UInt64, thread: UInt) {
    (
      delivery.exchange(token, ordering: .relaxed),
      thread.exchange(UInt(pthread_self()), ordering: .releasing)
    )
  }

  func leave(_ before: (delivery: UInt64, thread: UInt)) {
    thread.store(before.thread, ordering: .relaxed)
    delivery.store(before.delivery, ordering: .releasing)
  }

  /// See `ForeignFunction.close`.
  func close(timeout: Int64) -> Bool {
    isClosed.store(true, ordering: .sequentiallyConsistent)
    let clock = SystemClock()
    let deadline = clock.monotonic &+ timeout
    while running.load(ordering: .sequentiallyConsistent) > 0 {
      guard clock.monotonic < deadline else { return false }
      sched_yield()
    }
    return true
  }

  private func called(_ arguments: UnsafeMutablePointer<UnsafeMutableRawPointer?>?, _ result: UnsafeMutableRawPointer?)
  {
    // libffi wants a whole word for small results; a callback's result is always zero.
    if callback.result != .void { result?.storeBytes(of: 0, as: UInt64.self) }
    running.wrappingAdd(1, ordering: .sequentiallyConsistent)
    defer { running.wrappingSubtract(1, ordering: .sequentiallyConsistent) }
    guard !isClosed.load(ordering: .sequentiallyConsistent) else { return }

    var writer = JSONWriter()
    guard write(arguments, &writer) else {
      return environment.warn(
        "\(function): its callback passed a value that JSON does not have; nothing is published on \(topicName)")
    }
    let json = writer.bytes
    var outgoing = bh_outgoing()
    outgoing.size = UInt32(MemoryLayout<bh_outgoing>.size)
    outgoing.topic_ref = topic
    outgoing.payload = bh_bytes(ptr: json.baseAddress?.assumingMemoryBound(to: UInt8.self), len: json.count)
    let isWithin = thread.load(ordering: .acquiring) == UInt(pthread_self())
    let token = isWithin ? delivery.load(ordering: .relaxed) : 0
    let code = environment.api.pointee.publish?(environment.host, token, &outgoing) ?? bh_rc(BH_E_UNSUPPORTED)
    if code < 0 {
      environment.warn("\(function): what its callback passed could not be published on \(topicName) (\(code))")
    }
  }

  /// What the library passed, as an object. False when there is something that JSON does not have.
  private func write(_ arguments: UnsafeMutablePointer<UnsafeMutableRawPointer?>?, _ writer: inout JSONWriter) -> Bool {
    var index = 0
    var field = 0
    func next() -> UnsafeMutableRawPointer? {
      defer { index += 1 }
      return arguments?[index]
    }
    writer.beginObject()
    for item in callback.items {
      if item == .pointer {
        _ = next()
        continue
      }
      writer.key(fields[field])
      field += 1
      guard let place = next() else { return false }
      switch item {
      case .pointer: break
      case .scalar(let scalar):
        guard writer.write(Self.bits(place, scalar), as: scalar) else { return false }
      case .cstring:
        guard let text = place.load(as: UnsafePointer<CChar>?.self) else {
          writer.null()
          continue
        }
        let length = strnlen(text, ForeignFunction.longestResult + 1)
        guard length <= ForeignFunction.longestResult else { return false }
        writer.string(bytes: UnsafeRawBufferPointer(start: text, count: length))
      case .str, .bytes:
        let start = place.load(as: UnsafeRawPointer?.self)
        guard let length = next()?.load(as: UInt.self), length <= UInt(ForeignFunction.longestResult) else {
          return false
        }
        guard let start else {
          writer.null()
          continue
        }
        let bytes = UnsafeRawBufferPointer(start: start, count: Int(length))
        if item == .str { writer.string(bytes: bytes) } else { writer.string(Self.base64(bytes)) }
      }
    }
    writer.endObject()
    return true
  }

  /// A closure's arguments lie in memory in their own size.
  private static func bits(_ place: UnsafeMutableRawPointer, _ scalar: Signature.Scalar) -> UInt64 {
    switch scalar {
    case .i8, .u8, .bool: UInt64(place.load(as: UInt8.self))
    case .i16, .u16: UInt64(place.load(as: UInt16.self))
    case .i32, .u32, .f32: UInt64(place.load(as: UInt32.self))
    case .i64, .u64, .f64: place.load(as: UInt64.self)
    }
  }

  /// RFC 4648, section 4: bytes that need be no text.
  private static func base64(_ bytes: UnsafeRawBufferPointer) -> String {
    let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    var text: [UInt8] = []
    text.reserveCapacity((bytes.count + 2) / 3 * 4)
    for start in stride(from: 0, to: bytes.count, by: 3) {
      let count = min(3, bytes.count - start)
      var group: UInt32 = 0
      for offset in 0..<3 { group = group << 8 | (offset < count ? UInt32(bytes[start + offset]) : 0) }
      for place in 0..<4 {
        text.append(place <= count ? digits[Int(group >> UInt32(18 - 6 * place) & 63)] : UInt8(ascii: "="))
      }
    }
    return String(decoding: text, as: UTF8.self)
  }
}
