import Foundation
import Glibc
import ReservedPort

/// A real IRC server on a port of its own.
final class IRCNetwork {
  var port: UInt16 { reserved.number }
  private let reserved: ReservedPort
  private let program: RunningProgram
  private let directory: TemporaryDirectory

  /// The server that is installed; nil when there is none.
  static var server: String? { Build.tool("inspircd") }

  init(_ server: String) throws {
    directory = try TemporaryDirectory()
    reserved = try ReservedPort()
    let file = try directory.file(
      "inspircd.conf",
      """
      <server name="irc.test.example" description="test" network="Test">
      <admin name="a" nick="a" email="a@example">
      <bind address="127.0.0.1" port="\(reserved.number)" type="clients">
      <connect allow="*" timeout="60" threshold="1000" commandrate="100000" fakelag="off" resolvehostnames="no"
        localmax="100" globalmax="100">
      <pid file="\(directory.path)/inspircd.pid">
      <module name="cap">

      """)
    program = try RunningProgram(server, ["--nofork", "--nolog", "--runasroot", "--config=\(file)"])
  }

  /// People who are in the channel. The server takes a second to welcome somebody, so they come all at once.
  func join(_ nicks: [String], _ channel: String) throws -> [IRCUser] {
    let users = try nicks.map { nick in
      let user = try IRCUser(port: port)
      user.send("NICK \(nick)\r\nUSER \(nick) 0 * :\(nick)")
      return user
    }
    for user in users {
      try user.line("a welcome") { $0.contains(" 001 ") }
      user.send("JOIN \(channel)")
    }
    for (nick, user) in zip(nicks, users) {
      try user.line("its own coming into the channel") { $0.hasPrefix(":\(nick)!") && $0.contains("JOIN") }
    }
    return users
  }
}

/// A plain connection to an IRC server, which answers PING and remembers what it was told.
final class IRCUser: @unchecked Sendable {
  private let condition = NSCondition()
  private let descriptor: Int32
  private var lines: [String] = []
  private var hasEnded = false
  private var seen = 0

  static func loopback(_ port: UInt16) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    return address
  }

  /// Connects, and waits for a server that is only just starting.
  init(port: UInt16) throws {
    var address = Self.loopback(port)
    let limit = Date(timeIntervalSinceNow: 60)
    while true {
      let attempt = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
      let rc = withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          connect(attempt, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
      }
      if rc == 0 {
        descriptor = attempt
        break
      }
      close(attempt)
      guard Date() < limit else { throw RunningProgram.Failure(description: "the IRC server does not listen") }
      usleep(20_000)
    }
    Thread.detachNewThread { [weak self, descriptor] in
      var pending: [UInt8] = []
      var buffer = [UInt8](repeating: 0, count: 4096)
      while true {
        let count = read(descriptor, &buffer, buffer.count)
        if count < 0, errno == EINTR { continue }
        guard count > 0, let self else { break }
        pending += buffer.prefix(count)
        while let end = pending.firstIndex(of: 0x0A) {
          self.received(String(decoding: pending[..<end].filter { $0 != 0x0D }, as: UTF8.self))
          pending.removeSubrange(...end)
        }
      }
      self?.received(nil)
    }
  }

  deinit {
    shutdown(descriptor, Int32(SHUT_RDWR))
    close(descriptor)
  }

  private func received(_ line: String?) {
    if let line, line.hasPrefix("PING") { send("PONG" + line.dropFirst(4)) }
    condition.withLock {
      if let line { lines.append(line) } else { hasEnded = true }
      condition.broadcast()
    }
  }

  func send(_ line: String) {
    let bytes = Array((line + "\r\n").utf8)
    var done = 0
    while done < bytes.count {
      let count = bytes[done...].withUnsafeBytes {
        Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
      if count > 0 { done += count } else if errno != EINTR { return }
    }
  }

  /// Waits for the next line that fits, after those waited for before.
  @discardableResult
  func line(_ what: String, within seconds: Double = 60, where fits: (String) -> Bool) throws -> String {
    let limit = Date(timeIntervalSinceNow: seconds)
    condition.lock()
    defer { condition.unlock() }
    while true {
      while seen < lines.count {
        seen += 1
        if fits(lines[seen - 1]) { return lines[seen - 1] }
      }
      guard !hasEnded, condition.wait(until: limit) else {
        throw RunningProgram.Failure(description: "no line came with \(what); the last: \(lines.suffix(5))")
      }
    }
  }
}
