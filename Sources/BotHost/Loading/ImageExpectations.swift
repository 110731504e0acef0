import CBotHost

/// What a manifest asks of the library that it names.
public struct ImageExpectations: Sendable, Hashable {
  /// A function that `call:` names.
  public struct Function: Sendable, Hashable {
    public var name: String
    /// `BH_BIND_HANDLER`, `BH_BIND_METHOD` or `BH_BIND_HOOK`: what the plugin's `bind` is asked for when the library
    /// exports no such function.
    public var kind: UInt32
    /// The manifest's signature, for a call through libffi; nil: the standard one. With one, the function must be
    /// exported.
    public var signature: Signature?

    public init(name: String, kind: UInt32, signature: Signature? = nil) {
      self.name = name
      self.kind = kind
      self.signature = signature
    }
  }

  /// The manifest's `plugin`.
  public var plugin: String
  /// The manifest's `version`, which the descriptor's must equal.
  public var version: String?
  public var functions: [Function]
  /// Whether the library is to run inside the host, beside other builds of itself, or alone in a worker. Decides what
  /// its other needs may be.
  public var isolation: Isolation

  public init(plugin: String, version: String? = nil, functions: [Function] = [], isolation: Isolation = .thread) {
    self.plugin = plugin
    self.version = version
    self.functions = functions
    self.isolation = isolation
  }

  /// Collects them from a manifest. `isolation` is what has been decided, since a manifest may leave it open.
  public init(_ manifest: Manifest, isolation: Isolation) {
    var functions: [Function] = []
    func add(_ name: String?, _ kind: Int, _ signature: Signature?) {
      guard let name else { return }
      let function = Function(name: name, kind: UInt32(kind), signature: signature)
      if !functions.contains(function) { functions.append(function) }
    }
    for handler in manifest.handlers { add(handler.call, BH_BIND_HANDLER, handler.signature) }
    for method in manifest.methods { add(method.call, BH_BIND_METHOD, method.signature) }
    for hook in manifest.hooks { add(hook.call, BH_BIND_HOOK, nil) }
    self.init(
      plugin: manifest.plugin, version: manifest.version?.description, functions: functions, isolation: isolation)
  }
}
