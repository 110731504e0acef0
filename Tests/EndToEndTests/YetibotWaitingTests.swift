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
    for name in sleepers { try chat.say("!sleep 10000 | echo \(name) is awake", by: name) }
    // A second message of somebody who sleeps waits for the first.
    try chat.say("!echo later", by: sleepers[0])
    #expect(try chat.ask("!echo quick", by: "ann") == "quick")
    var awake: [String] = []
    for _ in 0...sleepers.count { awake.append(try chat.answer().text) }
    #expect(Set(awake) == Set(sleepers.map { "\($0) is awake slept for 10 seconds" } + ["later"]))
    let first = try #require(awake.firstIndex { $0.hasPrefix("sleeper0 ") })
    #expect(first < (try #require(awake.firstIndex(of: "later"))))
    try host.stop()
  }

  @Test("who waits for long is told so once, and who waits for too long is told that", .timeLimit(.minutes(20)))
  func softTimeout() throws {
    let directory = try TemporaryDirectory()
    let host = try YetibotHost.start(in: directory, configuration: "{timeout: 2s, soft_timeout: 100ms}")
    let chat = try TestChat(host)
    #expect(try chat.ask("!sleep 400 | sleep 400") == "still working on `sleep 400 | sleep 400`")
    #expect(try chat.answer().text == "slept for 400 milliseconds")
    #expect(try chat.ask("!sleep 9000") == "still working on `sleep 9000`")
    #expect(try chat.answer().text == "👮 `!sleep 9000` timed out after 2 seconds 👮")
    // Embedded commands, and what is no command, say nothing of themselves.
    #expect(try chat.ask("good `sleep 300`") == "slept for 300 milliseconds")
    try host.stop()
  }

  @Test("a swap in mid-conversation keeps what was said and done, and answers who waits", .timeLimit(.minutes(20)))
  func swap() throws {
    let directory = try TemporaryDirectory()
    let host = try YetibotHost.start(in: directory, configuration: "{timeout: 20s, soft_timeout: 100ms}")
    let chat = try TestChat(host)
    let slow = "tee now | sleep 2000 | echo and"
    let working = "still working on `\(slow)`"
    // What is said of the message that waits while the build is replaced.
    var said: [String] = []
    /// The next answer that is not about that message.
    func other(_ first: String? = nil) throws -> String {
      var answer = try first ?? chat.answer().text
      while [working, "now", "and now"].contains(answer) {
        said.append(answer)
        answer = try chat.answer().text
      }
      return answer
    }
    /// On a busy machine anything may take long enough to be told of.
    func ask(_ text: String) throws -> String {
      let answer = try other(chat.ask(text))
      return answer == "still working on `\(text.dropFirst())`" ? try other() : answer
    }
    _ = try ask(#"!alias hail = "echo hail $s""#)
    #expect(try ask("!buffer one") == "one")
    _ = try ask("!channel set karma-observers-enabled = true")
    #expect(try ask("!cron stop") == "the crons are stopped")
    try chat.say("I made soup", by: "bob", id: "m9")
    #expect(try ask("!echo heard") == "heard")

    // Somebody sleeps, and another one's expression does, when the build is replaced.
    #expect(try chat.ask("!\(slow)", by: "cid") == working)
    let call = try RunningProgram(
      Build.bothost, ["call", "yetibot.eval", #"{"expression":"sleep 1500"}"#, "--control", host.socket])
    try host.command("swap", "yetibot")

    #expect(try ask("!hail ann") == "hail ann")
    #expect(try ask("!buffer peek") == "one")
    #expect(try ask("!cron status") == "the crons are stopped")
    #expect(try ask("!users | unwords").contains("bob"))
    try chat.react("rainbow", to: "m9")
    #expect(try other().contains("<@U-bob>: 1"))
    #expect(try ask("!history -a -e | grep soup").contains("I made soup"))

    // The message was begun again by the new build; what it had said by then is said once.
    while said.last != "and now" { said.append(try chat.answer().text) }
    #expect(said == [working, "now", "and now"])
    #expect(try ask("!history -u cid -n | count") == "1")
    #expect(try call.line(.output, "an answer") { _ in true }.contains("slept for 1500 milliseconds"))
    try host.stop()
  }
}
