import Foundation
import Testing

/// Messages that take time: others are not kept waiting, and a swap in the midst of them loses none.
@Suite(.serialized)
struct YetibotWaitingTests {
  @Test("who sleeps keeps nobody waiting, however many sleep", .timeLimit(.minutes(20)))
  func sleepers() throws {
    let directory = try TemporaryDirectory()
    let host = try YetibotHost.start(in: directory, configuration: "{timeout: 60s, soft_timeout: 0s}")
    let chat = try TestChat(host)
    let sleepers = (0..<16).map { "sleeper\($0)" }
    // All at once. A second message of somebody who sleeps waits for the first.
    try chat.say(
      sleepers.map { ("!sleep 5000 | echo \($0) is awake", $0) } + [
        ("!echo later", sleepers[0]), ("!echo quick", "ann"),
      ])
    #expect(try chat.answer().text == "quick")
    var awake: [String] = []
    for _ in 0...sleepers.count { awake.append(try chat.answer().text) }
    #expect(Set(awake) == Set(sleepers.map { "\($0) is awake slept for 5 seconds" } + ["later"]))
    let first = try #require(awake.firstIndex { $0.hasPrefix("sleeper0 ") })
    #expect(first < (try #require(awake.firstIndex(of: "later"))))
    try host.stop()
  }

  @Test("who waits for long is told so once, and who waits for too long is told that", .timeLimit(.minutes(20)))
  func softTimeout() throws {
    let directory = try TemporaryDirectory()
    let host = try YetibotHost.start(in: directory, configuration: "{timeout: 4s, soft_timeout: 100ms}")
    let chat = try TestChat(host)
    #expect(try chat.ask("!sleep 400 | sleep 400") == "still working on `sleep 400 | sleep 400`")
    #expect(try chat.answer().text == "slept for 400 milliseconds")
    #expect(try chat.ask("!sleep 9000") == "still working on `sleep 9000`")
    #expect(try chat.answer().text == "👮 `!sleep 9000` timed out after 4 seconds 👮")
    // Embedded commands, and what is no command, say nothing of themselves.
    #expect(try chat.ask("good `sleep 300`") == "slept for 300 milliseconds")
    try host.stop()
  }

  @Test("a swap in mid-conversation keeps what was said and done, and answers who waits", .timeLimit(.minutes(20)))
  func swap() throws {
    let directory = try TemporaryDirectory()
    let host = try YetibotHost.start(in: directory, configuration: "{timeout: 20s, soft_timeout: 100ms}")
    let chat = try TestChat(host)
    /// What is said to whoever sleeps, in order, and how much of it has been said; it comes between other answers.
    let toSleeper = ["still working on `tee now | sleep 2000 | echo and`", "now", "and now"]
    var said: [String] = []
    /// What is said next to anybody else.
    func answer() throws -> String {
      while true {
        let text = try chat.answer().text
        guard toSleeper.contains(text) else { return text }
        said.append(text)
      }
    }
    /// On a busy machine anything may take long enough to be told of.
    func ask(_ text: String) throws -> String {
      try chat.say(text)
      let answered = try answer()
      return answered == "still working on `\(text.dropFirst())`" ? try answer() : answered
    }
    _ = try ask(#"!alias hail = "echo hail $s""#)
    #expect(try ask("!buffer one") == "one")
    _ = try ask("!channel set karma-observers-enabled = true")
    #expect(try ask("!cron stop") == "the crons are stopped")
    try chat.say("I made soup", by: "bob", id: "m9")
    #expect(try ask("!echo heard") == "heard")

    // Somebody sleeps, and another one's expression does, when the build is replaced.
    #expect(try chat.ask("!tee now | sleep 2000 | echo and", by: "cid") == toSleeper[0])
    let call = try RunningProgram(
      Build.bothost, ["call", "yetibot.eval", #"{"expression":"sleep 1500"}"#, "--control", host.socket])
    try host.command("swap", "yetibot")

    #expect(try ask("!hail ann") == "hail ann")
    #expect(try ask("!buffer peek") == "one")
    #expect(try ask("!cron status") == "the crons are stopped")
    #expect(try ask("!users | unwords").contains("bob"))
    try chat.react("rainbow", to: "m9")
    #expect(try answer().contains("<@U-bob>: 1"))
    #expect(try ask("!history -a -e | grep soup").contains("I made soup"))

    // The message was begun again by the new build; what it had said by then is said once.
    while said.last != toSleeper.last { said.append(try chat.answer().text) }
    #expect(said == toSleeper)
    #expect(try ask("!history -u cid -n | count") == "1")
    #expect(try call.line(.output, "an answer") { _ in true }.contains("slept for 1500 milliseconds"))
    try host.stop()
  }
}
