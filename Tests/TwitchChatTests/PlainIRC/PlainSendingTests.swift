import Testing

@testable import TwitchChat

/// How texts go out to a plain server: lines, lengths and the pace.
struct PlainSendingTests {
  @Test func `each line is a message, and a blank one between others a space`() throws {
    var script = try Script.plain(["#kitchen"])
    script.say(1, "kitchen", "\n\none\r\n  two  \r\r\n\u{0}three\u{1}\n\n")
    #expect(
      script.written() == [
        "PRIVMSG #kitchen :one", "PRIVMSG #kitchen :  two", "PRIVMSG #kitchen : ", "PRIVMSG #kitchen :three",
      ])
    #expect(script.settled() == [1: .sent(channel: "kitchen", ids: [], parts: 4, isConfirmed: false)])
    script.say(2, "kitchen", " \r\n\n ")
    guard case .failed(let failure)? = script.settled()[2] else {
      Issue.record("there is nothing to send")
      return
    }
    #expect(failure.code == "empty")
  }

  @Test func `lines of a text`() {
    #expect(OutgoingText.lines("") == [])
    #expect(OutgoingText.lines(" \n ") == [])
    #expect(OutgoingText.lines("a") == ["a"])
    #expect(OutgoingText.lines("a\r\nb\rc\nd") == ["a", "b", "c", "d"])
    #expect(OutgoingText.lines("a\n\nb\n") == ["a", "", "b"])
    #expect(OutgoingText.lines("a\n\rb") == ["a", "", "b"])
    #expect(OutgoingText.lines(" a \n  b") == [" a", "  b"])
  }

  @Test func `an action of several lines is several actions`() throws {
    var script = try Script.plain(["#kitchen"])
    script.say(1, "kitchen", "/me waves\n\nand leaves")
    #expect(
      script.written() == [
        "PRIVMSG #kitchen :\u{1}ACTION waves\u{1}", "PRIVMSG #kitchen :\u{1}ACTION and leaves\u{1}",
      ])
  }

  @Test(arguments: [nil, "~yeti@2001:db8::1", "~yeti@" + String(repeating: "h", count: 90)], ["text", "/me text"])
  func `no line is longer than 512 bytes when others see it`(_ address: String?, _ kind: String) throws {
    let channel = "#" + String(repeating: "c", count: 60)
    var script = try Script.plain { $0.burst = 1000 }
    if let address { script.line(":yeti!\(address) JOIN \(channel)") }
    let words = (0..<300).map { "wörd\($0)" }.joined(separator: " ")
    script.say(1, channel, kind.replacing("text", with: words))
    script.command(2, .tell("ann", text: kind.replacing("text", with: words)))
    let lines = script.written().filter { $0.hasPrefix("PRIVMSG") }
    #expect(lines.count > 10)
    // Until a line of ours has come back, the longest that is usual.
    let source =
      ":yeti!" + (address ?? "~" + String(repeating: "u", count: 10) + "@" + String(repeating: "h", count: 63))
    for line in lines { #expect("\(source) \(line)\r\n".utf8.count <= 512) }
    func said(to target: String) -> String {
      lines.filter { $0.hasPrefix("PRIVMSG \(target) :") }.map {
        String($0.dropFirst("PRIVMSG \(target) :".count)).replacing("\u{1}ACTION ", with: "").replacing(
          "\u{1}", with: "")
      }.joined(separator: " ")
    }
    #expect(said(to: channel) == words)
    #expect(said(to: "ann") == words)
  }

  @Test func `our host may get another face`() throws {
    var script = try Script.plain(["#kitchen"])
    #expect(script.session.plainLimit(target: "#kitchen", isAction: false).bytes == 420)
    let host = String(repeating: "h", count: 90)
    script.line(":irc.test 396 yeti \(host) :is now your displayed host")
    let most = script.session.plainLimit(target: "#kitchen", isAction: false).bytes
    #expect(":yeti!~1234567890@\(host) PRIVMSG #kitchen :\r\n".utf8.count + most <= 512)
  }

  @Test func `five lines go out at once, and then one a second`() throws {
    var script = try Script.plain(["#kitchen"])
    script.say(1, "kitchen", (1...12).map { "line \($0)" }.joined(separator: "\n"))
    #expect(script.written().count == 5)
    for number in 6...12 {
      script.pass(second)
      #expect(script.written() == ["PRIVMSG #kitchen :line \(number)"])
    }
    #expect(script.settled() == [1: .sent(channel: "kitchen", ids: [], parts: 12, isConfirmed: false)])
    script.pass(60 * second)
    script.say(2, "kitchen", (1...12).map { "line \($0)" }.joined(separator: "\n"))
    #expect(script.written().count == 5)
  }

  @Test func `in no time do more go out than that`() throws {
    var dice = Dice(3)
    var script = try Script.plain(["#a", "#b"]) {
      $0.burst = 3
      $0.pace = second / 2
    }
    var times: [Int64] = []
    for number in 0..<400 {
      let channel = Bool.random(using: &dice) ? "#a" : "#b"
      if Int.random(in: 0..<3, using: &dice) == 0 {
        script.command(0, .raw("PRIVMSG \(channel) :\(number)"))
      } else {
        script.say(0, channel, "text \(number)")
      }
      times += script.written().map { _ in script.now }
      script.pass(Int64.random(in: 0...second, using: &dice))
      times += script.written().map { _ in script.now }
    }
    #expect(times.count > 300)
    for (index, time) in times.enumerated() {
      for later in times.indices.dropFirst(index) where later - index + 1 > 3 {
        // The lines after the first three have taken half a second each; times are noted when looked at, up to a second late.
        #expect(times[later] - time >= Int64(later - index + 1 - 3) * (second / 2) - second)
      }
    }
  }

  @Test func `a long text for one does not keep the others waiting`() throws {
    var script = try Script.plain(["#kitchen"])
    script.say(1, "kitchen", (1...60).map { "line \($0)" }.joined(separator: "\n"))
    _ = script.written()
    script.command(2, .tell("ann", text: "for you"))
    script.say(3, "#other", "elsewhere")
    script.pass(2 * second)
    #expect(script.written() == ["PRIVMSG ann :for you", "PRIVMSG #other :elsewhere"])
    script.pass(second)
    #expect(script.written() == ["PRIVMSG #kitchen :line 6"])
    // Of one room always in order.
    script.pass(60 * second)
    #expect(script.written() == (7...60).map { "PRIVMSG #kitchen :line \($0)" })
  }

  @Test func `nothing is said in a room before we are in it, and nobody else waits for that`() throws {
    var script = try Script.plain()
    script.command(1, .join("#kitchen"))
    script.say(2, "#kitchen", "one")
    script.command(3, .tell("ann", text: "two"))
    #expect(script.written() == ["JOIN #kitchen", "PRIVMSG ann :two"])
    script.line(":yeti!y@x JOIN #kitchen")
    #expect(script.written() == ["PRIVMSG #kitchen :one"])
    // Where the server does not let us in, it says so to whoever speaks there, too.
    script.command(4, .join("#cellar"))
    script.say(5, "#cellar", "three")
    #expect(script.written() == ["JOIN #cellar"])
    script.line(":irc.test 473 yeti #cellar :Cannot join channel (+i)")
    #expect(script.written() == ["PRIVMSG #cellar :three"])
  }

  @Test func `joins count as well`() throws {
    var script = try Script.plain { $0.joinTime = 1000 * second }
    for number in 1...8 { script.command(CommandID(number), .join("#room\(number)")) }
    #expect(script.written().count == 5)
    script.pass(2 * second)
    #expect(script.written() == ["JOIN #room6", "JOIN #room7"])
  }

  @Test func `a swap keeps the pace and who was spoken to`() throws {
    var script = try Script.plain(["#kitchen"])
    script.say(1, "kitchen", (1...10).map { "line \($0)" }.joined(separator: "\n"))
    _ = script.written()
    let before = script.session.state
    try script.swap()
    #expect(script.session.state.plain == before.plain)
    #expect(script.written() == [])
    script.pass(second)
    #expect(script.written() == ["PRIVMSG #kitchen :line 6"])
  }

  @Test func `what is remembered of those spoken to is bounded`() throws {
    var script = try Script.plain { $0.burst = 10_000 }
    for number in 0..<3000 { script.command(0, .tell("n\(number)", text: "hi")) }
    #expect(script.written().count == 3000)
    #expect(script.session.state.plain?.spokenAt.count ?? 0 <= 512)
    #expect(script.session.state.rooms.isEmpty)
  }
}
