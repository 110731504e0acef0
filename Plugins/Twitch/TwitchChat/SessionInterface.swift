/// Names a command within a session. 0 names nobody who waits.
public typealias CommandID = UInt64

/// What a session is told. Time comes with it, as nanoseconds of a clock that never goes back.
public enum SessionInput {
  /// The connection is open (and, with TLS, verified).
  case opened
  /// One line, with or without its CR LF; borrowed for the call. `again`: it has come before, and what was made of it has failed; it is no
  /// copy of itself.
  case line(UnsafeRawBufferPointer, again: Bool = false)
  /// The connection is gone. `isFinal`: nobody will open it again.
  case closed(reason: String, isFinal: Bool)
  /// The time that was asked for by `.wake` has come; harmless at any other time.
  case tick
  case command(CommandID, SessionCommand)
}

/// What somebody wants of a session. Each command is settled once, if its id is not 0.
public enum SessionCommand: Hashable, Sendable {
  /// Settled when we are in the room, or cannot be.
  case join(String)
  /// Settled when the line is written.
  case part(String, reason: String)
  /// Settled when the server has taken each part of the text, or has refused one. Without a channel it goes to the only one that we are
  /// to be in.
  case say(channel: String?, text: String, replyTo: String?)
  /// A text to one person alone, by nick, on a plain server; settled as `say` is.
  case tell(String, text: String)
  /// One line as it is; only CR, LF and NUL are refused.
  case raw(String)
}

/// How a command ended.
public enum CommandResult: Hashable, Sendable {
  /// Done; nothing to say but that.
  case done
  /// All parts of a text were taken. `ids` holds those that the server gave.
  case sent(channel: String, ids: [String], parts: Int, isConfirmed: Bool)
  /// The parts went out and the server said nothing: perhaps they arrived.
  case unknown(channel: String, reason: String)
  /// It did not happen.
  case failed(CommandFailure)
}

/// Why a command failed.
public struct CommandFailure: Error, Hashable, Sendable {
  public enum Kind: String, Hashable, Sendable {
    /// The argument is wrong.
    case invalid
    /// A bound is reached.
    case busy
    /// Try again after `retryAfter`.
    case retry
    /// Not this message, never.
    case refused
    /// Not in this room.
    case forbidden
    case timeout
    /// No connection, and none to come.
    case offline
  }

  public var kind: Kind
  /// A NOTICE id, a numeric or a word of ours.
  public var code: String
  /// For a person.
  public var text: String
  /// Nanoseconds; nil when nobody knows.
  public var retryAfter: Int64?

  public init(_ kind: Kind, code: String, text: String, retryAfter: Int64? = nil) {
    self.kind = kind
    self.code = code
    self.text = text
    self.retryAfter = retryAfter
  }
}

/// What a session wants done, in order.
public enum SessionOutput: Hashable, Sendable {
  /// Write these bytes: one line with its CR LF.
  case write([UInt8])
  /// Write `PASS`, the secret and CR LF, as `passwordLine` makes them.
  case writePassword(ServerKind)
  /// Write the lines that log in to this account, as `accountLines` makes them.
  case writeAccount(String)
  /// The line that was just given is a chat message that readers should see.
  case message
  case event(ChatEvent)
  case settle(CommandID, CommandResult)
  /// Give a `.tick` in so many nanoseconds; replaces the one asked for before.
  case wake(after: Int64)
  /// The server will soon end the connection: open another one before it does. See `ChatRelay`.
  case succeed
  /// Close, and connect again after so many nanoseconds.
  case reconnect(after: Int64, reason: String)
  /// Close for good.
  case close(reason: String)
  /// Tell the operator.
  case report(ReportLevel, String)
}

public enum ReportLevel: Hashable, Sendable { case warning, notice, info, debug }

/// The line that gives a secret to a server: `PASS oauth:…` for Twitch, whatever the secret's own prefix, `PASS …`
/// for others. Nil when the secret is empty or holds a byte that would end the line; spaces and line ends around it, as
/// files of secrets have them, are dropped.
public func passwordLine(secret: UnsafeRawBufferPointer, server: ServerKind) -> [UInt8]? {
  var view = trimmedSecret(secret)
  guard !view.isEmpty else { return nil }
  for index in 0..<view.count where view[index] < 0x20 || view[index] == 0x7F { return nil }
  if server == .twitch {
    if view.hasPrefix("oauth:") { view = view.suffix(from: 6) }
    for index in 0..<view.count where view[index] == 0x20 { return nil }
    return Array("PASS oauth:".utf8) + view.array + [0x0D, 0x0A]
  }
  let needsColon = view[0] == 0x3A || view.firstIndex(of: 0x20) != nil
  return Array((needsColon ? "PASS :" : "PASS ").utf8) + view.array + [0x0D, 0x0A]
}

/// A secret without the spaces and line ends around it.
func trimmedSecret(_ secret: UnsafeRawBufferPointer) -> ByteView {
  var view = ByteView(secret)
  while let last = view.count > 0 ? view[view.count - 1] : nil, last <= 0x20 { view = view.slice(0, view.count - 1) }
  while view.count > 0, view[0] <= 0x20 { view = view.suffix(from: 1) }
  return view
}
