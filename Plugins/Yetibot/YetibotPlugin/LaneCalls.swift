import BotPluginKit

/// Calls other plugins' methods for the evaluator's threads: calls are made on the lane.
struct LaneCalls: Sendable {
  let host: Host
  let plugin: LaneConfined<YetibotPlugin>

  /// Calls a method and waits for the answer, no longer than `milliseconds`.
  ///
  /// - Parameters:
  ///   - cause: the delivery or call on whose behalf it is made.
  ///   - patience: of whoever waits for what comes of it.
  func ask<Answer: Decodable & Sendable>(
    _ method: String, _ argument: some Encodable & Sendable, cause: DeliveryToken, milliseconds: Int64,
    _ patience: Patience?, returning: Answer.Type = Answer.self
  ) throws(PluginError) -> Answer {
    let slot = AnswerSlot<Answer>()
    try start(method, argument, .milliseconds(milliseconds), cause) { slot.fill($0) }
    // The host tells of the end of the time; the lane may be late.
    return try slot.wait(milliseconds: milliseconds + 1000, patience)
  }

  /// Calls a method for which nobody waits, in the method's own time. `done` runs on the lane.
  func tell(
    _ method: String, _ argument: some Encodable & Sendable,
    _ done: @escaping @Sendable (Result<NoAnswer, PluginError>) -> Void
  ) throws(PluginError) {
    try start(method, argument, nil, .none, done)
  }

  private func start<Answer: Decodable & Sendable>(
    _ method: String, _ argument: some Encodable & Sendable, _ timeout: Duration?, _ cause: DeliveryToken,
    _ done: @escaping @Sendable (Result<Answer, PluginError>) -> Void
  ) throws(PluginError) {
    try host.onLane(plugin) { [host] _ in
      do throws(PluginError) {
        try host.call(method, argument, timeout: timeout, cause: cause, returning: Answer.self, done)
      } catch {
        done(.failure(error))
      }
    }
  }
}
