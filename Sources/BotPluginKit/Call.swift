import CBotHost
import Synchronization

/// A method call as one method or hook sees it: a view that cannot outlive the function. Like ``Event``, it cannot
/// be stored; to answer after the function has returned use ``later()``.
public struct Call: ~Copyable {
  let raw: UnsafePointer<bh_event>
  unowned(unsafe) let owner: Host
  let state: UnsafeMutablePointer<State>

  /// What has become of the call while the function ran.
  enum State { case open, answered, deferred }

  /// The full name, `plugin.method`.
  public var method: BorrowedText { BorrowedText(raw.pointee.topic) }
  /// The calling instance.
  public var caller: BorrowedText { BorrowedText(raw.pointee.source) }
  /// The JSON argument, borrowed.
  public var argument: UnsafeRawBufferPointer { raw.pointee.payload.buffer }
  /// The answer must be there before this reading of ``Host/monotonicTime``; nil: no deadline.
  public var deadline: Int64? { raw.pointee.deadline_mono_ns == 0 ? nil : raw.pointee.deadline_mono_ns }
  /// Carried along from what caused the call, borrowed like it; may be empty.
  public var correlationID: BorrowedText { BorrowedText(raw.pointee.correlation_id) }
  /// Names this call, for `cause:` of calls made on its behalf and `effectOf:`.
  public var token: DeliveryToken { DeliveryToken(rawValue: raw.pointee.delivery) }

  /// The argument as a value. Throws ``PluginError/invalid(_:)`` with the place of the first mismatch.
  public func decode<Value: Decodable>(_ type: Value.Type = Value.self) throws(PluginError) -> Value {
    try JSONCoding.decode(type, from: argument, "the argument of \(method)", code: .invalid)
  }

  /// One member of the argument by JSON pointer (RFC 6901), read in place; nil: there is none.
  public func field(_ pointer: some TextBytes) throws(PluginError) -> FieldValue? {
    try owner.field(pointer, of: raw)
  }

  /// Answers with JSON that lies ready (empty: `null`), once.
  public func reply(json: UnsafeRawBufferPointer) throws(PluginError) {
    guard state.pointee == .open else { throw PluginError(.stale, "\(method) has been answered already") }
    try owner.reply(token, bh_rc(BH_OK), json)
    state.pointee = .answered
  }

  /// Answers with a value as JSON, once.
  public func reply(_ value: some Encodable) throws(PluginError) {
    try JSONCoding.withJSON(of: value) { bytes in Result { () throws(PluginError) in try reply(json: bytes) } }.get()
  }

  /// Takes the duty to answer away from the function.
  public func later() -> PendingCall {
    if state.pointee == .open { state.pointee = .deferred }
    return PendingCall(token: token, host: owner)
  }
}

/// A method call that outlives its function, from ``Call/later()``: answer it once, from any thread, before its
/// deadline. One that is dropped unanswered fails, with a text that says so.
public final class PendingCall: Sendable {
  /// For `cause:` and `effectOf:`.
  public let token: DeliveryToken
  let host: Host
  private let settled = Atomic<Bool>(false)

  init(token: DeliveryToken, host: Host) {
    self.token = token
    self.host = host
  }

  deinit {
    if !settled.load(ordering: .relaxed) {
      try? fail(PluginError.internal("the plugin dropped the call without answering it"))
    }
  }

  /// Answers with a value as JSON.
  public func reply(_ value: some Encodable) throws(PluginError) {
    try JSONCoding.withJSON(of: value) { bytes in Result { () throws(PluginError) in try reply(json: bytes) } }.get()
  }

  /// Answers with JSON that lies ready (empty: `null`).
  public func reply(json: UnsafeRawBufferPointer) throws(PluginError) {
    try claim()
    try host.reply(token, bh_rc(BH_OK), json)
  }

  /// Answers with a failure.
  public func fail(_ why: any Error) throws(PluginError) {
    try claim()
    let error = PluginError(why, otherwise: .internal)
    try error.message.withTextBytes { text in
      Result { () throws(PluginError) in try host.reply(token, error.code.rawValue, text) }
    }.get()
  }

  /// In a hook: passes the call on to those that come after.
  public func pass() throws(PluginError) {
    let calls = try host.require(host.callTable, BH_RPC)
    try claim()
    try PluginError.check(calls.pointee.pass(host.pointer, token.rawValue), "pass a call on")
  }

  /// In a hook: passes the call on with another argument.
  public func pass(amended argument: some Encodable) throws(PluginError) {
    try host.amend(token, argument)
    try pass()
  }

  /// Calls `body` when the call ends without the plugin's doing, so that work for it can stop: with `cancelled` when the caller has
  /// cancelled it or has gone, `timeout` when its deadline has passed, `stale` when this generation ends. Called at most once, on the
  /// lane, between two events; not when the plugin answers the call itself. Any thread may ask; a call takes 16 of these.
  ///
  /// - Throws: `stale` when it is over already; `unsupported` when the host is older than version 1.1 of the ABI.
  public func onEnd(_ body: @escaping @Sendable (PluginError) -> Void) throws(PluginError) {
    try host.onEnd(token, body)
  }

  /// Runs `work` as a task of Swift's own and answers with what it returns or throws. The task is cancelled when the call ends without it
  /// (see ``onEnd(_:)``), and when the plugin is destroyed.
  public func task<Answer: Encodable & SendableMetatype>(_ work: @escaping @Sendable () async throws -> Answer) {
    host.runTask(for: token) {
      do { try self.reply(try await work()) } catch { try? self.fail(error) }
    }
  }

  private func claim() throws(PluginError) {
    if settled.exchange(true, ordering: .acquiringAndReleasing) {
      throw PluginError(.stale, "the call has been answered already")
    }
  }
}

extension Host {
  func reply(_ token: DeliveryToken, _ rc: bh_rc, _ result: UnsafeRawBufferPointer) throws(PluginError) {
    let core = try core
    try PluginError.check(core.pointee.reply(pointer, token.rawValue, rc, bh_bytes(result)), "reply")
  }

  func amend(_ token: DeliveryToken, _ argument: some Encodable) throws(PluginError) {
    let calls = try require(callTable, BH_RPC)
    let rc = try JSONCoding.withJSON(of: argument) { calls.pointee.amend(pointer, token.rawValue, bh_bytes($0)) }
    try PluginError.check(rc, "amend a call")
  }
}
