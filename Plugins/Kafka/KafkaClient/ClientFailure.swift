import KafkaLog

/// Why a client could not be made or used.
public struct ClientFailure: Error, CustomStringConvertible {
  public let code: KafkaErrorCode
  public let text: String

  init(_ code: KafkaErrorCode, _ text: String) {
    self.code = code
    self.text = text
  }

  public var description: String { text }
}
