/// One setting of a librdkafka client, by the name that librdkafka's CONFIGURATION.md gives it.
public struct ClientSetting: Sendable, Hashable, CustomStringConvertible {
  public let name: String
  /// As librdkafka reads it. Not to be printed when `isSecret`.
  public let value: String

  public init(_ name: String, _ value: String) {
    self.name = name
    self.value = value
  }

  /// Whether the value is kept out of every message.
  public var isSecret: Bool { SettingTable.isSecret(name) }

  /// `name=value`, a secret masked.
  public var description: String { "\(name)=\(isSecret ? "***" : value)" }
}

/// The two kinds of client that the plugin makes.
public enum ClientRole: Sendable, Hashable {
  case producer
  case consumer
}
