import CLinux

/// What waits to be written, and what epoll is asked to watch for.
extension Connection {
  func flush() {
    guard phase == .open || phase == .draining, let transport, writeFailure == nil, !isParked else { return }
    writeWantsRead = false
    var isBlocked = false
    var failure: String?
    while !isBlocked && failure == nil {
      let hadBytes = outgoing.drain { bytes in
        switch transport.write(bytes) {
        case .done(let count): return count
        case .wantsRead: writeWantsRead = true
        case .wantsWrite: break
        case .ended: failure = "\(target) closed the connection"
        case .failed(let words): failure = words
        }
        isBlocked = true
        return 0
      }
      if !hadBytes { break }
    }
    if let failure {
      outgoing.setOpen(false)
      // After a failure a TLS session can no longer be read.
      guard transport.session == nil, ending == nil else { return ended(.error, failure) }
      writeFailure = failure
      return update()
    }
    if phase == .draining && !isBlocked { leave() } else { update() }
  }

  /// Tells epoll what is waited for.
  func update() {
    guard phase == .open || phase == .draining, let transport else { return }
    var wanted: UInt32 = 0
    if !isParked {
      if isReading || writeWantsRead { wanted |= EPOLLIN.rawValue }
      let isWriting = outgoing.count > 0 && !writeWantsRead && writeFailure == nil
      if isWriting || readWantsWrite || goodbye == .saying { wanted |= EPOLLOUT.rawValue }
    }
    transport.watch(wanted)
  }
}
