import Foundation
import TestCertificates
import WebSimulator

/// The simulated GitHub behind HTTP on loopback, plain and with TLS, on ports that the system chooses.
public final class SimulatorServer: @unchecked Sendable {
  // Unchecked: nothing changes after the initializer.
  public let http: Int
  public let https: Int
  public let authorities: String
  private let certificates: Certificates
  private let listeners: [Listener]

  /// - Parameters:
  ///   - onCall: told of each call once it has been decided what becomes of it, on the connection's thread.
  public init(
    _ simulator: GitHubSimulator, onCall: @escaping @Sendable (_ method: String, _ path: String, _ what: String) -> Void
  ) throws {
    _ = signal(SIGPIPE, SIG_IGN)
    certificates = try Certificates(names: "DNS:localhost,IP:127.0.0.1")
    authorities = certificates.file
    @Sendable func serve(_ wire: Wire, _ scheme: String) {
      while let request = ReceivedRequest(wire) {
        var headers = request.headers
        headers["x-simulated-scheme"] = scheme
        let reaction = simulator.react(
          request.method, request.target, headers: headers, body: Array(request.body.utf8))
        switch reaction {
        case .answer(let answer):
          onCall(request.method, request.target, "\(answer.status)")
          var head = "HTTP/1.1 \(answer.status) Simulated\r\n"
          for (name, value) in answer.headers { head += "\(name): \(value)\r\n" }
          if answer.status != 304, answer.status != 204 { head += "Content-Length: \(answer.body.count)\r\n" }
          guard wire.send(Array("\(head)\r\n".utf8) + answer.body) else { return }
        case .drop:
          onCall(request.method, request.target, "dropped")
          return
        case .hold:
          onCall(request.method, request.target, "held")
          wire.waitForEnd()
          return
        }
      }
    }
    let plain = try Listener(nil) { serve($0, "http") }
    let secure = try Listener(certificates.context) { serve($0, "https") }
    http = plain.port
    https = secure.port
    listeners = [plain, secure]
  }

  deinit {
    for listener in listeners { listener.close() }
    certificates.removeFiles()
  }
}
