/// What came of an attempt to read, write or agree on a connection that does not block.
enum IOProgress: Equatable {
  /// So many bytes, more than none; of a handshake: it is done.
  case done(Int)
  /// Again when the socket has something to read. TLS may say so of a write.
  case wantsRead
  /// Again when the socket takes something. TLS may say so of a read.
  case wantsWrite
  /// The other side has ended its stream.
  case ended
  /// In words.
  case failed(String)
}
