/// What a running bot does to the world. The host fulfils it; nothing here waits.
///
/// All calls come from the thread that called the runtime.
public protocol BotEffects: AnyObject {
  /// Calls a method.
  ///
  /// - Parameters:
  ///   - call: to be given back to `BotRuntime.complete`, once, also from within this function.
  ///   - method: an index into `BotRuntime.methods`, which begin as `BotProgram.methods`.
  ///   - argument: JSON text, borrowed until the function returns.
  ///   - delivery: the delivery that causes the call.
  func call(_ call: BotCallToken, method: Int, argument: UnsafeRawBufferPointer, delivery: UInt64)

  /// Writes a line to standard output; the text, without a line feed, is borrowed until the function returns.
  func print(_ line: UnsafeRawBufferPointer)

  /// All handlers of an event have ended and all their calls have been answered. Not called for a delivery for which
  /// `deliver` returned `.done`.
  func settled(_ delivery: UInt64, failure: BotFailure?)
}

/// A call under way.
public struct BotCallToken: Sendable, Hashable {
  /// Nothing is to be read out of it; it fits where the C ABI wants a context.
  public let rawValue: UInt64

  public init(rawValue: UInt64) { self.rawValue = rawValue }

  /// 16 bits for the run, 24 for its generation, 24 for the call within it.
  init(run: Int, generation: UInt32, call: Int) {
    rawValue = UInt64(run) | UInt64(generation & 0xFF_FFFF) << 16 | UInt64(call) << 40
  }

  var run: Int { Int(rawValue & 0xFFFF) }
  var generation: UInt32 { UInt32(rawValue >> 16 & 0xFF_FFFF) }
  var call: Int { Int(rawValue >> 40) }
}

/// How a method call ended.
public enum BotCallResult {
  /// JSON text, borrowed; empty for none.
  case value(UnsafeRawBufferPointer)
  case failure(String)
}

/// Why a handler ended early. One that a failed `expect` ended has no failure.
public struct BotFailure: Error, Sendable, Hashable, CustomStringConvertible {
  /// `chat.message#Log`.
  public var handler: String
  /// Of the step.
  public var location: SourceLocation
  public var message: String

  public var description: String { "\(location): error: handler \(handler): \(message)" }
}

/// One of the times that an event is handed to a bot.
public struct BotAttempt: Sendable, Hashable {
  /// The same for every attempt with one event, and for no other event at that time; 0: there is only one attempt.
  public var event: UInt64
  /// From 1.
  public var number: UInt32
  /// There will be no other, also when this one fails.
  public var isLast: Bool

  public init(event: UInt64, number: UInt32, isLast: Bool) {
    self.event = event
    self.number = number
    self.isLast = isLast
  }

  /// The first and the last.
  public static let only = BotAttempt(event: 0, number: 1, isLast: true)
}

/// How far an event got at once.
public enum BotDelivery: Sendable, Hashable {
  /// Its handlers have ended; nothing more is heard of it.
  case done(BotFailure?)
  /// Calls are still to be answered; `settled` follows. The next event may be delivered.
  case pending
}
