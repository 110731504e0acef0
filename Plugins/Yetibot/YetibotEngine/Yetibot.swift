/// The pipeline: reads what is said, runs commands, answers. Pure: the clock, randomness, storage and the chat are given to it.
///
/// Not thread-safe; one thread at a time.
public final class Yetibot {
  public internal(set) var configuration: Configuration {
    didSet { registry.filter = configuration.filter }
  }
  public let registry = Registry()
  public let rows: Rows
  let history: any HistoryStore
  /// Told when a line of the chat could not be remembered.
  public var onStorageFailure: ((any Error) -> Void)?
  /// Milliseconds since 1970.
  let now: () -> Int64
  var random: SplitMix64
  /// When this engine, or the first of those that it took over from, was made; milliseconds since 1970.
  var startedAt: Int64
  /// What is to be posted, in order.
  var posts: [Post] = []
  /// Who was seen, and where.
  var people = PeopleTable()
  /// The connections to chats that adapters told of, and those from which something came.
  public private(set) var adapters: [AdapterState] = []
  /// Whether crons run.
  var areCronsRunning = true
  /// The latest second, since 1970, at which crons have been looked at.
  public var lastCronSecond: Int64?
  /// Rooms that the bot is in: those in which something happened, in the order in which it learnt of them.
  public private(set) var rooms: [ChatPlace] = []
  private var knownRooms: Set<ChatPlace> = []
  /// What may be asked of the chats; nil where there is nobody to ask. Not kept alive by the engine.
  public weak var chats: (any ChatControl)?
  /// Waits for so many milliseconds, for `sleep`; throws when the wait was cut short. Without it nothing here can wait.
  public var pause: ((_ milliseconds: Int64, _ call: Invocation) throws -> Void)?
  /// Runs a command that others bring; nil passes it on to the commands registered here.
  public var runHooked: ((Invocation, [HookedCommand]) throws -> Outcome?)?
  /// Asked for a command that nobody brings and that is not registered here; nil passes it on to the fallback.
  public var unknownCommand: ((Invocation) throws -> Outcome?)?
  /// What is switched off in each room, as far as it has been looked up.
  var disabledCategoriesCache: [ChatPlace: Set<String>] = [:]
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
    registry.filter = configuration.filter
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
  public func see(_ person: ChatPerson, in place: ChatPlace) { people.see(person, in: place, at: nil) }

  public func unregister(topic: String) { registry.unregister(topic: topic) }

  /// The commands that others bring, in the order in which they are asked; ``runHooked`` runs them.
  public func setHooked(_ commands: [HookedCommand]) { registry.hooked = commands }

  /// Lets other messages be handled while one waits: what belongs to this one is put aside until `body` returns.
  public func suspended<Result>(_ body: () throws -> Result) rethrows -> Result {
    let saved = posts
    posts = []
    defer { posts = saved }
    return try body()
  }

  /// Takes new settings; state stays.
  public func reconfigure(_ configuration: Configuration) { self.configuration = configuration }

  public var parser: ExpressionParser { configuration.parser }

  /// A text without the quotes around it, such as protect an expression that is to be run later.
  func unquoted(_ text: String) -> String {
    Formatting.removeSurroundingQuotes(text, acrossLines: !configuration.quirks.contains(.singleLines))
  }

  /// A pattern of arguments whose last group may go on over several lines.
  func acrossLines(_ pattern: String) -> String {
    configuration.quirks.contains(.singleLines) ? pattern : "(?s)" + pattern
  }

  /// - Parameter subject: what is handled, as it was written.
  func makeAllowance(for subject: String) -> Allowance { Allowance(configuration.limits, for: subject, clock: now) }

  /// Evaluates an expression for somebody, without history. What it posts meanwhile comes with the result.
  ///
  /// - Throws: ``ParseFailure``, or ``Raised`` for a command that could not go on and for limits.
  public func evaluate(
    _ text: String, person: ChatPerson?, place: ChatPlace
  ) throws -> (evaluation: Evaluation, posts: [Post]) {
    var evaluation = Evaluation()
    let said = try posting {
      let context = Context(self, person: person, place: place, allowance: makeAllowance(for: text))
      evaluation = try evaluateText(text, context)
    }
    return (evaluation, said)
  }

  /// What `body` posts; nothing of it stays.
  func posting(_ body: () throws -> Void) rethrows -> [Post] {
    let saved = posts
    posts = []
    defer { posts = saved }
    try body()
    return posts
  }

  /// Evaluates a text.
  ///
  /// - Parameter start: what is piped into its first command.
  /// - Throws: ``ParseFailure`` for one that cannot be read, unless that is to be passed over in silence.
  func evaluateText(_ text: String, _ context: Context, from start: Evaluation = Evaluation()) throws -> Evaluation {
    let expression: Expression
    do { expression = try parser.parse(text) } catch {
      guard configuration.quirks.contains(.silentParseFailures) else { throw error }
      var nothing = Evaluation()
      nothing.value = .null
      return nothing
    }
    return try evaluate(expression, context, from: start)
  }

  /// Runs the text of one command, as a pipe would.
  ///
  /// - Parameter wasOffered: whether those who bring commands have passed it on already.
  public func command(
    _ text: String, opts: Value? = nil, raw: Value = .empty, data: Value = .null, person: ChatPerson?, place: ChatPlace,
    wasOffered: Bool = false
  ) throws -> Outcome {
    var outcome = Outcome.plain(.null)
    _ = try posting {
      let context = Context(self, person: person, place: place, allowance: makeAllowance(for: text))
      var call = Call(text: text, opts: opts, raw: raw, data: data)
      call.wasOffered = wasOffered
      outcome = try dispatch(call, context)
    }
    return outcome
  }

  /// Adds a row to a table, with the time at which it was made.
  @discardableResult func insert(_ table: String, _ columns: ValueMap) -> Rows.Row {
    var columns = columns
    columns["created_at"] = .int(now())
    return rows.insert(table, columns)
  }

  // MARK: Connections

  /// Notes that the bot is in a room. Private conversations are no rooms.
  public func note(room place: ChatPlace) {
    guard !place.isPrivate, rooms.count < Self.maximumRooms, knownRooms.insert(place).inserted else { return }
    rooms.append(place)
  }

  private static let maximumRooms = 10_000

  /// Notes that the bot has left a room.
  func forget(room place: ChatPlace) {
    guard knownRooms.remove(place) != nil else { return }
    rooms.removeAll { $0 == place }
  }

  /// Takes over what an adapter says of its connection.
  public func note(adapter platform: String, instance: String, isConnected: Bool) {
    if let index = adapters.firstIndex(where: { $0.instance == instance }) {
      adapters[index].isConnected = isConnected
    } else {
      note(AdapterState(instance: instance, platform: platform, isConnected: isConnected))
    }
  }

  func note(_ adapter: AdapterState) {
    if adapters.count < Self.maximumAdapters { adapters.append(adapter) }
  }

  private static let maximumAdapters = 1000

  /// What comes from a chat shows that its adapter is connected.
  func noteActivity(of place: ChatPlace) {
    note(adapter: place.adapter, instance: place.instance, isConnected: true)
    if let index = adapters.firstIndex(where: { $0.instance == place.instance }) { adapters[index].lastActive = now() }
  }

  // MARK: Who may do what

  public func isAdmin(_ person: ChatPerson?) -> Bool {
    guard let person else { return false }
    return configuration.adminUsers.contains(person.id)
      || person.roles.contains { configuration.adminRoles.contains($0) }
  }

  func isEnabled(_ word: String) -> Bool { registry.isEnabled(word) }
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
