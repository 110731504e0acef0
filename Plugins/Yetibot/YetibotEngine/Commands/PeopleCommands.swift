/// What people keep here: who they are, my, our, status.
extension Yetibot {
  func registerPeople() {
    let util: Set = ["util"]
    define(
      ["users"],
      [
        Self.on(#"^\s*all\s*$"#, "users all # everybody who was seen", util) {
          Self.users($0.engine.people.all(in: nil))
        },
        Self.on(#"^\s*like\s+(\S.*)$"#, "users like <pattern> # those in whose name the pattern is found", util) {
          call in
          Self.users(try call.engine.people.like(call.group(1) ?? "", in: nil))
        },
        Self.on(nil, "users # who is in this room", util) { Self.users($0.engine.people.all(in: $0.place)) },
      ])
    define(
      ["my"],
      [
        Self.on(acrossLines(#"^\s*(\S+)\s+=\s+(.+)$"#), "my <key> = <value> # keeps a value for you", util) { call in
          let key = call.group(1) ?? ""
          let value = call.group(2)?.trimmed ?? ""
          try call.engine.keep(key, value, call)
          return .text("\(key) = \(value) is kept for \(call.person?.name ?? "nobody")")
        },
        Self.on(#"^\s*(\S+)\s*$"#, "my <key> # the value that you kept", util) { call in
          let key = call.group(1) ?? ""
          guard let row = call.engine.kept(call, own: true).last(where: { $0["key"] == key }) else {
            return .failure("\(call.person?.name ?? "nobody") has kept no \(key)")
          }
          return .text(row["value"])
        },
        Self.on(nil, "my # all that you kept", util) { call in
          .lines(call.engine.kept(call, own: true).map { "\($0["key"]): \($0["value"])" })
        },
      ])
    define(
      ["our"],
      [
        Self.on(#"^\s*(\S+)\s*$"#, "our <key> # the values that people of this room kept", util) { call in
          let key = call.group(1) ?? ""
          let rows = call.engine.kept(call, own: false).filter { $0["key"] == key }
          guard let row = rows.last else { return .failure("nobody has kept \(key)") }
          return rows.count == 1 ? .text(row["value"]) : .lines(rows.map { "[\($0["user_name"])] \($0["value"])" })
        },
        Self.on(nil, "our # all that people of this room kept", util) { call in
          let rows = call.engine.kept(call, own: false)
          guard !rows.isEmpty else { return .failure("nobody has kept anything here") }
          return .lines(rows.map { "[\($0["user_name"])] \($0["key"]): \($0["value"])" })
        },
      ])
    define(
      ["status"],
      [
        Self.on(
          Self.statusSincePattern,
          "status since <n> <minutes|hours|days|weeks|months> [ago] # what people did since then", ["util", "info"]
        ) { call in
          guard let count = Int64(call.group(1) ?? "") else { return .text("\(call.group(1) ?? "") is no number") }
          let span = Self.unit(call.group(2) ?? "").multipliedReportingOverflow(by: count)
          return Self.statuses(call, span.overflow ? .max : span.partialValue)
        },
        Self.on(#"^\s*$"#, "status # what people did in the last eight hours", ["util", "info"]) {
          Self.statuses($0, 8 * 3_600_000)
        },
        Self.on(#"(?s)(.+)"#, "status <text> # says what you are doing", ["util", "info"]) { call in
          call.engine.insert(
            "status",
            ValueMap([
              ("user_id", .string(call.person?.id ?? "")), ("user_name", .string(call.person?.name ?? "")),
              ("chat_source_adapter", .string(call.place.instance)), ("chat_source_room", .string(call.place.room)),
              ("status", .string(call.args)),
            ]))
          return Self.statuses(call, 8 * 3_600_000)
        },
      ])
  }

  /// Number and unit.
  public static let statusSincePattern = #"^\s*since\s+(\S+)\s+(minutes?|hours?|days?|weeks?|months?)"#

  private static func users(_ people: [ChatPerson]) -> Outcome {
    .record(.init(.strings(people.map(\.mentionName)), data: .list(people.map(\.record))))
  }

  private static func unit(_ name: String) -> Int64 {
    switch name.prefix(3) {
    case "min": 60_000
    case "hou": 3_600_000
    case "day": 86_400_000
    case "wee": 7 * 86_400_000
    default: 30 * 86_400_000
    }
  }

  private static func statuses(_ call: Invocation, _ span: Int64) -> Outcome {
    let engine = call.engine
    let earliest = max(engine.now(), 0) - max(span, 0)
    return .lines(
      engine.rows["status"].filter {
        $0.isIn(call.place) && ($0.columns["created_at"]?.integer ?? 0) >= earliest
      }.map { "\($0["user_name"]) at \(engine.time($0.columns["created_at"]?.integer ?? 0)): \($0["status"])" })
  }

  /// A person has one row for a key, in all rooms of an instance; the room is that in which it was set last.
  private func keep(_ key: String, _ value: String, _ call: Invocation) throws(Complaint) {
    let columns = ValueMap([
      ("chat_source_adapter", .string(call.place.instance)), ("chat_source_channel", .string(call.place.room)),
      ("user_id", .string(call.person?.id ?? "")), ("user_name", .string(call.person?.name ?? "")),
      ("key", .string(key)), ("value", .string(value)),
    ])
    if let row = kept(call, own: true).first(where: { $0["key"] == key }) {
      rows.update("my", row.id, columns)
    } else if rows.hasRoom(in: "my") {
      insert("my", columns)
    } else {
      throw Complaint("too much is kept already")
    }
  }

  private func kept(_ call: Invocation, own: Bool) -> [Rows.Row] {
    rows["my"].filter {
      $0["chat_source_adapter"] == call.place.instance
        && (own ? $0["user_id"] == call.person?.id : $0["chat_source_channel"] == call.place.room)
    }
  }

  /// `hh:mm AM MM/dd` in the configured offset from UTC.
  public func time(_ milliseconds: Int64) -> String {
    let date = CivilTime(milliseconds: milliseconds, utcOffset: configuration.utcOffset)
    let two = CivilTime.two
    let hour = date.hour % 12 == 0 ? 12 : date.hour % 12
    return "\(two(hour)):\(two(date.minute)) \(date.hour < 12 ? "AM" : "PM") \(two(date.month))/\(two(date.day))"
  }
}
