/// The `config` of a plugin's manifest as a struct: each property is a key, `soft_timeout` as `softTimeout` and `client_id` as `clientID`.
///
/// ```yaml
/// config:
///   user_name: {type: string, required: true}
///   soft_timeout: {type: duration, default: 3s, max: 60s}
///   reply: {type: enum, values: [never, always], default: never}
///   token: {type: secret}
/// ```
/// ```swift
/// struct Settings: ManifestConfiguration {
///   let userName: String
///   let softTimeout: ConfiguredDuration
///   let reply: Reply
///   let token: Secret?
///   enum Reply: String, Decodable { case never, always }
/// }
/// ```
///
/// The host has filled in the manifest's defaults and checked types, ranges and words before a plugin sees anything, so that nothing of
/// it is said again: properties have no initial values, and the compiler makes `init(from:)`. A key without a value is left out: a
/// property is optional where the manifest gives its key neither a default nor `required: true`. A duration comes as nanoseconds, an
/// `Int64` or a ``ConfiguredDuration``; a size as bytes; a word of an `enum` as the raw value of a `String` enumeration; a secret as
/// a ``Secret``.
public protocol ManifestConfiguration: Decodable, Sendable {}

extension ManifestConfiguration {
  /// Reads what the host hands over, or a test in its place.
  public init(json: String) throws(PluginError) {
    do {
      self = try Array(json.utf8).withUnsafeBytes {
        try JSONCoding.decode(Self.self, from: $0, "the configuration", code: .invalid)
      }
    } catch { throw PluginError(error, otherwise: .invalid) }
  }
}

/// The names of keys in a manifest and of properties in Swift.
enum ConfigurationKey {
  /// `soft_timeout` -> `softTimeout`, `client_id` -> `clientID`.
  static func property(_ key: String) -> String {
    let words = key.split(separator: "_").map(String.init)
    return words.prefix(1).joined()
      + words.dropFirst().map {
        initialisms.contains($0) ? $0.uppercased() : $0.prefix(1).uppercased() + $0.dropFirst()
      }
      .joined()
  }

  /// The other way round.
  static func key(_ property: String) -> String {
    var key = ""
    var wasUpper = true
    for character in property {
      if character.isUppercase, !wasUpper { key += "_" }
      wasUpper = character.isUppercase
      key += character.lowercased()
    }
    return key
  }

  /// Written in capitals within a name, by Swift's API design guidelines.
  private static let initialisms: Set<String> = ["id", "ip", "tls", "url"]
}
