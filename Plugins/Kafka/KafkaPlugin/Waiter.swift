import BotPluginKit
import KafkaLog

/// Who waits for the report of a record: an object whose address, with its kind in the low bits, is the record's token.
enum Waiter {
  case call(PendingCall)
  case delivery(Delivery)
  /// A record that could not be handled, on its way to the dead-letter topic.
  case deadLetter(DeadLetterTicket)
  case nobody

  // Objects lie at multiples of 16, so the low bits are free.
  private static let kinds: UInt64 = 3

  /// Gives the object away, until `take`.
  var token: UInt64 {
    switch self {
    case .call(let call): Self.bits(call, 1)
    case .delivery(let delivery): Self.bits(delivery, 2)
    case .deadLetter(let ticket): Self.bits(ticket, 3)
    case .nobody: 0
    }
  }

  /// Gets the object back, once.
  static func take(_ token: UInt64) -> Waiter {
    guard let pointer = UnsafeRawPointer(bitPattern: UInt(token & ~kinds)) else { return .nobody }
    switch token & kinds {
    case 1: return .call(Unmanaged<PendingCall>.fromOpaque(pointer).takeRetainedValue())
    case 2: return .delivery(Unmanaged<Delivery>.fromOpaque(pointer).takeRetainedValue())
    case 3: return .deadLetter(Unmanaged<DeadLetterTicket>.fromOpaque(pointer).takeRetainedValue())
    default: return .nobody
    }
  }

  private static func bits(_ object: AnyObject, _ kind: UInt64) -> UInt64 {
    UInt64(UInt(bitPattern: Unmanaged.passRetained(object).toOpaque())) | kind
  }

  /// Says that the record cannot be sent.
  func fail(_ error: PluginError) {
    switch self {
    case .call(let call): try? call.fail(error)
    case .delivery(let delivery): try? delivery.nack(error)
    case .deadLetter, .nobody: break
    }
  }
}

/// A copy of a record that could not be handled, with why.
final class DeadLetterTicket: Sendable {
  let reference: RecordReference
  let key: [UInt8]?
  let value: [UInt8]?
  let headers: [(name: [UInt8], value: [UInt8]?)]

  init(_ record: IncomingRecord, _ reference: RecordReference, error: String) {
    self.reference = reference
    key = record.key.map(Array.init)
    value = record.value.map(Array.init)
    headers =
      record.headers.filter(DeadLetter.keeps).map { (Array($0.name), $0.value.map(Array.init)) }
      + DeadLetter.headers(of: record, error: error).map { (Array($0.name.utf8), Array($0.value.utf8)) }
  }

  /// The same for another reason.
  init(_ other: DeadLetterTicket, error: String) {
    reference = other.reference
    key = other.key
    value = other.value
    headers =
      other.headers.filter { !$0.name.elementsEqual(DeadLetter.Header.error.utf8) }
      + [(Array(DeadLetter.Header.error.utf8), Array(DeadLetter.cut(error).utf8))]
  }

  /// Lends the parts.
  func withParts<Result>(
    _ body: (UnsafeRawBufferPointer?, UnsafeRawBufferPointer?, [RecordHeader]) -> Result
  ) -> Result {
    lend(key) { key in lend(value) { value in lend(headers[...], []) { body(key, value, $0) } } }
  }

  private func lend<Result>(
    _ rest: ArraySlice<(name: [UInt8], value: [UInt8]?)>, _ lent: [RecordHeader], _ body: ([RecordHeader]) -> Result
  ) -> Result {
    guard let first = rest.first else { return body(lent) }
    return first.name.withUnsafeBytes { name in
      lend(first.value) { value in lend(rest.dropFirst(), lent + [RecordHeader(name: name, value: value)], body) }
    }
  }

  private func lend<Result>(_ bytes: [UInt8]?, _ body: (UnsafeRawBufferPointer?) -> Result) -> Result {
    guard let bytes else { return body(nil) }
    return bytes.withUnsafeBytes { body($0) }
  }
}
