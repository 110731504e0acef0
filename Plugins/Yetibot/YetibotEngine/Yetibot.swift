/// The pipeline: reads what is said, runs commands, answers. Pure: the clock, randomness, storage and the chat are given to it.
///
/// Not thread-safe; one thread at a time.
public final class Yetibot {
  public internal(set) var configuration: Configuration
  public internal(set) var registry = Registry()
  public let rows: Rows
  let history: any HistoryStore
  /// Told when a line of the chat could not be remembered.
  public var onStorageFailure: ((any Error) -> Void)?
  /// Milliseconds since 1970.
  let now: () -> Int64
  var random: SplitMix64
  let startedAt: Int64
  /// What is to be posted, in order.
  var posts: [Post] = []
  /// Who was seen, and where.
  var people = PeopleTable()
  /// Whether crons run.
  var areCronsRunning = true
  /// Rooms that the bot is in, beside those in which something was said.
  public var rooms: [ChatPlace] = []
  /// Goes into a room, or out; answers what to say.
  public var joinRoom: ((_ room: String, _ place: ChatPlace) -> String)?
  public var leaveRoom: ((_ room: String, _ place: ChatPlace) -> String)?
  /// Adds a reaction to the latest message; nil where the platform has none.
  public var react: ((_ reaction: String, _ place: ChatPlace) -> Bool)?
  /// Asked for a command that is not registered here; nil passes it on to the fallback.
  public var unknownCommand: ((Invocation) throws -> Outcome?)?
  private(set) var hooks: [Hook] = []
  private var observers: [(kinds: Set<ChatEvent.Kind>, run: (ChatEvent) -> Void)] = []

  /// Sees each command before it runs, and may answer in its place.
  struct Hook {
    var name: String
    var priority: Int
    var run: (Invocation) throws -> Outcome?
  }

  public init(
    configuration: Configuration = Configuration(), rows: Rows = Rows(), history: any HistoryStore = MemoryHistory(),
    seed: UInt64 = 1, now: @escaping () -> Int64
  ) {
    self.configuration = configuration
    self.rows = rows
    self.history = history
    self.now = now
    random = SplitMix64(seed: seed)
    startedAt = now()
    registerCommands()
    for row in rows["alias"] { registerAlias(row["cmd_name"], row["cmd"]) }
  }

  /// Adds a hook; the one with the highest priority comes first, of equal ones the earlier.
  public func addHook(_ name: String, priority: Int = 0, _ run: @escaping (Invocation) throws -> Outcome?) {
    hooks.removeAll { $0.name == name }
    let place = hooks.firstIndex { $0.priority < priority } ?? hooks.count
    hooks.insert(Hook(name: name, priority: priority, run: run), at: place)
  }

  public func removeHook(_ name: String) { hooks.removeAll { $0.name == name } }

  /// Adds something that sees events before they are handled, never those of the bot.
  public func addObserver(_ kinds: Set<ChatEvent.Kind>, _ run: @escaping (ChatEvent) -> Void) {
    observers.append((kinds, run))
  }

  func notifyObservers(_ event: ChatEvent) {
    for observer in observers where observer.kinds.contains(event.kind) { observer.run(event) }
  }

  /// Registers a command; see ``Registry``.
  public func register(topics: [(topic: String, pattern: String)], _ handlers: [Registry.Handler]) throws {
    try registry.register(topics: topics, handlers)
  }

  /// Notes that somebody is in a room.
  public func see(_ person: ChatPerson, in place: ChatPlace) { people.see(person, in: place) }

  public func unregister(topic: String) { registry.unregister(topic: topic) }

  /// Takes new settings; state stays.
  public func reconfigure(_ configuration: Configuration) { self.configuration = configuration }

  public var parser: ExpressionParser { ExpressionParser(closing: configuration.closing) }

  func makeAllowance() -> Allowance { Allowance(configuration.limits, clock: now) }

  /// Evaluates an expression for somebody, without history. What it posts meanwhile comes with the result.
  ///
  /// - Throws: ``ParseFailure``, or ``Raised`` for a command that could not go on and for limits.
  public func evaluate(
    _ text: String, person: ChatPerson?, place: ChatPlace
  ) throws -> (evaluation: Evaluation, posts: [Post]) {
    let saved = posts
    posts = []
    defer { posts = saved }
    let context = Context(self, person: person, place: place, allowance: makeAllowance())
    let evaluation = try evaluate(try parser.parse(text), context)
    return (evaluation, posts)
  }

  /// Runs the text of one command, as a pipe would.
  public func command(
    _ text: String, opts: Value? = nil, raw: Value = .empty, data: Value = .null, person: ChatPerson?, place: ChatPlace
  ) throws -> Outcome {
    let saved = posts
    posts = []
    defer { posts = saved }
    let context = Context(self, person: person, place: place, allowance: makeAllowance())
    return try dispatch(Call(text: text, opts: opts, raw: raw, data: data), context)
  }

  // MARK: Who may do what

  func isAdmin(_ person: ChatPerson?) -> Bool {
    guard let person else { return false }
    return configuration.adminUsers.contains(person.id)
      || person.roles.contains { configuration.adminRoles.contains($0) }
  }

  func isEnabled(_ word: String) -> Bool {
    registry.isAlias(word)
      || Configuration.isEnabled(
        word, allowed: configuration.allowedCommands, denied: configuration.deniedCommands)
  }
}

/// A small generator with a seed, for choices that need not be secret.
public struct SplitMix64: RandomNumberGenerator, Sendable {
  private var state: UInt64

  public init(seed: UInt64) { state = seed }

  public mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}

/// Who was seen, and in which rooms.
struct PeopleTable {
  struct Key: Hashable {
    var instance: String
    var id: String
  }
  private(set) var people: [Key: ChatPerson] = [:]
  private var order: [Key] = []
  private var members: [String: Set<Key>] = [:]
  private static let capacity = 10_000

  private static func room(_ place: ChatPlace) -> String { place.instance + "\u{0}" + place.room }

  mutating func see(_ person: ChatPerson, in place: ChatPlace) {
    let key = Key(instance: place.instance, id: person.id)
    if people[key] == nil {
      guard order.count < Self.capacity else { return }
      order.append(key)
    }
    people[key] = person
    members[Self.room(place), default: []].insert(key)
  }

  mutating func leave(_ person: ChatPerson, _ place: ChatPlace) {
    members[Self.room(place)]?.remove(Key(instance: place.instance, id: person.id))
  }

  func all(in place: ChatPlace?) -> [ChatPerson] {
    let wanted = place.map { members[Self.room($0)] ?? [] }
    return order.filter { wanted?.contains($0) ?? true }.compactMap { people[$0] }
  }
}
