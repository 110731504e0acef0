import Foundation
import Testing

@testable import BotHost

@Suite struct ControlServerTests {
  let place = SocketPlace()
  let handler = TestHandler()

  private func start() throws -> ControlServer {
    let server = try ControlServer(path: place.path, handler: handler)
    try server.start()
    return server
  }

  @Test func requestsAreAnswered() throws {
    let server = try start()
    let client = try ControlClient(path: place.path)
    #expect(try client.request("echo", ["a": [1, 2.5, nil]]) == ["a": [1, 2.5, nil]])
    #expect(client.failure("fail") == ControlError(.notfound, "no such plugin 'x'"))
    #expect(client.failure("nonsense")?.code == .unsupported)
    #expect(try client.request("later") == "late")
    #expect(try client.request("twice") == 1)
    #expect(try client.request("echo", "after") == "after")
    server.stop()
  }

  @Test func streamsComeInOrderAndEnd() throws {
    let server = try start()
    let client = try ControlClient(path: place.path)
    var seen: [Int64] = []
    let end = try client.request("count", ["to": 1000]) { item in
      seen.append(item.int ?? -1)
      return true
    }
    #expect(seen == Array(0..<1000) && end == 1000)
    server.stop()
  }

  @Test func aClientMayLeaveAStream() throws {
    let server = try start()
    do {
      let client = try ControlClient(path: place.path)
      var seen = 0
      _ = try client.request("count", ["to": .int(.max)]) { _ in
        seen += 1
        return seen < 10
      }
      #expect(seen == 10)
    }
    // Waits for the handler, which therefore must have seen that nobody listens.
    server.stop()
  }

  @Test func theHandlerHearsThatTheClientIsGone() throws {
    let server = try start()
    do {
      let client = try RawClient(path: place.path)
      client.send("{\"id\":1,\"op\":\"never\"}\n")
      // The answer to a request before shows that the server has read; then the client goes.
      withExtendedLifetime(client) {}
    }
    handler.gone.wait()
    server.stop()
  }

  @Test func stoppingEndsRequestsThatNeverEnd() throws {
    let server = try start()
    let client = try RawClient(path: place.path)
    client.send("{\"id\":1,\"op\":\"echo\",\"args\":1}\n{\"id\":2,\"op\":\"never\"}\n")
    let reader = HostThread(name: "stopper") {
      server.stop()
    }
    _ = client.readAll()
    try #require(reader).join()
    #expect(!FileManager.default.fileExists(atPath: place.path))
  }

  @Test("a socket that was removed is made again, and who is connected stays", arguments: [false, true])
  func renewed(lockIsGone: Bool) throws {
    let server = try start()
    let before = try ControlClient(path: place.path)
    #expect(try before.request("echo", 1) == 1)
    #expect(try !server.renew())
    for round in 0..<3 {
      #expect(unlink(place.path) == 0)
      if lockIsGone { #expect(unlink(place.path + ".lock") == 0) }
      #expect(try server.renew())
      let after = try ControlClient(path: place.path)
      #expect(try after.request("echo", .int(Int64(round))) == .int(Int64(round)))
      #expect(throws: ControlError.self) { _ = try ControlServer(path: place.path, handler: handler) }
    }
    #expect(try before.request("echo", 2) == 2)
    server.stop()
    #expect(!FileManager.default.fileExists(atPath: place.path))
    #expect(try !server.renew())
  }

  @Test("a server that stops leaves the socket that somebody else has put in its place")
  func anothersSocket() throws {
    let server = try start()
    #expect(unlink(place.path) == 0 && unlink(place.path + ".lock") == 0)
    let other = try start()
    server.stop()
    #expect(try ControlClient(path: place.path).request("echo", 3) == 3)
    other.stop()
  }

  @Test func manyClientsAtOnce() throws {
    let server = try start()
    let path = place.path
    let failures = FailureList()
    let threads = (0..<20).map { number in
      HostThread(name: "client") {
        do {
          let client = try ControlClient(path: path)
          for index in 0..<50 {
            let value = JSONValue.array([.int(Int64(number)), .int(Int64(index))])
            if try client.request("echo", value) != value { failures.add("wrong answer") }
          }
        } catch {
          failures.add("\(error)")
        }
      }
    }
    for thread in threads { try #require(thread).join() }
    #expect(failures.all == [])
    server.stop()
  }

  @Test func oneClientTooManyIsToldSo() throws {
    let server = try start()
    var clients: [ControlClient] = []
    for _ in 0..<ControlServer.maxClients {
      let client = try ControlClient(path: place.path)
      _ = try client.request("echo")
      clients.append(client)
    }
    let last = try ControlClient(path: place.path)
    #expect(last.failure("echo")?.code == .busy)
    withExtendedLifetime(clients) {}
    server.stop()
  }

  @Test func theSocketIsTheOwnersAlone() throws {
    let server = try start()
    let mode = try FileManager.default.attributesOfItem(atPath: place.path)[.posixPermissions] as? Int
    #expect(mode == 0o600)
    server.stop()
  }

  @Test func aLivingHostIsNotReplaced() throws {
    let server = try start()
    let path = place.path
    let handler = handler
    let error = #expect(throws: ControlError.self) { _ = try ControlServer(path: path, handler: handler) }
    #expect(error?.code == .busy && error?.message.contains("pid \(getpid())") == true)
    _ = try ControlClient(path: place.path).request("echo")
    server.stop()
  }

  @Test func theSocketOfADeadHostIsReplaced() throws {
    // A socket without anybody behind it, as a killed host leaves it.
    let dead = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    _ = try ControlSocket.withAddress(place.path) { bind(dead, $0, $1) }
    close(dead)
    #expect(FileManager.default.fileExists(atPath: place.path))
    let path = place.path
    let error = #expect(throws: ControlError.self) { _ = try ControlClient(path: path) }
    #expect(error?.code == .unreachable)
    let server = try start()
    _ = try ControlClient(path: place.path).request("echo")
    server.stop()
  }

  @Test func afterAStopAnotherHostMayListen() throws {
    do {
      let first = try start()
      first.stop()
    }
    let second = try start()
    _ = try ControlClient(path: place.path).request("echo")
    second.stop()
  }

  @Test func aFileThatIsNoSocketStays() throws {
    try Data("precious".utf8).write(to: URL(fileURLWithPath: place.path))
    let path = place.path
    let handler = handler
    let error = #expect(throws: ControlError.self) { _ = try ControlServer(path: path, handler: handler) }
    #expect(error?.code == .invalid)
    #expect(try String(contentsOfFile: place.path, encoding: .utf8) == "precious")
  }

  @Test func aPathThatIsTooLongIsSaid() throws {
    let long = place.directory + "/" + String(repeating: "x", count: 120)
    let handler = handler
    let error = #expect(throws: ControlError.self) { _ = try ControlServer(path: long, handler: handler) }
    #expect(error?.code == .invalid && error?.message.contains("107") == true)
  }

  @Test func noHostIsSaidWithWhatToDo() throws {
    let path = place.path
    let error = #expect(throws: ControlError.self) { _ = try ControlClient(path: path) }
    #expect(error?.code == .unreachable && error?.message.contains("--plugins") == true)
  }

  @Test func answersThatAreTooLargeBecomeAnError() throws {
    let server = try start()
    let client = try ControlClient(path: place.path)
    #expect(client.failure("large")?.code == .nospace)
    #expect(try client.request("echo", 1) == 1)
    server.stop()
  }

  @Test func aTimeoutEndsTheWait() throws {
    let server = try start()
    let client = try ControlClient(path: place.path)
    let error = #expect(throws: ControlError.self) { _ = try client.request("never", timeout: 1_000_000) }
    #expect(error?.code == .timeout)
    server.stop()
  }
}

final class FailureList: @unchecked Sendable {
  private let monitor = Monitor()
  private var list: [String] = []

  func add(_ text: String) { monitor.withLock { list.append(text) } }
  var all: [String] { monitor.withLock { list } }
}
