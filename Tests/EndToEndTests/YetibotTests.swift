import Foundation
import Testing

/// The pipeline of commands, in a host and over real chats.
@Suite(.serialized)
struct YetibotTests {
  /// A directory of plugins: the pipeline, and the examples that bring commands to it.
  private func plugins(_ directory: TemporaryDirectory, examples: Bool = true) throws -> String {
    let folder = try YetibotHost.plugins(in: directory)
    guard examples else { return folder }
    for name in ["word-count.yaml", "libWordCountSwift.so", "wordcount-c.yaml", "libWordCountC.so"] {
      try FileManager.default.copyItem(atPath: "\(Build.examples)/\(name)", toPath: "\(folder)/\(name)")
    }
    return folder
  }

  /// A host that has been asked for the pipeline, which starts on use.
  private func start(_ plugins: String, _ directory: TemporaryDirectory) throws -> Host {
    try YetibotHost.start(in: directory, plugins: plugins)
  }

  // MARK: A real network

  /// The pipeline in the room kitchen of a network.
  private static func hostFile(_ network: IRCNetwork, yetibot: String = "{}") -> String {
    """
    bothost: 1
    kind: host
    plugins:
      yetibot: {config: \(yetibot)}
      twitch:
        config: {host: 127.0.0.1, port: \(network.port), tls: false, server: irc, nick: yeti, channels: [kitchen],
          burst: 10000, duplicates: send, acknowledge: never}
    """
  }

  @Test(
    "expressions that are typed on an IRC server are answered there, to twenty at once and to each in order",
    .timeLimit(.minutes(20)))
  func overIRC() throws {
    guard let server = IRCNetwork.server else {
      print("skipped: inspircd is not installed, so there is no IRC server to type on")
      return
    }
    let network = try IRCNetwork(server)
    let watcher = try network.join(["watcher"], "#kitchen")[0]
    let directory = try TemporaryDirectory()
    let configuration = try directory.file("host.yaml", Self.hostFile(network))
    let host = try Host(
      arguments: ["--config", configuration], environment: ["TWITCH_TOKEN": "none"], directory: directory)
    try watcher.line("the bot's coming") { $0.hasPrefix(":yeti!") && $0.contains("JOIN") }
    let users = try network.join((0..<20).map { "user\($0)" }, "#kitchen")

    users[0].send("PRIVMSG #kitchen :!echo `echo a b | upper` and $(range 3 | unwords) | echo <%s>")
    try watcher.line("the answer") { $0.hasPrefix(":yeti!") && $0.hasSuffix("PRIVMSG #kitchen :<A B and 0 1 2>") }

    for round in 0..<3 {
      for (number, user) in users.enumerated() {
        user.send("PRIVMSG #kitchen :!list \(number) \(round) | xargs echo of | join $(echo ,) | echo said %s end")
      }
    }
    var rounds: [Int: [Int]] = [:]
    for _ in 0..<60 {
      let line = try watcher.line("another answer", within: 120) { $0.hasPrefix(":yeti!") && $0.contains(":said ") }
      let words = line.components(separatedBy: ":said ")[1].components(separatedBy: " ")
      try #require(words.count == 4 && words[0] == "of", "\(line)")
      // of 7,of 2 end
      let user = try #require(Int(words[1].components(separatedBy: ",")[0]), "\(line)")
      rounds[user, default: []].append(try #require(Int(words[2]), "\(line)"))
    }
    #expect(rounds.count == 20)
    for (user, order) in rounds { #expect(order == [0, 1, 2], "user\(user)") }

    // Observers of what people say, of who comes and of who goes.
    func answer() throws -> String {
      try watcher.line("an answer", within: 120) { $0.hasPrefix(":yeti!") && $0.contains("PRIVMSG") }
        .components(separatedBy: "PRIVMSG #kitchen :")[1]
    }
    let observers = [
      "-e enter guest = echo welcome {{username}}", "-e leave = echo bye {{username}}",
      "taco = \"list {{body}} | count\"",
    ]
    for observer in observers {
      users[0].send("PRIVMSG #kitchen :!obs \(observer)")
      #expect(try answer().contains("observer created"))
    }
    let guest = try network.join(["guest"], "#kitchen")[0]
    #expect(try answer() == "welcome guest")
    guest.send("PRIVMSG #kitchen :one taco, please")
    #expect(try answer() == "2")
    guest.send("PART #kitchen")
    #expect(try answer() == "bye guest")
    try host.stop()
  }

  @Test(
    "the bot goes into rooms and leaves them at somebody's wish, is there again after a crash, and says a text in all that want it",
    .timeLimit(.minutes(20)))
  func rooms() throws {
    guard let server = IRCNetwork.server else {
      print("skipped: inspircd is not installed, so there is no IRC server to type on")
      return
    }
    let network = try IRCNetwork(server)
    let ann = try network.join(["ann"], "#kitchen")[0]
    let bob = try network.join(["bob"], "#pantry")[0]
    let directory = try TemporaryDirectory()
    let configuration = try directory.file(
      "host.yaml", Self.hostFile(network, yetibot: "{admin_users: [ann], timeout: 60s, soft_timeout: 0s}"))
    func start() throws -> Host {
      try Host(arguments: ["--config", configuration], environment: ["TWITCH_TOKEN": "none"], directory: directory)
    }
    func isThere(_ room: String) -> (String) -> Bool {
      { $0.hasPrefix(":yeti!") && $0.contains("JOIN") && $0.hasSuffix(room) }
    }
    var host = try start()
    try ann.line("the bot's coming", where: isThere("#kitchen"))
    ann.send("PRIVMSG #kitchen :!channel join #pantry")
    try bob.line("the bot's coming", where: isThere("#pantry"))
    try ann.line("the answer") { $0.hasSuffix("PRIVMSG #kitchen :Joined pantry") }
    bob.send("PRIVMSG #pantry :!channel set broadcast = true")
    try bob.line("the answer") { $0.hasSuffix("PRIVMSG #pantry :broadcast is true now") }

    host.program.signal(SIGKILL)
    try host.program.waitForExit()
    host = try start()
    try bob.line("the bot's coming again", where: isThere("#pantry"))
    ann.send("PRIVMSG #kitchen :!broadcast tea is ready")
    try bob.line("the broadcast") { $0.hasSuffix("PRIVMSG #pantry :tea is ready") }
    try ann.line("the answer") { $0.hasSuffix("PRIVMSG #kitchen :said in 1 room") }
    bob.send("PRIVMSG #pantry :!broadcast mine too")
    try bob.line("the answer") { $0.contains("broadcast is for administrators only") }
    let answer = try host.command("call", "yetibot.broadcast", #"{"text": "supper"}"#)[0]
    #expect(answer == #"{"rooms":[{"channel":"pantry","instance":"twitch","platform":"twitch"}]}"#)
    try bob.line("the broadcast") { $0.hasSuffix("PRIVMSG #pantry :supper") }

    bob.send("PRIVMSG #pantry :!channel leave pantry")
    try bob.line("the bot's leaving") { $0.hasPrefix(":yeti!") && $0.contains("PART") && $0.contains("#pantry") }
    try host.stop()
  }

  // MARK: Commands of other plugins

  @Test("plugins bring commands by their manifests, through swaps, until they are stopped", .timeLimit(.minutes(20)))
  func hookedCommands() throws {
    let directory = try TemporaryDirectory()
    let host = try start(try plugins(directory), directory)
    let chat = try TestChat(host)
    #expect(try chat.ask("!help wordcount-c").contains("wordcount-c <channel> # how many words"))
    #expect(try chat.ask("!category list info").contains("wordcount # how many words"))
    #expect(try host.command("call", "yetibot.commands")[0].contains(#""name":"wordcount-c""#))
    let before = try chat.ask("!wordcount-c | words | head")
    try chat.say("one two three")
    // Both have counted, each for itself, and what they answer goes on through the pipe.
    let counted = try chat.ask("!wordcount-c | words | head")
    #expect(try #require(Int(counted)) > (try #require(Int(before))))
    #expect(try chat.ask("!echo `wordcount lobby | words | head` words").hasSuffix(" words"))
    #expect(try chat.ask("!wordcount-c nowhere | upper") == "0 WORDS IN 0 MESSAGES")
    #expect(try chat.ask("!wordcount nowhere | render {{words}}") == "0")

    // Categories are switched off for them as for others.
    _ = try chat.ask("!category disable info")
    #expect(try chat.ask("!wordcount-c").contains("info commands are disabled"))
    _ = try chat.ask("!category enable info")

    // The command stays through a swap, with what was counted.
    try host.command("swap", "wordcount-c")
    #expect(try #require(Int(try chat.ask("!wordcount-c | words | head"))) > (try #require(Int(counted))))

    try host.command("stop", "wordcount-c")
    #expect(try !host.command("call", "yetibot.commands")[0].contains(#""name":"wordcount-c""#))
    #expect(try !chat.ask("!wordcount-c").contains("in 0 messages"))
    try host.command("start", "wordcount-c")
    #expect(try chat.ask("!wordcount-c nowhere") == "0 words in 0 messages")
    try host.stop()
  }

  @Test(
    "a command that fails or hangs is reported in its time, and keeps nobody else waiting", .timeLimit(.minutes(20)))
  func brittleCommands() throws {
    let directory = try TemporaryDirectory()
    let folder = try plugins(directory, examples: false)
    _ = try directory.file("plugins/brittle.yaml", CPlugin.brittleManifest)
    try CPlugin.compile(CPlugin.brittle, to: folder + "/libbrittle.so", in: directory)
    let host = try YetibotHost.start(in: directory, configuration: "{timeout: 60s, soft_timeout: 0s}", plugins: folder)
    let chat = try TestChat(host)
    #expect(try chat.ask("!fail now") == "👮 fail: the oven is cold 👮")
    #expect(try chat.ask("!hang") == "👮 hang: brittle, which hooks yetibot.command, did not answer in time 👮")
    #expect(try chat.ask("!list a b | xargs fail").contains("the oven is cold"))
    // Its own command stands behind one that passes it on.
    #expect(try chat.ask("!upper a") == "A")

    try chat.say("!hold", by: "ann")
    while try host.command("call", "brittle.held") != ["1"] {}
    try chat.say("!echo later", by: "ann")
    #expect(try chat.ask("!echo meanwhile", by: "bob") == "meanwhile")
    try host.command("call", "brittle.let_go")
    #expect(try chat.answer().text == "held")
    #expect(try chat.answer().text == "later")
    #expect(try chat.ask("!block") == "👮 block: brittle, which hooks yetibot.command, did not answer in time 👮")
    try host.stop()
  }

  // MARK: State

  @Test("aliases, karma and crons outlive a swap and a kill", .timeLimit(.minutes(20)))
  func state() throws {
    let directory = try TemporaryDirectory()
    let folder = try plugins(directory, examples: false)
    var host = try start(folder, directory)
    var chat = try TestChat(host)
    #expect(try chat.ask(#"!alias hail = "echo hail $s""#).contains("created"))
    #expect(try chat.ask("!karma @bob++ baked").contains("<@bob>: 1"))

    func isThere() throws {
      #expect(try chat.ask("!hail ann") == "hail ann")
      #expect(try chat.ask("!karma @bob").contains("1"))
    }
    try host.command("swap", "yetibot")
    try isThere()
    host.program.signal(SIGKILL)
    try host.program.waitForExit()
    host = try start(folder, directory)
    chat = try TestChat(host)
    try isThere()

    #expect(try chat.ask("!cron * * * * * * * echo tick").contains("cron created"))
    /// What the cron says comes where it was made, by the adapter's own name for the room.
    func ticks() throws {
      let tick = try chat.answer()
      #expect(tick.text == "tick" && tick.channel == "C1" && tick.platform == "test" && tick.instance == "test-1")
    }
    try ticks()
    try host.command("swap", "yetibot")
    try ticks()
    host.program.signal(SIGKILL)
    try host.program.waitForExit()
    host = try start(folder, directory)
    // Nobody has said anything since.
    let said = try RunningProgram(Build.bothost, ["tail", "chat.say", "--payload", "--control", host.socket])
    let line = try said.line(.output, "a tick") { $0.contains("tick") }
    #expect(line.contains(#""channel":"C1""#))
    try host.stop()
  }

  // MARK: Any adapter

  @Test("a third party's adapter gets private answers, threads, reactions and roles", .timeLimit(.minutes(20)))
  func anyAdapter() throws {
    let directory = try TemporaryDirectory()
    let configuration = try directory.file(
      "host.yaml",
      """
      bothost: 1
      kind: host
      plugins:
        yetibot:
          config: {admin_commands: [alias], admin_roles: [chef]}
      """)
    let host = try Host(
      plugins: try plugins(directory, examples: false), arguments: ["--config", configuration], directory: directory)
    let chat = try TestChat(host)

    try chat.say("!echo psst", private: true)
    let secret = try chat.answer()
    #expect(secret.text == "psst" && secret.private == true && secret.channel == "U-ann")
    try chat.say("!cron * * * * * * * echo tick", private: true)
    let made = try chat.answer()
    #expect(made.text.contains("cron created") && made.private == true)
    let tick = try chat.answer()
    #expect(tick.text == "tick" && tick.private == true && tick.channel == "U-ann")
    try chat.say("!cron remove 1", private: true)
    while try chat.answer().text == "tick" {}
    try chat.say("!echo aloud")
    // One that was under way when it was removed may still come.
    var loud = try chat.answer()
    while loud.text == "tick" { loud = try chat.answer() }
    #expect(loud.text == "aloud" && loud.private != true && loud.channel == "C1" && loud.replyTo == nil)
    try chat.say("!echo here", id: "m7", replyTo: "m6")
    let threaded = try chat.answer()
    #expect(threaded.text == "here" && threaded.replyTo == "m7")

    #expect(try chat.ask("!alias a = echo").contains("alias is for administrators only"))
    #expect(try chat.ask("!alias b = echo", roles: ["chef"]).contains("b alias created"))

    // Bots are not answered, commands in talk are.
    try chat.say("!echo no", bot: true)
    #expect(try chat.ask("see `echo inside`") == "inside")
    #expect(try chat.ask("!echo a |b").contains("cannot read this at column"))

    // Reactions: to observers, and as karma for whoever wrote the message.
    _ = try chat.ask("!obs -e react taco = echo {{username}} gives {{reaction}}")
    try chat.react(":taco:", to: "m1")
    #expect(try chat.answer().text == "ann gives taco")
    _ = try chat.ask("!channel set karma-observers-enabled = true")
    try chat.say("I made soup", by: "bob", id: "m9")
    try chat.react("rainbow", to: "m9")
    #expect(try chat.answer().text.contains("<@U-bob>: 1"))
    try host.stop()
  }

  @Test(
    "an adapter is told to go, to leave and to mark a message, and what it says against it is said",
    .timeLimit(.minutes(20)))
  func adapterMethods() throws {
    let directory = try TemporaryDirectory()
    let folder = try plugins(directory, examples: false)
    let host = try start(folder, directory)
    let chat = try TestChat(host)
    #expect(try chat.ask("!channel join pantry").contains("invite me"))
    #expect(try chat.ask("!react :taco:").contains("nobody has said anything here"))
    try chat.say("soup is ready", id: "m41")
    #expect(try chat.ask("!react :taco:").contains("this chat knows no reactions"))

    _ = try directory.file("plugins/test-1.yaml", CPlugin.doormanManifest)
    try CPlugin.compile(CPlugin.doorman, to: folder + "/libdoorman.so", in: directory)
    try host.command("start", "test-1")
    #expect(try chat.ask("!channel join pantry") == "Joined pantry")
    #expect(try host.command("call", "test-1.asked")[0] == #"{"channel":"pantry"}"#)
    #expect(try chat.ask("!channel list").contains("pantry"))
    #expect(try chat.ask("!channel join full").contains("the room is full"))
    #expect(try chat.ask("!channel join away").contains("not connected"))
    #expect(try chat.ask("!channel leave pantry") == "Left pantry")
    #expect(try !chat.ask("!channel list").contains("pantry"))
    // The message is the latest that was no command.
    try chat.say("!react :taco:")
    while try !host.command("call", "test-1.asked")[0].contains("reaction") {}
    #expect(
      try host.command("call", "test-1.asked")[0] == #"{"channel":"C1","message":"m41","reaction":":taco:"}"#)
    try host.stop()
  }

  // MARK: The program

  @Test("expressions are evaluated on the command line, with and without a host", .timeLimit(.minutes(20)))
  func commandLine() throws {
    let directory = try TemporaryDirectory()
    let folder = try plugins(directory)
    func alone(_ words: String..., input: String? = nil) throws -> (Int32, [String], [String]) {
      try RunningProgram.run(Build.bothost, ["yetibot"] + words + ["--plugins", folder], input: input)
    }
    let simple = try alone("eval", "echo hi | upper")
    #expect(simple.0 == 0 && simple.1 == ["HI"])
    let json = try alone("eval", "--json", "list a b")
    #expect(json.0 == 0 && json.1.count == 1 && json.1[0].contains(#""value":["a","b"]"#))
    let failed = try alone("eval", "error cold")
    #expect(failed.0 == 1 && failed.1.isEmpty && failed.2.joined().contains("cold"))
    let unread = try alone("eval", "echo a |b")
    #expect(unread.0 == 1 && unread.2.suffix(2) == ["echo a |b", "       ^"])
    let nowhere = try alone("eval", "channel join pantry")
    #expect(nowhere.0 == 1 && nowhere.2.joined().contains("invite me"))
    // What is loaded for the call holds what hooks its methods.
    let lines = try alone("repl", input: "echo a | upper\n\nerror cold\nwordcount lobby\n")
    #expect(lines.0 == 1 && lines.1 == ["A", "0 words in 0 messages"] && lines.2.joined().contains("cold"))
    let tree = try alone("parse", "echo a")
    #expect(tree.0 == 0 && tree.1[0].contains(#"["expr",["cmd",["words","echo",["space"," "],"a"]]]"#))

    let host = try start(folder, directory)
    let live = try RunningProgram.run(
      Build.bothost, ["yetibot", "repl", "--control", host.socket], input: "alias x = echo made\nx\n")
    #expect(live.0 == 0 && live.1.last == "made")
    try host.stop()
  }

  @Test("the prompt edits, completes, remembers and forgives", .timeLimit(.minutes(20)))
  func prompt() throws {
    let directory = try TemporaryDirectory()
    let folder = try plugins(directory)
    let host = try start(folder, directory)
    let state = directory.url.appendingPathComponent("state").path
    func open(_ place: [String]) throws -> Terminal {
      try Terminal(Build.bothost, ["yetibot", "repl"] + place, environment: ["XDG_STATE_HOME": state])
    }
    var terminal = try open(["--control", host.socket])
    try terminal.expect("yetibot> ")
    terminal.type("echo one | upper\r")
    try terminal.expect("ONE\r\n")
    try terminal.expect("yetibot> ")
    // A name is completed behind a pipe, as far as it is clear; a second time the names are shown.
    terminal.type("echo two | uppe\t\r")
    try terminal.expect("TWO\r\n")
    try terminal.expect("yetibot> ")
    terminal.type("wordc\t")
    try terminal.expect("ount")
    terminal.type("\t")
    try terminal.expect("wordcount-c")
    // Ctrl-C gives the line up, and nothing else.
    terminal.type("\u{3}")
    try terminal.expect("^C")
    try terminal.expect("yetibot> ")
    terminal.type("echo a |b\r")
    try terminal.expect("cannot read this at column 8")
    try terminal.expect("       ^\r\n")
    try terminal.expect("yetibot> ")
    terminal.type("echo grün\u{7f}\u{7f} | upper\r")
    try terminal.expect("GR\r\n")
    try terminal.expect("yetibot> ")
    // Ctrl-D ends it.
    terminal.type("\u{4}")
    #expect(try terminal.waitForExit() == 0)

    // Another one, alone, remembers the lines.
    terminal = try open(["--plugins", folder])
    try terminal.expect("yetibot> ")
    terminal.type("\u{10}\u{10}\u{10}\u{10}\r")
    try terminal.expect("ONE\r\n")
    try terminal.expect("yetibot> ")
    // The signal throws away what has been typed and not read: one key after the other.
    terminal.type("\u{3}")
    try terminal.expect("^C")
    try terminal.expect("yetibot> ")
    terminal.type("\u{4}")
    #expect(try terminal.waitForExit() == 0)
    let kept = try String(contentsOfFile: state + "/bothost/history/yetibot-repl", encoding: .utf8)
    #expect(kept.contains("one"))
    try host.stop()
  }
}
