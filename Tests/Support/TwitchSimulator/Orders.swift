/// The orders of tests and people.
extension Chat {
  func order(_ line: String, answer: @escaping (String) -> Void) throws {
    let words = line.split(separator: " ", maxSplits: 3).map(String.init)
    let ok = #"{"ok":true}"#
    func word(_ index: Int, _ name: String) throws -> String {
      guard index < words.count else { throw Failure("\(words[0]) needs \(name)") }
      return words[index]
    }
    func channel(_ index: Int) throws -> String {
      let name = try word(index, "CHANNEL").lowercased()
      return name.hasPrefix("#") ? name : "#" + name
    }
    func number(_ index: Int, _ name: String) throws -> Int { try number(word(index, name), name) }
    func number(_ text: String, _ name: String) throws -> Int {
      guard let value = Int(text), (0...100_000_000).contains(value) else {
        throw Failure("\(words[0]): “\(text)” is no \(name)")
      }
      return value
    }
    func isOn() throws -> Bool {
      guard words.count > 1 else { return true }
      guard ["on", "off"].contains(words[1]) else { throw Failure("\(words[0]): expected on or off") }
      return words[1] == "on"
    }

    switch words[0] {
    case "say":
      let id = say(try channel(1), try word(2, "USER"), try word(3, "TEXT"))
      return answer(#"{"ok":true,"id":\#(json(id))}"#)
    case "flood":
      let rest = words.count > 3 ? words[3].split(separator: " ").map(String.init) : []
      let (rate, first) = (try number(rest.first ?? "0", "RATE"), try number(rest.count > 1 ? rest[1] : "1", "FIRST"))
      floods.append(
        Flood(
          channel: try channel(1), total: try number(2, "COUNT"), rate: rate, first: first, start: monotonicTime()))
    case "flooded":
      if floods.isEmpty { break }
      floodWaiters.append(answer)
      return
    case "raw":
      let text = String(line.dropFirst(4))
      for client in clients where client.isLoggedIn { reply(client, text) }
    case "notice":
      let id = try word(1, "ID")
      if words.count > 2 {
        let room = try channel(2)
        for client in clients where client.hasCommands {
          reply(client, tags: "msg-id=\(id)", ":tmi.twitch.tv NOTICE \(room) :\(Self.noticeText)")
        }
      } else {
        notices.append(id)
      }
    case "rank":
      let name = try word(2, "RANK")
      guard let rank = Rank(rawValue: name) else {
        throw Failure("“\(name)” is no rank: expected \(Rank.allCases.map(\.rawValue).joined(separator: ", "))")
      }
      ranks[try channel(1)] = rank
    case "suspend": suspended.insert(try channel(1))
    case "unknown": unknown.insert(try channel(1))
    case "reconnect":
      let pause = words.count > 1 ? try number(1, "MS") : 3000
      for client in clients {
        reply(client, ":tmi.twitch.tv RECONNECT")
        later(Int64(pause) * 1_000_000) { [weak client] in client?.connection.closeNow() }
      }
    case "cut": for client in clients { client.connection.closeNow() }
    case "cut-after":
      let count = try number(1, "N")
      for client in clients { client.linesLeft = max(1, count) }
    case "silent": isSilent = try isOn()
    case "slow": delay = Int64(words.count > 1 ? try number(1, "MS") : 500) * 1_000_000
    case "split":
      splits = try isOn()
      for client in clients { client.connection.writesPieces = splits }
    case "badlogin": refusesLogins = try isOn()
    case "limits": enforcesLimits = try isOn()
    case "expect":
      let count = try number(1, "COUNT")
      let milliseconds = words.count > 2 ? try number(2, "MS") : 5000
      let waiter = Waiter(count: count, prefix: words.count > 3 ? words[3] : "", answer: answer)
      waiters.append(waiter)
      later(Int64(milliseconds) * 1_000_000) { [weak self] in
        guard let self, let answer = waiter.answer else { return }
        let found = transcript.count { $0.line.hasPrefix(waiter.prefix) }
        answer(#"{"error":"timeout","count":\#(found)}"#)
        waiter.answer = nil
      }
      return answerWaiters()
    case "transcript":
      let lines = transcript.map { #"{"t":\#($0.time),"client":\#($0.client),"line":\#(json($0.line))}"# }
      return answer("[\(lines.joined(separator: ","))]")
    case "violations":
      let lines = violations.map { #"{"t":\#($0.time),"client":\#($0.client),"what":\#(json($0.what))}"# }
      return answer("[\(lines.joined(separator: ","))]")
    case "status":
      let lines = clients.map { client in
        let rooms = client.rooms.sorted().map(json).joined(separator: ",")
        return
          #"{"client":\#(client.number),"nick":\#(json(client.nick)),"in":\#(client.isLoggedIn),"rooms":[\#(rooms)]}"#
      }
      let left = floods.reduce(0) { $0 + $1.total - $1.sent }
      return answer(
        #"{"clients":[\#(lines.joined(separator: ","))],"received":\#(transcript.count),"flooding":\#(left)}"#)
    case "clear":
      transcript = []
      violations = []
      accounts = [:]
    case let other: throw Failure("unknown order “\(other)”; see --help")
    }
    answer(ok)
  }
}
