import Testing

@testable import BotHost

/// The diagnostics of a manifest, each as one line.
func problems(_ yaml: String) -> [String] {
  var diagnostics = Diagnostics()
  _ = Manifest.decode(SourceText(name: "m.yaml", yaml), diagnostics: &diagnostics)
  return diagnostics.map(\.description)
}

/// A manifest that must be right.
func manifest(_ yaml: String, sourceLocation: Testing.SourceLocation = #_sourceLocation) throws -> Manifest {
  var diagnostics = Diagnostics()
  let manifest = Manifest.decode(SourceText(name: "m.yaml", yaml), diagnostics: &diagnostics)
  #expect(diagnostics.isEmpty, "\(diagnostics.map(\.description))", sourceLocation: sourceLocation)
  return try #require(manifest, sourceLocation: sourceLocation)
}

/// The one tree of a text.
func tree(_ yaml: String) throws -> YAMLNode {
  var diagnostics = Diagnostics()
  let node = YAMLParser.document(of: SourceText(name: "t.yaml", yaml), diagnostics: &diagnostics)
  return try #require(node, "\(diagnostics.map(\.description))")
}

func yamlProblems(_ bytes: [UInt8], limits: YAMLLimits = .standard) -> [String] {
  var diagnostics = Diagnostics()
  _ = YAMLParser.documents(of: SourceText(name: "t.yaml", bytes: bytes), limits: limits, diagnostics: &diagnostics)
  return diagnostics.map(\.description)
}

func yamlProblems(_ text: String, limits: YAMLLimits = .standard) -> [String] {
  yamlProblems(Array(text.utf8), limits: limits)
}

/// The smallest manifest, to append to.
let head = "bothost: 1\nplugin: p\nlibrary: libp.so\n"

/// A generator whose runs can be repeated.
struct SeededGenerator: RandomNumberGenerator {
  var state: UInt64

  /// SplitMix64.
  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
