import BotHost
import Foundation
import Synchronization

/// A place for one socket, short enough for the system, that goes away with the test.
final class SocketPlace {
  let directory: String
  var path: String { directory + "/c.sock" }

  init() {
    directory = "/tmp/bh-" + UUID().uuidString.prefix(13)
    try? FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: directory) }
}

/// Answers by the name of the operation.
final class TestHandler: ControlHandler {
  private let kept = Mutex<[ControlReply]>([])
  let gone = Gate()

  func handle(_ request: ControlRequest, _ reply: ControlReply) {
    switch request.operation {
    case "echo": reply.succeed(request.arguments)
    case "fail": reply.fail(.notfound, "no such plugin 'x'")
    case "count":
      let end = request.arguments["to"]?.int ?? 3
      for number in 0..<end { guard reply.item(.int(number)) else { return } }
      reply.succeed(.int(end))
    case "later":
      let thread = HostThread(name: "later") { reply.succeed("late") }
      if thread == nil { reply.fail(.internal, "no thread") }
    case "never":
      reply.whenGone { [gone] in gone.open() }
      kept.withLock { $0.append(reply) }
    case "twice":
      reply.succeed(1)
      reply.succeed(2)
      reply.fail(.internal, "3")
      reply.item(4)
    case "large": reply.succeed(.string(String(repeating: "x", count: ControlRequest.maxLine)))
    default: reply.fail(.unsupported, "'\(request.operation)' is no operation")
    }
  }
}

/// Opens once; waits until it is open.
final class Gate: Sendable {
  private let monitor = Monitor()
  private let isOpen = Atomic<Bool>(false)

  func open() {
    monitor.withLock {
      isOpen.store(true, ordering: .releasing)
      monitor.broadcast()
    }
  }

  func wait() { monitor.withLock { while !isOpen.load(ordering: .acquiring) { monitor.wait() } } }
}

/// A client that writes whatever it is told to.
final class RawClient {
  private let descriptor: Int32

  init(path: String) throws {
    descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
    let result = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    guard result == 0 else { throw POSIXError(.ECONNREFUSED) }
  }

  deinit { close(descriptor) }

  func send(_ bytes: [UInt8]) {
    var position = 0
    while position < bytes.count {
      let count = bytes[position...].withUnsafeBytes {
        Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
      guard count > 0 else { return }
      position += count
    }
  }

  func send(_ text: String) { send(Array(text.utf8)) }

  func endWriting() { shutdown(descriptor, Int32(SHUT_WR)) }

  /// Everything until the other side closes.
  func readAll() -> String {
    var all: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65536)
    while true {
      let count = recv(descriptor, &buffer, buffer.count, 0)
      guard count > 0 else { return String(decoding: all, as: UTF8.self) }
      all += buffer[..<count]
    }
  }
}

extension ControlClient {
  func failure(_ operation: String, _ arguments: JSONValue = .object([:])) -> ControlError? {
    do {
      _ = try request(operation, arguments)
      return nil
    } catch {
      return error
    }
  }
}
