/// What the command tables are written with.
extension Yetibot {
  typealias Handler = Registry.Handler

  /// Registers commands that are part of the engine; their patterns are constants.
  func define(_ topics: [String], _ handlers: [Handler]) {
    do {
      try registry.register(topics: topics.map { ($0, $0) }, handlers)
    } catch {
      assertionFailure("\(topics): \(error)")
    }
  }

  static func on(
    _ pattern: String? = nil, _ usage: String, _ categories: Set<String>,
    _ run: @escaping (Invocation) throws -> Outcome
  ) -> Handler {
    Handler(pattern.flatMap { try? Pattern($0) }, usage: usage, categories: categories, run: run)
  }

  /// The categories and what they mean, in the order of their names.
  public static let categories: [(name: String, meaning: String)] = [
    ("async", "commands that work in the background"),
    ("broken", "commands that are known not to work"),
    ("chart", "commands that draw a chart"),
    ("ci", "continuous integration"),
    ("collection", "commands that work on collections"),
    ("crude", "commands whose answers may not be fit for work"),
    ("fun", "commands that have nothing to do with work"),
    ("gif", "commands that answer with a moving picture"),
    ("img", "commands that answer with the address of a picture"),
    ("info", "commands that look something up"),
    ("infra", "commands that operate infrastructure"),
    ("issue", "issue trackers"),
    ("meme", "commands that make memes"),
    ("repl", "commands that evaluate a programming language"),
    ("util", "commands that transform expressions or operate the bot"),
  ]

  func registerCommands() {
    registerText()
    registerCollections()
    registerFlow()
    registerData()
    registerHelp()
    registerRooms()
    registerPeople()
    registerAliases()
    registerHistory()
    registerObservers()
    registerCrons()
    registerKarma()
    registerPack()
    registerPastimes()
    if !configuration.quirks.contains(.originalCommands) { registerVerbs() }
  }
}
