import CBotHost

/// Somebody who hooks a method of this plugin, from ``Host/hooks(of:about:)``.
public struct HookDescription<About: Decodable & Sendable>: Decodable, Sendable {
  /// The instance that is asked.
  public var instance: String
  /// Higher is asked first.
  public var priority: Int
  /// How long it may take, in nanoseconds.
  public var timeout: Int64
  /// JSON pointers into the argument, and the POSIX extended regular expressions that must match the whole of those
  /// fields; empty when it is asked about every call.
  public var match: [String: String]
  /// What its manifest says for the plugin whose method it hooks; nil when it says nothing, or nothing of that form.
  public var about: About?

  private enum CodingKeys: String, CodingKey {
    case instance, priority, match, about
    case timeout = "timeout_ns"
  }

  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    instance = try values.decode(String.self, forKey: .instance)
    priority = try values.decode(Int.self, forKey: .priority)
    timeout = try values.decode(Int64.self, forKey: .timeout)
    match = try values.decode([String: String].self, forKey: .match)
    about = try? values.decodeIfPresent(About.self, forKey: .about)
  }
}

extension Host {
  /// Those that hook a method of this instance, in the order in which they are asked.
  ///
  /// - Throws: `notFound` when the instance has no such method.
  public func hooks<About: Decodable & Sendable>(
    of method: String, about: About.Type = About.self
  ) throws(PluginError) -> [HookDescription<About>] {
    let table = try require(hookTable, BH_HOOK)
    let what = "the hooks of \(method)"
    let bytes = try ByteCollector.collect(what) { writer, sink in
      method.withABIText { table.pointee.list(pointer, $0, writer, sink) }
    }
    do {
      return try bytes.withUnsafeBytes {
        try JSONCoding.decode([HookDescription<About>].self, from: $0, what, code: .invalid)
      }
    } catch { throw PluginError(error, otherwise: .invalid) }
  }

  /// A number that changes whenever a hook of any method comes or goes. Cheap: poll it.
  public var hookRevision: UInt64 {
    guard let table = try? require(hookTable, BH_HOOK) else { return 0 }
    return table.pointee.revision(pointer)
  }
}
