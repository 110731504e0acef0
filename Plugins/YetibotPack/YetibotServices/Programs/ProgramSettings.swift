import YetibotEngine

/// What the configuration says about programs that people may run from a chat: interpreters, `aws` and the like.
public struct ProgramSettings: Sendable {
  public struct Failure: Error, CustomStringConvertible { public let description: String }

  /// How a program gets what follows its command.
  private enum Passing: String, CaseIterable {
    /// As its last argument.
    case text
    /// As its last arguments, cut at the spaces.
    case words
    /// To read.
    case input
  }

  private struct Program: Sendable {
    var path: String
    var arguments: [String]
    var passing: Passing
    var environment: [String]
    var permitted: Permitted
  }

  /// The longest text that is passed, in bytes.
  private static let longest = 16_384
  private static let keys = ["command", "pass", "environment", "users", "roles"]
  private var programs: [String: Program] = [:]

  /// - Parameter programs: by command: `{command: [path, argument…], pass, environment, users, roles}`.
  public init(_ programs: [String: Value]) throws {
    for (name, value) in programs.sorted(by: { $0.key < $1.key }) {
      let place = "programs.\(name)"
      guard let map = value.members else { throw Failure(description: "\(place): a mapping is expected") }
      for key in map.keys where !Self.keys.contains(key) {
        throw Failure(
          description: "\(place).\(key): there is no such key; there are \(Self.keys.joined(separator: ", "))")
      }
      let command = try Self.texts(map["command"], "\(place).command")
      guard let path = command.first, path.hasPrefix("/") else {
        throw Failure(description: "\(place).command: the path of a program is expected, and its arguments")
      }
      let word = map["pass"]?.text ?? Passing.text.rawValue
      guard let passing = Passing(rawValue: word) else {
        let known = Passing.allCases.map(\.rawValue).joined(separator: ", ")
        throw Failure(description: "\(place).pass: one of \(known) is expected, not \(word)")
      }
      let permitted = Permitted(
        users: try Self.texts(map["users"], "\(place).users"), roles: try Self.texts(map["roles"], "\(place).roles"))
      self.programs[name] = Program(
        path: path, arguments: Array(command.dropFirst()), passing: passing,
        environment: ["PATH", "LANG", "HOME"] + (try Self.texts(map["environment"], "\(place).environment")),
        permitted: permitted)
    }
  }

  private static func texts(_ value: Value?, _ place: String) throws -> [String] {
    guard let value else { return [] }
    guard let items = value.items, items.allSatisfy({ !$0.text.utf8.contains(0) }) else {
      throw Failure(description: "\(place): a list of texts is expected")
    }
    return items.map(\.text)
  }

  /// Nil where no program has this name.
  func plan(_ request: CommandRequest) -> Plan? {
    guard let program = programs[request.command] else { return nil }
    guard program.permitted.allows(request) else {
      return .fail(
        "\(request.command) is for those alone whom programs.\(request.command) in yetibot-pack's configuration names")
    }
    var text = request.args.trimmed
    if let items = request.opts?.value.items {
      text = ([text].filter { !$0.isEmpty } + items.map(\.text)).joined(separator: "\n")
    }
    guard text.utf8.count <= Self.longest, !text.utf8.contains(0) else {
      return .fail("that is more than \(request.command) is given: \(Self.longest) bytes of text")
    }
    var run = ProgramRun(
      name: request.command, program: program.path, arguments: program.arguments, environment: program.environment)
    switch program.passing {
    case .text: if !text.isEmpty { run.arguments.append(text) }
    case .words: run.arguments += text.split(whereSeparator: \.isWhitespace).map(String.init)
    case .input: run.input = text + "\n"
    }
    return .run(run)
  }
}
