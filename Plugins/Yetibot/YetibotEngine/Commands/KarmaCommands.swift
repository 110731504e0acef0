/// Points that people give each other.
extension Yetibot {
  func registerKarma() {
    define(
      ["karma"],
      [
        Self.on(Self.karmaPattern, "karma @<user>++ [<note>] # gives a point; with -- takes one", ["fun"]) { call in
          call.engine.giveKarma(
            to: call.group(1) ?? "", isPositive: call.group(2) == "++", note: call.group(3), call.person, call.place)
        },
        Self.on(#"^\s*@(\w[-\w]*\w)\s*$"#, "karma @<user> # somebody's points and the latest notes", ["fun"]) { call in
          let id = call.group(1) ?? ""
          let notes = call.engine.rows["karma"].filter {
            $0["user_id"] == id && ($0.columns["points"]?.integer ?? 0) > 0 && !$0["note"].isEmpty
          }.suffix(3).reversed().map { "_\"\($0["note"])\"_ --\($0["voter_name"])" }
          return .text("<@\(id)>: \(call.engine.karma(of: id, call.place))\n" + notes.joined(separator: "\n"))
        },
        Self.on(#"^\s*all\s*$"#, "karma all # who has most points everywhere", ["fun"]) {
          .text($0.engine.leaders(nil))
        },
        Self.on(#"^\s*$"#, "karma # who has most points in this room", ["fun"]) { .text($0.engine.leaders($0.place)) },
      ])
  }

  /// User, sign and note.
  public static let karmaPattern = #"^\s*@(\w[-\w]*\w)\s{0,2}(\+\+|--)(?:\s+(.+))?\s*$"#

  public func karma(of id: String, _ place: ChatPlace) -> Int64 {
    rows["karma"].reduce(0) { sum, row in
      row["user_id"] == id && row["chat_source_adapter"] == place.instance
        ? sum + (row.columns["points"]?.integer ?? 0) : sum
    }
  }

  /// The ten with the most points, of those who have any.
  private func leaders(_ place: ChatPlace?) -> String {
    karmaLeaders(in: place, limit: Self.karmaLimit(nil, standard: 10)).map { "<@\($0.id)>: \($0.score)" }
      .joined(separator: "\n")
  }

  /// Those with the most points, of those who have any; or those who gave the most.
  public func karmaLeaders(
    in place: ChatPlace? = nil, byGiver: Bool = false, limit: Int
  ) -> [(id: String, score: Int64)] {
    var sums: [String: Int64] = [:]
    for row in rows["karma"]
    where place.map(row.isIn) ?? true {
      sums[row[byGiver ? "voter_id" : "user_id"], default: 0] += row.columns["points"]?.integer ?? 0
    }
    return sums.filter { $0.value > 0 }.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.prefix(limit)
      .map { ($0.key, $0.value) }
  }

  /// A wish between 1 and 100, else the standard.
  public static func karmaLimit(_ wish: Int?, standard: Int) -> Int {
    guard let wish, (1...100).contains(wish) else { return standard }
    return wish
  }

  func giveKarma(
    to id: String, isPositive: Bool, note: String?, _ giver: ChatPerson?, _ place: ChatPlace
  ) -> Outcome {
    guard let giver else { return .failure("points need somebody who gives them") }
    if isPositive, id == giver.id || id == giver.name { return .text("nobody can raise their own karma") }
    insert(
      "karma",
      ValueMap([
        ("chat_source_adapter", .string(place.instance)), ("chat_source_room", .string(place.room)),
        ("user_id", .string(id)), ("points", .int(isPositive ? 1 : -1)), ("voter_id", .string(giver.id)),
        ("voter_name", .string(giver.name)), ("note", .string(note ?? "")),
      ]))
    let sign = isPositive ? configuration.positiveKarma : configuration.negativeKarma
    return .text("\(sign) <@\(id)>: \(karma(of: id, place))")
  }

  /// The emoji, the user and the note of a message that gives a point.
  public static func karmaMessage(_ body: String, positive: String, negative: String) -> (String, String, String?)? {
    for emoji in [positive, negative] where body.hasPrefix(emoji) {
      let rest = String(body.dropFirst(emoji.count))
      guard let pattern = try? Pattern(#"^\s*@(\w[-\w]*\w)(?:\s+(?:\+\+|--))?(?:\s+(.+))?\s*$"#) else { return nil }
      var budget = 100_000
      let text = PatternText(rest)
      guard let match = pattern.firstMatch(in: text, budget: &budget), let user = match.ranges[1] else { return nil }
      return (emoji, text.string(user), match.ranges[2].map(text.string))
    }
    return nil
  }

  /// Points by emoji, in messages and as reactions, where the room wants them.
  func observeKarma(_ event: ChatEvent, isCommand: Bool) {
    guard settings(event.place)["karma-observers-enabled"] == "true" else { return }
    var outcome: Outcome?
    if event.kind == .message, !isCommand, let body = event.body,
      let (emoji, user, note) = Self.karmaMessage(
        body, positive: configuration.positiveKarma, negative: configuration.negativeKarma)
    {
      outcome = giveKarma(
        to: user, isPositive: emoji == configuration.positiveKarma, note: note, event.person, event.place)
    } else if event.kind == .react, let reaction = event.reaction, let author = event.messageAuthor {
      let name = ":" + String(reaction.map { $0 == " " ? "_" : $0 }) + ":"
      if name == configuration.positiveKarma || name == configuration.negativeKarma {
        outcome = giveKarma(
          to: author.id, isPositive: name == configuration.positiveKarma, note: nil, event.person, event.place)
      }
    }
    if case .plain(let value)? = outcome { post(value, event.place.room) }
  }
}
