import BotPluginKit
import YetibotEngine

/// What a hook on `yetibot.command` says of itself in its manifest.
struct HookAbout: Decodable, Sendable {
  /// The command's name; else the word that it matches.
  var name: String?
  /// Usage lines, `name args # what it does`.
  var help: [String]
  /// Of ``Yetibot/categories``.
  var category: [String]

  private enum CodingKeys: String, CodingKey { case name, help, category }

  init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    /// One text, or several.
    func texts(_ key: CodingKeys) throws -> [String] {
      if let one = try? values.decode(String.self, forKey: key) { return [one] }
      return try values.decodeIfPresent([String].self, forKey: key) ?? []
    }
    name = try values.decodeIfPresent(String.self, forKey: .name)
    help = try texts(.help)
    category = try texts(.category)
  }
}

/// The commands that other plugins bring.
struct HookedCommands {
  /// Those whose manifests say which words they take.
  private(set) var commands: [HookedCommand] = []
  /// How long those may take that want to see every command, in milliseconds; nil: there are none.
  private(set) var openMilliseconds: Int64?

  init() {}

  /// Reads what the manifests say. What is wrong there is logged, and the rest counts.
  init(_ host: Host) throws {
    for hook in try host.hooks(of: "command", about: HookAbout.self) {
      let milliseconds = max(1, hook.timeout / 1_000_000)
      guard let expression = hook.match["/command"] else {
        openMilliseconds = (openMilliseconds ?? 0) + milliseconds
        continue
      }
      do {
        commands.append(
          try Self.command(hook, expression, milliseconds) { host.log(.warning, $0, ["instance": hook.instance]) })
      } catch {
        host.log(
          .warning, "a command cannot be known by its pattern, and is asked about all",
          ["instance": hook.instance, "error": "\(error)"])
        openMilliseconds = (openMilliseconds ?? 0) + milliseconds
      }
    }
  }

  private static func command(
    _ hook: HookDescription<HookAbout>, _ expression: String, _ milliseconds: Int64, warn: (String) -> Void
  ) throws -> HookedCommand {
    let word = expression.split(separator: "|").first { $0.unicodeScalars.allSatisfy(isNameScalar) }.map(String.init)
    let usageWord = hook.about?.help.first?.split(separator: " ").first.map(String.init)
    let name = hook.about?.name ?? word ?? usageWord ?? hook.instance
    let known = Set(Yetibot.categories.map(\.name))
    let categories = Set(hook.about?.category ?? [])
    for unknown in categories.subtracting(known).sorted() {
      warn("there is no category '\(unknown)'; there are \(known.sorted().joined(separator: ", "))")
    }
    let help = hook.about?.help ?? []
    return HookedCommand(
      topic: name, pattern: try Pattern("^(?:\(expression))$"),
      usage: help.isEmpty ? ["\(name) # a command of \(hook.instance)"] : help,
      categories: categories.intersection(known), milliseconds: milliseconds)
  }

  private static func isNameScalar(_ scalar: Unicode.Scalar) -> Bool {
    scalar.properties.isAlphabetic || scalar.properties.numericType != nil || scalar == "-" || scalar == "_"
  }

  /// Whether one that says which words it takes takes this one.
  func claim(_ word: String) -> Bool { commands.contains { $0.pattern.occurs(in: word) } }
}
