/// The commands that are known, and how one is found for a word.
///
/// A word goes to the command whose pattern is exactly that word; else to the first, in order of registration, whose pattern is found in
/// it. Registering a pattern again replaces its command.
///
/// A class, as its entries are: each command that runs is looked up in it several times.
public final class Registry {
  /// What answers: one pattern of arguments and its handler. A class, because one is handed round for each command that runs.
  public final class Handler {
    /// Found anywhere in the arguments; nil takes everything.
    public let pattern: Pattern?
    /// One usage line, `name args # what it does`; may have more lines.
    public let usage: String
    public let categories: Set<String>
    public let run: (Invocation) throws -> Outcome

    public init(
      _ pattern: Pattern? = nil, usage: String, categories: Set<String> = [],
      run: @escaping (Invocation) throws -> Outcome
    ) {
      self.pattern = pattern
      self.usage = usage
      self.categories = categories
      self.run = run
    }
  }

  /// A command: its patterns and topics, and its handlers in the order in which they are tried.
  public final class Entry {
    public let topic: String
    public let pattern: Pattern
    public let handlers: [Handler]
    public let isAlias: Bool

    init(topic: String, pattern: Pattern, handlers: [Handler], isAlias: Bool) {
      self.topic = topic
      self.pattern = pattern
      self.handlers = handlers
      self.isAlias = isAlias
    }
  }

  private var entries: [String: Entry] = [:]
  /// The sources of the patterns that are no plain words, in order of registration.
  private var families: [String] = []
  /// The pattern's source for each plain word.
  private var words: [String: String] = [:]
  private var help: [String: [String]] = [:]
  private var aliasHelp: [String: [String]] = [:]
  /// What others bring; they are asked before the commands that are registered here.
  public var hooked: [HookedCommand] = [] {
    didSet { hookedByWord = Self.byWord(hooked) }
  }
  /// The same by their words; nil when one of them takes words that no list can hold.
  private var hookedByWord: [String: [HookedCommand]]? = [:]

  /// Which of them may be used; the others are as if they were not there.
  var filter = CommandFilter()

  public init() {}

  /// The pattern as it is matched: between `^` and `$`, unless the author wrote one of them.
  public static func lockdown(_ source: String) -> String {
    source.hasPrefix("^") || source.hasSuffix("$") ? source : "^\(source)$"
  }

  private static func isPlainWord(_ text: String) -> Bool {
    !text.isEmpty
      && text.unicodeScalars.allSatisfy { $0.isWord || $0 == "-" || $0 == "!" || $0 == ":" || $0.value > 127 }
  }

  /// Registers a command under each topic and its pattern.
  public func register(
    topics: [(topic: String, pattern: String)], _ handlers: [Handler], isAlias: Bool = false
  ) throws(Pattern.Failure) {
    for (topic, source) in topics {
      let locked = Self.lockdown(source)
      let entry = Entry(topic: topic, pattern: try Pattern(locked), handlers: handlers, isAlias: isAlias)
      if entries[locked] == nil, !Self.isPlainWord(source) { families.append(locked) }
      if Self.isPlainWord(source) { words[source] = locked }
      entries[locked] = entry
      var lines: [String] = []
      for handler in handlers {
        let line = handler.usage.lines.map(\.trimmed).joined(separator: "\n")
        if !line.isEmpty, !lines.contains(line) { lines.append(line) }
      }
      if isAlias { aliasHelp[topic] = lines } else { help[topic] = lines }
    }
  }

  /// Takes back the command whose pattern is exactly the topic.
  public func unregister(topic: String) {
    let locked = Self.lockdown(topic)
    entries[locked] = nil
    families.removeAll { $0 == locked }
    words[topic] = nil
    help[topic] = nil
    aliasHelp[topic] = nil
  }

  /// Takes back a pattern, and the help of its topic when no other pattern has it.
  public func unregister(pattern: String) {
    let locked = Self.lockdown(pattern)
    guard let entry = entries.removeValue(forKey: locked) else { return }
    families.removeAll { $0 == locked }
    words = words.filter { $0.value != locked }
    if !entries.values.contains(where: { $0.topic == entry.topic }) {
      help[entry.topic] = nil
      aliasHelp[entry.topic] = nil
    }
  }

  /// The command that a word calls.
  public func command(for word: String) -> Entry? {
    if let source = words[word], let entry = entries[source] { return entry }
    for source in families {
      if let entry = entries[source], entry.pattern.occurs(in: word) { return entry }
    }
    return nil
  }

  /// The commands that others bring for a word, in the order in which they are asked.
  func hooked(for word: String) -> [HookedCommand] {
    if let hookedByWord { return hookedByWord.isEmpty ? [] : hookedByWord[word] ?? [] }
    return hooked.filter { $0.pattern.occurs(in: word) }
  }

  private static func byWord(_ commands: [HookedCommand]) -> [String: [HookedCommand]]? {
    var byWord: [String: [HookedCommand]] = [:]
    for command in commands {
      let source = command.pattern.source
      guard source.hasPrefix("^(?:"), source.hasSuffix(")$") else { return nil }
      let words = source.dropFirst(4).dropLast(2).split(separator: "|", omittingEmptySubsequences: false).map(
        String.init)
      guard words.allSatisfy(isPlainWord) else { return nil }
      for word in Set(words) { byWord[word, default: []].append(command) }
    }
    return byWord
  }

  /// The commands that are enabled, without aliases.
  public var topics: [String] { Set(help.keys).union(hooked.map(\.topic)).filter(filter.admits).sorted() }
  public var aliases: [String] { aliasHelp.keys.sorted() }

  /// Whether the word is a topic that is enabled or an alias, letter for letter.
  public func isTopic(_ word: String) -> Bool {
    aliasHelp[word] != nil || (help[word] != nil || hooked.contains { $0.topic == word }) && filter.admits(word)
  }
  /// Whether a command's word may be used. Aliases always may: what they run is asked for itself.
  public func isEnabled(_ word: String) -> Bool { isAlias(word) || filter.admits(word) }
  public func isAlias(_ word: String) -> Bool { aliasHelp[word] != nil }

  /// The usage lines of a topic, letter for letter; nil for one that there is not, or that is not enabled.
  public func usage(of topic: String) -> [String]? {
    guard isEnabled(topic) else { return nil }
    let brought = hooked.filter { $0.topic == topic }.flatMap(\.usage)
    let own = help[topic] ?? aliasHelp[topic]
    return brought.isEmpty ? own : brought + (own ?? [])
  }

  /// The handlers, each once, of all commands.
  public var handlers: [(entry: Entry, handler: Handler)] {
    entries.values.sorted { $0.topic < $1.topic }.flatMap { entry in entry.handlers.map { (entry, $0) } }
  }

  /// What a misspelt topic may have meant.
  public enum Guess: Sendable, Hashable {
    case none
    case usage([String])
    case several([String])
  }

  /// The topics at the smallest edit distance of at most 3.
  public func guess(_ word: String) -> Guess {
    var best = 4
    var found: [String] = []
    for topic in topics {
      let distance = EditDistance.between(word, topic, limit: best)
      if distance < best {
        best = distance
        found = [topic]
      } else if distance == best, best < 4 {
        found.append(topic)
      }
    }
    guard let first = found.first else { return .none }
    return found.count == 1 ? .usage(usage(of: first) ?? []) : .several(found)
  }
}

/// How many letters must be put in, left out or changed to make one word of another.
public enum EditDistance {
  /// The distance, or a number above `limit` when it is larger.
  public static func between(_ left: String, _ right: String, limit: Int = .max) -> Int {
    let left = Array(left.unicodeScalars.prefix(256))
    let right = Array(right.unicodeScalars.prefix(256))
    if abs(left.count - right.count) > limit { return abs(left.count - right.count) }
    var row = Array(0...right.count)
    for (index, scalar) in left.enumerated() {
      var diagonal = row[0]
      row[0] = index + 1
      for column in right.indices {
        let above = row[column + 1]
        row[column + 1] = min(above + 1, row[column] + 1, diagonal + (scalar == right[column] ? 0 : 1))
        diagonal = above
      }
    }
    return row[right.count]
  }
}
