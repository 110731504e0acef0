import Glibc
import TestCertificates

/// The process: sockets, time, orders. What Twitch would say is in `Chat`.
final class Server {
  let options: Options
  let certificates: Certificates
  let chat: Chat
  private let tls: Listener
  private let plain: Listener
  private let control: Listener
  private var controllers: [Connection] = []
  private var inputBytes: [UInt8] = []
  private var agenda = Agenda()
  var isEnding = false

  init(options: Options) throws {
    self.options = options
    certificates = try Certificates(names: "DNS:localhost,DNS:irc.chat.twitch.tv,IP:127.0.0.1")
    tls = try Listener()
    plain = try Listener()
    control = try Listener()
    chat = Chat(options: options)
    chat.tell = { writeLine($0) }
    chat.later = { [unowned self] delay, work in agenda.add(at: monotonicTime() + delay, work) }
  }

  func announce() {
    let ports = #""tls":\#(tls.port),"plain":\#(plain.port),"control":\#(control.port)"#
    writeLine("{\(ports),\"ca\":\(json(certificates.file))}")
  }

  func run() {
    defer { certificates.removeFiles() }
    if options.lifetime > 0 {
      agenda.add(at: monotonicTime() + options.lifetime * second) { [unowned self] in isEnding = true }
    }
    chat.start()
    while !isEnding {
      while let work = agenda.due(monotonicTime()) { work() }
      chat.pump(monotonicTime())
      for client in chat.clients { client.connection.flush() }
      for controller in controllers { controller.flush() }
      chat.dropClosed()
      controllers.removeAll { $0.isClosed }
      if isEnding { break }
      wait()
    }
    for client in chat.clients { client.connection.closeNow() }
  }

  private func wait() {
    var polls = [tls, plain, control].map { pollfd(fd: $0.descriptor, events: Int16(POLLIN), revents: 0) }
    let clients = chat.clients
    let controllers = self.controllers
    for connection in clients.map(\.connection) + controllers {
      polls.append(
        pollfd(
          fd: connection.descriptor, events: Int16(POLLIN) | (connection.wantsToWrite ? Int16(POLLOUT) : 0), revents: 0)
      )
    }
    if options.readsInput { polls.append(pollfd(fd: 0, events: Int16(POLLIN), revents: 0)) }
    var timeout: Int32 = 1000
    let next = [agenda.next, chat.nextPump].compactMap(\.self).min()
    if let next { timeout = Int32(max(0, min(1000, (next - monotonicTime() + 999_999) / 1_000_000))) }
    guard poll(&polls, nfds_t(polls.count), timeout) > 0 else { return }

    if polls[0].revents != 0 { accept(tls, isTLS: true) }
    if polls[1].revents != 0 { accept(plain, isTLS: false) }
    if polls[2].revents != 0 {
      while let descriptor = control.accept() {
        self.controllers.append(Connection(descriptor: descriptor, context: nil))
      }
    }
    var index = 3
    for client in clients {
      if polls[index].revents != 0 {
        for line in client.connection.readLines() { chat.receive(line, from: client) }
      }
      index += 1
    }
    for controller in controllers {
      if polls[index].revents != 0 {
        for line in controller.readLines() {
          order(String(decoding: line, as: UTF8.self)) { controller.send(Array(($0 + "\n").utf8)) }
        }
      }
      index += 1
    }
    if options.readsInput, polls[index].revents != 0 { readInput() }
  }

  private func accept(_ listener: Listener, isTLS: Bool) {
    while let descriptor = listener.accept() {
      chat.accept(Connection(descriptor: descriptor, context: isTLS ? certificates.context : nil))
    }
  }

  private func readInput() {
    var buffer = [UInt8](repeating: 0, count: 65536)
    let count = read(0, &buffer, buffer.count)
    guard count > 0 else {
      if count == 0 || errno != EINTR { isEnding = true }
      return
    }
    inputBytes += buffer[0..<count]
    while let end = inputBytes.firstIndex(of: 0x0A) {
      let line = String(decoding: inputBytes[..<end], as: UTF8.self)
      inputBytes.removeFirst(end + 1)
      order(line) { writeLine($0) }
    }
  }

  private func order(_ line: String, answer: @escaping (String) -> Void) {
    let line = line.last == "\r" ? String(line.dropLast()) : line
    guard !line.isEmpty else { return }
    if line == "quit" {
      answer(#"{"ok":true}"#)
      for controller in controllers { controller.flush() }
      isEnding = true
      return
    }
    do {
      try chat.order(line, answer: answer)
    } catch {
      answer(#"{"error":\#(json("\(error)"))}"#)
    }
  }
}
