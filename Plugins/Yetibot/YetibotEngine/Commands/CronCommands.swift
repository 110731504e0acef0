/// Commands that run at set times.
extension Yetibot {
  func registerCrons() {
    let util: Set = ["util"]
    define(
      ["cron"],
      [
        Self.on(#"^\s*list\s*$"#, "cron list # the crons", util) { call in
          let rows = call.engine.crons(at: call.place)
          let lines = Value.strings(rows.map { Self.cronText($0) })
          return .plain(rows.isEmpty && call.quirks.contains(.silentEmpties) ? .suppressed(lines) : lines)
        },
        Self.on(#"^\s*remove\s+(\d+)\s*$"#, "cron remove <id> # forgets a cron", util) { call in
          let id = call.group(1) ?? ""
          guard let row = call.engine.crons(at: call.place).first(where: { String($0.id) == id }) else {
            return .failure("there is no cron \(id)")
          }
          call.engine.rows.remove("cron") { $0.id == row.id }
          return .text("cron \(id) removed")
        },
        Self.on(#"^\s*stop\s*$"#, "cron stop # stops all crons", util) { call in
          call.engine.areCronsRunning = false
          return .text("the crons are stopped")
        },
        Self.on(#"^\s*start\s*$"#, "cron start # lets the crons run", util) { call in
          if call.engine.areCronsRunning { return .text("the crons are running already") }
          call.engine.areCronsRunning = true
          // What would have been due meanwhile is not made good.
          call.engine.lastCronSecond = call.engine.now() / 1000
          return .text("the crons are running now")
        },
        Self.on(#"^\s*status\s*$"#, "cron status # whether the crons run", util) {
          .text($0.engine.areCronsRunning ? "the crons are running" : "the crons are stopped")
        },
        Self.on(
          #"^\s*explain\s+(\S.*?)\s*$"#,
          "cron explain <id>; cron explain <second> … <year> # says in words when a cron runs, and when it runs next",
          util,
          Self.explainCron),
        Self.on(
          acrossLines(Self.cronPattern),
          "cron <second> <minute> <hour> <weekday> <day> <month> <year> <command> # runs a command at set times", util
        ) { call in
          let schedule = call.group(1) ?? ""
          guard CronSchedule(schedule, isStrict: !call.quirks.contains(.looseCrons)) != nil else {
            return Self.noSchedule(schedule)
          }
          guard call.engine.rows.hasRoom(in: "cron") else { return .failure("there are too many crons; remove one") }
          var columns = ValueMap([
            ("chat_source_adapter", .string(call.place.instance)), ("chat_source_room", .string(call.place.room)),
            ("platform", .string(call.place.adapter)), ("user_id", .string(call.person?.id ?? "")),
            ("user_name", .string(call.person?.name ?? "")),
            ("schedule", .string(schedule)),
            ("cmd", .string(call.engine.unquoted(call.group(2) ?? ""))),
          ])
          if call.place.isPrivate { columns["is_private"] = true }
          let row = call.engine.insert("cron", columns)
          return .text("cron created: \(Self.cronText(row))")
        },
      ])
  }

  /// The schedule and the command.
  public static let cronPattern = #"^\s*((?:\S+\s+){6}\S+)\s+(.+)$"#

  private static func noSchedule(_ text: String) -> Outcome {
    .failure(
      "\(text) are no fields of a cron: second (0-59), minute, hour, weekday (1-7, Sunday is 1), day (1-31), month and year; "
        + "each is *, a number, /n, a-b, a-b/n, or several with commas")
  }

  private static func explainCron(_ call: Invocation) -> Outcome {
    if call.quirks.contains(.stubs) { return .text(Quirks.stubAnswer) }
    var text = call.group(1) ?? ""
    if Int64(text) != nil {
      guard let row = call.engine.crons(at: call.place).first(where: { String($0.id) == text }) else {
        return .failure("there is no cron \(text)")
      }
      text = row["schedule"]
    }
    guard text.split(separator: " ").count == CronSchedule.fields.count,
      let schedule = CronSchedule(text, isStrict: true)
    else { return noSchedule(text) }
    let offset = call.engine.configuration.utcOffset
    let next = schedule.next(3, after: call.engine.now(), utcOffset: offset)
    let lines = next.map { CivilTime(milliseconds: $0, utcOffset: offset).spaced }
    let data: Value = ["words": .string(schedule.words), "next": .list(next.map(Value.int))]
    return .record(
      .init(
        .strings([schedule.words] + (lines.isEmpty ? ["it does not run any more"] : lines.map { "next at \($0)" })),
        data: data))
  }

  /// Those that were made at the same instance; those of private conversations in the same one only.
  private func crons(at place: ChatPlace) -> [Rows.Row] {
    rows["cron"].filter { cron in
      cron["chat_source_adapter"] == place.instance
        && (!Self.isPrivate(cron) || place.isPrivate && cron["chat_source_room"] == place.room)
    }
  }

  private static func cronText(_ row: Rows.Row) -> String {
    "[cmd=\(row["cmd"])] [schedule=\(row["schedule"])] [id=\(row.id)] [channel=\(row["chat_source_room"])]"
  }

  /// How many seconds that nobody has asked about are made good.
  private static let longestGap: Int64 = 60

  /// A cron that has run.
  public struct DueCron: Sendable {
    public var place: ChatPlace
    /// Who made it: in private, the one to whom it speaks.
    public var maker: ChatPerson
    /// What to say, in order.
    public var posts: [Post]
  }

  /// Runs what is due at this second, and what was due since the last one that was asked about, each cron once; answers those that have
  /// something to say.
  ///
  /// - Parameter milliseconds: a moment in the second, since 1970; should be asked about each second. One that was asked about has nothing
  ///   due any more.
  public func runCrons(at milliseconds: Int64) -> [DueCron] {
    let now = milliseconds / 1000
    // A clock that was put back by more than that begins anew.
    let last = lastCronSecond.map { $0 - now > Self.longestGap ? now - 1 : $0 } ?? now - 1
    guard now > last else { return [] }
    lastCronSecond = now
    guard areCronsRunning, !rows["cron"].isEmpty else { return [] }
    let seconds = (max(last + 1, now - Self.longestGap)...now).map {
      (number: $0, time: CivilTime(milliseconds: $0 * 1000, utcOffset: configuration.utcOffset))
    }
    var all: [DueCron] = []
    for row in rows["cron"] {
      // Nothing was due before it was made.
      let made = (row.columns["created_at"]?.integer ?? 0) / 1000
      guard let schedule = CronSchedule(row["schedule"]),
        seconds.contains(where: { $0.number > made && schedule.matches($0.time) })
      else { continue }
      let place = ChatPlace(
        adapter: row["platform"], instance: row["chat_source_adapter"], room: row["chat_source_room"],
        isPrivate: Self.isPrivate(row))
      // It may do what its maker may, without the roles: those may have been lost since.
      let maker = ChatPerson(id: row["user_id"], name: row["user_name"])
      let isAnonymous = configuration.quirks.contains(.looseCrons) || row["user_id"].isEmpty
      let said = posting {
        runQuietly(row["cmd"], isAnonymous ? nil : maker, place, makeAllowance(for: row["cmd"]))
      }
      if !said.isEmpty { all.append(DueCron(place: place, maker: maker, posts: said)) }
    }
    return all
  }

  /// Whether a cron was made in a conversation with the bot alone, and is nobody else's business.
  static func isPrivate(_ cron: Rows.Row) -> Bool { cron.columns["is_private"] == true }

  /// Whether there is something that could be due.
  public var hasCrons: Bool { areCronsRunning && !rows["cron"].isEmpty }
}
