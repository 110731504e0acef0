import Foundation
import Testing

@testable import TwitchChat

/// Moves from one connection to another, as the server asks for them.
struct RelayTests {
  /// A relay, and what has been shown to readers.
  private struct Move {
    var relay: ChatRelay
    var now: Int64 = 1000 * second
    var shown: [String] = []
    var outputs: [RelayOutput] = []

    init(_ channels: [String]) throws {
      relay = ChatRelay(
        configuration: SessionConfiguration(
          nick: "taco", hasToken: true, server: .twitch, strictNames: true,
          channels: try channels.map { try ChannelName($0, strict: true) }), seed: 7)
      logIn(.first, channels)
      outputs = []
    }

    mutating func input(_ input: SessionInput, _ link: ChatLink) {
      relay.handle(input, from: link, now: now, into: &outputs)
      showHeld()
    }

    mutating func line(_ text: String, _ link: ChatLink) {
      var text = text
      let before = outputs.count
      let isShown = text.withUTF8 {
        relay.handle(.line(UnsafeRawBufferPointer($0)), from: link, now: now, into: &outputs)
      }
      let isMessage = outputs[before...].contains(.message)
      #expect(!isMessage || isShown)
      if isMessage { shown.append(String(text.split(separator: ":").last ?? "")) }
      showHeld()
    }

    private mutating func showHeld() {
      while let (line, said) = relay.nextHeld(now: now) {
        if said.contains(.message) {
          shown.append(String(String(decoding: line, as: UTF8.self).split(separator: ":").last ?? ""))
        }
        relay.removeHeld()
      }
    }

    mutating func message(_ number: Int, _ link: ChatLink) {
      line("@id=m\(number) :ann!ann@ann.tmi.twitch.tv PRIVMSG #kitchen :\(number)", link)
    }

    mutating func logIn(_ link: ChatLink, _ channels: [String]) {
      input(.opened, link)
      line(":tmi.twitch.tv CAP * ACK :twitch.tv/membership twitch.tv/tags twitch.tv/commands", link)
      line(":tmi.twitch.tv 001 taco :Welcome, GLHF!", link)
      for channel in channels { enter(channel, link) }
    }

    mutating func enter(_ channel: String, _ link: ChatLink) {
      line(":taco!taco@taco.tmi.twitch.tv JOIN #\(channel)", link)
      line("@badges=;mod=0 :tmi.twitch.tv USERSTATE #\(channel)", link)
    }

    mutating func askToReconnect() { line(":tmi.twitch.tv RECONNECT", relay.link) }

    mutating func say(_ text: String) {
      relay.command(0, .say(channel: "kitchen", text: text, replyTo: nil), now: now, into: &outputs)
    }

    /// The lines that were written to a connection since the last look.
    mutating func written(_ link: ChatLink) -> [String] {
      let lines = outputs.compactMap { output -> String? in
        guard case .session(let said, link) = output else { return nil }
        switch said {
        case .write(let bytes): return String(decoding: bytes.dropLast(2), as: UTF8.self)
        case .writePassword: return "PASS"
        case .close: return "(close)"
        case .reconnect: return "(reconnect)"
        default: return nil
        }
      }
      outputs.removeAll { if case .session(_, link) = $0 { true } else { false } }
      return lines
    }

    /// As a swap of the plugin does it.
    mutating func swap() throws {
      let state = try JSONDecoder().decode(ChatRelay.State.self, from: JSONEncoder().encode(relay.state))
      relay = ChatRelay(configuration: relay.session.configuration, state: state)
      for link in relay.links { input(.tick, link) }
    }
  }

  @Test func `the new connection is opened, and ready, before the old one is closed`() throws {
    var move = try Move(["kitchen"])
    move.message(1, .first)
    move.askToReconnect()
    #expect(move.outputs.contains(.dial(.second)))
    #expect(move.written(.first).isEmpty)
    // Nothing of it is told twice, and what the old one gives comes at once.
    move.input(.opened, .second)
    #expect(
      move.written(.second).prefix(2) == ["CAP REQ :twitch.tv/membership twitch.tv/tags twitch.tv/commands", "PASS"])
    move.message(2, .first)
    move.line(":tmi.twitch.tv 001 taco :Welcome, GLHF!", .second)
    #expect(move.written(.second) == ["JOIN #kitchen"])
    move.enter("kitchen", .second)
    #expect(move.relay.link == .second)
    #expect(move.written(.first) == ["(close)"])
    // The new one is ahead; the old one is read to its end first.
    for number in 2...5 { move.message(number, .second) }
    move.message(3, .first)
    move.message(4, .first)
    #expect(move.shown == ["1", "2", "3", "4"])
    move.input(.closed(reason: "local", isFinal: true), .first)
    move.message(6, .second)
    #expect(move.shown == ["1", "2", "3", "4", "5", "6"])
    let told = move.outputs.contains { output in
      switch output {
      case .session(.event(.connected), _), .session(.event(.failed), _): true
      default: false
      }
    }
    #expect(!told, "who reads notices nothing")
    // And back, at the next time.
    move.outputs = []
    move.askToReconnect()
    #expect(move.outputs.contains(.dial(.first)))
  }

  @Test func `texts wait for the new connection, and what is written is confirmed on the old one`() throws {
    var move = try Move(["kitchen"])
    move.say("one")
    #expect(move.written(.first) == ["PRIVMSG #kitchen :one"])
    move.askToReconnect()
    move.logIn(.second, ["kitchen"])
    #expect(move.relay.link == .first)
    move.now += 2 * second
    move.say("two")
    #expect(move.written(.first).isEmpty)
    move.line("@id=s1 :tmi.twitch.tv USERSTATE #kitchen", .first)
    #expect(move.relay.link == .second)
    #expect(move.written(.first) == ["(close)"])
    #expect(move.written(.second).contains("PRIVMSG #kitchen :two"))
  }

  @Test func `a server that does not wait is followed as far as the new connection is`() throws {
    var move = try Move(["kitchen"])
    move.askToReconnect()
    move.input(.opened, .second)
    move.outputs = []
    move.input(.closed(reason: "peer", isFinal: false), .first)
    #expect(move.relay.link == .second)
    // There is a gap, and it is told.
    let told = move.outputs.contains { if case .session(.event(.failed), _) = $0 { true } else { false } }
    #expect(told)
    #expect(move.written(.first) == ["(close)"])
    move.line(":tmi.twitch.tv 001 taco :Welcome, GLHF!", .second)
    #expect(move.written(.second) == ["JOIN #kitchen"])
    move.message(1, .second)
    #expect(move.shown == ["1"])
  }

  @Test func `a new connection that is refused leaves the old one alone`() throws {
    var move = try Move(["kitchen"])
    move.askToReconnect()
    move.input(.opened, .second)
    move.message(1, .second)
    move.line(":tmi.twitch.tv NOTICE * :Login authentication failed", .second)
    #expect(move.relay.link == .first)
    #expect(move.relay.links == [.first])
    move.message(1, .first)
    move.say("still here")
    #expect(move.shown == ["1"])
    #expect(move.written(.first).contains("PRIVMSG #kitchen :still here"))
  }

  @Test func `rooms that were joined and left meanwhile are so on the new connection`() throws {
    var move = try Move(["kitchen", "hall"])
    move.askToReconnect()
    move.relay.command(1, .part("hall", reason: ""), now: move.now, into: &move.outputs)
    move.relay.command(2, .join("garden"), now: move.now, into: &move.outputs)
    move.line(":taco!taco@taco.tmi.twitch.tv PART #hall", .first)
    move.logIn(.second, ["kitchen", "hall"])
    #expect(move.relay.link == .second)
    let written = move.written(.second)
    #expect(written.contains("PART #hall"))
    #expect(written.contains("JOIN #garden"))
    move.enter("garden", .second)
    #expect(move.relay.session.state.rooms["#garden"]?.membership == .joined)
  }

  /// Two connections give the same numbered lines, each at its own pace; moves, early ends and swaps of the plugin come at any time.
  @Test(arguments: 0..<100) func `nothing is missed, shown twice or out of order`(seed: Int) throws {
    var dice = Dice(UInt64(seed))
    var move = try Move(["kitchen"])
    var said = 0
    /// The last number that each connection has given, and from which on it gives them; nil: it gives none.
    var given: [ChatLink: Int] = [.first: 0]
    for _ in 0..<4 {
      move.askToReconnect()
      let (old, new) = (move.relay.link, move.relay.link.other)
      var hasOpened = false
      var hasJoined = false
      while move.relay.links.count > 1 || !hasJoined {
        switch UInt.random(in: 0..<10, using: &dice) {
        case 0...3: said += 1
        case 4, 5:
          if let last = given[old], last < said {
            move.message(last + 1, old)
            given[old] = last + 1
          }
        case 6, 7:
          if let last = given[new], last < said {
            move.message(last + 1, new)
            given[new] = last + 1
          }
        case 8:
          if !hasOpened {
            move.input(.opened, new)
            move.line(":tmi.twitch.tv 001 taco :Welcome, GLHF!", new)
            hasOpened = true
          } else if !hasJoined {
            // From its JOIN on it gives what is said.
            given[new] = said
            move.enter("kitchen", new)
            hasJoined = true
          } else if given[old] == nil || Bool.random(using: &dice) {
            // The end comes after everything that was said on it before the new one was there.
            while let last = given[old], last < said {
              move.message(last + 1, old)
              given[old] = last + 1
            }
            given[old] = nil
            move.input(.closed(reason: "local", isFinal: true), old)
          }
        default: try move.swap()
        }
      }
      given[old] = nil
      while let last = given[new], last < said {
        move.message(last + 1, new)
        given[new] = last + 1
      }
    }
    #expect(move.shown == (1...max(1, said)).prefix(said).map(String.init))
  }
}
