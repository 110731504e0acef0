import Glibc
import Testing

@testable import BotHost

/// What a handler does with a connection is an effect of its delivery.
@Suite(.serialized)
struct ConnectionEffectTests {
  /// One connection on loopback, as its other end sees it.
  private final class Listener {
    private let descriptor: Int32
    let port: Int

    init() throws {
      descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
      var address = sockaddr_in()
      address.sin_family = sa_family_t(AF_INET)
      address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
      var size = socklen_t(MemoryLayout<sockaddr_in>.size)
      let descriptor = descriptor
      let isListening = withUnsafeMutablePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          bind(descriptor, $0, size) == 0 && listen(descriptor, 4) == 0 && getsockname(descriptor, $0, &size) == 0
        }
      }
      try #require(isListening)
      port = Int(UInt16(bigEndian: address.sin_port))
    }

    deinit { close(descriptor) }

    func accept() -> Int32 {
      let connection = Glibc.accept(descriptor, nil, nil)
      _ = fcntl(connection, F_SETFD, FD_CLOEXEC)
      return connection
    }
  }

  /// Everything until the other side ends; nil when it ends otherwise.
  private func read(_ connection: Int32) -> String? {
    defer { close(connection) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    while true {
      let count = recv(connection, &buffer, buffer.count, 0)
      if count < 0 { return nil }
      if count == 0 { return String(decoding: bytes, as: UTF8.self) }
      bytes += buffer.prefix(count)
    }
  }

  @Test func aCloseComesAfterTheWritesOfItsDelivery() throws {
    let listener = try Listener()
    let fixture = try HostFixture(["actor": Actor.manifest()])
    try fixture.host.start()
    _ = try fixture.host.call("actor.dial", .object(["port": .int(Int64(listener.port))]))
    let connection = listener.accept()
    // Its first attempt fails after it has written and closed: nothing of it may be seen, and the second one must still be able to.
    try fixture.host.publish(topic: "leave", payload: Array("{}".utf8), key: "", contentType: "application/json")
    #expect(read(connection) == "goodbye\n")
    let instance = try fixture.instance()
    try eventually { instance.endpoint.isIdle }
    #expect(instance.endpoint.statistics().dead == 0)
  }
}
