import CBotHost

/// A configuration value of type secret. It decodes from `{"$secret": "name"}` in a plugin's configuration; the
/// value itself stays with the host and is only lent.
public struct Secret: Decodable, Sendable, CustomStringConvertible {
  /// The configuration key's name.
  public let name: String
  private let host: Host?

  private enum Key: String, CodingKey { case name = "$secret" }

  public init(from decoder: any Decoder) throws {
    name = try decoder.container(keyedBy: Key.self).decode(String.self, forKey: .name)
    host = JSONCoding.hostKey.flatMap { decoder.userInfo[$0] as? Host }
  }

  init(name: String, host: Host) {
    self.name = name
    self.host = host
  }

  /// Never the value.
  public var description: String { "secret \(name)" }

  /// Lends the value for the length of `body`; the host wipes the bytes after it. Throws `notFound` when the key
  /// has no value. Not permitted in `init`.
  public func withBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) throws -> Result {
    guard let host else { throw PluginError.invalid("\(self) was not read from the plugin's configuration") }
    let secrets = try host.require(host.secretTable, BH_SECRET)
    return try withoutActuallyEscaping(body) { body in
      var result: Swift.Result<Result, any Error>?
      var use: (UnsafeRawBufferPointer) -> Void = { bytes in result = Swift.Result { try body(bytes) } }
      let rc = withUnsafeMutablePointer(to: &use) { use in
        name.withABIText {
          secrets.pointee.use(
            host.pointer, $0,
            { context, value in
              context?.assumingMemoryBound(to: ((UnsafeRawBufferPointer) -> Void).self).pointee(value.buffer)
              return bh_rc(BH_OK)
            }, UnsafeMutableRawPointer(use))
        }
      }
      try PluginError.check(rc, "\(self)")
      guard let result else { throw PluginError.internal("the host lent no value for \(self)") }
      return try result.get()
    }
  }
}

extension Host {
  /// The secret of that name, whether or not the configuration type has a member for it.
  public func secret(_ name: String) -> Secret { Secret(name: name, host: self) }
}
