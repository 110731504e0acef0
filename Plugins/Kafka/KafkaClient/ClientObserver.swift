import KafkaLog

/// How loudly a client says something.
public enum ClientNotice: Sendable {
  case error
  case warning
  case info
  case debug
}

/// Hears what clients say about themselves. Called on the thread that polls, never from within a call that produces or settles.
public protocol ClientObserver: AnyObject, Sendable {
  /// The connection's state has changed; once for each change.
  func connectionChanged(_ state: ConnectionState)

  /// One line for the log.
  func clientSays(_ notice: ClientNotice, _ text: String)
}
