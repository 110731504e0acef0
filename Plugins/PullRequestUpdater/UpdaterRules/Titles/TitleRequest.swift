/// What an issue's title asks for.
public struct TitleRequest: Sendable, Hashable {
  public enum Intent: String, Sendable, Hashable, CaseIterable {
    case update, pin, unpin, downgrade, remove
    case updateAll = "update-all"
    case pinAll = "pin-all"
    /// It asks for nothing that the updater does: say nothing.
    case none
    /// It asks for something, and not what exactly: say which forms are understood.
    case unclear
  }

  public enum Scope: String, Sendable, Hashable {
    /// What only development needs.
    case dev
  }

  public var intent: Intent
  /// Empty for `none`, `unclear`, `update-all` and `pin-all`.
  public var packages: [PackageRequest]
  public var ecosystem: Ecosystem?
  /// The file or folder that was named, as it was written.
  public var path: String?
  public var scope: Scope?
  /// What `update-all` or `pin-all` leaves alone.
  public var except: [String]
  /// How far `update-all` goes.
  public var level: UpdateLevel?
  /// It names a vulnerability, or says that security is the reason.
  public var security: Bool
  /// Pre-releases are asked for.
  public var pre: Bool
  /// It speaks to a bot by name (`@bothost update pip`): then a name that nobody knows deserves an answer.
  public var isAddressed: Bool
  /// Why it is unclear, as a sentence's end: “it names two versions”.
  public var doubt: String?

  public init(
    intent: Intent, packages: [PackageRequest] = [], ecosystem: Ecosystem? = nil, path: String? = nil,
    scope: Scope? = nil, except: [String] = [], level: UpdateLevel? = nil, security: Bool = false, pre: Bool = false,
    isAddressed: Bool = false, doubt: String? = nil
  ) {
    self.intent = intent
    self.packages = packages
    self.ecosystem = ecosystem
    self.path = path
    self.scope = scope
    self.except = except
    self.level = level
    self.security = security
    self.pre = pre
    self.isAddressed = isAddressed
    self.doubt = doubt
  }
}

/// One package of a title.
public struct PackageRequest: Sendable, Hashable {
  /// As it was written; compare it in its ecosystem's normal form.
  public var name: String
  /// The version that it is said to have now.
  public var from: String?
  /// nil for `unpin` and `remove`.
  public var to: VersionTarget?

  public init(name: String, from: String? = nil, to: VersionTarget? = nil) {
    self.name = name
    self.from = from
    self.to = to
  }
}
