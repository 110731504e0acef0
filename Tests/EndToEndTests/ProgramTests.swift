import Foundation
import Testing

/// The program's words, without a host that runs.
@Suite(.serialized)
struct ProgramTests {
  private struct Finished {
    var status: Int32
    var output: [String]
    var error: [String]

    var message: String { error.joined(separator: "\n") }
  }

  private func bothost(
    _ words: String..., input: String? = nil, environment: [String: String] = [:], in directory: URL? = nil
  ) throws -> Finished {
    let (status, output, error) = try RunningProgram.run(
      Build.bothost, words, input: input, environment: environment, directory: directory)
    return Finished(status: status, output: output, error: error)
  }

  // MARK: Help and mistakes

  @Test("--help lists every command, and every command has help of its own")
  func help() throws {
    let overview = try bothost("--help")
    #expect(overview.status == 0)
    #expect(overview.error.isEmpty)
    let commands = [
      "run", "new", "check", "verify", "completions", "draft", "ps", "call", "publish", "tail", "swap", "start", "stop",
      "restart", "dead", "metrics",
    ]
    for command in commands {
      #expect(overview.output.contains { $0.hasPrefix("  \(command) ") }, "\(command)")
      let help = try bothost(command, "--help")
      #expect(help.status == 0)
      #expect(help.output.contains { $0.hasPrefix("Usage: bothost \(command)") }, "\(command)")
    }
    let none = try bothost()
    #expect(none.status == 2)
    #expect(none.output.isEmpty)
    #expect(none.error == overview.output)
  }

  @Test("--version says the version and the ABI on one line")
  func version() throws {
    let version = try bothost("--version")
    #expect(version.status == 0)
    #expect(version.output.count == 1)
    #expect(version.output.first?.wholeMatch(of: /bothost \d+\.\d+\.\d+ \(ABI \d+\.\d+\)/) != nil)
  }

  @Test(
    "wrong words end with 2, and the message names what was meant",
    arguments: [
      (["swpa"], "'swpa'; did you mean 'swap'?"),
      (["swop", "twitch", "--plugins", Build.plugins], "did you mean 'stop' or 'swap'?"),
      (["ps", "--jsno"], "'--jsno'; did you mean '--json'?"),
      (["--plugin", "x"], "'--plugin'; did you mean '--plugins'?"),
      (["dead", "lits"], "'lits'; did you mean 'list'?"),
      (["ps", "more"], "takes no words"),
      (["call"], "call needs a method"),
      (["call", "a.b", "--timeout", "soon"], "not 'soon'"),
      (["tail", "-n", "0"], "not '0'"),
      (["swap"], "needs the name"),
      (["publish", "only"], "a topic and a payload"),
      (["check"], "needs files"), (["draft"], "needs a text"), (["draft", "nofile"], "'nofile' cannot be read"),
      (["draft", "Fly to the moon."], "no pattern fits this sentence: “Fly to the moon.”"),
      (["--control"], "needs a value"),
    ])
  func usage(words: [String], says: String) throws {
    let (status, output, error) = try RunningProgram.run(Build.bothost, words)
    #expect(status == 2)
    #expect(output.isEmpty)
    #expect(error.joined(separator: "\n").contains(says), "\(error)")
  }

  @Test("without a host the error says how to start one, and ends with 1")
  func noHost() throws {
    let directory = try TemporaryDirectory()
    let socket = directory.path + "/none.sock"
    let finished = try bothost("ps", "--control", socket)
    #expect(finished.status == 1)
    #expect(finished.message.contains(socket))
    #expect(finished.message.contains("--plugins"))
  }

  // MARK: check

  @Test("check finds every mistake of a manifest and a bot, each at its line and column")
  func checkAll() throws {
    let directory = try TemporaryDirectory()
    _ = try directory.file(
      "bad/a.yaml",
      """
      bothost: 1
      plugin: Bad Name
      librari: x.so
      handlers:
        - {topic: chat.message, cal: x, timeout: 5 parsecs}

      """)
    _ = try directory.file(
      "bad/b.yaml",
      """
      bothost: 1
      kind: bot
      name: b
      use:
        out: {type: StdOt}
      when:
        - event: chat.message
          do:
            - out.write: ${event.nope}

      """)
    let places = ["a.yaml:2:9", "a.yaml:3:1", "a.yaml:5:27", "a.yaml:5:44", "b.yaml:5:15", "b.yaml:7:12"]

    let human = try bothost("check", "bad", in: directory.url)
    #expect(human.status == 2)
    #expect(human.output.isEmpty)
    for place in places {
      #expect(human.error.contains { $0.hasPrefix("bad/\(place): error: ") }, "\(place)\n\(human.message)")
    }
    #expect(human.message.contains("did you mean 'library'?"))
    #expect(human.message.contains("did you mean 'StdOut'?"))
    #expect(human.error.last == "2 files checked, 7 errors")

    struct Finding: Decodable {
      var severity: String
      var file: String
      var line: Int
      var column: Int
      var message: String
    }
    let json = try bothost("check", "--json", "bad", in: directory.url)
    #expect(json.status == 2)
    #expect(json.error.isEmpty)
    let findings = try json.output.map { try JSONDecoder().decode(Finding.self, from: Data($0.utf8)) }
    #expect(findings.count == 7)
    #expect(findings.allSatisfy { $0.severity == "error" && !$0.message.isEmpty })
    #expect(Set(findings.map { "\($0.file):\($0.line):\($0.column)" }).isSuperset(of: places.map { "bad/" + $0 }))
  }

  @Test("check accepts what the project ships, and refuses a library that is none")
  func checkGood() throws {
    let good = try bothost(
      "check", Build.plugins, Build.examples, Build.bots + "/taco.yaml", environment: ["TWITCH_TOKEN": "oauth:any"])
    #expect(good.status == 0, "\(good.message)")
    #expect(good.message.contains("0 errors"))

    let directory = try TemporaryDirectory()
    let library = try directory.file("libnone.so", "this is text")
    let bad = try bothost("check", library)
    #expect(bad.status == 2)
    #expect(bad.message.contains("not an ELF file"))
  }

  // MARK: call

  @Test("a method answers without a host, and a stream of arguments is answered in order")
  func oneShot() throws {
    let single = try bothost("call", "wordcount-c.count", #"{"channel":"lobby"}"#, "--plugins", Build.examples)
    #expect(single.status == 0, "\(single.message)")
    #expect(single.output == [#"{"words":0,"messages":0}"#])

    let good = try bothost(
      "call", "crypt.hash", "-", "--plugins", Build.examples,
      input: (0..<20).map { #"{"text":"\#($0)"}"# + "\n" }.joined())
    #expect(good.status == 0, "\(good.message)")
    #expect(good.output.count == 20)
    #expect(Set(good.output).count == 20)
    #expect(good.output.allSatisfy { $0.hasPrefix(#"{"ok":"$5$bothost$"#) })
    let again = try bothost("call", "crypt.hash", #"{"text":"7"}"#, "--plugins", Build.examples)
    #expect(again.output.first.map { #"{"ok":\#($0)}"# } == good.output[7])

    let mixed = try bothost(
      "call", "word-count.count", "-", "--plugins", Build.examples,
      input: #"{"channel":"a"}"# + "\n{\n" + #"{"channel":7}"# + "\n" + #"{"channel":"b"}"# + "\n")
    #expect(mixed.status == 1)
    try #require(mixed.output.count == 4)
    #expect(mixed.output[0].hasPrefix(#"{"ok":"#))
    #expect(mixed.output[1].hasPrefix(#"{"error":{"code":"invalid","message":"#))
    #expect(mixed.output[2].hasPrefix(#"{"error":{"code":"invalid","message":"#))
    #expect(mixed.output[2].contains("/channel"))
    #expect(mixed.output[3].hasPrefix(#"{"ok":"#))
  }

  @Test("a call that cannot be made says what there is")
  func badCall() throws {
    let method = try bothost("call", "word-count.cuont", "--plugins", Build.examples)
    #expect(method.status == 2)
    #expect(method.message.contains("word-count has no method 'cuont'"))
    #expect(method.message.contains("count"))
    let json = try bothost("call", "word-count.count", "{", "--plugins", Build.examples)
    #expect(json.status == 2)
    #expect(json.message.contains("line 1, column 2"))
    let type = try bothost("call", "word-count.count", #"{"channel":1}"#, "--plugins", Build.examples)
    #expect(type.status == 2)
    #expect(type.message.contains("/channel"))
    let instance = try bothost("call", "nobody.count", "--plugins", Build.examples)
    #expect(instance.status == 2)
    #expect(instance.message.contains("nobody"))
  }

  @Test("plugins add commands of their own")
  func pluginCommands() throws {
    let line = "@id=1 :ann!ann@ann.tmi.twitch.tv PRIVMSG #kitchen :a taco, please"
    let parsed = try bothost("twitch", "parse", line, "--plugins", Build.plugins)
    #expect(parsed.status == 0, "\(parsed.message)")
    #expect(parsed.output.count == 1)
    #expect(parsed.output.first?.contains(#""verb":"PRIVMSG""#) == true)
    #expect(parsed.output.first?.contains(#""message":"a taco, please""#) == true)

    let misspelled = try bothost("twitch", "prase", line, "--plugins", Build.plugins)
    #expect(misspelled.status == 2)
    #expect(misspelled.message.contains("did you mean 'parse'?"))
    let missing = try bothost("twitch", "parse", "--plugins", Build.plugins)
    #expect(missing.status == 2)
    #expect(missing.message.contains("line"))
    let unknown = try bothost("twich", "parse", line, "--plugins", Build.plugins)
    #expect(unknown.status == 2)
    #expect(unknown.message.contains("'twich'"))
  }
}
