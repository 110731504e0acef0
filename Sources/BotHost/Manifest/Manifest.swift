import HostPatterns

/// The YAML that declares a plugin, decoded and checked: a value that knows nothing of files and libraries beyond
/// their names.
public struct Manifest: Sendable {
  /// The manifest's file, for messages.
  public var location: SourceLocation
  /// The plugin's name, and that of its first instance.
  public var plugin: String
  public var version: SemanticVersion?
  public var summary: String
  /// The library's file name, or a path relative to the manifest.
  public var library: String
  public var libraryLocation: SourceLocation
  public var config: [ConfigKey]
  public var topics: [TopicDeclaration]
  public var handlers: [HandlerDeclaration]
  public var methods: [MethodDeclaration]
  public var hooks: [HookDeclaration]
  public var permissions: Permissions
  /// Nil when the manifest does not say: thread, but process for a library without the entry symbol.
  public var isolation: Isolation?
  public var restart: RestartPolicy
  public var swap: SwapPolicy
  public var lane: LanePolicy
  public var start: StartMode
  public var types: [BotType]
  public var commands: [CommandDeclaration]
  public var requires: [Requirement]
  /// What it says for other plugins, each of which reads its own section.
  public var extensions: [ManifestExtension] = []

  /// The configuration's key of that name.
  public func configKey(_ name: String) -> ConfigKey? { config.first { $0.name == name } }
  /// The declaration of a topic: by its name, or of a family of topics that it belongs to.
  public func topic(_ name: String) -> TopicDeclaration? {
    topics.first { $0.name == name } ?? topics.first { TopicPattern($0.name)?.matches(name) ?? false }
  }
  /// The method of that name.
  public func method(_ name: String) -> MethodDeclaration? { methods.first { $0.name == name } }
  /// The type of that name, which bots use.
  public func type(_ name: String) -> BotType? { types.first { $0.name == name } }
}

/// A section of a manifest that another plugin reads.
public struct ManifestExtension: Sendable {
  /// Who reads it.
  public var plugin: String
  /// Plain data, within the bounds below; what it means is that plugin's affair.
  public var content: JSONValue
  public var location: SourceLocation

  /// Sections in one manifest.
  static let maximumCount = 16
  /// Bytes of a section as JSON.
  static let maximumSize = 64 << 10
  /// Lists and mappings within each other, in a section.
  static let maximumDepth = 16
}

/// A key of the plugin's configuration.
public struct ConfigKey: Sendable {
  /// What values it takes.
  public indirect enum Kind: Sendable, Hashable {
    case string
    case int
    case float
    case bool
    /// Elements of one kind.
    case list(Kind)
    /// Values of one kind; nil: any JSON.
    case map(Kind?)
    case secret
    /// `5s`; a number of nanoseconds in the resolved configuration.
    case duration
    /// `10MiB`; a number of bytes in the resolved configuration.
    case size
    /// One of some words.
    case enumeration([String])

    /// What a bot sees of a value of this kind.
    public var fieldType: FieldType {
      switch self {
      case .string, .enumeration: .string
      case .int, .duration, .size: .int
      case .float: .float
      case .bool: .bool
      case .list(let element): .list(element.fieldType)
      case .map(let value): .map(value?.fieldType ?? .any)
      case .secret: .secret
      }
    }
  }

  public var name: String
  public var kind: Kind
  public var isRequired: Bool
  /// As written, its form checked; it may contain `${NAME}`.
  var defaultNode: YAMLNode?
  /// The environment variable that is used when nothing else gives a value.
  public var environment: String?
  /// Some value is there when nobody gives one.
  public var hasDefault: Bool { defaultNode != nil }
  /// Bounds of a number, a duration (nanoseconds), a size (bytes), or of a list's or string's length.
  public var minimum: Double?
  public var maximum: Double?
  public var summary: String
  public var location: SourceLocation
}

/// A topic that the plugin publishes.
public struct TopicDeclaration: Sendable {
  /// A topic, or a pattern for a family of topics.
  public var name: String
  /// Of the payload; `.any` when nothing is declared.
  public var payload: FieldType
  /// Journaled before a publish returns.
  public var isDurable: Bool
  /// What this plugin publishes on it and no handler takes is a dead letter: a wish, not a piece of news.
  public var isMandatory = false
  /// A JSON pointer to the ordering key, for publishers that give none.
  public var key: String?
  public var summary: String
  public var location: SourceLocation

  /// The payload's fields; empty when it is no record.
  public var fields: [Field] {
    if case .record(let fields) = payload { return fields }
    return []
  }
}

/// What happens to a delivery that failed.
public struct RetryDeclaration: Sendable, Hashable {
  /// What becomes of the events behind it meanwhile.
  public enum Mode: String, Sendable, Hashable, CaseIterable {
    /// Events with the same key wait, so that order is kept.
    case block
    /// The event is set aside and order is given up.
    case park
  }

  /// How many times it is tried again; 0: never.
  public var max: Int
  /// The first wait and the longest; it doubles in between.
  public var backoff: TimeRange
  public var mode: Mode

  public init(
    max: Int = 5, backoff: TimeRange = TimeRange(.milliseconds(200), .seconds(30)), mode: Mode = .block
  ) {
    self.max = max
    self.backoff = backoff
    self.mode = mode
  }
}

/// A handler: what the plugin does with events of some topics.
public struct HandlerDeclaration: Sendable {
  public var topic: TopicSource
  /// The exported function or, of a plugin with `bind`, the name; nil: the standard handler.
  public var call: String?
  /// A JSON pointer to the ordering key; nil: the event's own key.
  public var key: String?
  public var timeout: TimeSpan
  public var retry: RetryDeclaration
  /// JSON pointer and the value that must stand there.
  public var conditions: [FieldCondition]
  /// The function's C signature, for calls through libffi; nil: the standard one.
  public var signature: Signature?
  /// One for each parameter that is not implicit.
  public var arguments: [ArgumentBinding]
  /// The topic on which the function's result is published.
  public var emits: String?
  /// Handlers of one event in one plugin run from high to low.
  public var priority: Int
  /// How many deliveries of one key may be open at once.
  public var concurrency: Int
  public var location: SourceLocation

  public static let defaultTimeout = TimeSpan.seconds(30)
}

/// Which topics a handler receives.
public enum TopicSource: Sendable, Hashable {
  case pattern(TopicPattern)
  /// The patterns that a configuration key of type string or list of strings holds.
  case configuration(key: String)
}

/// An equality that the host checks before it delivers.
public struct FieldCondition: Sendable, Hashable {
  /// RFC 6901.
  public var pointer: String
  public var value: JSONValue
}

/// Where an argument of a C function comes from.
public struct ArgumentBinding: Sendable, Hashable {
  /// The places that there are.
  public enum Source: Sendable, Hashable {
    /// The whole event, or for a `json`, `bytes` or `str` parameter its payload.
    case event
    /// A field of the payload, RFC 6901.
    case field(String)
    /// A header of the event.
    case header(String)
    case constant(JSONValue)
    /// Of a callback: the topic, and names for what the library passes.
    case publish(topic: String, fields: [String])
  }

  public var source: Source
  /// What is passed when the field or header is missing; nil: that is an error of the delivery.
  public var defaultValue: JSONValue?
  public var location: SourceLocation?

  public init(_ source: Source, default defaultValue: JSONValue? = nil, location: SourceLocation? = nil) {
    self.source = source
    self.defaultValue = defaultValue
    self.location = location
  }
}

/// A method that others call.
public struct MethodDeclaration: Sendable {
  public var name: String
  /// The exported function or bound name; nil: the standard `invoke` with the method's name.
  public var call: String?
  /// The members of the argument; nil when the manifest does not say.
  public var arguments: [Field]?
  /// Nil: the method gives nothing.
  public var returns: FieldType?
  public var timeout: TimeSpan
  /// A call may be repeated when its answer was lost.
  public var isIdempotent: Bool
  public var signature: Signature?
  public var bindings: [ArgumentBinding]
  public var summary: String
  public var location: SourceLocation

  public static let defaultTimeout = TimeSpan.seconds(10)
}

/// A function that stands in a method's way.
public struct HookDeclaration: Sendable {
  /// Of `plugin.method` names.
  public var method: TopicPattern
  public var call: String?
  /// Higher is asked first.
  public var priority: Int
  public var timeout: TimeSpan
  /// What becomes of a call that it holds for too long.
  public var onTimeout: OnFailure
  /// What becomes of a call that it fails on.
  public var onError: OnFailure = .fail
  /// Which calls it is asked about: all of these must hold.
  public var matches: [FieldMatch]
  /// Fields whose words the configuration holds; the hook stands there once for each word.
  public var configuredMatches: [ConfiguredMatch] = []
  /// For the plugin whose method it is; null when the manifest says nothing.
  public var about: JSONValue
  public var location: SourceLocation

  /// What becomes of a call whose hook does not do its part.
  public enum OnFailure: String, Sendable, Hashable, CaseIterable {
    /// The call fails: a guard that sleeps lets nobody in.
    case fail
    /// The call goes on as if the hook were not there.
    case pass
  }
}

/// A field of a call's argument, and the configuration's key that holds the words that it may be.
public struct ConfiguredMatch: Sendable, Hashable {
  /// RFC 6901.
  public var pointer: String
  /// A list of texts, or a map, whose keys are the words.
  public var key: String
}

/// What the host lets the plugin do.
public struct Permissions: Sendable {
  /// `host:port`; `*` for any port, `*.example.org` for hosts below a domain, `*` for any host.
  public var connect: [HostPattern] = []
  /// Topics besides those under `topics`.
  public var publish: [TopicPattern] = []
  /// `plugin.method` names.
  public var call: [TopicPattern] = []
  /// Secrets besides the configuration's own.
  public var secrets: [String] = []
  public var kvBytes: ByteSize = .mebibytes(64)
  /// Of a worker process; nil: no limit.
  public var memory: ByteSize?
}

/// Where an instance runs.
public enum Isolation: String, Sendable, Hashable, CaseIterable {
  case thread
  case process
}

/// When a plugin that ended is started again.
public struct RestartPolicy: Sendable, Hashable {
  /// Erlang's permanent, transient and temporary.
  public enum Policy: String, Sendable, Hashable, CaseIterable {
    case always
    case onFailure = "on-failure"
    case never
  }

  public var policy: Policy
  public var backoff: TimeRange
  /// More restarts than this, and the plugin stays down until an operator starts it.
  public var limit: RateLimit

  public init(
    policy: Policy = .onFailure, backoff: TimeRange = TimeRange(.seconds(1), .seconds(60)),
    limit: RateLimit = RateLimit(5, per: .minutes(10))
  ) {
    self.policy = policy
    self.backoff = backoff
    self.limit = limit
  }
}

/// How one generation takes over from another.
public struct SwapPolicy: Sendable, Hashable {
  /// What happens when the old build has not finished in time.
  public enum OnDrainTimeout: String, Sendable, Hashable, CaseIterable {
    /// The old generation goes on.
    case abort
    /// Open deliveries are taken away and delivered again.
    case revoke
    /// The swap waits on.
    case wait
  }

  /// How long a new generation is watched.
  public struct Probation: Sendable, Hashable {
    public var events: Int
    public var time: TimeSpan
    /// From 0 to 1.
    public var maxErrorRate: Double

    public init(events: Int = 200, time: TimeSpan = .seconds(30), maxErrorRate: Double = 0.02) {
      self.events = events
      self.time = time
      self.maxErrorRate = maxErrorRate
    }
  }

  /// A state's format and version: `twitch/2`.
  public struct StateFormat: Sendable, Hashable, CustomStringConvertible {
    public var name: String
    public var version: UInt32
    public var description: String { "\(name)/\(version)" }

    public init(name: String, version: UInt32) {
      self.name = name
      self.version = version
    }
  }

  public var drain: TimeSpan
  public var onDrainTimeout: OnDrainTimeout
  /// What this generation exports; nil: as its descriptor says.
  public var state: StateFormat?
  /// What it imports besides its own.
  public var accepts: [StateFormat]
  /// Nil: none; the old generation is retired at once.
  public var probation: Probation?

  public init(
    drain: TimeSpan = .seconds(5), onDrainTimeout: OnDrainTimeout = .abort, state: StateFormat? = nil,
    accepts: [StateFormat] = [], probation: Probation? = Probation()
  ) {
    self.drain = drain
    self.onDrainTimeout = onDrainTimeout
    self.state = state
    self.accepts = accepts
    self.probation = probation
  }
}

/// The queue before a plugin.
public struct LanePolicy: Sendable, Hashable {
  /// What happens to an event that finds the lane full.
  public enum Full: String, Sendable, Hashable, CaseIterable {
    case wait
    case dropOldest = "drop-oldest"
    case reject
  }

  public var events: Int
  public var bytes: ByteSize
  public var full: Full
  /// Handlers run on the publisher's thread, without a queue.
  public var isInline: Bool

  public init(
    events: Int = 8_192, bytes: ByteSize = .mebibytes(16), full: Full = .wait, isInline: Bool = false
  ) {
    self.events = events
    self.bytes = bytes
    self.full = full
    self.isInline = isInline
  }
}

/// When an instance starts.
public enum StartMode: String, Sendable, Hashable, CaseIterable {
  /// With the host.
  case auto
  /// When a bot uses one of its types, a host configuration names it, or an operator starts it.
  case onUse = "on-use"
}

/// A type that a bot may `use`: an instance of the plugin as bots see it.
public struct BotType: Sendable {
  public var name: String
  public var summary: String
  /// Configuration keys that the bot gives.
  public var arguments: [Field]
  /// What `${use.name}` reads; kept from events on `<plugin>.state`.
  public var state: [Field]
  public var events: [BotTypeEvent]
  public var methods: [BotTypeMethod]
  /// By a method's name, the event as which its effect comes back to the same endpoint: what is published to a topic
  /// is read from it again.
  public var echoes: [String: String]
  public var location: SourceLocation

  /// The event of that name.
  public func event(_ name: String) -> BotTypeEvent? { events.first { $0.name == name } }
  /// The method of that name.
  public func method(_ name: String) -> BotTypeMethod? { methods.first { $0.name == name } }
}

/// A bot's name for one of the plugin's topics.
public struct BotTypeEvent: Sendable {
  public var name: String
  public var topic: String
  public var location: SourceLocation
}

/// A bot's name for one of the plugin's methods.
public struct BotTypeMethod: Sendable {
  public var name: String
  public var method: String
  public var location: SourceLocation
}

/// A subcommand that the plugin adds to the program.
public struct CommandDeclaration: Sendable {
  public var name: String
  public var method: String
  public var summary: String
  /// Members of the method's argument that are given by position, in order; the others are `--name value`.
  public var arguments: [String]
  /// JSON pointers to the texts of the result that are printed, and lists of them; empty: the whole result, as JSON.
  public var shows: [String]
  /// A JSON pointer: a text there says why the work has failed.
  public var error: String?
  /// Nil: one call, and the command ends.
  public var interactive: Interactive?
  public var location: SourceLocation

  /// How a command takes line after line: each is the last member given by position, and is answered at once.
  public struct Interactive: Sendable, Hashable {
    /// What stands before a line on a terminal.
    public var prompt: String
    /// The method that completes a line: `{text, cursor}` -> `{start, words}`, in characters.
    public var complete: String?
  }
}

/// Another plugin that must be there.
public struct Requirement: Sendable {
  public var plugin: String
  public var versions: VersionRange
  public var location: SourceLocation
}
