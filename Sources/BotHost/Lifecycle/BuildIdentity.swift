/// What tells one build from another: its library, and the manifest under which it runs.
struct BuildIdentity: Sendable, Equatable {
  let library: ImageDigest
  /// The manifest's bytes.
  let manifest: [UInt8]
}

extension PluginSource {
  /// Of what is on disk now; nil when its library cannot be digested.
  var identity: BuildIdentity? {
    get throws { try digest.map { BuildIdentity(library: $0, manifest: manifestText) } }
  }
}
