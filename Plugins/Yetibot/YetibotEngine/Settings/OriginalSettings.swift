/// What the settings of the original say about this one, so that a bot that moves here keeps them.
public struct OriginalSettings: Sendable {
  /// What could not be taken over, and why; a line each.
  public private(set) var warnings: [String] = []
  private let tree: ConfigurationTree
  /// The settings that have a place here, whether they could be used or not.
  private var known: Set<String> = []

  public init(_ tree: ConfigurationTree) { self.tree = tree }

  /// What the file and, over it, the environment say; nil when they say nothing.
  ///
  /// - Parameter read: answers the text of a file; nil for one that there is not. What it throws becomes a warning.
  public static func find(
    in environment: [String: String], read: (_ path: String) throws -> String? = { _ in nil }
  ) -> OriginalSettings? {
    var tree = ConfigurationTree(.map(ValueMap()))
    var problem: String?
    let path = environment["CONFIG_PATH"] ?? standardPath
    do {
      if let text = try read(path) { tree = .mergedPrefixes(of: try EDNText.parse(text)) }
    } catch { problem = "\(path): \(error)" }
    if environment["YETIBOT_ENV_CONFIG_DISABLED"].map({ $0.isEmpty }) ?? true {
      tree = tree.overlaid(with: .exploded(environment, prefix: environment["YETIBOT_ENV_PREFIX"]))
    }
    guard problem != nil || tree.root.members?.isEmpty == false else { return nil }
    var settings = OriginalSettings(tree)
    if let problem { settings.warnings.append(problem) }
    return settings
  }

  private static let standardPath = "config/config.edn"

  private mutating func text(_ path: String, isBlankAllowed: Bool = false) -> String? {
    value(path, as: isBlankAllowed ? .text : .notBlankText)?.text
  }

  private mutating func texts(_ path: String) -> [String]? { value(path, as: .texts)?.items?.map(\.text) }

  private mutating func value(_ path: String, as shape: ConfigurationTree.Shape) -> Value? {
    known.insert(path)
    switch tree.look(up: path.split(separator: ".").map(String.init), as: shape) {
    case .value(let value): return value
    case .notFound: return nil
    case .invalid(let reason):
      warnings.append(reason)
      return nil
    }
  }

  /// Puts the settings over those of `configuration`.
  ///
  /// - Throws: ``Raised`` for what cannot be used at all.
  public mutating func apply(to configuration: inout Configuration) throws {
    if let prefix = text("command.prefix") {
      guard let mark = prefix.first, prefix.count == 1, mark.isPunctuation || mark.isSymbol else {
        throw Raised("command.prefix is \(prefix), and must be one punctuation character")
      }
      configuration.prefix = mark
    }
    if let switched = text("command.embedded.enabled", isBlankAllowed: true) {
      configuration.runsEmbedded = Configuration.isOn(switched)
    }
    if let switched = text("command.fallback.enabled", isBlankAllowed: true) {
      configuration.isFallbackEnabled = Configuration.isOn(switched)
    }
    if let help = text("command.fallback.help.text") { configuration.fallbackHelp = help }
    if let command = text("default.command") { configuration.defaultCommand = command }
    let (allowed, denied) = (texts("command.whitelist"), texts("command.blacklist"))
    if allowed != nil || denied != nil {
      configuration.filter = try CommandFilter(allowed: allowed ?? [], denied: denied ?? [])
    }
    if let users = texts("admin.users") { configuration.adminUsers = Set(users) }
    if let commands = texts("admin.commands") { configuration.adminCommands = Set(commands) }
    if text("history.disabled") == "true" { configuration.recordsHistory = false }
    if let emoji = text("karma.emoji.positive") { configuration.positiveKarma = emoji }
    if let emoji = text("karma.emoji.negative") { configuration.negativeKarma = emoji }
    if let url = text("url") { configuration.url = url }
    for name in tree.root["plugins"]?.members?.keys ?? [] {
      guard let plugin = value("plugins.\(name)", as: .map(["artifact", "version"])) else { continue }
      let artifact = plugin["artifact"]?.text ?? ""
      let kind = Self.isCommandModule(artifact) ? "commands" : "a plugin"
      warnings.append(
        "plugins.\(name): \(artifact) brings \(kind) for the JVM, which cannot run here; a plugin of this host can hook "
          + "yetibot.command in its place")
    }
    let strange = Self.leaves(tree.root).filter { leaf in
      !known.contains { leaf == $0 || leaf.hasPrefix($0 + ".") }
    }
    for leaf in strange.prefix(Self.mostStrange) { warnings.append("\(leaf) has no place here") }
    if strange.count > Self.mostStrange {
      warnings.append("\(strange.count - Self.mostStrange) more have no place here")
    }
  }

  private static let mostStrange = 20

  /// The paths of all texts and lists: never their values, of which some are secret.
  private static func leaves(_ value: Value, _ path: String = "") -> [String] {
    guard let map = value.members else { return [path] }
    return map.flatMap { leaves($0.value, path.isEmpty ? $0.key : "\(path).\($0.key)") }
  }

  /// Whether a module of the original is one that adds commands, by its name: `yetibot….commands…`, or `….plugins.commands…`.
  public static func isCommandModule(_ name: String) -> Bool {
    [#"^yetibot(\S*)\.(core\.)?commands.*"#, #"^.*plugins\.commands.*"#].contains {
      (try? Pattern($0))?.occurs(in: name) ?? false
    }
  }
}
