import CBotHost
import Synchronization

/// A call under way, from ``Host/call(_:_:timeout:cause:returning:_:)``.
public struct OutgoingCall: Sendable {
  let host: Host
  let token: UInt64

  /// Ends it early: its completion comes with `cancelled`.
  public func cancel() throws(PluginError) {
    let calls = try host.require(host.callTable, BH_RPC)
    try PluginError.check(calls.pointee.cancel(host.pointer, token), "cancel a call")
  }
}

/// Waits for the end of one call.
private final class Completion {
  let finish: (Result<[UInt8], PluginError>) -> Void
  init(_ finish: @escaping (Result<[UInt8], PluginError>) -> Void) { self.finish = finish }

  static let done: bh_call_done = { context, rc, result in
    guard let context else { return }
    let completion = Unmanaged<Completion>.fromOpaque(context).takeRetainedValue()
    if rc < 0 {
      completion.finish(
        .failure(PluginError(PluginError.Code(rawValue: rc), String(decoding: result.buffer, as: UTF8.self))))
    } else {
      completion.finish(.success(Array(result.buffer)))
    }
  }
}

extension Host {
  /// Calls `instance.method` with a value as its JSON argument. Never blocks.
  ///
  /// Call it from the lane. `completion` runs on the lane, too, between two events, so it may touch the plugin; it
  /// is called once in every case, before the plugin is destroyed: with `cancelled` or `stale` when this generation ends
  /// before the answer has come. Not when this throws.
  /// - Parameters:
  ///   - timeout: nil for the method's own.
  ///   - cause: the delivery or call on whose behalf it is made; a call that would wait for itself is refused with
  ///     `cycle`.
  ///   - returning: the type of the answer.
  @discardableResult
  public func call<Answer: Decodable>(
    _ method: String, _ argument: some Encodable = NoArgument(), timeout: Duration? = nil,
    cause: DeliveryToken = .none, returning: Answer.Type = Answer.self,
    _ completion: @escaping (Result<Answer, PluginError>) -> Void
  ) throws(PluginError) -> OutgoingCall {
    try call(method, argument, timeout, cause) { result in
      completion(result.flatMap { Self.answer(Answer.self, $0, method) })
    }
  }

  /// Calls a method from a task (``Delivery/task(_:)``, ``PendingCall/task(_:)``) and waits for the answer.
  /// Cancelling the task cancels the call. Not for the lane, which knows no Swift concurrency.
  public func call<Answer: Decodable>(
    _ method: String, _ argument: some Encodable = NoArgument(), timeout: Duration? = nil,
    cause: DeliveryToken = .none, returning: Answer.Type = Answer.self
  ) async throws -> Answer {
    let started = Mutex<OutgoingCall?>(nil)
    let bytes = try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { (waiting: CheckedContinuation<[UInt8], any Error>) in
        do {
          let call = try self.call(method, argument, timeout, cause) { waiting.resume(with: $0) }
          started.withLock { $0 = call }
          if Task.isCancelled { try? call.cancel() }
        } catch {
          waiting.resume(throwing: error)
        }
      }
    } onCancel: {
      if let call = started.withLock({ $0 }) { try? call.cancel() }
    }
    return try Self.answer(Answer.self, bytes, method).get()
  }

  private func call(
    _ method: String, _ argument: some Encodable, _ timeout: Duration?, _ cause: DeliveryToken,
    _ finish: @escaping (Result<[UInt8], PluginError>) -> Void
  ) throws(PluginError) -> OutgoingCall {
    let calls = try require(callTable, BH_RPC)
    var token: bh_token = 0
    let context = Unmanaged.passRetained(Completion(finish))
    let rc: bh_rc
    do {
      rc = try JSONCoding.withJSON(of: argument) { bytes in
        method.withABIText {
          calls.pointee.call(
            pointer, cause.rawValue, $0, bh_bytes(bytes), timeout?.abiNanoseconds ?? 0, Completion.done,
            context.toOpaque(), &token)
        }
      }
    } catch {
      context.release()
      throw error
    }
    if rc < 0 { context.release() }
    try PluginError.check(rc, "call \(method)")
    return OutgoingCall(host: self, token: token)
  }

  private static func answer<Answer: Decodable>(
    _ type: Answer.Type, _ bytes: [UInt8], _ method: String
  ) -> Result<Answer, PluginError> {
    bytes.withUnsafeBytes { bytes in
      Result { () throws(PluginError) in
        if bytes.isEmpty, let nothing = NoAnswer() as? Answer { return nothing }
        return try JSONCoding.decode(type, from: bytes, "the answer of \(method)", code: .invalid)
      }
    }
  }
}

/// The argument of a method that takes none: an empty object.
public struct NoArgument: Codable, Sendable {
  public init() {}
}

/// The answer of a method that gives none; it reads from any JSON, which it ignores.
public struct NoAnswer: Codable, Sendable {
  public init() {}
  public init(from decoder: any Decoder) throws {}
}
