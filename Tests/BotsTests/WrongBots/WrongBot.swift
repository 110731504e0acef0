import Testing

/// A bot that is wrong, and what is said about it, to the letter.
struct WrongBot: Sendable, CustomTestStringConvertible {
  enum Source: Sendable {
    /// Steps of a handler of `chat.message`, in line 13.
    case steps(String)
    /// Handlers, in line 10.
    case when(String)
    /// More uses, in line 9.
    case use(String)
    /// What follows `use`, in line 9.
    case body(String)
    /// A whole file.
    case whole(String)
  }

  var title: String
  var source: Source
  var expected: String

  init(_ title: String, _ source: Source, _ expected: String) {
    self.title = title
    self.source = source
    self.expected = expected
  }

  var testDescription: String { title }

  private static let head = """
    bothost: 1
    kind: bot
    name: taco
    use:
      config: Settings
      chat: {type: TwitchConnection, host: "${config.host}", token: "${config.pass}"}
      log: {type: KafkaTopic, brokers: b, topic: saved}
      stdout: StdOut

    """

  private static let configuration = """
    ---
    bothost: 1
    kind: config
    name: Settings
    get: {host: {type: string, default: h}, pass: {type: secret, from: PASS}, channels: {type: list, of: string, default: []}}

    """

  var text: String {
    switch source {
    case .steps(let steps):
      let lines = steps.split(separator: "\n").map { "      \($0)\n" }.joined()
      return Self.head + "when:\n  - event: chat.message\n    name: H\n    do:\n" + lines + Self.configuration
    case .when(let handlers): return Self.head + "when:\n\(handlers)\n" + Self.configuration
    case .use(let uses):
      return Self.head + uses + "\nwhen: [{event: chat.message, do: [{stdout.write: x}]}]\n" + Self.configuration
    case .body(let body): return Self.head + body + "\n" + Self.configuration
    case .whole(let text): return text + "\n"
    }
  }
}
