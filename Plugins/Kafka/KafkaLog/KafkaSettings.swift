/// The manifest's `config`, by the names that the plugin kit gives its keys; see `KafkaConfiguration` for what they mean.
public struct KafkaSettings: Decodable, Sendable {
  let brokers: String
  let topic: String
  let topics: [String]
  let consume: Bool?
  let group: String
  let member: String
  let start: String
  let deadLetterTopic: String
  let maxUnsettled: Int
  let maxPending: Int
  let dedupeHeader: String
  let dedupeKey: Bool
  let dedupeWindow: Int
  let spool: Bool
  let security: KafkaConfiguration.Security
  let saslMechanism: String
  let username: String
  /// Names the secret.
  let password: JSONTree?
  let caFile: String
  let bridge: [JSONTree]
  let settings: JSONTree
}
