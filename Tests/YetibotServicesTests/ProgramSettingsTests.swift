import Testing
import YetibotEngine

@testable import YetibotServices

/// Programs of the operator's that people may run.
struct ProgramSettingsTests {
  private func run(_ program: Value, _ args: String, opts: Value? = nil, roles: [String] = ["chef"]) throws
    -> ProgramRun?
  {
    let settings = try ProgramSettings(["js": program])
    let request = CommandRequest(
      command: "js", args: args, opts: opts.map { JSONBox($0) }, user: "U1", userName: "ann", roles: roles)
    if case .run(let run)? = settings.plan(request) { return run }
    return nil
  }

  @Test("what follows the command is passed as the configuration says, and never to a shell")
  func passing() throws {
    let command: Value = ["/usr/bin/node", "-p"]
    let nasty = "1; `id` $(id) | 'x' \"y\""
    let text = try #require(try run(["command": command, "roles": ["chef"]], nasty))
    #expect(text.program == "/usr/bin/node" && text.arguments == ["-p", nasty] && text.input == nil)
    let words = try run(["command": command, "pass": "words", "roles": ["chef"]], " s3  ls \n x ")
    #expect(words?.arguments == ["-p", "s3", "ls", "x"])
    let input = try run(["command": command, "pass": "input", "roles": ["chef"]], "head", opts: ["a", "b"])
    #expect(input?.arguments == ["-p"] && input?.input == "head\na\nb\n")
    #expect(text.environment == ["PATH", "LANG", "HOME"])
    let more = try run(["command": command, "environment": ["AWS_PROFILE"], "roles": ["chef"]], "x")
    #expect(more?.environment.last == "AWS_PROFILE")
  }

  @Test("nobody may run one who is not named, and nothing that is too long")
  func refusals() throws {
    #expect(try run(["command": ["/bin/true"]], "x") == nil)
    #expect(try run(["command": ["/bin/true"], "users": ["U2"], "roles": ["owner"]], "x") == nil)
    #expect(try run(["command": ["/bin/true"], "users": ["U1"]], "x", roles: []) != nil)
    #expect(try run(["command": ["/bin/true"], "users": ["U1"]], String(repeating: "x", count: 16_385)) == nil)
    #expect(try run(["command": ["/bin/true"], "users": ["U1"]], "a\u{0}b") == nil)
    #expect(try ProgramSettings([:]).plan(CommandRequest(command: "js", args: "")) == nil)
  }

  private static let wrongOnes: [(program: Value, says: String)] = [
    ("text", "programs.js:"), ([:], "programs.js.command"), (["command": []], "programs.js.command"),
    (["command": ["node"]], "programs.js.command"), (["command": "/usr/bin/node"], "programs.js.command"),
    (["command": ["/usr/bin/node"], "pass": "shell"], "programs.js.pass"),
    (["command": ["/usr/bin/node"], "roles": "chef"], "programs.js.roles"),
    (["command": ["/usr/bin/node"], "sehll": true], "programs.js.sehll"),
  ]

  @Test("programs that are wrong say where", arguments: wrongOnes)
  func wrong(_ program: Value, _ says: String) {
    do {
      _ = try ProgramSettings(["js": program])
      Issue.record("taken")
    } catch { #expect("\(error)".hasPrefix(says), "\(error)") }
  }
}
