/// What can be asked of the bot: the types, and the fields of each with their arguments.
///
/// ```
/// type Query {
///   eval(expr: String!): [String]
///   history(limit: Int = 20, offset: Int = 0, chat_source_adapter: String, …): [HistoryItem]   newest first, never what is private
///   …
/// ```
struct GraphQLSchema {
  /// What an argument takes.
  enum Input: Hashable {
    case int, string, boolean, id
    case word(of: [String])
  }

  struct Argument {
    var name: String
    var input: Input
    var isRequired = false
  }

  struct Field {
    var arguments: [Argument] = []
    /// The type of what it answers with; nil for what has no fields.
    var type: String?
  }

  static let query = "Query"

  static let types: [String: [String: Field]] = [
    query: [
      "eval": Field(arguments: [Argument(name: "expr", input: .string, isRequired: true)]),
      "adapters": Field(type: "Adapter"),
      "channels": Field(type: "Channel"),
      "history": Field(
        arguments: [
          Argument(name: "limit", input: .int), Argument(name: "offset", input: .int),
          Argument(name: "chat_source_adapter", input: .string), Argument(name: "chat_source_room", input: .string),
          Argument(name: "commands_only", input: .boolean), Argument(name: "yetibot_only", input: .boolean),
          Argument(name: "search_query", input: .string), Argument(name: "user_filter", input: .string),
          Argument(name: "channel_filter", input: .string),
        ], type: "HistoryItem"),
      "history_item": Field(arguments: [Argument(name: "id", input: .id, isRequired: true)], type: "HistoryItem"),
      "users": Field(type: "User"),
      "user": Field(arguments: [Argument(name: "id", input: .id, isRequired: true)], type: "User"),
      "stats": Field(arguments: [Argument(name: "timezone_offset_hours", input: .int)], type: "Stats"),
      "aliases": Field(type: "Alias"),
      "observers": Field(type: "Observer"),
      "crons": Field(type: "Cron"),
      "karmas": Field(
        arguments: [
          Argument(name: "report", input: .word(of: ["SCORES", "GIVERS"])), Argument(name: "limit", input: .int),
        ], type: "Karma"),
    ],
    "Adapter": leaves([
      "uuid", "platform", "is_connected", "connection_latency", "connection_last_active_timestamp",
    ]),
    "Channel": leaves(["name"]),
    "HistoryItem": leaves([
      "id", "chat_source_adapter", "chat_source_room", "user_id", "user_name", "command", "correlation_id", "body",
      "is_yetibot", "is_private", "is_error", "is_command", "created_at",
    ]),
    "User": leaves(["id", "username", "name", "is_active", "last_active", "karma"]),
    "Stats": leaves([
      "uptime", "adapter_count", "user_count", "history_count", "history_count_today", "command_count",
      "command_count_today", "alias_count", "observer_count", "cron_count",
    ]),
    "Alias": leaves(["id", "created_at", "user_id", "cmd_name", "cmd"]),
    "Observer": leaves([
      "id", "created_at", "user_id", "pattern", "user_pattern", "channel_pattern", "event_type", "cmd",
    ]),
    "Cron": leaves(["id", "created_at", "chat_source_adapter", "chat_source_room", "user_id", "schedule", "cmd"]),
    "Karma": leaves(["user_id", "score"]),
  ]

  private static func leaves(_ names: [String]) -> [String: Field] {
    Dictionary(names.map { ($0, Field()) }, uniquingKeysWith: { $1 })
  }
}

extension GraphQLSchema.Input {
  /// What was expected, when a value is not what it takes; nil when it is. Null is a value of each.
  func expectation(for value: Value) -> String? {
    switch (self, value) {
    case (_, .null), (.string, .string), (.id, .string), (.id, .int), (.boolean, .bool): nil
    case (.int, .int(let number)): Int32(exactly: number) == nil ? "a whole number of 32 bits" : nil
    case (.word(let words), .string(let word)): words.contains(word) ? nil : "one of \(words.joined(separator: ", "))"
    case (.string, _): "a string in quotes"
    case (.id, _): "an id"
    case (.int, _): "a whole number"
    case (.boolean, _): "true or false"
    case (.word(let words), _): "one of \(words.joined(separator: ", "))"
    }
  }
}
