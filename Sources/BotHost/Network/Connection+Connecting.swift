import CLinux

/// From the first attempt to an open stream: resolving, racing addresses, the handshake.
extension Connection {
  /// Begins an attempt.
  func start() {
    attempt += 1
    attempts += 1
    predecessor = nil
    scanner = FrameScanner(framing: spec.framing, maximum: spec.maximumFrame)
    countedDrops = 0
    deadline = clock.monotonic &+ spec.connectTimeout
    enter(.resolving)
    resolve(attempts)
  }

  /// The answer to `resolve`; one that comes after its attempt is of no interest.
  func resolved(_ number: UInt64, _ result: Result<Resolver.Preparation, Resolver.Failure>) {
    guard phase == .resolving, number == attempts else { return }
    switch result {
    case .failure(let failure): end(failure.reason, failure.text)
    case .success(let preparation):
      race = AddressRace(preparation.addresses)
      trust = preparation.trust
      enter(.connecting)
      connectNext()
    }
  }

  /// Tries the next address beside those under way.
  func connectNext() {
    let outcome = race?.next(now: clock.monotonic) { (address) throws(Transport.Failure) in
      labels = labels &+ 1 & 0xFFFF
      return try Transport(to: address, poll: poll, label: id << 16 | labels)
    }
    guard case .lost? = outcome else { return }
    let failures = race?.failures ?? []
    end(.connect, failures.isEmpty ? "\(spec.host) has no address" : failures.joined(separator: "; "))
  }

  func settled(_ label: UInt64) {
    switch race?.settled(label) {
    case .running: break
    case .connected(let transport): connected(transport)
    case .lost, nil: connectNext()
    }
  }

  func connected(_ candidate: Transport) {
    race = nil
    transport = candidate
    guard spec.isTLS else { return opened(candidate) }
    guard let trust else { return end(.tls, "no certificates are known to trust") }
    do throws(TLSTrust.Failure) {
      try candidate.secure(serverName: spec.serverName, alpn: spec.alpn, trust: trust)
    } catch {
      return end(.tls, error.description)
    }
    self.trust = nil
    enter(.handshaking)
    handshake(candidate)
  }

  func handshake(_ transport: Transport) {
    guard let session = transport.session else { return }
    switch session.handshake() {
    case .done: opened(transport)
    case .wantsRead: transport.watch(EPOLLIN.rawValue)
    case .wantsWrite: transport.watch(EPOLLOUT.rawValue)
    case .ended: end(.tls, "\(target) closed the connection during the TLS handshake")
    case .failed(let words): end(.tls, words)
    }
  }

  func opened(_ transport: Transport) {
    let now = clock.monotonic
    openedAt = now
    lastReceived = now
    deadline = .max
    enter(.open)
    status.update { $0.error = "" }
    opening = ConnectionOpening(
      local: SocketAddress.of(transport.descriptor, peer: false), peer: transport.address,
      tls: transport.session?.version, alpn: transport.session?.alpn, attempt: attempt)
    // With the handshake's last bytes the first of the stream may have been taken from the socket.
    needsTurn = transport.session != nil
    outgoing.setOpen(true)
    update()
    deliver()
  }
}
