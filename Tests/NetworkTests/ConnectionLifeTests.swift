import CBotHost
import Foundation
import Testing

@testable import BotHost

/// How connections begin, end, come back and replace each other, over real sockets on loopback.
@Suite(.serialized)
struct ConnectionLifeTests {
  private let second: Int64 = 1_000_000_000

  // MARK: Connecting

  @Test func aServerThatNeverAnswersIsGivenUp() throws {
    // A listener whose queue is full drops what comes: nobody answers.
    let server = try LoopbackServer(backlog: 0)
    let fillers = server.fill()
    defer { for filler in fillers { close(filler) } }
    try withNetwork { network in
      let observer = Recorder()
      var spec = server.spec()
      spec.connectTimeout = 150_000_000
      _ = network.dial(owner: "bot", spec: spec, observer: observer)
      let closing = observer.closing()
      #expect(closing?.reason == .connect)
      #expect(closing?.error == "127.0.0.1:\(server.port) did not answer within 150 ms")
    }
  }

  @Test func aServerThatDoesNotGoOnInTheHandshakeIsGivenUp() throws {
    let server = try LoopbackServer()
    let clock = TurnedClock()
    try withNetwork(clock) { network in
      let observer = Recorder()
      var spec = server.spec()
      spec.isTLS = true
      _ = network.dial(owner: "bot", spec: spec, observer: observer)
      let client = try server.accept()
      // The first byte of a TLS handshake: now it has begun.
      #expect(client.byte() == 22)
      clock.turn(21 * second)
      network.look()
      let closing = observer.closing()
      #expect(closing?.reason == .tls)
      #expect(closing?.error == "the TLS handshake with 127.0.0.1:\(server.port) did not end within 20 s")
      client.close()
    }
  }

  @Test func aNameIsResolvedAndItsAddressesAreTriedInTurn() throws {
    // `localhost` is ::1 and 127.0.0.1 or 127.0.0.1 alone; the server listens on the second only.
    let server = try LoopbackServer()
    try withNetwork { network in
      let observer = Recorder()
      var spec = server.spec()
      spec.host = "localhost"
      _ = network.dial(owner: "bot", spec: spec, observer: observer)
      let client = try server.accept()
      client.send("x\n")
      #expect(observer.frames(1) == ["x"])
      #expect(observer.opening()?.peer == "127.0.0.1:\(server.port)")
    }
  }

  @Test func aNameThatDoesNotExistIsReported() throws {
    try withNetwork { network in
      let observer = Recorder()
      _ = network.dial(
        owner: "bot", spec: ConnectionSpec(name: "x", host: "no-such-host.invalid", port: 1), observer: observer)
      #expect(observer.closing()?.reason == .resolve)
    }
  }

  // MARK: Ending

  @Test func whatIsQueuedIsWrittenBeforeTheClose() throws {
    let server = try LoopbackServer()
    try withNetwork { network in
      let observer = Recorder()
      var spec = server.spec()
      spec.maximumUnsent = 8 << 20
      let id = network.dial(owner: "bot", spec: spec, observer: observer).id
      let client = try server.accept()
      _ = observer.opening()
      // More than the socket takes at once.
      let bytes = (0..<6_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
      #expect(network.write(id, owner: "bot", bytes) == BH_OK)
      #expect(network.close(id, owner: "bot") == BH_OK)
      #expect(network.close(id, owner: "bot") == BH_E_NOTFOUND)
      #expect(client.rest() == bytes)
      client.close()
      let closing = observer.closing()
      #expect(closing == ConnectionClosing(reason: .local, error: "", isFinal: true, retryIn: 0))
      #expect(network.write(id, owner: "bot", [1]) == BH_E_NOTFOUND)
    }
  }

  @Test func whatTheServerSaysInAnswerToTheEndIsStillHeard() throws {
    let server = try LoopbackServer()
    try withNetwork { network in
      let observer = Recorder()
      let id = network.dial(owner: "bot", spec: server.spec(), observer: observer).id
      let client = try server.accept()
      _ = observer.opening()
      #expect(network.write(id, owner: "bot", Array("QUIT\r\n".utf8)) == BH_OK)
      #expect(network.close(id, owner: "bot") == BH_OK)
      #expect(client.line() == "QUIT")
      client.send("ERROR :Closing link\r\n")
      client.close()
      #expect(observer.events(3) == ["open", "ERROR :Closing link", "closed: local"])
    }
  }

  @Test func aServerThatHasEndedStillGetsWhatWaits() throws {
    let server = try LoopbackServer()
    try withNetwork { network in
      let observer = Recorder()
      var spec = server.spec()
      spec.maximumUnsent = 8 << 20
      let id = network.dial(owner: "bot", spec: spec, observer: observer).id
      let client = try server.accept()
      _ = observer.opening()
      let bytes = [UInt8](repeating: 7, count: 6_000_000)
      #expect(network.write(id, owner: "bot", bytes) == BH_OK)
      client.send("bye\n")
      client.endSending()
      #expect(observer.frames(1) == ["bye"])
      #expect(client.rest() == bytes)
      #expect(observer.closing()?.reason == .peer)
    }
  }

  @Test func anEndInTheMiddleOfAFrameIsSaid() throws {
    let server = try LoopbackServer()
    try withNetwork { network in
      let observer = Recorder()
      _ = network.dial(owner: "bot", spec: server.spec(), observer: observer)
      let client = try server.accept()
      client.send("whole\nhal")
      client.close()
      let closing = observer.closing()
      #expect(
        closing?.error
          == "127.0.0.1:\(server.port) closed the connection in the middle of a frame, of which 3 bytes had come")
      #expect(observer.events(3) == ["open", "whole", "closed: peer"])
    }
  }

  @Test func aResetIsAnError() throws {
    let server = try LoopbackServer()
    try withNetwork { network in
      let observer = Recorder()
      _ = network.dial(owner: "bot", spec: server.spec(), observer: observer)
      let client = try server.accept()
      client.send("x\n")
      #expect(observer.frames(1) == ["x"])
      client.reset()
      #expect(observer.closing()?.reason == .error)
      #expect(observer.closing()?.error.contains("reset") == true)
    }
  }

  @Test func writingToAServerThatIsGoneEndsInOrder() throws {
    let server = try LoopbackServer()
    try withNetwork { network in
      // Without room, so that nothing is read and the end is met by writing.
      let observer = Recorder(room: 0)
      let id = network.dial(owner: "bot", spec: server.spec(), observer: observer).id
      let client = try server.accept()
      client.send("last words\n")
      #expect(observer.waitUntilFull())
      client.close()
      var code = bh_rc(BH_OK)
      let limit = Date(timeIntervalSinceNow: 60)
      while code == BH_OK, Date() < limit { code = network.write(id, owner: "bot", Array("PING\r\n".utf8)) }
      #expect(code != BH_OK)
      observer.makeRoom(10)
      network.resume(id)
      #expect(observer.events(3).prefix(2) == ["open", "last words"])
      #expect(observer.closing()?.isFinal == true)
    }
  }

  @Test func aFrameThatIsTooLongEndsTheConnection() throws {
    let server = try LoopbackServer()
    try withNetwork { network in
      let observer = Recorder()
      var spec = server.spec()
      spec.framing = .length32
      spec.maximumFrame = 100
      _ = network.dial(owner: "bot", spec: spec, observer: observer)
      let client = try server.accept()
      client.send([0, 0, 0, 2, 104, 105, 0, 0, 0, 101])
      #expect(observer.events(3) == ["open", "hi", "closed: frame"])
      #expect(client.rest() == [])
    }
  }

  @Test func aLineThatIsTooLongIsCounted() throws {
    let server = try LoopbackServer()
    try withNetwork { network in
      let observer = Recorder()
      var spec = server.spec()
      spec.maximumFrame = 10
      let id = network.dial(owner: "bot", spec: spec, observer: observer).id
      let client = try server.accept()
      client.send("\(String(repeating: "x", count: 200_000))\nshort\n")
      #expect(observer.frames(1) == ["short"])
      client.close()
      _ = observer.closing()
      #expect(network.describe(id, owner: "bot")?.snapshot.droppedLines == 1)
      #expect(network.describe(id, owner: "bot")?.snapshot.bytesIn == 200_007)
    }
  }

  @Test func aLineWithoutAnEndClosesTheConnection() throws {
    let server = try LoopbackServer()
    try withNetwork { network in
      let observer = Recorder()
      var spec = server.spec()
      spec.maximumFrame = 1000
      _ = network.dial(owner: "bot", spec: spec, observer: observer)
      let client = try server.accept()
      client.send("hi\n")
      // The other side closes before all of it is sent.
      for _ in 0..<64 { client.send([UInt8](repeating: UInt8(ascii: "x"), count: 1 << 20)) }
      #expect(observer.events(3) == ["open", "hi", "closed: frame"])
      let error = observer.closing()?.error ?? ""
      #expect(error.hasPrefix("a line has no end after ") && error.hasSuffix("left out, up to 1048576"), "\(error)")
    }
  }

  /// Byte for byte, and never a whole line: that is no silence, and takes no more room than a line may.
  @Test func aTrickleIsHeld() throws {
    let server = try LoopbackServer()
    let clock = TurnedClock()
    try withNetwork(clock) { network in
      let observer = Recorder()
      var spec = server.spec()
      spec.maximumFrame = 100
      spec.idleTimeout = 10 * second
      let id = network.dial(owner: "bot", spec: spec, observer: observer).id
      let client = try server.accept()
      #expect(observer.events(1) == ["open"])
      for count in 1...150 {
        client.send("x")
        while network.describe(id, owner: "bot")?.snapshot.bytesIn != UInt64(count) { sched_yield() }
        clock.turn(9 * second)
        network.look()
      }
      client.send("\nshort\n")
      #expect(observer.frames(1) == ["short"])
      #expect(network.describe(id, owner: "bot")?.snapshot.droppedLines == 1)
      clock.turn(11 * second)
      network.look()
      #expect(observer.closing()?.error == "nothing was received for 10 s")
    }
  }

  // MARK: Back-pressure

  @Test func everythingWaitsForRoomInItsOrder() throws {
    let server = try LoopbackServer()
    try withNetwork { network in
      let observer = Recorder(room: 0, countsEverything: true)
      var spec = server.spec(reconnects: true)
      spec.backoffMinimum = 1
      spec.backoffMaximum = 1
      let id = network.dial(owner: "bot", spec: spec, observer: observer).id
      let first = try server.accept()
      first.send("a\nb\n")
      first.close()
      for count in 1...4 {
        #expect(observer.waitUntilFull())
        observer.makeRoom(1)
        network.resume(id)
        #expect(observer.events(count).count == count)
      }
      // Only now, with the first end told, comes the next attempt.
      let second = try server.accept()
      second.send("c\n")
      for count in 5...6 {
        #expect(observer.waitUntilFull())
        observer.makeRoom(1)
        network.resume(id)
        #expect(observer.events(count).count == count)
      }
      #expect(observer.events(6) == ["open", "a", "b", "closed: peer", "open", "c"])
    }
  }

  @Test func aPausedConnectionDoesNotDieOfSilence() throws {
    let server = try LoopbackServer()
    let clock = TurnedClock()
    try withNetwork(clock) { network in
      let observer = Recorder(room: 1)
      var spec = server.spec()
      spec.idleTimeout = 10 * second
      let id = network.dial(owner: "bot", spec: spec, observer: observer).id
      let client = try server.accept()
      client.send("a\nb\n")
      #expect(observer.waitUntilFull())
      clock.turn(100 * second)
      network.look()
      observer.makeRoom(10)
      network.resume(id)
      #expect(observer.events(3) == ["open", "a", "b"])
      clock.turn(11 * second)
      network.look()
      let closing = observer.closing()
      #expect(closing?.reason == .idle)
      #expect(closing?.error == "nothing was received for 10 s")
    }
  }

  // MARK: Coming back

  @Test func attemptsFollowTheBackoff() throws {
    let server = try LoopbackServer(backlog: nil)
    let clock = TurnedClock()
    try withNetwork(clock) { network in
      let observer = Recorder()
      var spec = server.spec(reconnects: true)
      spec.backoffMinimum = 10 * second
      spec.backoffMaximum = 40 * second
      let id = network.dial(owner: "bot", spec: spec, observer: observer).id
      for (count, most) in [(1, 10), (2, 20), (3, 40), (4, 40)] as [(Int, Int64)] {
        let closing = observer.closing(count)
        #expect(closing?.isFinal == false)
        let pause = closing?.retryIn ?? -1
        #expect(pause >= most * 500 && pause <= most * 1000)
        let shown = network.describe(id, owner: "bot")?.snapshot
        #expect(shown?.attempt == count)
        #expect(shown?.error.contains("refused") == true)
        clock.turn(pause * 1_000_000 + 1_000_000)
        network.look()
      }
    }
  }

  @Test func aReconnectIsToldAndHappens() throws {
    let server = try LoopbackServer()
    try withNetwork { network in
      let observer = Recorder()
      let id = network.dial(owner: "bot", spec: server.spec(), observer: observer).id
      let first = try server.accept()
      first.send("a\n")
      #expect(observer.frames(1) == ["a"])
      #expect(network.reconnect(id, owner: "bot", delay: 0) == BH_OK)
      #expect(first.rest() == [])
      let second = try server.accept()
      second.send("b\n")
      #expect(observer.events(5) == ["open", "a", "closed: local", "open", "b"])
      #expect(observer.closing()?.isFinal == false)
      // Also one that nobody would bring back.
      second.close()
      #expect(observer.closing(2)?.isFinal == true)
      #expect(network.reconnect(id, owner: "bot", delay: 0) == BH_OK)
      let third = try server.accept()
      third.send("c\n")
      #expect(observer.frames(3) == ["a", "b", "c"])
    }
  }

  @Test func anotherSpecificationClosesTheOldOneFirst() throws {
    let server = try LoopbackServer()
    try withNetwork { network in
      let observer = Recorder()
      let first = network.dial(owner: "bot", spec: server.spec(), observer: observer).id
      let before = try server.accept()
      _ = observer.opening()
      #expect(network.write(first, owner: "bot", Array("QUIT\n".utf8)) == BH_OK)
      var other = server.spec()
      other.maximumFrame = 1000
      let second = network.dial(owner: "bot", spec: other, observer: observer).id
      #expect(second != first)
      // The old one ends by itself: a server that closed first would be the one that ended it.
      #expect(before.rest() == Array("QUIT\n".utf8))
      before.close()
      let after = try server.accept()
      after.send("new\n")
      #expect(observer.events(4) == ["open", "closed: local", "open", "new"])
      #expect(network.write(first, owner: "bot", [1]) == BH_E_NOTFOUND)
      #expect(network.write(second, owner: "bot", [1]) == BH_OK)
    }
  }

  @Test func aNameThatIsDialledAgainAfterACloseGetsANewConnection() throws {
    let server = try LoopbackServer()
    try withNetwork { network in
      let observer = Recorder()
      let first = network.dial(owner: "bot", spec: server.spec(), observer: observer).id
      let before = try server.accept()
      _ = observer.opening()
      #expect(network.close(first, owner: "bot") == BH_OK)
      let second = network.dial(owner: "bot", spec: server.spec(), observer: observer).id
      #expect(second != first)
      #expect(before.rest() == [])
      before.close()
      let after = try server.accept()
      after.send("x\n")
      #expect(observer.events(4) == ["open", "closed: local", "open", "x"])
    }
  }

  // MARK: Owners

  @Test func closingAnOwnersConnectionsWritesWhatWaits() throws {
    let server = try LoopbackServer()
    try withNetwork { network in
      let observer = Recorder()
      var spec = server.spec()
      spec.maximumUnsent = 8 << 20
      let id = network.dial(owner: "bot", spec: spec, observer: observer).id
      let client = try server.accept()
      _ = observer.opening()
      let bytes = [UInt8](repeating: 9, count: 6_000_000)
      #expect(network.write(id, owner: "bot", bytes) == BH_OK)
      network.closeAll(owner: "bot")
      #expect(network.connections(owner: "bot").isEmpty)
      #expect(client.rest() == bytes)
      #expect(observer.events(1) == ["open"])
    }
  }

  @Test func anOwnerHasABoundedNumberOfConnections() throws {
    let server = try LoopbackServer(backlog: nil)
    try withNetwork { network in
      let observer = Recorder()
      var codes: [bh_rc] = []
      for number in 0...Network.limit {
        var spec = server.spec()
        spec.name = "c\(number)"
        codes.append(network.dial(owner: "bot", spec: spec, observer: observer).rc)
      }
      #expect(codes.dropLast().allSatisfy { $0 == bh_rc(BH_OK) })
      #expect(codes.last == .some(bh_rc(BH_E_NOSPACE)))
      #expect(network.dial(owner: "other", spec: server.spec(), observer: observer).rc == BH_OK)
    }
  }

  @Test func stoppingWritesWhatWaitsAndLeavesNoSocket() throws {
    let server = try LoopbackServer()
    let network = try Network(clock: SystemClock())
    let observer = Recorder()
    var clients: [LoopbackClient] = []
    for number in 0..<20 {
      var spec = server.spec(reconnects: true)
      spec.name = "c\(number)"
      spec.maximumFrame = 100
      let id = network.dial(owner: "bot", spec: spec, observer: observer).id
      clients.append(try server.accept())
      _ = observer.opening(number + 1)
      #expect(network.write(id, owner: "bot", Array("bye\n".utf8)) == BH_OK)
    }
    #expect(server.descriptorsConnected() == 20)
    network.stop(timeout: 5 * second)
    for client in clients { #expect(client.rest() == Array("bye\n".utf8)) }
    #expect(server.descriptorsConnected() == 0)
    #expect(network.dial(owner: "bot", spec: server.spec(), observer: observer).rc == BH_E_CANCELLED)
  }

  @Test func connectionsThatComeAndGoLeaveNoSocket() throws {
    let server = try LoopbackServer()
    try withNetwork { network in
      let observer = Recorder()
      for count in 1...50 {
        let id = network.dial(owner: "bot", spec: server.spec(), observer: observer).id
        let client = try server.accept()
        _ = observer.opening(count)
        if count % 2 == 0 { #expect(network.close(id, owner: "bot") == BH_OK) }
        client.close()
        _ = observer.closing(count)
      }
      #expect(server.descriptorsConnected() == 0)
    }
  }
}
