/// A question to the history: conditions that must all hold, and which of the lines are wanted.
public struct HistoryQuery: Sendable {
  /// What must hold for a line.
  public enum Condition: Sendable {
    /// It is not private, or was said in this room.
    case visible(in: String)
    case instance(String)
    case room(String)
    case rooms([String])
    /// It is no command, or does not begin with this.
    case noCommandBeginning(String)
    case notByBot
    case byBot
    case noCommand
    case command
    /// It belongs to this message, or does not.
    case correlated(String)
    case notCorrelated(String)
    /// It is a command that begins with this text, behind the prefix, or an answer to one.
    case ofCommand(String, prefix: Character)
    case userID(String)
    case userNames([String])
    /// At or after, at or before: milliseconds since 1970.
    case since(Int64)
    case until(Int64)
    case notPrivate
    /// The pattern is found in its body, with upper and lower case told apart.
    case matches(Pattern)
    /// All the words are in its body, upper or lower case.
    case hasWords([String])
    case id(Int64)
  }

  public enum Order: Sendable, Hashable {
    case oldestFirst
    case newestFirst
    /// The newest ones, shown in the order in which they were said.
    case newestLast
    case random
  }

  public enum Selection: Sendable, Hashable { case lines, count }

  public var conditions: [Condition]
  public var order: Order
  public var limit: Int?
  public var offset: Int
  public var selection: Selection

  public init(
    _ conditions: [Condition], order: Order = .oldestFirst, limit: Int? = nil, offset: Int = 0,
    selection: Selection = .lines
  ) {
    self.conditions = conditions
    self.order = order
    self.limit = limit
    self.offset = offset
    self.selection = selection
  }

  /// Whether a line is one of those wanted. Patterns take their steps from `limits`.
  public func holds(for entry: HistoryEntry, _ limits: inout HistoryLimits) -> Bool {
    for condition in conditions where !condition.holds(for: entry, &limits) { return false }
    return true
  }
}

/// What one search may cost.
public struct HistoryLimits {
  /// Steps of pattern searches that are left; negative when they ran out, and then the answer is not whole.
  public var patternSteps: Int
  /// Asked now and then; a search that answers true ends, and its answer is not whole.
  public var isTimeUp: () -> Bool

  public init(patternSteps: Int = 20_000_000, isTimeUp: @escaping () -> Bool = { false }) {
    self.patternSteps = patternSteps
    self.isTimeUp = isTimeUp
  }
}

extension HistoryQuery.Condition {
  public func holds(for entry: HistoryEntry, _ limits: inout HistoryLimits) -> Bool {
    switch self {
    case .visible(let room): !entry.isPrivate || entry.room == room
    case .instance(let instance): entry.instance == instance
    case .room(let room): entry.room == room
    case .rooms(let rooms): rooms.contains(entry.room)
    case .noCommandBeginning(let text): !entry.isCommand || !entry.body.utf8.starts(with: text.utf8)
    case .notByBot: !entry.isByBot
    case .byBot: entry.isByBot
    case .noCommand: !entry.isCommand
    case .command: entry.isCommand
    case .correlated(let id): entry.correlationID == id
    case .notCorrelated(let id): entry.correlationID != id
    case .ofCommand(let text, let prefix):
      entry.isByBot
        ? entry.command.utf8.starts(with: text.utf8)
        : entry.isCommand && entry.body.utf8.starts(with: "\(prefix)\(text)".utf8)
    case .userID(let id): entry.userID == id
    case .userNames(let names): names.contains(entry.userName)
    case .since(let time): entry.createdAt >= time
    case .until(let time): entry.createdAt <= time
    case .notPrivate: !entry.isPrivate
    case .matches(let pattern): pattern.firstMatch(in: PatternText(entry.body), budget: &limits.patternSteps) != nil
    case .hasWords(let words):
      { () -> Bool in
        let body = Self.folded(entry.body)
        return words.allSatisfy { body.utf8.contains(Self.folded($0).utf8) }
      }()
    case .id(let id): entry.id == id
    }
  }

  /// Upper and lower case made one, as both stores do it: letter by letter.
  public static func folded(_ text: String) -> String {
    var folded = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      let lower = scalar.properties.lowercaseMapping.unicodeScalars
      folded.append(lower.count == 1 ? lower.first ?? scalar : scalar)
    }
    return String(folded)
  }
}
