import Testing

@testable import BotHost

/// Another version of a bot in a runtime with events under way.
@Suite struct BotReplaceTests {
  private func bound(_ text: String) throws -> BoundBot {
    var diagnostics = Diagnostics()
    let bound = try program(text).bind(
      manifests: try Plugins.all(), environment: Environment(["PASS": "hunter2"]), diagnostics: &diagnostics)
    return try #require(bound)
  }

  private static let old = """
    - chat.say: {channel: x, text: "${event.username}"}
      as: sent
    - stdout.write: "old ${sent.id}"
    """
  private static let new = """
    - log.publish: {value: "${event.username}"}
    - expect: ${chat.connected}
    - chat.say: {channel: y, text: "${event.username}"}
      as: sent
    - stdout.write: "new ${sent.id} ${event.channel}"
    """

  private func message(_ name: String) -> String { #"{"username":"\#(name)","channel":"c"}"# }

  @Test func eventsUnderWayFinishOnTheOldVersion() throws {
    let bench = try Bench(botText(Self.old))
    bench.recorder.answer = { _ in nil }
    // A state that the first version does not read, for the second one that does.
    Array(#"{"connected":true,"channels":[]}"#.utf8).withUnsafeBytes {
      bench.runtime.noteState(of: "taco.chat", payload: $0)
    }
    #expect(try bench.event("twitch.message", message("a"), delivery: 1) == .pending)
    #expect(try bench.event("twitch.message", message("b"), delivery: 2) == .pending)

    let other = try bound(botText(Self.new))
    bench.runtime.replace(with: other)
    #expect(bench.runtime.supersededCount == 2)
    let index = try #require(other.program.subscriptions.firstIndex { $0.topic == "twitch.message" })
    let outcome = Array(message("c").utf8).withUnsafeBytes {
      bench.runtime.deliver(subscription: index, payload: $0, delivery: 3)
    }
    #expect(outcome == .pending)
    #expect(bench.recorder.calls.count == 1, "the order of the events holds across")

    bench.recorder.reply(bench.recorder.calls[0], .success(#"{"id":"1"}"#))
    #expect(bench.recorder.calls.count == 2)
    bench.recorder.reply(bench.recorder.calls[1], .success(#"{"id":"2"}"#))
    #expect(bench.runtime.supersededCount == 0)
    let names = bench.runtime.methods
    #expect(names == ["taco.chat.say", "taco.log.publish"])
    #expect(bench.recorder.calls.count == 4)
    bench.recorder.reply(bench.recorder.calls[2], .success(""))
    bench.recorder.reply(bench.recorder.calls[3], .success(#"{"id":"3"}"#))
    #expect(bench.recorder.lines == ["old 1", "old 2", "new 3 c"])
    #expect(bench.recorder.order == [1, 2, 3])
    #expect(bench.recorder.settled.values.allSatisfy { $0 == nil })
    #expect(bench.runtime.pendingCount == 0)
  }

  /// Whatever is replaced when: each event is handled once, in order, by the version that it came to.
  @Test(arguments: 0..<20)
  func anyOrderOfAnswersAndReplacements(seed: Int) throws {
    var random = Seeded(state: UInt64(seed) &* 0x9E37_79B9 &+ 1)
    let bench = try Bench(botText(Self.old))
    bench.recorder.answer = { _ in nil }
    Array(#"{"connected":true}"#.utf8).withUnsafeBytes { bench.runtime.noteState(of: "taco.chat", payload: $0) }
    let versions = [bench.bot, try bound(botText(Self.new))]
    var current = 0
    var expected: [String] = []
    var answered = 0
    for number in 1...200 {
      if random.next() % 10 == 0 {
        current = 1 - current
        bench.runtime.replace(with: versions[current])
      }
      let index = try #require(versions[current].program.subscriptions.firstIndex { $0.topic == "twitch.message" })
      _ = Array(message("\(number)").utf8).withUnsafeBytes {
        bench.runtime.deliver(subscription: index, payload: $0, delivery: UInt64(number))
      }
      expected.append(current == 0 ? "old \(number)" : "new \(number) c")
      while answered < bench.recorder.calls.count, random.next() % 3 > 0 { answer(bench, &answered) }
    }
    while answered < bench.recorder.calls.count { answer(bench, &answered) }
    #expect(bench.recorder.lines == expected)
    #expect(Set(bench.recorder.order) == Set(1...200) && bench.recorder.order.count == 200)
    #expect(bench.runtime.pendingCount == 0 && bench.runtime.supersededCount == 0)
  }

  /// Answers a call with the text that was said as its id.
  private func answer(_ bench: Bench, _ answered: inout Int) {
    let call = bench.recorder.calls[answered]
    answered += 1
    let text = (try? JSONValue(parsing: call.argument))?["text"]?.string
    bench.recorder.reply(call, .success(text.map { #"{"id":"\#($0)"}"# } ?? ""))
  }
}

private struct Seeded {
  var state: UInt64

  mutating func next() -> Int {
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    return Int(state >> 33)
  }
}
