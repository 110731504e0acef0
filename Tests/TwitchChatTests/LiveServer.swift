import Foundation
import ReservedPort

@testable import TwitchChat

/// A server program that a test runs: ngircd, inspircd or the Twitch simulator. Ends with the value.
final class LiveServer {
  let process = Process()
  let directory: URL
  private(set) var port: UInt16 = 0
  /// For those that cannot choose a port themselves.
  private var reserved: ReservedPort?
  private let input = Pipe()

  struct Trouble: Error, CustomStringConvertible { let description: String }

  /// The path of an installed program, if it is there.
  static func installed(_ name: String) -> String? {
    ["/usr/sbin/", "/usr/bin/", "/usr/local/bin/"].map { $0 + name }
      .first { FileManager.default.isExecutableFile(atPath: $0) }
  }

  /// The simulator beside the test program, if it is built.
  static var simulator: String? {
    var buffer = [CChar](repeating: 0, count: 4096)
    guard readlink("/proc/self/exe", &buffer, buffer.count - 1) > 0 else { return nil }
    let path = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    let program = URL(fileURLWithPath: path).deletingLastPathComponent().appendingPathComponent("twitch-simulator").path
    return FileManager.default.isExecutableFile(atPath: program) ? program : nil
  }

  private init() throws {
    directory = FileManager.default.temporaryDirectory.appendingPathComponent(
      "twitchchat-\(UUID().uuidString.prefix(8))")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    process.standardInput = input
  }

  deinit {
    try? input.fileHandleForWriting.close()
    // Not SIGTERM: a child has the signal mask of the thread that started it, which may block that.
    if process.isRunning { kill(process.processIdentifier, SIGKILL) }
    try? FileManager.default.removeItem(at: directory)
  }

  static func ngircd(_ program: String) throws -> LiveServer {
    let server = try LiveServer()
    try server.reservePort()
    let file = server.directory.appendingPathComponent("ngircd.conf")
    try """
    [Global]
    Name = irc.test.example
    Info = test
    Listen = 127.0.0.1
    Ports = \(server.port)
    [Options]
    DNS = no
    Ident = no
    PAM = no
    """.write(to: file, atomically: true, encoding: .utf8)
    try server.run(program, ["-n", "-f", file.path])
    return server
  }

  static func inspircd(_ program: String) throws -> LiveServer {
    let server = try LiveServer()
    try server.reservePort()
    let file = server.directory.appendingPathComponent("inspircd.conf")
    try """
    <server name="irc.test.example" description="test" network="Test">
    <admin name="a" nick="a" email="a@example">
    <bind address="127.0.0.1" port="\(server.port)" type="clients">
    <connect allow="*" timeout="60" threshold="1000" commandrate="100000" fakelag="off" resolvehostnames="no">
    <pid file="\(server.directory.path)/inspircd.pid">
    <module name="cap">
    """.write(to: file, atomically: true, encoding: .utf8)
    try server.run(program, ["--nofork", "--nolog", "--runasroot", "--config=\(file.path)"])
    return server
  }

  static func simulator(_ program: String) throws -> LiveServer {
    let server = try LiveServer()
    let output = Pipe()
    server.process.standardOutput = output
    try server.run(program, ["--lifetime", "900"])
    var line = Data()
    while let byte = try output.fileHandleForReading.read(upToCount: 1), byte != Data([0x0A]) {
      if byte.isEmpty { throw Trouble(description: "the simulator ended before it told its ports") }
      line += byte
    }
    struct Ready: Decodable { let plain: UInt16 }
    server.port = try JSONDecoder().decode(Ready.self, from: line).plain
    return server
  }

  /// An order for the simulator.
  func order(_ line: String) throws { try input.fileHandleForWriting.write(contentsOf: Data((line + "\n").utf8)) }

  private func run(_ program: String, _ arguments: [String]) throws {
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    if process.standardOutput as? Pipe == nil { process.standardOutput = FileHandle.nullDevice }
    process.standardError = FileHandle.nullDevice
    try process.run()
  }

  private func reservePort() throws {
    let reserved = try ReservedPort()
    self.reserved = reserved
    port = reserved.number
  }

  static func loopback(_ port: UInt16) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    address.sin_port = port.bigEndian
    return address
  }
}

/// A session on a real socket, driven until what a test waits for has come.
final class LiveSession {
  private(set) var session: ChatSession
  private(set) var events: [ChatEvent] = []
  private(set) var settled: [CommandID: CommandResult] = [:]
  /// The lines that the session wanted published.
  private(set) var messages: [String] = []
  private var descriptor: Int32 = -1
  private var input: [UInt8] = []
  private var wakeAt: Int64?

  init(_ configuration: SessionConfiguration, port: UInt16) throws {
    session = ChatSession(configuration: configuration, seed: 1)
    // The program may take a moment until it listens.
    let deadline = Self.now() + 60_000_000_000
    while true {
      descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
      var address = LiveServer.loopback(port)
      let rc = withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { [descriptor] in
          connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
      }
      if rc == 0 { break }
      close(descriptor)
      guard Self.now() < deadline else { throw LiveServer.Trouble(description: "nothing listens on port \(port)") }
      poll(nil, 0, 20)
    }
    feed(.opened)
  }

  deinit { close(descriptor) }

  /// Texts that came to this session alone.
  var whispers: [Whisper] { events.compactMap { if case .whisper(let whisper) = $0 { whisper } else { nil } } }

  func standing(of nick: String, in room: String) -> MemberStanding {
    withLine(":\(nick) PRIVMSG \(room) :") { line in
      session.standing(of: IRCSource(line.source).nick, in: line.parameter(0) ?? .empty)
    } ?? []
  }

  static func now() -> Int64 { Int64(DispatchTime.now().uptimeNanoseconds) }

  func command(_ id: CommandID, _ command: SessionCommand) { feed(.command(id, command)) }

  private func feed(_ input: SessionInput) {
    var outputs: [SessionOutput] = []
    session.handle(input, now: Self.now(), into: &outputs)
    for output in outputs {
      switch output {
      case .write(let bytes): write(bytes)
      case .writePassword(let server):
        write(Array("secret".utf8).withUnsafeBytes { passwordLine(secret: $0, server: server) } ?? [])
      case .event(let event): events.append(event)
      case .settle(let id, let result): settled[id] = result
      case .wake(let after): wakeAt = Self.now() + after
      default: break
      }
    }
    if case .line(let bytes, _) = input, outputs.contains(.message) {
      messages.append(String(decoding: bytes, as: UTF8.self))
    }
  }

  private func write(_ bytes: [UInt8]) { _ = bytes.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, 0) } }

  /// Reads and wakes until `done` holds; throws when it does not within a minute.
  func run(until what: String, _ done: (LiveSession) -> Bool) throws {
    let deadline = Self.now() + 60_000_000_000
    while !done(self) {
      guard Self.now() < deadline else {
        throw LiveServer.Trouble(description: "waited in vain until \(what); events: \(events)")
      }
      if let at = wakeAt, at <= Self.now() {
        wakeAt = nil
        feed(.tick)
        continue
      }
      var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      let wait = min(1000, max(0, ((wakeAt ?? Int64.max / 2) - Self.now()) / 1_000_000 + 1))
      guard poll(&waiting, 1, Int32(wait)) > 0 else { continue }
      var buffer = [UInt8](repeating: 0, count: 65536)
      let count = recv(descriptor, &buffer, buffer.count, 0)
      guard count > 0 else {
        throw LiveServer.Trouble(description: "the server closed, waiting until \(what); events: \(events)")
      }
      input += buffer[0..<count]
      while let end = input.firstIndex(of: 0x0A) {
        let line = Array(input[...end])
        input.removeFirst(end + 1)
        line.withUnsafeBytes { feed(.line($0)) }
      }
    }
  }
}
