import CLinux

/// What the other side sends, up to the observer, and no faster than that takes it.
extension Connection {
  /// What epoll reports of one of the connection's sockets.
  func ready(_ label: UInt64, _ events: UInt32) {
    if phase == .connecting { return settled(label) }
    guard let transport, transport.label == label else { return }
    switch phase {
    case .handshaking: handshake(transport)
    case .open, .draining:
      let isBroken = events & (EPOLLHUP.rawValue | EPOLLERR.rawValue) != 0
      if isBroken && !isReading && !writeWantsRead {
        if ending != nil && !isPaused { return over() }
        // Nobody can act upon it before something is read again; writing has become useless.
        isParked = true
        outgoing.setOpen(false)
        return update()
      }
      if isReading && (isBroken || events & EPOLLIN.rawValue != 0 || readWantsWrite) { read() }
      if phase == .open || phase == .draining { flush() }
    default: break
    }
  }

  /// Goes on with what epoll does not announce.
  func turn() {
    needsTurn = false
    if isReading { read() }
  }

  var isReading: Bool {
    guard phase == .open || phase == .draining, ending == nil else { return false }
    return isForgotten || !(isPaused || isShut)
  }

  func read() {
    readWantsWrite = false
    // Bounded, so that a fast peer does not keep the others waiting.
    var rounds = 16
    while rounds > 0, isReading, let transport {
      rounds -= 1
      let space = scanner.space()
      switch transport.read(into: space) {
      case .done(let count):
        scanner.filled(count)
        status.received(count)
        lastReceived = clock.monotonic
        deliver()
        // A short read has emptied the socket; asking again would only say so.
        if transport.session == nil && count < space.count { return }
      case .wantsRead: return
      case .wantsWrite:
        readWantsWrite = true
        return update()
      case .ended: ended(.peer, "\(target) closed the connection")
      case .failed(let words): ended(transport.session == nil ? .error : .tls, words)
      }
    }
    if rounds == 0, isReading { needsTurn = true }
  }

  func ended(_ reason: ConnectionClosing.Reason, _ words: String) {
    ending = writeFailure.map { (.error, $0) } ?? (reason, words)
    update()
    deliver()
  }

  /// Hands out what there is, in order, until the observer has no room.
  func deliver() {
    if isForgotten {
      scanner.discard()
      opening = nil
      closing = nil
      if ending != nil { conclude() }
      return
    }
    guard !isPaused else { return }
    if let opening {
      guard observer.opened(opening) else { return pause() }
      self.opening = nil
    }
    scanning: while true {
      switch scanner.next() {
      case .frame(let frame):
        guard observer.received(frame) else { return pause() }
        scanner.consume()
      case .tooLong(let length):
        guard closing == nil, transport != nil else { break scanning }
        return end(
          .frame, "a frame of \(length) bytes was announced, which is more than the \(spec.maximumFrame) permitted")
      case .endless(let length):
        guard closing == nil, transport != nil else { break scanning }
        return end(
          .frame,
          "a line has no end after \(length) bytes; one of more than the \(spec.maximumFrame) permitted is left out, up to "
            + "\(scanner.longestLeftOut)")
      case .incomplete: break scanning
      }
    }
    if scanner.droppedLines != countedDrops {
      status.dropped(scanner.droppedLines &- countedDrops)
      countedDrops = scanner.droppedLines
    }
    if ending != nil { return conclude() }
    if let closing {
      guard observer.closed(closing) else { return pause() }
      self.closing = nil
    }
  }

  /// Everything that the other side sent is handed out, and it sends no more.
  func conclude() {
    guard let (reason, _) = ending else { return }
    // It has ended its stream, and may still read ours.
    if reason == .peer, phase == .open, outgoing.count > 0 {
      beginDraining()
    } else if phase != .draining || reason != .peer || goodbye == .lingering {
      over()
    }
  }

  func pause() {
    isPaused = true
    update()
  }

  /// The observer has room again.
  func resume() {
    guard isPaused else { return }
    isPaused = false
    isParked = false
    lastReceived = clock.monotonic
    deliver()
    guard !isPaused else { return }
    update()
    if isReading { read() }
  }

  /// Takes nothing more in and connects no more; what is to be written still is.
  func shut() {
    isShut = true
    update()
  }
}
