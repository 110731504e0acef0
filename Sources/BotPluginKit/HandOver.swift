import CBotHost

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
  var exportState: @Sendable (Plugin, StateRequest) throws -> StatePiece
  var importState: @Sendable (Plugin, StateOffer) throws -> Void
  /// Whether other phases than the final one are known.
  var comesInPieces = false

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
    exportState = { StatePiece(bytes: try exportBytes($0, $1)) }
    importState = importBytes
  }

  /// A state that is handed over in pieces while events still come, for states of more than some 64 KiB; ``TrackedDictionary`` does it
  /// for dictionaries. What the phases mean stands at ``StatePhase``.
  public init(
    format: String? = nil, version: UInt32 = 1,
    exportPieces: @escaping @Sendable (Plugin, StateRequest) throws -> StatePiece,
    importPieces: @escaping @Sendable (Plugin, StateOffer) throws -> Void
  ) {
    self.format = format
    self.version = version
    exportState = exportPieces
    importState = importPieces
    comesInPieces = true
  }

  /// A dictionary, as JSON, that knows what of it has changed: handed over in pieces while events still come, so that they do not wait
  /// for a large one.
  public init<Key: Codable & Hashable & SendableMetatype, Value: Codable & SendableMetatype>(
    _ property: ReferenceWritableKeyPath<Plugin, TrackedDictionary<Key, Value>> & Sendable, format: String? = nil,
    version: UInt32 = 1
  ) {
    self.init(
      format: format, version: version,
      exportPieces: { plugin, request in
        guard request.wantedVersion == 0 || request.wantedVersion == version else {
          throw PluginError.unsupported(
            "this build writes its state in version \(version), not \(request.wantedVersion)")
        }
        return try plugin[keyPath: property].export(request.phase)
      },
      importPieces: { plugin, offer in
        guard offer.version == version else {
          throw PluginError.invalid(
            "the state is of version \(offer.version), and this build reads version \(version)")
        }
        try plugin[keyPath: property].take(offer)
      })
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
        try `import`(plugin, offer.decoded(as: Value.self))
      })
  }

  static func json(_ value: some Encodable) throws -> [UInt8] {
    try JSONCoding.withJSON(of: value) { Array($0) }
  }

}

extension HandOver {
  /// Takes over what an older version handed over: `take` brings the plugin there.
  public func upgrading<Old: Decodable & SendableMetatype>(
    from old: UInt32, as type: Old.Type, _ take: @escaping @Sendable (Plugin, Old) throws -> Void
  ) -> HandOver {
    var row = self
    row.importState = { [importState] plugin, offer in
      guard offer.version == old else { return try importState(plugin, offer) }
      guard offer.phase == .final else {
        throw PluginError.unsupported("a state of version \(old) is taken over as a whole")
      }
      try take(plugin, offer.decoded(as: Old.self))
    }
    return row
  }

  /// Writes an older version where the other side wants that one.
  public func downgrading<Old: Encodable & SendableMetatype>(
    to old: UInt32, _ make: @escaping @Sendable (Plugin) throws -> Old
  ) -> HandOver {
    var row = self
    row.exportState = { [exportState] plugin, request in
      guard request.wantedVersion == old else { return try exportState(plugin, request) }
      guard request.phase == .final else {
        throw PluginError.unsupported("a state of version \(old) is handed over as a whole")
      }
      return StatePiece(bytes: try Self.json(make(plugin)))
    }
    return row
  }
}

/// In which part of a swap the state is asked for and handed over.
public enum StatePhase: Sendable {
  /// Between two events: from now on all of the state counts as not handed over; a first piece of it.
  case snapshot
  /// Between two later events: a piece of what is not handed over yet, or has changed since it was.
  case changes
  /// After `quiesce`: all that is left.
  case rest
  /// After `quiesce`: the whole, which replaces whatever was handed over before. Without pieces the only one.
  case final

  init?(_ phase: UInt32) {
    switch Int(phase) {
    case BH_STATE_SNAPSHOT: self = .snapshot
    case BH_STATE_CHANGES: self = .changes
    case BH_STATE_REST: self = .rest
    case BH_STATE_FINAL: self = .final
    default: return nil
    }
  }
}

/// The state, or a piece of it.
public struct StatePiece: Sendable {
  public var bytes: [UInt8]
  /// Whether more than a piece of some 64 KiB is left.
  public var hasMore: Bool

  /// Bytes that a piece should have, about: what can be written between two events without keeping them waiting.
  public static let size = 64 << 10

  public init(bytes: [UInt8], hasMore: Bool = false) {
    self.bytes = bytes
    self.hasMore = hasMore
  }
}

/// What the other side of a swap asks for.
public struct StateRequest: Sendable {
  public let phase: StatePhase
  /// The version that the other side would like; 0: any.
  public let wantedVersion: UInt32
}

/// What the generation before hands over.
public struct StateOffer: Sendable {
  public let phase: StatePhase
  public let format: String
  public let version: UInt32
  public let bytes: [UInt8]

  /// The bytes as JSON.
  func decoded<Value: Decodable>(as type: Value.Type) throws(PluginError) -> Value {
    let decoded = bytes.withUnsafeBytes { bytes in
      Result { () throws(PluginError) -> Value in
        try JSONCoding.decode(type, from: bytes, "the state \"\(format)\" version \(version)", code: .invalid)
      }
    }
    return try decoded.get()
  }
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
