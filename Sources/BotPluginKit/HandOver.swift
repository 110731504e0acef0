/// A row of the table: the state that the plugin hands to its next generation in a swap.
///
/// The usual form names a property; its value travels as JSON:
/// ```swift
/// HandOver(\.channels)
/// ```
/// When its type changes, the version grows and the row says how to come from the old one, and, so that a swap can
/// be rolled back without loss, how to go back to it:
/// ```swift
/// HandOver(\.channels, version: 2)
///   .upgrading(from: 1, as: [String: Int].self) { $0.channels = $1.mapValues { Count(words: $0) } }
///   .downgrading(to: 1) { $0.channels.mapValues(\.words) }
/// ```
/// What outlives a *restart* belongs in ``Host/kv`` instead.
public struct HandOver<Plugin: BotPlugin>: Sendable {
  let format: String?
  let version: UInt32
  let exportState: @Sendable (Plugin, StateRequest) throws -> [UInt8]
  let importState: @Sendable (Plugin, StateOffer) throws -> Void

  /// A state of bytes that the plugin reads and writes itself.
  /// - Parameters:
  ///   - format: a name for the form of the bytes; nil: the plugin's name.
  ///   - version: grows when the form changes.
  ///   - exportBytes: throws ``PluginError/unsupported(_:)`` for a version that it cannot write; the host then
  ///     asks for `version`.
  public init(
    format: String? = nil, version: UInt32 = 1,
    exportBytes: @escaping @Sendable (Plugin, StateRequest) throws -> [UInt8],
    importBytes: @escaping @Sendable (Plugin, StateOffer) throws -> Void
  ) {
    self.format = format
    self.version = version
    exportState = exportBytes
    importState = importBytes
  }

  /// A property as JSON.
  public init<Value: Codable & SendableMetatype>(
    _ property: ReferenceWritableKeyPath<Plugin, Value> & Sendable, format: String? = nil, version: UInt32 = 1
  ) {
    self.init(
      format: format, version: version, export: { $0[keyPath: property] }, import: { $0[keyPath: property] = $1 })
  }

  /// A value as JSON that is made for the hand-over and taken apart after it.
  public init<Value: Codable & SendableMetatype>(
    format: String? = nil, version: UInt32 = 1, export: @escaping @Sendable (Plugin) throws -> Value,
    import: @escaping @Sendable (Plugin, Value) throws -> Void
  ) {
    self.init(
      format: format, version: version,
      exportBytes: { plugin, request in
        // A host that is told `unsupported` asks again for this version.
        guard request.wantedVersion == 0 || request.wantedVersion == version else {
          throw PluginError.unsupported(
            "this build writes its state in version \(version), not \(request.wantedVersion)")
        }
        return try Self.json(export(plugin))
      },
      importBytes: { plugin, offer in
        guard offer.version == version else {
          throw PluginError.invalid(
            "the state is of version \(offer.version), and this build reads version \(version); say `.upgrading(from: \(offer.version), …)`"
          )
        }
        try `import`(plugin, Self.value(Value.self, offer))
      })
  }

  static func json(_ value: some Encodable) throws -> [UInt8] {
    try JSONCoding.withJSON(of: value) { Array($0) }
  }

  static func value<Value: Decodable>(_ type: Value.Type, _ offer: StateOffer) throws -> Value {
    try offer.bytes.withUnsafeBytes {
      try JSONCoding.decode(type, from: $0, "the state \"\(offer.format)\" version \(offer.version)", code: .invalid)
    }
  }
}

extension HandOver {
  /// Takes over what an older version handed over: `take` brings the plugin there.
  public func upgrading<Old: Decodable & SendableMetatype>(
    from old: UInt32, as type: Old.Type, _ take: @escaping @Sendable (Plugin, Old) throws -> Void
  ) -> HandOver {
    let inherited = importState
    return HandOver(format: format, version: version, exportBytes: exportState) { plugin, offer in
      if offer.version == old { try take(plugin, Self.value(Old.self, offer)) } else { try inherited(plugin, offer) }
    }
  }

  /// Writes an older version where the other side wants that one.
  public func downgrading<Old: Encodable & SendableMetatype>(
    to old: UInt32, _ make: @escaping @Sendable (Plugin) throws -> Old
  ) -> HandOver {
    let inherited = exportState
    return HandOver(
      format: format, version: version,
      exportBytes: { plugin, request in
        request.wantedVersion == old ? try Self.json(make(plugin)) : try inherited(plugin, request)
      }, importBytes: importState)
  }
}

/// What the other side of a swap asks for.
public struct StateRequest: Sendable {
  /// Whether nothing changes any more (after `quiesce`), or events still flow and more may be asked for.
  public let isFinal: Bool
  /// The version that the other side would like; 0: any.
  public let wantedVersion: UInt32
}

/// What the generation before hands over.
public struct StateOffer: Sendable {
  /// Whether it is the last word, or a snapshot that may be followed by more.
  public let isFinal: Bool
  public let format: String
  public let version: UInt32
  public let bytes: [UInt8]
}

/// A row of the table: the plugin takes a new configuration while it runs, between two events. The function must check it
/// fully before it takes anything over; when it throws, nothing may have changed, and the old configuration stays: say
/// which setting is wrong. Where the change cannot be made in place, throw ``PluginError/unsupported(_:)``: then, as for
/// a plugin without this row, a fresh generation takes its place.
/// ```swift
/// func reconfigure(_ new: Configuration) throws {
///   guard !new.greeting.isEmpty else { throw PluginError.invalid("greeting: is empty") }
///   greeting = new.greeting
/// }
/// ```
public struct Reconfigure<Plugin: BotPlugin>: Sendable {
  let run: @Sendable (Plugin, Plugin.Configuration) throws -> Void

  /// `Reconfigure(Greeter.reconfigure)`, with `func reconfigure(_ configuration: Configuration) throws`
  public init(_ method: @escaping @Sendable (Plugin) -> (Plugin.Configuration) throws -> Void) {
    run = { plugin, configuration in try method(plugin)(configuration) }
  }

  /// A closure.
  public init(_ body: @escaping @Sendable (Plugin, Plugin.Configuration) throws -> Void) {
    run = body
  }
}
