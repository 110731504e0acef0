import CBotHost
import CFFI

/// The texts and bytes that a function's constants point to, for as long as the function exists.
final class ForeignConstants: @unchecked Sendable {
  private var blocks: [UnsafeMutableRawPointer] = []

  deinit { for block in blocks { block.deallocate() } }

  /// A copy of a text with a NUL after it.
  func keep(_ text: String) -> UnsafeMutableBufferPointer<CChar> {
    let utf8 = Array(text.utf8)
    let block = UnsafeMutableRawPointer.allocate(byteCount: utf8.count + 1, alignment: 1)
    utf8.withUnsafeBytes { if let base = $0.baseAddress { block.copyMemory(from: base, byteCount: $0.count) } }
    block.storeBytes(of: 0, toByteOffset: utf8.count, as: UInt8.self)
    blocks.append(block)
    return UnsafeMutableBufferPointer(
      start: block.bindMemory(to: CChar.self, capacity: utf8.count + 1), count: utf8.count)
  }
}

/// Makes an argument program out of a signature's parameters and the manifest's bindings.
struct ForeignProgram {
  typealias Problem = ForeignFunction.Problem

  let function: String
  let constants: ForeignConstants
  let environment: ForeignFunction.Environment
  private(set) var steps: [ForeignArgument] = []
  private(set) var labels: [String] = []
  private(set) var callbacks: [ForeignCallback] = []
  private var next = 0

  init(function: String, constants: ForeignConstants, environment: ForeignFunction.Environment) {
    self.function = function
    self.constants = constants
    self.environment = environment
  }

  /// The host's number for a topic; nil when it is none.
  func topic(_ name: String) -> UInt64? {
    let text = constants.keep(name)
    let reference =
      environment.api.pointee.topic?(environment.host, bh_str(ptr: text.baseAddress, len: text.count)) ?? 0
    return reference == 0 ? nil : reference
  }

  /// Adds a parameter. `binding` is nil for the implicit ones; `index` is the binding's place in `args`.
  mutating func add(_ parameter: Signature.Parameter, _ binding: ArgumentBinding?, at index: Int) throws(Problem) {
    func problem(_ message: String) -> Problem { Problem(message: "\(function): \(message)", argument: index) }
    var step = ForeignArgument(source: .constant, target: Self.target(parameter), index: next)
    var label = "\(parameter)"
    switch parameter {
    case .plugin:
      guard let plugin = environment.plugin else {
        throw Problem(message: "\(function): takes self, and a library without bh_plugin_entry_v1 has none")
      }
      step.first = UInt64(UInt(bitPattern: plugin))
    case .host: step.first = UInt64(UInt(bitPattern: environment.host))
    case .pointer: break
    case .delivery: step.source = .delivery
    case .event:
      guard case .event? = binding?.source else { throw problem("an event parameter is bound to $event") }
      step.source = .event
    case .callback(let callback):
      guard case .publish(let topicName, let fields)? = binding?.source else {
        throw problem("a callback is bound to a topic to publish on")
      }
      guard fields.count == callback.fieldCount else {
        throw problem("\(callback) needs \(callback.fieldCount) field names and has \(fields.count)")
      }
      guard let reference = topic(topicName) else { throw problem("\(topicName) is no topic to publish on") }
      let made = ForeignCallback(
        callback, of: function, publishingOn: reference, named: topicName, fields: fields, environment: environment)
      guard let made else { throw problem("libffi can make no function for \(callback)") }
      callbacks.append(made)
      step.first = UInt64(UInt(bitPattern: made.address))
    case .scalar, .cstring, .str, .bytes, .json:
      guard let binding else { throw problem("nothing is bound to \(parameter)") }
      try bind(&step, parameter, binding, &label, problem)
    }
    next += parameter.argumentCount
    steps.append(step)
    labels.append(label)
  }

  private func bind(
    _ step: inout ForeignArgument, _ parameter: Signature.Parameter, _ binding: ArgumentBinding, _ label: inout String,
    _ problem: (String) -> Problem
  ) throws(Problem) {
    switch binding.source {
    case .constant(let value):
      guard let words = convert(value, to: parameter) else { throw problem("the constant \(value) is no \(parameter)") }
      (step.first, step.second) = words
      return
    case .event:
      if case .scalar = parameter { throw problem("$event cannot be passed as \(parameter)") }
      step.source = .payload
      label = "the payload"
    case .field(let pointer):
      step.source = .field
      step.name = keptName(pointer)
      label = pointer.isEmpty ? "the payload" : pointer
    case .header(let name):
      step.source = .header
      step.name = keptName(name)
      label = "header:\(name)"
    case .publish: throw problem("only a callback is bound to a topic")
    }
    if let value = binding.defaultValue {
      guard let words = convert(value, to: parameter) else { throw problem("the default \(value) is no \(parameter)") }
      (step.first, step.second) = words
      step.hasDefault = true
    }
  }

  private func keptName(_ text: String) -> bh_str {
    let kept = constants.keep(text)
    return bh_str(ptr: UnsafePointer(kept.baseAddress), len: kept.count)
  }

  /// A constant as the words of its C arguments; nil when it is of the wrong type. `null` is NULL where C has one.
  private func convert(_ value: JSONValue, to parameter: Signature.Parameter) -> (UInt64, UInt64)? {
    switch (parameter, value) {
    case (.scalar(.bool), .bool(let flag)): return (flag ? 1 : 0, 0)
    case (.scalar(let scalar), .int(let number)): return scalar.bits(number).map { ($0, 0) }
    case (.scalar(let scalar), .double(let number)): return scalar.bits(number).map { ($0, 0) }
    case (.cstring, .null), (.str, .null), (.bytes, .null): return (0, 0)
    case (.cstring, .string(let text)):
      guard !text.utf8.contains(0) else { return nil }
      return words(text)
    case (.str, .string(let text)), (.bytes, .string(let text)): return words(text)
    case (.json, let any): return words(any.serialized())
    default: return nil
    }
  }

  private func words(_ text: String) -> (UInt64, UInt64) {
    let kept = constants.keep(text)
    return (UInt64(UInt(bitPattern: kept.baseAddress)), UInt64(kept.count))
  }

  private static func target(_ parameter: Signature.Parameter) -> ForeignArgument.Target {
    switch parameter {
    case .scalar(let scalar): .scalar(scalar)
    case .cstring: .cstring
    case .str: .str
    case .bytes: .bytes
    case .json: .json
    case .pointer, .plugin, .host, .event, .delivery, .callback: .word
    }
  }
}
