/// A login that can move from one connection to another without missing, repeating or reordering a line.
///
/// A server that is about to end a connection says so (RECONNECT). Then a second connection is opened, logs in and joins the same rooms,
/// while the first one serves on. When the second one is ready, the first one is closed and read to its end; what the second one got
/// meanwhile has been held, and what of it the first one had already is left out. When the server ends the first one earlier, the second one
/// takes its place as it is.
///
/// A machine without input and output of its own, as `ChatSession` is.
public struct ChatRelay: Sendable {
  /// The session that serves.
  public private(set) var session: ChatSession
  /// The connection that it is on.
  public private(set) var link: ChatLink
  /// The session on the other connection that will take over.
  private var successor: ChatSession?
  /// The session that was, until the other connection has ended.
  private var retiring: ChatSession?
  /// Lines for readers that came on the newer connection.
  private var held: [[UInt8]] = []
  private var heldBytes = 0
  /// Lines for readers that came on the older one, and until when they count: the newer one may lag behind what the older one had given.
  private var seen: Set<UInt64> = []
  private var seenUntil = Int64.max

  /// Lines that are held, at most; both connections give the same, so that only what one of them is ahead stays.
  private static let heldLimit = 65_536
  private static let heldBytesLimit = 16 << 20
  private static let tidyAt = 1024
  /// How far one connection may lag behind the other, in nanoseconds.
  private static let lag: Int64 = 30_000_000_000
  /// What the session said last; kept so that a line does not cost an array.
  private var results: [SessionOutput] = []

  public init(configuration: SessionConfiguration, seed: UInt64) {
    session = ChatSession(configuration: configuration, seed: seed)
    link = .first
  }

  // MARK: Being told

  /// Tells what happened on a connection and appends what to do about it. Answers, for a line, whether it is to be shown now: others
  /// have been shown, or come out of `nextHeld`.
  @discardableResult
  public mutating func handle(
    _ input: SessionInput, from source: ChatLink, now: Int64, into outputs: inout [RelayOutput]
  ) -> Bool {
    if source == link { return handleOnOwn(input, now: now, into: &outputs) }
    if successor != nil {
      handleOnNew(input, now: now, into: &outputs)
      return false
    }
    // Without either, it is a last word of a connection that has been left.
    return retiring == nil ? false : handleOnOld(input, into: &outputs, now: now)
  }

  /// Tells something that is not about a connection.
  public mutating func command(
    _ id: CommandID, _ command: SessionCommand, now: Int64, into outputs: inout [RelayOutput]
  ) {
    handle(.command(id, command), from: link, now: now, into: &outputs)
  }

  private mutating func handleOnOwn(_ input: SessionInput, now: Int64, into outputs: inout [RelayOutput]) -> Bool {
    if case .line(let bytes, again: false) = input, isMoving || !held.isEmpty || !seen.isEmpty,
      let line = IRCLine(bytes), line.isForReaders
    {
      if now > seenUntil { seen = [] }
      if seen.contains(line.fingerprint) { return false }
      if successor != nil {
        seen.insert(line.fingerprint)
      } else if isMoving || !held.isEmpty {
        hold(bytes)
        return false
      }
    }
    results.removeAll(keepingCapacity: true)
    session.handle(input, now: now, into: &results)
    if results.count == 1, case .message = results[0] {
      outputs.append(.message)
    } else {
      let isCovered = successor?.isConnected == true
      for result in results {
        switch result {
        case .succeed: begin(now: now, into: &outputs)
        case .message: outputs.append(.message)
        // Nobody is without a connection while the other one is ready.
        case .event(.failed(_, false)) where isCovered: break
        case .reconnect where successor != nil: break
        default: outputs.append(.session(result, link))
        }
      }
    }
    guard successor != nil else { return true }
    if case .closed = input {
      takeOver(now: now, into: &outputs)
      outputs.append(.session(.close(reason: "the server has ended it"), link.other))
      dropSeen()
      seenUntil = now + Self.lag
    } else {
      retireWhenReady(now: now, into: &outputs)
    }
    return true
  }

  private mutating func handleOnNew(_ input: SessionInput, now: Int64, into outputs: inout [RelayOutput]) {
    if case .line(let bytes, _) = input, let line = IRCLine(bytes), line.isForReaders {
      hold(bytes)
      return
    }
    guard var next = successor else { return }
    var results: [SessionOutput] = []
    next.handle(input, now: now, into: &results)
    successor = next
    for result in results {
      switch result {
      // Readers are told what the session that serves is told.
      case .event, .message, .settle: break
      case .succeed: outputs.append(.session(.reconnect(after: 0, reason: "the server asks to reconnect"), link.other))
      default: outputs.append(.session(result, link.other))
      }
    }
    if next.state.phase == .failed {
      // It closes itself; the older one serves as long as it may.
      successor = nil
      forgetHeld()
      session.state.isWindingDown = false
    } else {
      retireWhenReady(now: now, into: &outputs)
    }
  }

  private mutating func handleOnOld(
    _ input: SessionInput, into outputs: inout [RelayOutput], now: Int64
  ) -> Bool {
    switch input {
    case .line(let bytes, _):
      guard let line = IRCLine(bytes), line.isForReaders else { return false }
      seen.insert(line.fingerprint)
      results.removeAll(keepingCapacity: true)
      retiring?.handle(input, now: now, into: &results)
      for result in results {
        switch result {
        case .message: outputs.append(.message)
        case .event: outputs.append(.session(result, link.other))
        default: break
        }
      }
      return true
    case .closed:
      retiring = nil
      dropSeen()
      seenUntil = now + Self.lag
    case .opened, .tick, .command: break
    }
    return false
  }

  // MARK: Moving

  private mutating func begin(now: Int64, into outputs: inout [RelayOutput]) {
    guard successor == nil, retiring == nil else {
      // Asked again before the first move has ended.
      if successor == nil {
        outputs.append(.session(.reconnect(after: 0, reason: "the server asks to reconnect"), link))
      }
      return
    }
    successor = session.successor()
    seenUntil = .max
    outputs.append(.dial(link.other))
  }

  private mutating func retireWhenReady(now: Int64, into outputs: inout [RelayOutput]) {
    guard let next = successor, next.isSettledIn else { return }
    // What has been written is acknowledged on the connection that it was written to.
    session.state.isWindingDown = true
    guard session.state.pending.isEmpty else { return }
    let old = session
    takeOver(now: now, into: &outputs)
    retiring = old
    outputs.append(.session(.report(.notice, "moved to a new connection"), link))
    outputs.append(.session(.close(reason: "a new connection has taken its place"), link.other))
  }

  /// The newer session serves from now on.
  private mutating func takeOver(now: Int64, into outputs: inout [RelayOutput]) {
    guard var next = successor else { return }
    successor = nil
    var results: [SessionOutput] = []
    next.inherit(session, into: &results)
    next.handle(.tick, now: now, into: &results)
    session = next
    link = link.other
    for result in results { outputs.append(.session(result, link)) }
  }

  private mutating func hold(_ bytes: UnsafeRawBufferPointer) {
    held.append(Array(bytes))
    heldBytes += bytes.count
    if held.count % Self.tidyAt == 0 || heldBytes > Self.heldBytesLimit { dropSeen() }
    while held.count > Self.heldLimit || heldBytes > Self.heldBytesLimit, !held.isEmpty {
      heldBytes -= held.removeFirst().count
    }
  }

  /// Lets go of held lines that readers have had.
  private mutating func dropSeen() {
    held.removeAll { bytes in
      bytes.withUnsafeBytes { raw in
        guard let line = IRCLine(raw) else { return true }
        return seen.contains(line.fingerprint)
      }
    }
    heldBytes = held.reduce(0) { $0 + $1.count }
  }

  /// The next of the lines that were held, once the older connection has ended, with what the session says about it; nil when there is
  /// none. It stays the next until `removeHeld`.
  public mutating func nextHeld(now: Int64) -> (line: [UInt8], outputs: [RelayOutput])? {
    guard !isMoving, let next = held.first else { return nil }
    results.removeAll(keepingCapacity: true)
    next.withUnsafeBytes { session.handle(.line($0), now: now, into: &results) }
    return (next, results.map { if case .message = $0 { .message } else { .session($0, link) } })
  }

  /// The line of `nextHeld` has been shown.
  public mutating func removeHeld() { heldBytes -= held.removeFirst().count }

  /// Two connections are in use.
  private var isMoving: Bool { successor != nil || retiring != nil }

  private mutating func forgetHeld() {
    held = []
    heldBytes = 0
    seen = []
  }

  // MARK: The session that serves

  /// See `ChatSession.reconfigure`. A move that is under way is called off.
  public mutating func reconfigure(
    _ new: SessionConfiguration, now: Int64, into outputs: inout [RelayOutput]
  ) {
    if successor != nil {
      successor = nil
      outputs.append(.session(.close(reason: "the configuration has changed"), link.other))
      forgetHeld()
      session.state.isWindingDown = false
    }
    var results: [SessionOutput] = []
    session.reconfigure(new, now: now, into: &results)
    for result in results { outputs.append(.session(result, link)) }
  }

  public mutating func detachCommands() -> [DetachedCommand] { session.detachCommands() }
  public mutating func withdraw(_ command: DetachedCommand) { session.withdraw(command) }

  // MARK: Handing over

  /// All that a relay knows, for the next build of the plugin.
  public struct State: Hashable, Sendable, Codable {
    public var session: SessionState
    public var link: ChatLink
    var successor: SessionState?
    var retiring: SessionState?
    var held: [[UInt8]]
    /// As texts, since a JSON number does not hold 64 bits everywhere.
    var seen: [String]
    var seenUntil: Int64
    /// Of the configuration that the session was logged in with.
    var identity: String?
  }

  public var state: State {
    State(
      session: session.state, link: link, successor: successor?.state, retiring: retiring?.state, held: held,
      seen: seen.map { String($0, radix: 16) }.sorted(), seenUntil: seenUntil, identity: session.configuration.identity)
  }

  /// Goes on where another relay stopped. A `.tick` on each connection should follow.
  public init(configuration: SessionConfiguration, state: State) {
    session = ChatSession(configuration: configuration, state: state.session)
    link = state.link
    successor = state.successor.map { ChatSession(configuration: session.successor().configuration, state: $0) }
    retiring = state.retiring.map { ChatSession(configuration: configuration, state: $0) }
    held = state.held
    heldBytes = held.reduce(0) { $0 + $1.count }
    seen = Set(state.seen.compactMap { UInt64($0, radix: 16) })
    seenUntil = state.seenUntil
    isOfAnotherLogin = state.identity.map { $0 != configuration.identity } ?? false
  }

  /// It goes on where another relay stopped, whose configuration was for another login: the connection has to be made anew.
  public private(set) var isOfAnotherLogin = false

  /// The connections that there are, the one that serves first.
  public var links: [ChatLink] { isMoving ? [link, link.other] : [link] }
}

/// One of the two connections that a login may have.
public enum ChatLink: String, Hashable, Sendable, Codable, CaseIterable {
  case first
  case second

  public var other: ChatLink { self == .first ? .second : .first }
}

/// What a relay wants done, in order.
public enum RelayOutput: Hashable, Sendable {
  /// Something of a session, for its connection. Never `.message` or `.succeed`.
  case session(SessionOutput, ChatLink)
  /// The line that was just given is a chat message that readers should see.
  case message
  /// Open this connection.
  case dial(ChatLink)
}

extension ChatSession {
  /// A session for another connection of the same login, in the same rooms and under the same limits.
  func successor() -> ChatSession {
    var configuration = configuration
    configuration.channels = state.roomOrder.filter { state.rooms[$0]?.isWanted == true }.map(
      ChannelName.init(trusted:))
    var source = state
    var next = ChatSession(configuration: configuration, seed: source.nextRandom())
    next.state.joinWindow = state.joinWindow
    next.state.sendWindow = state.sendWindow
    next.state.loginWindow = state.loginWindow
    return next
  }

  /// Logged in, and in every room that it can be in.
  var isSettledIn: Bool {
    isConnected && !state.rooms.values.contains { $0.isWanted && ($0.membership == .queued || $0.membership == .asked) }
  }

  /// Takes over what another session has yet to do. Callers that wait to be in a room are told when this one is.
  mutating func inherit(_ old: ChatSession, into outputs: inout [SessionOutput]) {
    configuration = old.configuration
    state.queue = old.state.queue
    state.groups = old.state.groups
    state.nextGroup = old.state.nextGroup
    state.holdUntil = old.state.holdUntil
    state.sendWindow = old.state.sendWindow
    state.shared = old.state.shared
    if let plain = old.state.plain, state.plain != nil { state.plain?.pace = plain.pace }
    for name in old.state.roomOrder where !state.roomOrder.contains(name) { state.roomOrder.append(name) }
    for (name, before) in old.state.rooms {
      let isNew = state.rooms[name] == nil
      guard !isNew || before.isWanted || before.blockedBy != nil else { continue }
      var room = state.rooms[name] ?? Room()
      room.inherit(before)
      if isNew, room.isWanted, state.phase == .connected { room.membership = .queued }
      if room.membership == .joined {
        for joiner in before.joiners { settle(joiner, .done, into: &outputs) }
      } else {
        room.joiners += before.joiners
      }
      state.rooms[name] = room
    }
    // Left in the meantime.
    for (name, room) in state.rooms where old.state.rooms[name]?.isWanted != true {
      state.rooms[name]?.isWanted = false
      state.roomOrder.removeAll { $0 == name }
      if room.membership == .joined || room.membership == .asked { write("PART \(name)", into: &outputs) }
    }
  }
}

extension IRCLine {
  /// Whether a line is something that users did, which readers want once and in order; the rest is about the connection.
  var isForReaders: Bool {
    verb.equals("PRIVMSG") || verb.equals("USERNOTICE") || verb.equals("CLEARCHAT") || verb.equals("CLEARMSG")
      || verb.equals("WHISPER")
  }

  /// The same for one line on two connections: its id where it has one, else the line itself.
  var fingerprint: UInt64 {
    if let id = tag("id"), !id.isEmpty { return id.fingerprint }
    return raw.fingerprint
  }
}
