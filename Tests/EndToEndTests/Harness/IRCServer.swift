import Foundation
import Glibc

/// A plain IRC server of another make, as a program of its own.
final class IRCServer {
  enum Kind: String { case ngircd, inspircd }

  let program: RunningProgram
  let port: UInt16
  private let directory: TemporaryDirectory

  static func isInstalled(_ kind: Kind) -> Bool { Build.tool(kind.rawValue) != nil }

  init(_ kind: Kind) throws {
    guard let path = Build.tool(kind.rawValue) else {
      throw RunningProgram.Failure(description: "\(kind.rawValue) is not installed")
    }
    directory = try TemporaryDirectory()
    port = try Loopback.freePort()
    switch kind {
    case .ngircd:
      let file = try directory.file(
        "ngircd.conf",
        """
        [Global]
        Name = irc.left.example
        Info = test
        Listen = 127.0.0.1
        Ports = \(port)
        [Options]
        DNS = no
        Ident = no
        PAM = no

        """)
      program = try RunningProgram(path, ["-n", "-f", file])
    case .inspircd:
      let file = try directory.file(
        "inspircd.conf",
        """
        <server name="irc.right.example" description="test" network="Test">
        <admin name="a" nick="a" email="a@example">
        <bind address="127.0.0.1" port="\(port)" type="clients">
        <connect allow="*" timeout="60" threshold="1000" commandrate="100000" fakelag="off" resolvehostnames="no">
        <pid file="\(directory.path)/inspircd.pid">
        <module name="cap">

        """)
      program = try RunningProgram(path, ["--nofork", "--nolog", "--runasroot", "--config=\(file)"])
    }
  }
}

/// TCP on this machine.
enum Loopback {
  /// A port that was free a moment ago, for programs that cannot choose one themselves.
  static func freePort() throws -> UInt16 {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(descriptor) }
    var address = address(0)
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isBound = withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &length) == 0
      }
    }
    guard isBound else { throw RunningProgram.Failure(description: "there is no free port") }
    return UInt16(bigEndian: address.sin_port)
  }

  /// A connection, as soon as somebody listens.
  static func connect(_ port: UInt16, within seconds: Double = 60) throws -> Int32 {
    let limit = Date(timeIntervalSinceNow: seconds)
    while true {
      let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
      var address = address(port)
      let result = withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
      }
      if result == 0 { return descriptor }
      close(descriptor)
      guard Date() < limit else {
        throw RunningProgram.Failure(description: "nobody listens on port \(port): \(String(cString: strerror(errno)))")
      }
      usleep(20_000)
    }
  }

  private static func address(_ port: UInt16) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
    return address
  }
}

/// A person in a channel of a plain IRC server.
final class IRCPerson: @unchecked Sendable {
  private let descriptor: Int32
  private let condition = NSCondition()
  private var lines: [String] = []
  private var isOpen = true
  let nick: String
  let channel: String

  /// Logs in and joins, and returns when the server says that it is done.
  init(_ nick: String, in channel: String, port: UInt16) throws {
    (self.nick, self.channel) = (nick, channel)
    descriptor = try Loopback.connect(port)
    let (end, reader) = (descriptor, Reader())
    reader.person = self
    Thread.detachNewThread {
      var pending = Data()
      var buffer = [UInt8](repeating: 0, count: 4096)
      while true {
        let count = read(end, &buffer, buffer.count)
        if count < 0 && errno == EINTR { continue }
        if count <= 0 { break }
        pending.append(contentsOf: buffer.prefix(count))
        while let newline = pending.firstIndex(of: 0x0A) {
          let line = String(decoding: pending[..<newline], as: UTF8.self).trimmingCharacters(in: .newlines)
          pending = Data(pending[pending.index(after: newline)...])
          reader.person?.received(line)
        }
      }
      reader.person?.ended()
    }
    send("NICK \(nick)")
    send("USER \(nick) 0 * :\(nick)")
    try line("its welcome") { $0.contains(" 001 ") }
    send("JOIN #\(channel)")
    try line("the channel's names") { $0.contains(" 366 ") }
  }

  private final class Reader: @unchecked Sendable { weak var person: IRCPerson? }

  deinit {
    shutdown(descriptor, Int32(SHUT_RDWR))
    close(descriptor)
  }

  private func received(_ line: String) {
    if line.hasPrefix("PING") { send("PONG" + line.dropFirst(4)) }
    condition.withLock {
      lines.append(line)
      condition.broadcast()
    }
  }

  private func ended() {
    condition.withLock {
      isOpen = false
      condition.broadcast()
    }
  }

  func send(_ line: String) {
    let bytes = Array((line + "\r\n").utf8)
    _ = Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
  }

  func say(_ text: String) { send("PRIVMSG #\(channel) :\(text)") }

  /// Waits for a line that fits, among those that have come and those to come.
  @discardableResult
  func line(_ what: String, within seconds: Double = 60, where fits: (String) -> Bool) throws -> String {
    let limit = Date(timeIntervalSinceNow: seconds)
    condition.lock()
    defer { condition.unlock() }
    while true {
      if let line = lines.first(where: fits) { return line }
      guard isOpen, condition.wait(until: limit) else {
        throw RunningProgram.Failure(
          description: "\(nick) did not see \(what): \(lines.suffix(10).joined(separator: "\n"))")
      }
    }
  }

  /// Waits until somebody says the text.
  func hears(_ text: String) throws { try line("“\(text)”") { $0.hasSuffix("PRIVMSG #\(channel) :\(text)") } }

  /// All that others have said so far.
  var heard: [String] {
    condition.withLock {
      lines.compactMap { line in
        line.range(of: "PRIVMSG #\(channel) :").map { String(line[$0.upperBound...]) }
      }
    }
  }
}
