import Glibc

/// An address to connect to, as the resolver gave it.
struct SocketAddress: Sendable, Equatable {
  var family: Int32
  var bytes: [UInt8]

  /// Resolves a name; blocks. Throws the resolver's words. IPv6 and IPv4 take turns, so that one that does not work costs one attempt.
  static func resolve(_ host: String, _ port: UInt16) throws -> [SocketAddress] {
    var hints = addrinfo()
    hints.ai_family = AF_UNSPEC
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    hints.ai_flags = AI_NUMERICSERV | AI_ADDRCONFIG
    if TLSSession.isAddress(host) { hints.ai_flags = AI_NUMERICSERV | AI_NUMERICHOST }
    var list: UnsafeMutablePointer<addrinfo>?
    let status = getaddrinfo(host, String(port), &hints, &list)
    defer { if let list { freeaddrinfo(list) } }
    guard status == 0 else {
      throw TLSSession.Failure(description: "\(host) cannot be resolved: \(String(cString: gai_strerror(status)))")
    }
    var six: [SocketAddress] = []
    var four: [SocketAddress] = []
    var entry = list
    while let current = entry?.pointee {
      if let address = current.ai_addr {
        let bytes = Array(UnsafeRawBufferPointer(start: address, count: Int(current.ai_addrlen)))
        let made = SocketAddress(family: current.ai_family, bytes: bytes)
        if current.ai_family == AF_INET6 { six.append(made) } else { four.append(made) }
      }
      entry = current.ai_next
    }
    var all: [SocketAddress] = []
    for index in 0..<max(six.count, four.count) {
      if index < six.count { all.append(six[index]) }
      if index < four.count { all.append(four[index]) }
    }
    return all
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

  /// The local or the other end of a socket.
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
