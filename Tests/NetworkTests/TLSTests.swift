import Foundation
import Testing

@testable import BotHost

/// TLS against `openssl s_server`, with certificates made for the test.
@Suite(.serialized)
struct TLSTests {
  /// A certificate authority and a server certificate signed by it.
  private struct Authority {
    let directory: URL
    var certificate: String { directory.appendingPathComponent("ca.pem").path }

    init() throws {
      directory = FileManager.default.temporaryDirectory.appendingPathComponent("bothost-tls-\(UUID().uuidString.prefix(8))")
      try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
      try openssl(
        "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", "ca.key", "-out", "ca.pem",
        "-subj", "/CN=Test authority", "-days", "2")
    }

    func remove() { try? FileManager.default.removeItem(at: directory) }

    /// Signs a certificate; `days` below zero makes one that has expired.
    func certify(_ file: String, name: String, expired: Bool = false) throws {
      try openssl(
        "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", "\(file).key", "-out",
        "\(file).csr", "-subj", "/CN=\(name)")
      try Data("subjectAltName=DNS:\(name)\n".utf8).write(to: directory.appendingPathComponent("\(file).ext"))
      try openssl(
        "x509", "-req", "-in", "\(file).csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-out", "\(file).pem",
        "-extfile", "\(file).ext", "-days", expired ? "-1" : "2")
    }

    func openssl(_ arguments: String...) throws {
      let process = Process()
      process.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
      process.arguments = arguments
      process.currentDirectoryURL = directory
      process.standardError = FileHandle.nullDevice
      process.standardOutput = FileHandle.nullDevice
      try process.run()
      process.waitUntilExit()
      #expect(process.terminationStatus == 0)
    }
  }

  /// `openssl s_server` on a port that the system chose, echoing nothing but its greeting.
  private final class Server {
    let process = Process()
    let port: UInt16
    private let input = Pipe()

    init(_ authority: Authority, _ certificate: String) throws {
      process.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
      process.arguments = [
        "s_server", "-accept", "127.0.0.1:0", "-cert", "\(certificate).pem", "-key", "\(certificate).key", "-naccept", "3",
      ]
      process.currentDirectoryURL = authority.directory
      let output = Pipe()
      process.standardOutput = output
      process.standardError = FileHandle.nullDevice
      process.standardInput = input
      try process.run()
      var text = ""
      while !text.contains("ACCEPT 127.0.0.1:") || !text.hasSuffix("\n") {
        let data = output.fileHandleForReading.availableData
        if data.isEmpty { throw LoopbackServer.Failure() }
        text += String(decoding: data, as: UTF8.self)
      }
      let digits = text.components(separatedBy: "ACCEPT 127.0.0.1:")[1].prefix { $0.isNumber }
      port = UInt16(digits) ?? 0
      // What else it prints is read, so that it never waits for us.
      output.fileHandleForReading.readabilityHandler = { handle in
        if handle.availableData.isEmpty { handle.readabilityHandler = nil }
      }
    }

    func send(_ text: String) { input.fileHandleForWriting.write(Data(text.utf8)) }

    deinit { if process.isRunning { kill(process.processIdentifier, SIGKILL) } }
  }

  private func dial(_ server: Server, _ network: Network, name: String, authority: String?) -> Recorder {
    let observer = Recorder()
    var spec = ConnectionSpec(name: "tls", host: "127.0.0.1", port: server.port, isTLS: true)
    spec.serverName = name
    spec.certificateFile = authority ?? ""
    _ = network.dial(owner: "bot", spec: spec, observer: observer)
    return observer
  }

  @Test func aCertificateOfAKnownAuthorityIsAccepted() throws {
    let authority = try Authority()
    defer { authority.remove() }
    try authority.certify("server", name: "irc.example")
    let server = try Server(authority, "server")
    let network = try Network(clock: SystemClock())
    defer { network.stop(timeout: 1_000_000_000) }
    let observer = dial(server, network, name: "irc.example", authority: authority.certificate)
    server.send("over tls\n")
    #expect(observer.frames(1) == ["over tls"])
    #expect(observer.openings.first?.tls?.hasPrefix("TLSv1.") == true)
  }

  @Test func anotherNameIsRefusedAndNamed() throws {
    let authority = try Authority()
    defer { authority.remove() }
    try authority.certify("server", name: "other.example")
    let server = try Server(authority, "server")
    let network = try Network(clock: SystemClock())
    defer { network.stop(timeout: 1_000_000_000) }
    let closing = dial(server, network, name: "irc.example", authority: authority.certificate).closing()
    #expect(closing?.reason == .tls)
    #expect(closing?.error == "the certificate of irc.example is for other.example")
  }

  @Test func anUnknownAuthorityIsRefused() throws {
    let authority = try Authority()
    defer { authority.remove() }
    try authority.certify("server", name: "irc.example")
    let server = try Server(authority, "server")
    let network = try Network(clock: SystemClock())
    defer { network.stop(timeout: 1_000_000_000) }
    let closing = dial(server, network, name: "irc.example", authority: nil).closing()
    #expect(closing?.error == "the certificate of irc.example is signed by an authority that this machine does not know")
  }

  @Test func anExpiredCertificateIsRefusedWithItsDate() throws {
    let authority = try Authority()
    defer { authority.remove() }
    try authority.certify("server", name: "irc.example", expired: true)
    let server = try Server(authority, "server")
    let network = try Network(clock: SystemClock())
    defer { network.stop(timeout: 1_000_000_000) }
    let closing = dial(server, network, name: "irc.example", authority: authority.certificate).closing()
    #expect(closing?.error.contains("the certificate of irc.example expired on 20") == true, "\(closing?.error ?? "no closing")")
  }

  @Test func aServerThatSpeaksNoTLSIsRefused() throws {
    let server = try LoopbackServer()
    let network = try Network(clock: SystemClock())
    defer { network.stop(timeout: 1_000_000_000) }
    let observer = Recorder()
    _ = network.dial(
      owner: "bot", spec: ConnectionSpec(name: "tls", host: "127.0.0.1", port: server.port, isTLS: true), observer: observer)
    let client = try server.accept()
    client.send("NOTICE * :*** Looking up your hostname...\r\n")
    let closing = observer.closing()
    #expect(closing?.reason == .tls)
    #expect(closing?.error.isEmpty == false)
  }

  @Test func aServerThatClosesInTheHandshakeIsReported() throws {
    let server = try LoopbackServer()
    let network = try Network(clock: SystemClock())
    defer { network.stop(timeout: 1_000_000_000) }
    let observer = Recorder()
    _ = network.dial(
      owner: "bot", spec: ConnectionSpec(name: "tls", host: "127.0.0.1", port: server.port, isTLS: true), observer: observer)
    try server.accept().close()
    #expect(observer.closing()?.reason == .tls)
  }
}
