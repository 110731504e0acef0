import Glibc

/// An IP address, and whether it is one that anybody on the Internet may be at.
struct NetworkAddress: CustomStringConvertible {
  /// Four bytes or sixteen.
  private let bytes: [UInt8]

  /// nil for a family other than IPv4 and IPv6.
  init?(_ address: UnsafePointer<sockaddr>, length: UInt32) {
    switch Int32(address.pointee.sa_family) {
    case AF_INET where Int(length) >= MemoryLayout<sockaddr_in>.size:
      bytes = address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
        withUnsafeBytes(of: $0.pointee.sin_addr) { Array($0) }
      }
    case AF_INET6 where Int(length) >= MemoryLayout<sockaddr_in6>.size:
      bytes = address.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) {
        withUnsafeBytes(of: $0.pointee.sin6_addr) { Array($0) }
      }
    default: return nil
    }
  }

  /// nil for a text that is no address. A zone (`%eth0`) does not count.
  init?(_ text: String) {
    let text = String(text.prefix { $0 != "%" })
    var four = in_addr()
    var six = in6_addr()
    if inet_pton(AF_INET, text, &four) == 1 {
      bytes = withUnsafeBytes(of: four) { Array($0) }
    } else if inet_pton(AF_INET6, text, &six) == 1 {
      bytes = withUnsafeBytes(of: six) { Array($0) }
    } else {
      return nil
    }
  }

  /// Whether the address is a public one: no block of IANA's registries of special-purpose addresses (RFC 6890 and what came
  /// after it), no multicast. An IPv4 address inside an IPv6 one counts as itself; transition mechanisms that hide one where it cannot be
  /// checked (6to4, Teredo) do not count as public.
  var isPublic: Bool {
    if bytes.count == 4 { return Self.isPublic(bytes[...]) }
    // ::ffff:0:0/96 (mapped) and 64:ff9b::/96 (NAT64, RFC 6052): the last four bytes are the address.
    if has([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF], 96) || has([0, 0x64, 0xFF, 0x9B, 0, 0, 0, 0, 0, 0, 0, 0], 96) {
      return Self.isPublic(bytes[12...])
    }
    // Global unicast is 2000::/3.
    guard bytes[0] & 0xE0 == 0x20 else { return false }
    // IETF protocol assignments with Teredo, documentation, 6to4, documentation.
    return !has([0x20, 0x01, 0x00], 23) && !has([0x20, 0x01, 0x0D, 0xB8], 32) && !has([0x20, 0x02], 16)
      && !has([0x3F, 0xFF, 0x00], 20)
  }

  private static let special: [(block: [UInt8], bits: Int)] = [
    ([0], 8), ([10], 8), ([100, 64], 10), ([127], 8), ([169, 254], 16), ([172, 16], 12), ([192, 0, 0], 24),
    ([192, 0, 2], 24), ([192, 88, 99], 24), ([192, 168], 16), ([198, 18], 15), ([198, 51, 100], 24),
    ([203, 0, 113], 24),
    ([224], 4), ([240], 4),
  ]

  private static func isPublic(_ four: ArraySlice<UInt8>) -> Bool {
    !special.contains { begins(four, $0.block, $0.bits) }
  }

  private func has(_ block: [UInt8], _ bits: Int) -> Bool { Self.begins(bytes[...], block, bits) }

  private static func begins(_ bytes: ArraySlice<UInt8>, _ block: [UInt8], _ bits: Int) -> Bool {
    for (index, byte) in block.enumerated() {
      let left = bits - index * 8
      if left <= 0 { return true }
      let mask: UInt8 = left >= 8 ? 0xFF : ~(0xFF >> UInt8(left))
      if bytes[bytes.startIndex + index] & mask != byte & mask { return false }
    }
    return true
  }

  var description: String {
    var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
    let family = bytes.count == 4 ? AF_INET : AF_INET6
    guard bytes.withUnsafeBytes({ inet_ntop(family, $0.baseAddress, &text, socklen_t(text.count)) }) != nil else {
      return "an address"
    }
    return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
