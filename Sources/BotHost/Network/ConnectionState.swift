/// Where a connection is in its life. Its raw value is the word that `describe` and `bothost ps` show.
enum ConnectionState: String, Sendable {
  /// Dialled, and waiting for the connection that had the name before to end.
  case idle
  /// Waiting for the addresses of its host.
  case resolving
  case connecting
  /// Agreeing on TLS.
  case handshaking
  case open
  /// Taking no more bytes to write: what waits is written, the end is said, what the other side still sends is read.
  case draining
  /// Until the next attempt.
  case waiting
  /// Over; nobody tries again unless asked to.
  case closed
}
