import Glibc

/// An address to connect to, as the resolver gave it.
struct SocketAddress: Sendable, Equatable {
  var family: Int32
  /// A `sockaddr_in` or `sockaddr_in6`.
  var bytes: [UInt8]

  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  /// More addresses of one name than these are not tried.
  static let limit = 16

  /// Whether the text is an address and no name.
  static func isLiteral(_ text: String) -> Bool {
    var buffer = in6_addr()
    return inet_pton(AF_INET, text, &buffer) == 1 || inet_pton(AF_INET6, text, &buffer) == 1
  }

  /// Resolves a name; blocks. Throws a `Failure` in the resolver's words. IPv6 and IPv4 take turns (RFC 8305, section 4), so that one that does
  /// not work costs one attempt.
  static func resolve(_ host: String, _ port: UInt16) throws(Failure) -> [SocketAddress] {
    var hints = addrinfo()
    hints.ai_family = AF_UNSPEC
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    hints.ai_flags = AI_NUMERICSERV | (isLiteral(host) ? AI_NUMERICHOST : AI_ADDRCONFIG)
    var list: UnsafeMutablePointer<addrinfo>?
    let status = getaddrinfo(host, String(port), &hints, &list)
    let systemError = errno
    defer { if let list { freeaddrinfo(list) } }
    guard status == 0 else {
      let words =
        status == EAI_SYSTEM ? String(cString: strerror(systemError)) : String(cString: gai_strerror(status))
      throw Failure(description: "\(host) cannot be resolved: \(words)")
    }
    var found: [SocketAddress] = []
    var entry = list
    while let current = entry?.pointee {
      if let address = current.ai_addr {
        let bytes = Array(UnsafeRawBufferPointer(start: address, count: Int(current.ai_addrlen)))
        let made = SocketAddress(family: current.ai_family, bytes: bytes)
        if !found.contains(made) { found.append(made) }
      }
      entry = current.ai_next
    }
    return Array(interleaved(found).prefix(limit))
  }

  /// The families take turns, beginning with that of the first; within each the order stays.
  static func interleaved(_ addresses: [SocketAddress]) -> [SocketAddress] {
    guard let first = addresses.first?.family else { return [] }
    let preferred = addresses.filter { $0.family == first }
    let others = addresses.filter { $0.family != first }
    var result: [SocketAddress] = []
    for index in 0..<max(preferred.count, others.count) {
      if index < preferred.count { result.append(preferred[index]) }
      if index < others.count { result.append(others[index]) }
    }
    return result
  }

  /// `127.0.0.1:6667`, `[::1]:6667`.
  var text: String {
    bytes.withUnsafeBytes { raw -> String in
      guard let base = raw.baseAddress else { return "?" }
      var host = [CChar](repeating: 0, count: 64)
      var port = [CChar](repeating: 0, count: 8)
      let status = getnameinfo(
        base.assumingMemoryBound(to: sockaddr.self), socklen_t(raw.count), &host, 64, &port, 8,
        NI_NUMERICHOST | NI_NUMERICSERV)
      guard status == 0 else { return "?" }
      let name = host.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" }
      let number = port.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" }
      return family == AF_INET6 ? "[\(name)]:\(number)" : "\(name):\(number)"
    }
  }

  /// The local or the other end of a socket; empty when it has none.
  static func of(_ descriptor: Int32, peer: Bool) -> String {
    var storage = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    let status = withUnsafeMutablePointer(to: &storage) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        peer ? getpeername(descriptor, $0, &length) : getsockname(descriptor, $0, &length)
      }
    }
    guard status == 0 else { return "" }
    let bytes = withUnsafeBytes(of: &storage) { Array($0.prefix(Int(length))) }
    return SocketAddress(family: Int32(storage.ss_family), bytes: bytes).text
  }
}
