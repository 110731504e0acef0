import CBotHost
import CFFI
import Glibc
import Synchronization

/// A function of any library, called with an event's fields as its arguments by the C signature that the manifest
/// gives.
///
/// Prepared once, when a generation is loaded: the signature becomes an `ffi_cif`, the bindings an argument program.
/// `handler` and `context` are what the bus enters, in the shape of a `bh_handler`, for events and for methods alike.
/// A call allocates nothing unless it passes long texts.
///
/// What a call does:
/// - A field or header that is missing, or of the wrong type, or out of range, or a `cstring` with a NUL within it,
///   fails the delivery with `BH_E_REJECT` (a method call with `BH_E_INVALID`) and a reason; the library is not
///   called.
/// - With `emits`, what the function returns is published on that topic as one JSON value, as an effect of the
///   delivery, with the delivery's ordering key. `void` publishes `null`, as does a NULL `cstring`; NaN, and text
///   that is not UTF-8, reject the delivery.
/// - A method's result is its reply.
/// - Otherwise an `i32` of a function that takes `self`, `host`, `event` or `delivery`, so was written for bothost,
///   is the handler's answer. Of any other function the result means nothing to bothost, and the delivery is
///   acknowledged.
///
/// Threads: may be entered by any number of threads. The object must outlive every call; `close` it before `bh_host`
/// goes.
public final class ForeignFunction: @unchecked Sendable {
  /// What is done with what the function returns.
  public enum Use: Sendable, Hashable {
    /// A handler; the topic is the manifest's `emits`.
    case handler(emits: String?)
    case method
  }

  /// Why a signature and its bindings cannot be made into calls.
  public struct Problem: Error, Sendable, Hashable, CustomStringConvertible {
    public var message: String
    /// The binding it is about, from 0; nil: the signature or the function.
    public var argument: Int?
    public var description: String { message }
  }

  /// What the call is made with besides the event.
  public struct Environment: @unchecked Sendable {
    /// `bh_self *`; nil for a library without glue.
    public var plugin: OpaquePointer?
    /// The generation's host object and the table that goes with it; valid until `close` has returned true.
    public var host: OpaquePointer
    public var api: UnsafePointer<bh_host_api>

    public init(plugin: OpaquePointer?, host: OpaquePointer, api: UnsafePointer<bh_host_api>) {
      self.plugin = plugin
      self.host = host
      self.api = api
    }
  }

  /// A function of the shape that the bus enters: `bh_handler` and `bh_method`, with any context.
  public typealias Handler = @convention(c) (OpaquePointer?, UnsafePointer<bh_event>?) -> bh_rc

  /// What to call for an event or a method call.
  public let handler: Handler = { context, event in
    guard let context, let event else { return bh_rc(BH_E_INTERNAL) }
    return Unmanaged<ForeignFunction>.fromOpaque(UnsafeRawPointer(context))._withUnsafeGuaranteedRef {
      $0.deliver(event)
    }
  }

  /// What to call it with, in the place of `bh_self *`. Borrowed: keep the object.
  public var context: OpaquePointer { OpaquePointer(Unmanaged.passUnretained(self).toOpaque()) }

  public let name: String
  public let signature: Signature

  private enum Outcome {
    case emit(topic: UInt64)
    case reply
    case answer
    case discard
  }

  private typealias Plain = @convention(c) (UnsafeMutableRawPointer?, UnsafeMutableRawPointer?) -> Int32

  private let function: @convention(c) () -> Void
  /// Set when the C shape is `int32_t (void *, void *)`, which needs no libffi.
  private let plain: Plain?
  private let interface: ForeignInterface
  private let result: Signature.Result
  private let outcome: Outcome
  private let environment: Environment
  private let program: UnsafeMutableBufferPointer<ForeignArgument>
  private let constants: ForeignConstants
  private let callbacks: [ForeignCallback]
  /// What the reader of a failure calls each step of the program.
  private let labels: [String]
  /// The memory of the usual call, and whether one has it.
  private let scratch = ForeignScratch()
  private let isScratchTaken = Atomic<Bool>(false)

  /// The longest text that a function may return.
  static let longestResult = 16 << 20

  /// Prepares calls of `symbol`. `arguments` are the manifest's: one for each parameter that is not implicit.
  ///
  /// Looks the topics of `emits` and of callbacks up in the host, so `create`'s permissions suffice.
  public init(
    _ name: String, at symbol: UnsafeMutableRawPointer, signature: Signature, arguments: [ArgumentBinding], use: Use,
    environment: Environment
  ) throws(Problem) {
    self.name = name
    self.signature = signature
    self.environment = environment
    result = signature.result
    let explicit = signature.parameters.count { !$0.isImplicit }
    guard arguments.count == explicit else {
      throw Problem(
        message: "\(name): \(signature) takes \(explicit) arguments from `args`, which has \(arguments.count)")
    }
    guard signature.argumentCount <= Signature.argumentLimit else {
      throw Problem(message: "\(name): \(signature) has more than \(Signature.argumentLimit) C arguments")
    }
    let constants = ForeignConstants()
    var builder = ForeignProgram(function: name, constants: constants, environment: environment)
    var rest = arguments[...]
    for parameter in signature.parameters {
      let index = arguments.count - rest.count
      try builder.add(parameter, parameter.isImplicit ? nil : rest.popFirst(), at: index)
    }
    let codes = signature.parameters.flatMap(\.ffiCodes)
    guard let interface = ForeignInterface(result: signature.result.ffiCode, arguments: codes) else {
      throw Problem(message: "\(name): libffi cannot call \(signature)")
    }
    switch use {
    case .method: outcome = .reply
    case .handler(let topic?):
      guard let reference = builder.topic(topic) else {
        throw Problem(message: "\(name): \(topic) is no topic to publish on")
      }
      outcome = .emit(topic: reference)
    case .handler(nil):
      let knowsBothost = signature.parameters.contains { [.plugin, .host, .event, .delivery].contains($0) }
      outcome = knowsBothost && signature.result == .scalar(.i32) ? .answer : .discard
    }
    self.interface = interface
    self.constants = constants
    callbacks = builder.callbacks
    labels = builder.labels
    function = unsafeBitCast(symbol, to: (@convention(c) () -> Void).self)
    let isPlain = codes == [FFI_TYPE_POINTER, FFI_TYPE_POINTER] && signature.result == .scalar(.i32)
    plain = isPlain ? unsafeBitCast(symbol, to: Plain.self) : nil
    program = .allocate(capacity: builder.steps.count)
    _ = program.initialize(from: builder.steps)
  }

  deinit {
    program.deallocate()
  }

  /// Ends publishing by callbacks: a library that calls one later calls into nothing. False when one was under way
  /// and did not end within `timeout` nanoseconds; then `bh_host` must stay.
  public func close(timeout: Int64 = 1_000_000_000) -> Bool {
    callbacks.reduce(true) { $1.close(timeout: timeout) && $0 }
  }

  // MARK: A call

  /// Entered by the bus on the instance's lane.
  @inline(__always)
  private func deliver(_ event: UnsafePointer<bh_event>) -> bh_rc {
    let scratch = takeScratch()
    defer { giveBack(scratch) }
    return scratch._withUnsafeGuaranteedRef { scratch in
      defer { scratch.reset() }
      for index in program.indices {
        if let failure = program[index].fill(scratch, event, environment.host, environment.api) {
          return refuse(labels[index], failure, event)
        }
      }
      if callbacks.isEmpty {
        call(scratch)
      } else {
        // What the library calls back from within the call is an effect of this delivery.
        let before = callbacks.map { $0.enter(event.pointee.delivery) }
        call(scratch)
        for (callback, state) in zip(callbacks, before) { callback.leave(state) }
      }
      return conclude(scratch, event)
    }
  }

  @inline(__always)
  private func call(_ scratch: ForeignScratch) {
    if let plain {
      let answer = plain(
        UnsafeMutableRawPointer(bitPattern: UInt(scratch.words[0])),
        UnsafeMutableRawPointer(bitPattern: UInt(scratch.words[1])))
      scratch.result[0] = UInt64(bitPattern: Int64(answer))
    } else {
      ffi_call(interface.cif, function, scratch.result, scratch.places)
    }
  }

  /// Nested and concurrent calls get memory of their own; the usual call takes what is there.
  @inline(__always)
  private func takeScratch() -> Unmanaged<ForeignScratch> {
    if !isScratchTaken.exchange(true, ordering: .acquiring) { return .passUnretained(scratch) }
    return .passRetained(ForeignScratch())
  }

  @inline(__always)
  private func giveBack(_ taken: Unmanaged<ForeignScratch>) {
    if taken.toOpaque() == Unmanaged.passUnretained(scratch).toOpaque() {
      isScratchTaken.store(false, ordering: .releasing)
    } else {
      taken.release()
    }
  }

  @inline(__always)
  private func conclude(_ scratch: ForeignScratch, _ event: UnsafePointer<bh_event>) -> bh_rc {
    switch outcome {
    case .discard: return bh_rc(BH_OK)
    case .answer: return Int32(truncatingIfNeeded: scratch.result[0])
    case .emit(let topic):
      if let failure = writeResult(scratch) { return refuse("what it returned", failure, event) }
      return publish(scratch.writer.bytes, on: topic, for: event)
    case .reply:
      if let failure = writeResult(scratch) { return refuse("what it returned", failure, event) }
      guard let reply = environment.api.pointee.reply else { return bh_rc(BH_E_UNSUPPORTED) }
      let json = scratch.writer.bytes
      let bytes = bh_bytes(ptr: json.baseAddress?.assumingMemoryBound(to: UInt8.self), len: json.count)
      return reply(environment.host, event.pointee.delivery, bh_rc(BH_OK), bytes)
    }
  }

  private func publish(_ json: UnsafeRawBufferPointer, on topic: UInt64, for event: UnsafePointer<bh_event>) -> bh_rc {
    guard let publish = environment.api.pointee.publish else { return bh_rc(BH_E_UNSUPPORTED) }
    var outgoing = bh_outgoing()
    outgoing.size = UInt32(MemoryLayout<bh_outgoing>.size)
    outgoing.topic_ref = topic
    outgoing.key = event.pointee.key
    outgoing.payload = bh_bytes(ptr: json.baseAddress?.assumingMemoryBound(to: UInt8.self), len: json.count)
    return publish(environment.host, event.pointee.delivery, &outgoing)
  }

  /// The result as JSON in the scratch's writer.
  private func writeResult(_ scratch: ForeignScratch) -> ForeignArgument.Failure? {
    scratch.writer.reset()
    let bits = scratch.result[0]
    switch result {
    case .void: scratch.writer.null()
    case .scalar(let scalar): return scratch.writer.write(bits, as: scalar) ? nil : .outOfRange
    case .cstring:
      guard let text = UnsafePointer<CChar>(bitPattern: UInt(bits)) else {
        scratch.writer.null()
        return nil
      }
      // Borrowed until the next call: it is copied here and now.
      let length = strnlen(text, Self.longestResult + 1)
      guard length <= Self.longestResult else { return .outOfRange }
      let bytes = UnsafeRawBufferPointer(start: text, count: length)
      guard isUTF8(bytes) else { return .notUTF8 }
      scratch.writer.string(bytes: bytes)
    }
    return nil
  }

  // MARK: Failures

  /// The cold path: says why, and gives the answer that dead-letters the delivery.
  @inline(never)
  private func refuse(_ label: String, _ failure: ForeignArgument.Failure, _ event: UnsafePointer<bh_event>) -> bh_rc {
    let what =
      switch failure {
      case .missing: "is missing"
      case .notJSON: "cannot be read: the payload is not JSON"
      case .wrongKind(let kind): "is \(Self.kindName(kind)), which is the wrong type"
      case .outOfRange: "does not fit into its type"
      case .embeddedNUL: "holds a NUL, where C's text ends"
      case .notUTF8: "is not UTF-8"
      case .unreadable: "cannot be read"
      }
    let message = "\(name)(\(signature.parameters.map(\.description).joined(separator: ","))): \(label) \(what)"
    let code = if case .reply = outcome { bh_rc(BH_E_INVALID) } else { bh_rc(BH_E_REJECT) }
    environment.say(message, code)
    return code
  }

  private static func kindName(_ kind: UInt32) -> String {
    switch kind {
    case UInt32(BH_VALUE_NULL): "null"
    case UInt32(BH_VALUE_BOOL): "a bool"
    case UInt32(BH_VALUE_INT): "an integer"
    case UInt32(BH_VALUE_DOUBLE): "a number"
    case UInt32(BH_VALUE_STRING): "a string"
    case UInt32(BH_VALUE_LIST): "a list"
    default: "a map"
    }
  }
}

extension ForeignFunction.Environment {
  /// Sets the error of the call under way.
  func say(_ message: String, _ code: bh_rc) {
    var message = message
    message.withUTF8 { text in
      text.withMemoryRebound(to: CChar.self) {
        api.pointee.set_error?(host, code, bh_str(ptr: $0.baseAddress, len: $0.count))
      }
    }
  }

  /// Writes a warning to the host's log.
  func warn(_ message: String) {
    var message = message
    message.withUTF8 { text in
      text.withMemoryRebound(to: CChar.self) {
        api.pointee.log?(host, Int32(BH_LOG_WARNING), bh_str(ptr: $0.baseAddress, len: $0.count), nil, 0)
      }
    }
  }
}

extension JSONWriter {
  /// A C value, given by the bits that libffi leaves in a word. False, with nothing written, for a number that JSON
  /// does not have.
  mutating func write(_ bits: UInt64, as scalar: Signature.Scalar) -> Bool {
    switch scalar {
    case .i8: int(Int64(Int8(truncatingIfNeeded: bits)))
    case .i16: int(Int64(Int16(truncatingIfNeeded: bits)))
    case .i32: int(Int64(Int32(truncatingIfNeeded: bits)))
    case .i64: int(Int64(bitPattern: bits))
    case .u8: uint(UInt64(UInt8(truncatingIfNeeded: bits)))
    case .u16: uint(UInt64(UInt16(truncatingIfNeeded: bits)))
    case .u32: uint(UInt64(UInt32(truncatingIfNeeded: bits)))
    case .u64: uint(bits)
    case .bool: bool(bits & 0xff != 0)
    case .f32:
      let value = Float(bitPattern: UInt32(truncatingIfNeeded: bits))
      guard value.isFinite else { return false }
      double(Double(value))
    case .f64:
      let value = Double(bitPattern: bits)
      guard value.isFinite else { return false }
      double(value)
    }
    return true
  }
}
