@testable import BotHost

/// A network for the length of `body`.
func withNetwork(_ clock: any HostClock = SystemClock(), _ body: (Network) throws -> Void) throws {
  let network = try Network(clock: clock)
  defer { network.stop(timeout: 5_000_000_000) }
  try body(network)
}

extension LoopbackServer {
  /// A connection to it, in lines and without TLS.
  func spec(reconnects: Bool = false) -> ConnectionSpec {
    ConnectionSpec(name: "irc", host: "127.0.0.1", port: port, reconnects: reconnects)
  }
}
