import CBotHost
import Foundation
import Testing

@testable import BotHost

/// Connections over real sockets on loopback.
@Suite(.serialized)
struct NetworkTests {
  @Test func linesArriveInOrderAndAnswersGoOut() throws {
    let server = try LoopbackServer()
    try withNetwork { network in
      let observer = Recorder()
      let spec = server.spec()
      let (code, id) = network.dial(owner: "bot", spec: spec, observer: observer)
      #expect(code == BH_OK)
      let client = try server.accept()
      client.send("one\r\ntwo\r\nthr")
      client.send("ee\r\n")
      #expect(observer.frames(3) == ["one", "two", "three"])
      #expect(network.write(id, owner: "bot", Array("NICK taco\r\n".utf8)) == BH_OK)
      #expect(client.line() == "NICK taco")
      #expect(network.write(id, owner: "another", Array("x".utf8)) == BH_E_NOTFOUND)
    }
  }

  @Test func aSecondDialFindsTheSameConnection() throws {
    let server = try LoopbackServer()
    try withNetwork { network in
      let spec = server.spec()
      let observer = Recorder()
      let first = network.dial(owner: "bot", spec: spec, observer: observer).id
      let client = try server.accept()
      client.send("hello\n")
      #expect(observer.frames(1) == ["hello"])
      #expect(network.dial(owner: "bot", spec: spec, observer: Recorder()).id == first)
      client.send("again\n")
      #expect(observer.frames(2) == ["hello", "again"])
    }
  }

  @Test func readingStopsWhileThereIsNoRoomAndNothingIsLost() throws {
    let server = try LoopbackServer()
    try withNetwork { network in
      let observer = Recorder(room: 1000)
      let spec = server.spec()
      let id = network.dial(owner: "bot", spec: spec, observer: observer).id
      let client = try server.accept()
      let count = 100_000
      let sender = Thread { for number in 0..<count { client.send("line \(number)\n") } }
      sender.start()
      var taken = 0
      while taken < count {
        taken = observer.frames(min(count, taken + 1000)).count
        observer.makeRoom(1000)
        network.resume(id)
      }
      let frames = observer.frames(count)
      #expect(frames == (0..<count).map { "line \($0)" })
    }
  }

  @Test func anEndInTheMiddleOfALineIsReportedAfterTheWholeLines() throws {
    let server = try LoopbackServer()
    try withNetwork { network in
      let observer = Recorder()
      let spec = server.spec()
      _ = network.dial(owner: "bot", spec: spec, observer: observer)
      let client = try server.accept()
      client.send("whole\nhal")
      client.close()
      let closing = observer.closing()
      #expect(closing?.reason == .peer)
      #expect(closing?.isFinal == true)
      #expect(observer.frames(1) == ["whole"])
    }
  }

  @Test func aLostConnectionComesBack() throws {
    let server = try LoopbackServer()
    try withNetwork { network in
      let observer = Recorder()
      var spec = server.spec(reconnects: true)
      spec.backoffMinimum = 1_000_000
      spec.backoffMaximum = 2_000_000
      _ = network.dial(owner: "bot", spec: spec, observer: observer)
      let first = try server.accept()
      first.send("a\n")
      #expect(observer.frames(1) == ["a"])
      first.close()
      let second = try server.accept()
      second.send("b\n")
      #expect(observer.frames(2) == ["a", "b"])
      #expect(observer.closing()?.isFinal == false)
    }
  }

  @Test func aRefusedConnectionSaysSo() throws {
    let server = try LoopbackServer(backlog: nil)
    try withNetwork { network in
      let observer = Recorder()
      _ = network.dial(
        owner: "bot", spec: ConnectionSpec(name: "x", host: "127.0.0.1", port: server.port), observer: observer)
      let closing = observer.closing()
      #expect(closing?.reason == .connect)
      #expect(closing?.error.contains("refused") == true)
      #expect(closing?.isFinal == true)
    }
  }

  @Test func bytesAboveTheLimitAreRefusedWhole() throws {
    let server = try LoopbackServer()
    try withNetwork { network in
      let observer = Recorder()
      var spec = server.spec()
      spec.maximumUnsent = 10
      let id = network.dial(owner: "bot", spec: spec, observer: observer).id
      let client = try server.accept()
      client.send("x\n")
      _ = observer.frames(1)
      #expect(network.write(id, owner: "bot", Array("12345678901".utf8)) == BH_E_BUSY)
      #expect(network.write(id, owner: "bot", Array("123456789\n".utf8)) == BH_OK)
      #expect(client.line() == "123456789")
    }
  }

  @Test func nothingReceivedForTooLongClosesTheConnection() throws {
    let server = try LoopbackServer()
    try withNetwork { network in
      let observer = Recorder()
      var spec = server.spec()
      spec.idleTimeout = 20_000_000
      _ = network.dial(owner: "bot", spec: spec, observer: observer)
      let client = try server.accept()
      #expect(observer.closing()?.reason == .idle)
      #expect(client.rest() == [])
    }
  }

  @Test func closingWritesWhatWaitsFirst() throws {
    let server = try LoopbackServer()
    try withNetwork { network in
      let observer = Recorder()
      let id = network.dial(
        owner: "bot", spec: server.spec(), observer: observer
      ).id
      let client = try server.accept()
      client.send("x\n")
      _ = observer.frames(1)
      #expect(network.write(id, owner: "bot", Array("QUIT\n".utf8)) == BH_OK)
      #expect(network.close(id, owner: "bot") == BH_OK)
      #expect(client.line() == "QUIT")
      #expect(observer.closing()?.reason == .local)
    }
  }
}
