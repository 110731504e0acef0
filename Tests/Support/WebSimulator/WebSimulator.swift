import Foundation
import Glibc
import TestCertificates

/// Servers of HTTP on loopback for tests: plain, with a certificate for 127.0.0.1, and with one for somebody else.
///
/// What is asked for says what is answered: see ``answer(_:_:)``. Faults are paths too.
public final class WebSimulator: @unchecked Sendable {
  // Unchecked: what changes is behind the lock.
  private let lock = NSLock()
  private var received: [ReceivedRequest] = []
  private var fixtures: [String: (type: String, body: String)] = [:]
  private let certificates: Certificates
  private let wrong: Certificates
  private var listeners: [Listener] = []

  public private(set) var http = 0
  public private(set) var https = 0
  /// Its certificate is signed by nobody that is trusted; with ``otherAuthorities`` it is that of another host.
  public private(set) var untrusted = 0
  /// Told of each request, from the connection's thread.
  public let onRequest: (@Sendable (ReceivedRequest) -> Void)?

  /// The PEM file that a client has to trust.
  public var authorities: String { certificates.file }
  public var otherAuthorities: String { wrong.file }

  /// A client may go in the middle of an answer; that is an error of the write, not the end of the process.
  private static let brokenPipesAreErrors: Void = { _ = signal(SIGPIPE, SIG_IGN) }()

  public init(onRequest: (@Sendable (ReceivedRequest) -> Void)? = nil) throws {
    Self.brokenPipesAreErrors
    self.onRequest = onRequest
    certificates = try Certificates(names: "DNS:localhost,IP:127.0.0.1")
    wrong = try Certificates(names: "DNS:elsewhere.example,IP:192.0.2.1")
    func listen(_ context: OpaquePointer?) throws -> Int {
      let listener = try Listener(context) { [weak self] wire in self?.serve(wire) }
      listeners.append(listener)
      return listener.port
    }
    http = try listen(nil)
    https = try listen(certificates.context)
    untrusted = try listen(wrong.context)
  }

  deinit {
    for listener in listeners { listener.close() }
    certificates.removeFiles()
    wrong.removeFiles()
  }

  /// Has a path, whatever its query, answered with this.
  public func set(_ path: String, _ body: String, type: String = "application/json") {
    lock.withLock { fixtures[path] = (type, body) }
  }

  /// What has been asked so far.
  public var requests: [ReceivedRequest] { lock.withLock { received } }

  private func serve(_ wire: Wire) {
    while let request = ReceivedRequest(wire) {
      lock.withLock { received.append(request) }
      onRequest?(request)
      guard answer(request, wire) else { return }
    }
  }

  static func head(_ status: Int, _ type: String = "text/plain", length: Int?, _ more: [String] = []) -> String {
    let lines =
      ["HTTP/1.1 \(status) Simulated", "Content-Type: \(type)"] + (length.map { ["Content-Length: \($0)"] } ?? [])
    return (lines + more).joined(separator: "\r\n") + "\r\n\r\n"
  }

  private func reply(_ wire: Wire, status: Int = 200, _ type: String, _ body: String, _ more: [String] = []) -> Bool {
    wire.send(Self.head(status, type, length: body.utf8.count, more) + body)
  }

  /// Answers one request. Answers whether the connection goes on.
  private func answer(_ request: ReceivedRequest, _ wire: Wire) -> Bool {
    if let fixture = lock.withLock({ fixtures[request.path] }) { return reply(wire, fixture.type, fixture.body) }
    let query = request.query
    let number = Int(query["n"] ?? "") ?? 0
    switch request.path {
    case "/echo":
      if request.method == "HEAD" { return wire.send(Self.head(200, length: 7)) }
      return reply(wire, "application/json", request.json)
    case "/items":
      return reply(
        wire, "application/json; charset=utf-8",
        ##"{"count":3,"items":[{"name":"red","hex":"#f00"},{"name":"green","hex":"#0f0"},{"name":"blue","hex":"#00f"}]}"##
      )
    case "/csv": return reply(wire, "text/csv", "name,age\n\"Ann, A.\",30\nBob,40\n")
    case "/status":
      return reply(wire, status: number, "application/json", query["body"] ?? "{}", query["header"].map { [$0] } ?? [])
    case "/deep":
      return reply(
        wire, "application/json", String(repeating: "[", count: number) + String(repeating: "]", count: number))
    case "/invalid-utf8":
      return wire.send(
        Array(Self.head(200, "application/json", length: 9).utf8) + [
          0x22, 0xFF, 0xFE, 0xC3, 0x28, 0xED, 0xA0, 0x80, 0x22,
        ])
    case "/latin1":
      return wire.send(
        Array(Self.head(200, "text/plain; charset=ISO-8859-1", length: 4).utf8) + [0x67, 0x72, 0xFC, 0x6E])
    case "/redirect":
      return reply(
        wire, status: number, "text/plain", query["body"] ?? "elsewhere", ["Location: \(query["to"] ?? "/echo")"])
    default: return fault(request, number, wire)
    }
  }

  private func fault(_ request: ReceivedRequest, _ number: Int, _ wire: Wire) -> Bool {
    switch request.path {
    case "/silent":
      wire.waitForEnd()
    case "/slow":
      // A byte now and then, and never the last one.
      _ = wire.send(Self.head(200, length: 1_000_000))
      while wire.send([0x2E]) { Thread.sleep(forTimeInterval: 0.05) }
    case "/endless":
      _ = wire.send(Self.head(200, length: nil, ["Transfer-Encoding: chunked"]))
      let chunk = Array("10000\r\n".utf8) + [UInt8](repeating: 0x2E, count: 65536) + [0x0D, 0x0A]
      while wire.send(chunk) {}
    case "/endless-headers":
      _ = wire.send("HTTP/1.1 200 OK\r\n")
      while wire.send("X-More: \(String(repeating: "x", count: 4000))\r\n") {}
    case "/endless-redirect":
      _ = wire.send(Self.head(302, length: nil, ["Location: /echo", "Transfer-Encoding: chunked"]))
      let chunk = Array("10000\r\n".utf8) + [UInt8](repeating: 0x2E, count: 65536) + [0x0D, 0x0A]
      while wire.send(chunk) {}
    case "/large": _ = wire.send(Self.head(200, length: number))
    case "/bomb":
      // Zstandard (RFC 8878): a frame of blocks of 128 KiB, each the same byte over and over.
      var frame: [UInt8] = [0x28, 0xB5, 0x2F, 0xFD, 0x00, 0x58]
      for block in 0..<number {
        let header = UInt32(131_072 << 3) | 1 << 1 | (block == number - 1 ? 1 : 0)
        frame += [UInt8(header & 0xFF), UInt8(header >> 8 & 0xFF), UInt8(header >> 16 & 0xFF), 0x2E]
      }
      return wire.send(
        Array(Self.head(200, length: frame.count, ["Content-Encoding: zstd"]).utf8) + frame)
    case "/loop": return reply(wire, status: 302, "text/plain", "", ["Location: /loop"])
    case "/cut": _ = wire.send(Self.head(200, length: 1000) + "the beginning")
    case "/nothing": break
    case "/garbage": _ = wire.send("220 this is no HTTP\r\n")
    default: return reply(wire, status: 404, "text/plain", "there is no \(request.path)")
    }
    return false
  }
}
