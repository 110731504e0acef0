import Foundation
import Testing

@testable import BotHost

/// An event of which a handler failed is tried again, and only that handler.
@Suite struct RetryTests {
  static let bot = """
    bothost: 1
    kind: bot
    name: taco
    use: {chat: {type: TwitchConnection, host: h}, stdout: StdOut}
    when:
      - {event: chat.message, name: Prints, do: [{stdout.write: "prints ${event.message}"}]}
      - {event: chat.message, name: Says, do: [{chat.say: {channel: a, text: "${event.message}"}}]}
      - event: chat.message
        name: Waits
        do:
          - chat.count:
            as: count
          - stdout.write: "waited ${count}"
      - {event: chat.message, name: Asserts, do: [{assert: {value: "${event.message}", not: bad}}]}
    """

  private func attempt(_ number: UInt32, _ event: UInt64 = 7) -> BotAttempt {
    BotAttempt(event: event, number: number, isLast: number == 3)
  }

  @Test func onlyWhatFailedRunsAgain() throws {
    let bench = try Bench(Self.bot)
    func event(_ number: UInt32, _ says: Result<String, Recorder.TestFailure>) throws -> (BotFailure?, [String]) {
      bench.recorder.calls = []
      bench.recorder.lines = []
      bench.recorder.answer = { $0.method.hasSuffix("say") ? says : .success("5") }
      let outcome = try bench.event("twitch.message", #"{"message":"hi"}"#, attempt: attempt(number))
      guard case .done(let failure) = outcome else {
        Issue.record("it ended")
        return (nil, [])
      }
      return (failure, bench.recorder.lines + bench.recorder.calls.map(\.method))
    }
    let failed = Result<String, Recorder.TestFailure>.failure(Recorder.TestFailure(message: "no"))
    var (failure, done) = try event(1, failed)
    #expect(failure?.handler == "chat.message#Says")
    #expect(done == ["prints hi", "waited 5", "taco.chat.say", "taco.chat.count"])
    (failure, done) = try event(2, failed)
    #expect(failure?.handler == "chat.message#Says" && done == ["taco.chat.say"])
    (failure, done) = try event(3, .success("{}"))
    #expect(failure == nil && done == ["taco.chat.say"])
    // Another event with the same number, later: nothing is left of the first.
    (failure, done) = try event(1, .success("{}"))
    #expect(failure == nil && done.count == 4)
  }

  /// Also when a handler fails that others have passed by, and when the failure comes after the handler's end.
  @Test func failuresThatComeLate() throws {
    let bench = try Bench(Self.bot)
    bench.recorder.answer = { _ in nil }
    #expect(try bench.event("twitch.message", #"{"message":"bad"}"#, attempt: attempt(1)) == .pending)
    #expect(try bench.event("twitch.message", #"{"message":"good"}"#, delivery: 2, attempt: attempt(1, 8)) == .pending)
    bench.recorder.reply(bench.recorder.calls[1], .success("1"))
    bench.recorder.reply(bench.recorder.calls[0], .failure(Recorder.TestFailure(message: "no")))
    let failure = try #require(bench.recorder.settled[1] ?? nil)
    #expect(failure.handler == "chat.message#Asserts", "the first failure")
    for call in bench.recorder.calls[2...] { bench.recorder.reply(call, .success("2")) }
    #expect(bench.recorder.settled[2] == .some(nil))
    bench.recorder.lines = []
    let before = bench.recorder.calls.count
    #expect(try bench.event("twitch.message", #"{"message":"bad"}"#, attempt: attempt(2)) == .pending)
    #expect(bench.recorder.calls[before...].map(\.method) == ["taco.chat.say"])
    #expect(bench.recorder.lines.isEmpty, "the other two had ended well")
  }

  /// A changed bot that takes over in between knows what the one before has done.
  @Test func aSwapInBetween() throws {
    let bench = try Bench(Self.bot)
    let failed = Result<String, Recorder.TestFailure>.failure(Recorder.TestFailure(message: "no"))
    bench.recorder.answer = { $0.method.hasSuffix("say") ? failed : .success("5") }
    _ = try bench.event("twitch.message", #"{"message":"hi"}"#, attempt: attempt(1))
    let changed = Self.bot.replacingOccurrences(of: "text: \"${event.message}\"", with: "text: changed")
    bench.runtime.replace(with: try Bench(changed).bot)
    bench.recorder.lines = []
    bench.recorder.calls = []
    bench.recorder.answer = { _ in .success("5") }
    #expect(try bench.event("twitch.message", #"{"message":"hi"}"#, attempt: attempt(2)) == .done(nil))
    #expect(bench.recorder.summary == [#"taco.chat.say {"channel":"a","text":"changed"}"#])
    #expect(bench.recorder.lines.isEmpty)
  }
}
