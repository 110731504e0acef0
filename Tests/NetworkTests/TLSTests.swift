import CBotHost
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
      directory = FileManager.default.temporaryDirectory.appendingPathComponent(
        "bothost-tls-\(UUID().uuidString.prefix(8))")
      try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
      try openssl(
        "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", "ca.key",
        "-out", "ca.pem",
        "-subj", "/CN=Test authority", "-days", "2")
    }

    func remove() { try? FileManager.default.removeItem(at: directory) }

    /// Signs a certificate; `days` below zero makes one that has expired.
    func certify(_ file: String, name: String, expired: Bool = false, alternatives: String? = nil) throws {
      try openssl(
        "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", "\(file).key", "-out",
        "\(file).csr", "-subj", "/CN=\(name)")
      try Data("subjectAltName=\(alternatives ?? "DNS:\(name)")\n".utf8).write(
        to: directory.appendingPathComponent("\(file).ext"))
      try openssl(
        "x509", "-req", "-in", "\(file).csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-out",
        "\(file).pem",
        "-extfile", "\(file).ext", "-days", expired ? "-1" : "2")
    }

    /// Makes a certificate that vouches for itself.
    func certifySelf(_ file: String, name: String) throws {
      try openssl(
        "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", "\(file).key",
        "-out", "\(file).pem", "-subj", "/CN=\(name)", "-addext", "subjectAltName=DNS:\(name)", "-days", "2")
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

  /// What a server has printed.
  private final class Output: @unchecked Sendable {
    private let condition = NSCondition()
    private var text = ""
    private var hasEnded = false

    /// False at the end.
    func append(_ data: Data) -> Bool {
      condition.withLock {
        text += String(decoding: data, as: UTF8.self)
        hasEnded = data.isEmpty
        condition.broadcast()
        return !hasEnded
      }
    }

    /// Waits until this has been printed, at most a minute.
    func contains(_ part: String) -> Bool {
      condition.withLock {
        let limit = Date(timeIntervalSinceNow: 60)
        while !text.contains(part), !hasEnded, condition.wait(until: limit) {}
        return text.contains(part)
      }
    }
  }

  /// `openssl s_server` on a port that the system chose, echoing nothing but its greeting.
  private final class Server: @unchecked Sendable {
    let process = Process()
    let port: UInt16
    private let input = Pipe()
    private let output = Output()

    init(_ authority: Authority, _ certificate: String, _ options: [String] = []) throws {
      process.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
      process.arguments =
        [
          "s_server", "-accept", "127.0.0.1:0", "-cert", "\(certificate).pem", "-key", "\(certificate).key", "-naccept",
          "3",
        ] + options
      process.currentDirectoryURL = authority.directory
      let pipe = Pipe()
      process.standardOutput = pipe
      process.standardError = FileHandle.nullDevice
      process.standardInput = input
      try process.run()
      var greeting = ""
      while !greeting.contains("ACCEPT 127.0.0.1:") || !greeting.hasSuffix("\n") {
        let data = pipe.fileHandleForReading.availableData
        if data.isEmpty { throw LoopbackServer.Failure() }
        greeting += String(decoding: data, as: UTF8.self)
      }
      let digits = greeting.components(separatedBy: "ACCEPT 127.0.0.1:")[1].prefix { $0.isNumber }
      port = UInt16(digits) ?? 0
      // What else it prints is read at once, so that it never waits for us.
      let (file, text) = (pipe.fileHandleForReading, output)
      Thread { while text.append(file.availableData) {} }.start()
    }

    /// Waits until the server has printed this.
    func prints(_ text: String) -> Bool { output.contains(text) }

    /// Nothing more is sent.
    func endSending() { try? input.fileHandleForWriting.close() }

    func send(_ text: String) { input.fileHandleForWriting.write(Data(text.utf8)) }

    /// Called at the end of each test, which also keeps the server until then.
    func stop() {
      // A child may have come with SIGTERM blocked, as the thread had it that started it.
      if process.isRunning { kill(process.processIdentifier, SIGKILL) }
    }
  }

  /// A network and a server with a certificate of an authority of the test's own.
  private func withServer(
    _ options: String..., certificate: String = "server",
    _ certify: (Authority) throws -> Void = { try $0.certify("server", name: "irc.example") },
    body: (Authority, Server, Network) throws -> Void
  ) throws {
    let authority = try Authority()
    defer { authority.remove() }
    try certify(authority)
    let server = try Server(authority, certificate, options)
    defer { server.stop() }
    try withNetwork { try body(authority, server, $0) }
  }

  private func dial(
    _ server: Server, _ network: Network, name: String, authority: String?, observer: Recorder = Recorder(),
    alpn: String = ""
  ) -> Recorder {
    var spec = ConnectionSpec(name: "tls", host: "127.0.0.1", port: server.port, isTLS: true)
    spec.serverName = name
    spec.certificateFile = authority ?? ""
    spec.alpn = alpn
    _ = network.dial(owner: "bot", spec: spec, observer: observer)
    return observer
  }

  @Test func aCertificateOfAKnownAuthorityIsAccepted() throws {
    try withServer { authority, server, network in
      let observer = dial(server, network, name: "irc.example", authority: authority.certificate)
      server.send("over tls\n")
      #expect(observer.frames(1) == ["over tls"])
      #expect(observer.openings.first?.tls?.hasPrefix("TLSv1.") == true)
    }
  }

  @Test func anotherNameIsRefusedAndNamed() throws {
    try withServer(certificate: "server", { try $0.certify("server", name: "other.example") }) {
      authority, server, network in
      let closing = dial(server, network, name: "irc.example", authority: authority.certificate).closing()
      #expect(closing?.reason == .tls)
      #expect(closing?.error == "the certificate of irc.example is for other.example")
    }
  }

  @Test func anUnknownAuthorityIsRefused() throws {
    try withServer { authority, server, network in
      let closing = dial(server, network, name: "irc.example", authority: nil).closing()
      #expect(
        closing?.error
          == "the certificate of irc.example is signed by an unknown authority, 'Test authority'; to trust it, name its certificate in the CA file"
      )
    }
  }

  @Test func anExpiredCertificateIsRefusedWithItsDate() throws {
    try withServer(certificate: "server", { try $0.certify("server", name: "irc.example", expired: true) }) {
      authority, server, network in
      let closing = dial(server, network, name: "irc.example", authority: authority.certificate).closing()
      #expect(
        closing?.error.contains("the certificate of irc.example expired on 20") == true,
        "\(closing?.error ?? "no closing")")
    }
  }

  @Test func aSelfSignedCertificateIsRefusedUnlessItIsNamed() throws {
    try withServer(certificate: "self", { try $0.certifySelf("self", name: "irc.example") }) {
      authority, server, network in
      let closing = dial(server, network, name: "irc.example", authority: nil).closing()
      #expect(
        closing?.error
          == "the certificate of irc.example is self-signed and not trusted; to trust it, name it in the CA file")
      let file = authority.directory.appendingPathComponent("self.pem").path
      #expect(dial(server, network, name: "irc.example", authority: file).opening() != nil)
    }
  }

  @Test func theServersOwnCertificateMayBeNamedInsteadOfItsAuthority() throws {
    try withServer { authority, server, network in
      let file = authority.directory.appendingPathComponent("server.pem").path
      #expect(dial(server, network, name: "irc.example", authority: file).opening() != nil)
      #expect(dial(server, network, name: "other.example", authority: file).closing()?.reason == .tls)
    }
  }

  @Test func anAddressIsVerifiedAsOne() throws {
    let authority = try Authority()
    defer { authority.remove() }
    try authority.certify("good", name: "irc.example", alternatives: "IP:127.0.0.1")
    try authority.certify("bad", name: "irc.example", alternatives: "IP:127.0.0.2,DNS:*.example,DNS:a.b")
    try withNetwork { network in
      let good = try Server(authority, "good")
      defer { good.stop() }
      #expect(dial(good, network, name: "127.0.0.1", authority: authority.certificate).opening() != nil)
      let bad = try Server(authority, "bad")
      defer { bad.stop() }
      let closing = dial(bad, network, name: "127.0.0.1", authority: authority.certificate).closing()
      #expect(closing?.error == "the certificate of 127.0.0.1 is for 127.0.0.2, *.example, a.b")
    }
  }

  @Test func aFileThatHoldsNoCertificateIsNamed() throws {
    try withServer { authority, server, network in
      let missing = dial(server, network, name: "irc.example", authority: "/no/such/file.pem").closing()
      #expect(missing?.error == "the CA file /no/such/file.pem cannot be read: No such file or directory")
      let other = authority.directory.appendingPathComponent("server.ext").path
      let empty = dial(server, network, name: "irc.example", authority: other).closing()
      #expect(empty?.error.hasPrefix("the CA file \(other) holds no PEM certificate") == true)
    }
  }

  @Test func theProtocolIsAgreedUpon() throws {
    try withServer("-alpn", "irc") { authority, server, network in
      let observer = dial(server, network, name: "irc.example", authority: authority.certificate, alpn: "irc")
      #expect(observer.opening()?.alpn == "irc")
    }
  }

  @Test func anOldProtocolIsRefused() throws {
    try withServer("-tls1_1", "-cipher", "ALL:@SECLEVEL=0") { authority, server, network in
      let closing = dial(server, network, name: "irc.example", authority: authority.certificate).closing()
      #expect(closing?.error == "the server offers no TLS 1.2 or newer")
    }
  }

  @Test(arguments: ["-tls1_2", "-tls1_3"])
  func bytesGoBothWaysAndTheSessionIsEnded(version: String) throws {
    try withServer(version) { authority, server, network in
      let observer = dial(server, network, name: "irc.example", authority: authority.certificate)
      #expect(observer.opening()?.tls == (version == "-tls1_2" ? "TLSv1.2" : "TLSv1.3"))
      let id = try #require(network.connections(owner: "bot").first?.id)
      // Many records, which the socket does not take at once.
      let words = (0..<60_000).map { "word \($0)\n" }.joined()
      #expect(network.write(id, owner: "bot", Array(words.utf8)) == BH_OK)
      #expect(network.close(id, owner: "bot") == BH_OK)
      #expect(server.prints(words))
      #expect(observer.closing()?.reason == .local)
      // `s_server` prints DONE when the session was ended in order, and ERROR otherwise.
      #expect(server.prints("DONE"))
    }
  }

  @Test func readingStopsWhileThereIsNoRoomAlsoThroughTLS() throws {
    try withServer { authority, server, network in
      let observer = Recorder(room: 0)
      _ = dial(server, network, name: "irc.example", authority: authority.certificate, observer: observer)
      _ = observer.opening()
      let id = try #require(network.connections(owner: "bot").first?.id)
      let count = 100_000
      Thread {
        for start in stride(from: 0, to: count, by: 1000) {
          server.send((start..<start + 1000).map { "line \($0)\n" }.joined())
        }
        server.endSending()
      }.start()
      var taken = 0
      while taken < count {
        #expect(observer.waitUntilFull())
        observer.makeRoom(5000)
        network.resume(id)
        let next = min(count, taken + 5000)
        let found = observer.frames(next).count
        guard found >= next else { break }
        taken = found
      }
      #expect(observer.frames(count) == (0..<count).map { "line \($0)" })
    }
  }

  @Test func aServerThatSpeaksNoTLSIsRefused() throws {
    let server = try LoopbackServer()
    try withNetwork { network in
      let observer = Recorder()
      _ = network.dial(
        owner: "bot", spec: ConnectionSpec(name: "tls", host: "127.0.0.1", port: server.port, isTLS: true),
        observer: observer)
      let client = try server.accept()
      client.send("NOTICE * :*** Looking up your hostname...\r\n")
      let closing = observer.closing()
      #expect(closing?.reason == .tls)
      #expect(closing?.error == "the server does not speak TLS on this port")
    }
  }

  @Test func aServerThatClosesInTheHandshakeIsReported() throws {
    let server = try LoopbackServer()
    try withNetwork { network in
      let observer = Recorder()
      _ = network.dial(
        owner: "bot", spec: ConnectionSpec(name: "tls", host: "127.0.0.1", port: server.port, isTLS: true),
        observer: observer)
      try server.accept().close()
      #expect(observer.closing()?.reason == .tls)
    }
  }
}
