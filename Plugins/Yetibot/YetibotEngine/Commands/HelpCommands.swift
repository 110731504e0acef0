/// help and category, and what they show.
extension Yetibot {
  func registerHelp() {
    let util: Set = ["util"]
    define(
      ["help"],
      [
        Self.on(#"^\s*$"#, "help # how to use the bot, and its commands", util) { .text($0.engine.helpOverview) },
        Self.on(#"^\s*all\s*$"#, "help all # what all commands do", util) { call in
          let registry = call.engine.registry
          return .text(
            (registry.topics + registry.aliases).compactMap { registry.usage(of: $0)?.joined(separator: "\n") }
              .joined(separator: "\n▬▬▬\n"))
        },
        Self.on(
          configuration.quirks.contains(.originalCommands) ? #"^\s*(\S+)\s*$"# : #"^\s*(\S+)"#,
          "help <command> # what a command does", util
        ) { call in
          let word = call.group(1) ?? ""
          guard call.isFallback, !call.quirks.contains(.originalCommands) else { return call.engine.help(for: word) }
          return call.engine.unknown(word)
        },
      ])
    define(
      ["category"],
      [
        Self.on(#"^\s*names\s*$"#, "category names # the names of the categories", util) { _ in
          .record(
            .init(
              .strings(Self.categories.map(\.name)),
              data: .map(ValueMap(Self.categories.map { ($0.name, .string($0.meaning)) }))))
        },
        Self.on(#"^\s*list\s+(\S+)"#, "category list <category> # what the commands of a category do", util) { call in
          let name = call.group(1) ?? ""
          guard Self.isCategory(name) else { return Self.unknownCategory(name) }
          return .lines(call.engine.usage(ofCategory: name))
        },
        Self.on(#"^\s*disable\s+(\S+)"#, "category disable <category> # switches a category off in this room", util) {
          Self.switchCategory($0, isOn: false)
        },
        Self.on(#"^\s*enable\s+(\S+)"#, "category enable <category> # switches a category on in this room", util) {
          Self.switchCategory($0, isOn: true)
        },
        Self.on(nil, "category # the categories, and which are switched off in this room", util) { call in
          let disabled = call.engine.disabledCategories(call.place)
          return .record(
            .init(
              .strings(Self.categories.map { "\(disabled.contains($0.name) ? "🚫" : "✅") \($0.name): \($0.meaning)" }),
              data: .map(ValueMap(Self.categories.map { ($0.name, .string($0.meaning)) }))))
        },
      ])
    define(
      ["default"],
      [
        Self.on(#"^\s*command\s*$"#, "default command # the command that unknown ones go to", util) {
          .text($0.engine.configuration.defaultCommand)
        }
      ])
  }

  /// What is said of a word that is no command.
  private func unknown(_ word: String) -> Outcome {
    if let quote = word.first, quote == "\"" || quote == "'" {
      return .failure(
        "there is no command \(word): a command's word has no quotes; `cmd`, `map` and `when` take expressions in quotes"
      )
    }
    switch registry.guess(word) {
    case .usage(let lines):
      return .text("there is no command \(word); did you mean this?\n" + lines.joined(separator: "\n"))
    case .several(let names):
      return .text("there is no command \(word); did you mean \(names.map { "`\($0)`" }.joined(separator: " or "))?")
    case .none: return .failure("there is no command \(word); `help` lists those that there are")
    }
  }

  /// The docs of a topic: exact, of an alias, or of the one that is spelt almost so.
  func help(for topic: String) -> Outcome {
    if let lines = registry.usage(of: topic) { return usage(lines) }
    switch registry.guess(topic) {
    case .usage(let lines): return usage(lines)
    case .several(let names):
      return .text("there is no help for \(topic); did you mean \(names.map { "`\($0)`" }.joined(separator: " or "))?")
    case .none: return .failure("there is no help for \(topic)")
    }
  }

  /// What `help` alone shows.
  public var helpOverview: String {
    Self.helpOverview(
      commands: registry.topics, aliases: registry.aliases, prefix: configuration.prefix,
      fallback: Self.fallbackLine(
        isEnabled: configuration.isFallbackEnabled, defaultCommand: configuration.defaultCommand,
        override: configuration.fallbackHelp))
  }

  public static func helpOverview(
    commands: [String], aliases: [String], prefix: Character = "!", fallback: String
  ) -> String {
    var text = """
      Use `help <command>` to see what a command does, and `category` to see the commands by what they are for.
      \(fallback)
      Commands: \(commands.sorted().map { "`\($0)`" }.joined(separator: ", "))
      """
    if let line = aliasLine(aliases) { text += "\n" + line }
    return text
  }

  public static func aliasLine(_ aliases: [String]) -> String? {
    aliases.isEmpty ? nil : "Aliases: " + aliases.sorted().map { "`\($0)`" }.joined(separator: ", ")
  }

  public static func fallbackLine(isEnabled: Bool, defaultCommand: String, override: String?) -> String {
    guard isEnabled else { return "🚫 Unknown commands are passed over in silence." }
    return override ?? "Unknown commands go to `\(defaultCommand)`."
  }

  private static func isCategory(_ name: String) -> Bool { categories.contains { $0.name == name } }

  private static func unknownCategory(_ name: String) -> Outcome {
    .failure("there is no category \(name); there are \(categories.map(\.name).joined(separator: ", "))")
  }

  /// The usage lines of the enabled handlers of a category, each once, in order.
  public func usage(ofCategory name: String) -> [String] {
    var lines: Set<String> = []
    for (entry, handler) in registry.handlers where handler.categories.contains(name) && isEnabled(entry.topic) {
      lines.insert(handler.usage)
    }
    for command in registry.hooked where command.categories.contains(name) && isEnabled(command.topic) {
      lines.formUnion(command.usage)
    }
    return lines.sorted()
  }

  private static func switchCategory(_ call: Invocation, isOn: Bool) -> Outcome {
    let name = call.group(1) ?? ""
    guard isCategory(name) else { return unknownCategory(name) }
    var disabled = call.engine.disabledCategories(call.place)
    if isOn { disabled.remove(name) } else { disabled.insert(name) }
    call.engine.setDisabledCategories(disabled, call.place)
    return .text("category \(name) is \(isOn ? "enabled" : "disabled") in this room")
  }

  static let disabledCategoriesKey = "disabled-categories"
  private static let cachedPlaces = 10_000

  /// Switches these categories off in a room, and all others on.
  public func setDisabledCategories(_ names: Set<String>, _ place: ChatPlace) {
    setSetting(Self.disabledCategoriesKey, names.isEmpty ? nil : names.sorted().joined(separator: " "), place)
  }

  public func disabledCategories(_ place: ChatPlace) -> Set<String> {
    // Where no room has a setting, none is looked for.
    if rows["channel"].isEmpty { return [] }
    if let known = disabledCategoriesCache[place] { return known }
    let text = setting(Self.disabledCategoriesKey, place) ?? ""
    let disabled = Set(text.split(separator: " ").map(String.init))
    if disabledCategoriesCache.count >= Self.cachedPlaces { disabledCategoriesCache = [:] }
    disabledCategoriesCache[place] = disabled
    return disabled
  }
}
