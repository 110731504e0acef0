import Foundation
import Testing

/// The shells complete what there is.
@Suite struct CompletionTests {
  private func script(_ shell: String) throws -> String {
    let (status, output, error) = try RunningProgram.run(Build.bothost, ["completions", shell])
    #expect(status == 0, "\(error)")
    return output.joined(separator: "\n") + "\n"
  }

  private var path: [String: String] {
    [
      "PATH": Build.staged.appendingPathComponent("bin").path + ":"
        + (ProcessInfo.processInfo.environment["PATH"] ?? "")
    ]
  }

  /// What bash offers for the last of some words.
  private func offers(_ words: String..., in directory: TemporaryDirectory) throws -> [String] {
    let file = try directory.file("complete.bash", try script("bash"))
    let quoted = words.map { "'\($0)'" }.joined(separator: " ")
    let (status, output, error) = try RunningProgram.run(
      try #require(Build.tool("bash")),
      [
        "--norc", "-c",
        "source '\(file)'; COMP_WORDS=(bothost \(quoted)); COMP_CWORD=\(words.count); _bothost; printf '%s\\n' \"${COMPREPLY[@]}\"",
      ], environment: path)
    #expect(status == 0, "\(error)")
    return output.filter { !$0.isEmpty }
  }

  @Test("bash completes commands, options, values and the running instances", .timeLimit(.minutes(20)))
  func bash() throws {
    let directory = try TemporaryDirectory()
    #expect(try offers("sw", in: directory) == ["swap"])
    #expect(try Set(offers("st", in: directory)) == ["start", "stop"])
    #expect(try offers("ps", "--js", in: directory) == ["--json"])
    #expect(try offers("dead", "re", in: directory) == ["replay"])
    #expect(try offers("completions", "z", in: directory) == ["zsh"])
    #expect(try offers("run", "--log", "not", in: directory) == ["notice"])
    #expect(try offers("new", "--lang", "", in: directory).contains("swift"))
    #expect(try offers("check", directory.path + "/comp", in: directory) == [directory.path + "/complete.bash"])
    let host = try Host(plugins: Build.examples)
    #expect(try offers("swap", "--control", host.socket, "wordc", in: directory) == ["wordcount-c"])
    #expect(try offers("stop", "--control", host.socket, "", in: directory).count == 3)
    try host.stop()
  }

  @Test("every shell's script is sound and knows every command", arguments: ["bash", "zsh", "fish"])
  func soundness(shell: String) throws {
    let text = try script(shell)
    for command in ["run", "check", "swap", "dead", "verify", "completions"] { #expect(text.contains(command)) }
    guard let program = Build.tool(shell) else {
      print("skipped: \(shell) is not installed; its script was not read by it")
      return
    }
    let directory = try TemporaryDirectory()
    let file = try directory.file("script", text)
    let (status, _, error) = try RunningProgram.run(program, ["-n", file])
    #expect(status == 0, "\(error)")
    #expect(error.isEmpty)
  }

  @Test func anotherShellIsRefused() throws {
    let (status, _, error) = try RunningProgram.run(Build.bothost, ["completions", "powershell"])
    #expect(status == 2)
    #expect(error.joined().contains("bash, zsh, fish"))
  }
}
