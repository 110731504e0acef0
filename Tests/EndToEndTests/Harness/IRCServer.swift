import Foundation
import Glibc
import ReservedPort

/// A plain IRC server program on loopback that can be killed and started again on its port.
final class IRCServer {
  let port: Int
  private let reserved: ReservedPort
  private let directory: TemporaryDirectory
  private let path: String
  private let arguments: [String]
  private var program: RunningProgram?

  /// Those that this machine has, of the two that the tests know.
  static let installed: [String] = {
    let found = ["ngircd", "inspircd"].filter { Build.tool($0) != nil }
    if found.isEmpty { print("skipped: the bot on a plain IRC server (neither ngircd nor inspircd is installed)") }
    return found
  }()

  init(_ name: String) throws {
    guard let path = Build.tool(name) else { throw RunningProgram.Failure(description: "\(name) is not installed") }
    self.path = path
    directory = try TemporaryDirectory()
    reserved = try ReservedPort()
    port = Int(reserved.number)
    if name == "ngircd" {
      let file = try directory.file(
        "ngircd.conf",
        """
        [Global]
        Name = irc.test.example
        Info = test
        Listen = 127.0.0.1
        Ports = \(port)
        [Limits]
        PingTimeout = 5
        PongTimeout = 5
        [Options]
        DNS = no
        Ident = no
        PAM = no

        """)
      arguments = ["-n", "-f", file]
    } else {
      let file = try directory.file(
        "inspircd.conf",
        """
        <server name="irc.test.example" description="test" network="Test">
        <admin name="a" nick="a" email="a@example">
        <bind address="127.0.0.1" port="\(port)" type="clients">
        <connect allow="*" timeout="60" pingfreq="15" threshold="1000" commandrate="100000" fakelag="off" resolvehostnames="no">
        <pid file="\(directory.path)/inspircd.pid">

        """)
      arguments = ["--nofork", "--nolog", "--runasroot", "--config=\(file)"]
    }
    try start()
  }

  func start() throws { program = try RunningProgram(path, arguments) }

  /// Ends it without a word to anybody.
  func kill() throws {
    program?.signal(SIGKILL)
    try program?.waitForExit()
  }
}

/// Somebody who talks on a plain IRC server, from the test's own thread.
final class IRCClient {
  private let descriptor: Int32
  private var input: [UInt8] = []
  private let nick: String

  /// Connects, as soon as the server listens, and logs in.
  init(port: Int, nick: String) throws {
    self.nick = nick
    let limit = Date(timeIntervalSinceNow: 60)
    var connected: Int32 = -1
    while connected < 0 {
      let candidate = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
      var address = Self.loopback(port)
      let rc = withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          connect(candidate, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
      }
      if rc == 0 {
        connected = candidate
      } else {
        close(candidate)
        guard Date() < limit else { throw RunningProgram.Failure(description: "nothing listens on port \(port)") }
        poll(nil, 0, 20)
      }
    }
    descriptor = connected
    send("NICK \(nick)")
    send("USER \(nick) 0 * :\(nick)")
    _ = try line { $0.contains(" 001 ") }
  }

  deinit { close(descriptor) }

  func send(_ line: String) {
    let bytes = Array((line + "\r\n").utf8)
    _ = bytes.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
  }

  /// The next line that fits; the server's PINGs are answered on the way.
  func line(within seconds: Double = 60, where fits: (String) -> Bool) throws -> String {
    let limit = Date(timeIntervalSinceNow: seconds)
    while true {
      while let end = input.firstIndex(of: 0x0A) {
        let line = String(decoding: input[..<end], as: UTF8.self).trimmingCharacters(in: .newlines)
        input.removeFirst(end + 1)
        if line.hasPrefix("PING ") { send("PONG " + line.dropFirst(5)) }
        if fits(line) { return line }
      }
      var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      let left = limit.timeIntervalSinceNow
      guard left > 0, poll(&waiting, 1, Int32(left * 1000) + 1) > 0 else {
        throw RunningProgram.Failure(description: "\(nick) has not seen the line in \(seconds) s")
      }
      var buffer = [UInt8](repeating: 0, count: 65536)
      let count = recv(descriptor, &buffer, buffer.count, 0)
      guard count > 0 else { throw RunningProgram.Failure(description: "the server has closed \(nick)'s connection") }
      input += buffer.prefix(count)
    }
  }

  static func loopback(_ port: Int) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    address.sin_port = UInt16(port).bigEndian
    return address
  }
}
