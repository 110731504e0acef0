import CBotHost
import Glibc

/// `bh.secret`: values that only the plugin sees that its configuration gave them to.
enum SecretService {
  nonisolated(unsafe) static let table = HostTable.constant(
    bh_secret_v1(
      size: UInt32(MemoryLayout<bh_secret_v1>.size), version: 1,
      use: { host, name, use, context in
        withHost(host) { host in
          guard let use else { return bh_rc(BH_E_INVALID) }
          let name = name.string
          guard let (isDeclared, secret) = host.withSettings({ ($0.declaresSecret(name), $0.resolved.secrets[name]) })
          else { return bh_rc(BH_E_STALE) }
          guard isDeclared else {
            return host.refuse(
              BH_E_DENIED, "the manifest of \(host.instance.name) declares no secret '\(name)'; add it to `config:`")
          }
          guard let secret else {
            return host.refuse(BH_E_NOTFOUND, "the secret '\(name)' of \(host.instance.name) has no value")
          }
          // A copy of its own, so that it can be wiped.
          var bytes = secret.reveal { Array($0.utf8) }
          defer { bytes.withUnsafeMutableBytes { if let start = $0.baseAddress { explicit_bzero(start, $0.count) } } }
          return bytes.withUnsafeBufferPointer { use(context, bh_bytes(ptr: $0.baseAddress, len: $0.count)) }
        }
      }))
}
