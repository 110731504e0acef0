/// Commands of the extension pack that need no network, and the small ones that people miss.
extension Yetibot {
  func registerPack() {
    let both: Set = ["util", "collection"]
    define(
      ["sed"],
      [
        Self.on(
          configuration.quirks.contains(.sedReadsValue) ? #"(?s)^\s*s/(.+)$"# : #"(?s)^\s*(["']?s[^\w\s\\].+)$"#,
          "sed s/<pattern>/<replacement>[/] # replaces what the pattern finds in the piped text", both, Self.sed)
      ])
    define(
      ["or"],
      [
        Self.on(nil, "or <text> # the piped value if there is one, else the text", both) { call in
          if let opts = call.opts { return opts.isEmptyCollection ? .text(call.args) : .plain(opts) }
          return call.raw.text.isEmpty ? .text(call.args) : .plain(call.raw)
        }
      ])
    define(
      ["json"],
      [
        Self.on(#"(?s)^\s*parse\s+(.+)$"#, "json parse <text> # the value that JSON stands for", both) { call in
          do {
            return .plain(try JSONText.parse(call.group(1) ?? ""))
          } catch { return .failure("\(error)") }
        },
        Self.on(
          "^\\s*path\\s+(\(JSONPath.pattern)|\\S+)",
          "json path <path> # the part of the piped value that the path selects", both
        ) {
          call in
          let value = call.opts ?? call.raw
          let structure = value.isCollection ? value : (try? JSONText.parse(value.text)) ?? .null
          guard structure.isCollection else { return .failure("\(value.text) is neither a list nor a map") }
          let selection = try JSONPath(call.group(1) ?? "$").select(in: structure)
          return selection.isCollection ? .plain(selection) : .text(selection.text)
        },
      ])
    define(
      ["csv"],
      [
        Self.on(#"(?s)^\s*parse(?:\s(.*))?$"#, "csv parse <text> # rows as maps, by the names in the first row", both) {
          call in
          let text =
            call.opts.flatMap { Formatting.items(of: $0) }?.map(\.text).joined(separator: "\n") ?? call.group(1) ?? ""
          guard let (lines, maps) = CSV.records(text) else { return .plain([]) }
          return .record(.init(.strings(lines), data: .list(maps)))
        }
      ])
    define(
      ["base64"],
      [
        Self.on(#"(?s)^\s*encode\s(.*)$"#, "base64 encode <text> # the text in base 64", ["util"]) {
          .text(Base64.encode(Array(($0.group(1) ?? "").utf8)))
        },
        Self.on(#"(?s)^\s*decode\s+(.*)$"#, "base64 decode <text> # the text that base 64 stands for", ["util"]) {
          call in
          guard let bytes = Base64.decode(call.group(1)?.trimmed ?? "") else { return .failure("that is not base 64") }
          return .text(String(decoding: bytes, as: UTF8.self))
        },
      ])
    define(
      ["buffer"],
      [
        Self.on(#"^\s*peek\s*$"#, "buffer peek # what the buffer holds", ["util"]) { Self.bufferText($0) },
        Self.on(#"^\s*flush\s*$"#, "buffer flush # what the buffer holds, and empties it", ["util"]) { call in
          let outcome = Self.bufferText(call)
          call.engine.rows.remove("buffer") { $0.isIn(call.place) }
          return outcome
        },
        Self.on(nil, "buffer <text or collection> # adds to the buffer", ["util"]) { call in
          var texts = call.items.map { $0.map(\.text) } ?? []
          if call.opts == nil || !call.args.isEmpty || call.quirks.contains(.bufferKeepsText) {
            texts.append(call.args)
          }
          for text in texts { call.engine.insert("buffer", .row(in: call.place, [("text", text)])) }
          return Self.bufferText(call)
        },
      ])
    define(
      ["asciichart"],
      [
        Self.on(
          nil, "asciichart <collection> # a bar for each number, or for each label: number", ["chart", "collection"]
        ) {
          try Self.chart($0)
        }
      ])
    define(
      ["time"],
      [
        Self.on(#"^\s*([+-]\d{1,2})\s*$"#, "time [<±hours>] # the time, so many hours from UTC", ["info"]) { call in
          .text(Self.clock(call.engine.now(), utcOffset: (Int64(call.group(1) ?? "0") ?? 0) * 3600))
        },
        Self.on(#"^\s*zones\s*$"#, "time zones # the names of time zones that are known", ["info"]) { _ in
          .lines(TimeZones.all.map { "\($0.name): UTC\($0.minutes < 0 ? "-" : "+")\(TimeZones.text($0.minutes))" })
        },
        Self.on(#"^\s*([A-Za-z]{2,5})\s*$"#, "time <zone> # the time in a zone: CET, PDT, …", ["info"]) { call in
          let name = (call.group(1) ?? "").uppercased()
          guard let zone = TimeZones.all.first(where: { $0.name == name }) else {
            return .failure("there is no zone \(name); see time zones")
          }
          let time = CivilTime(milliseconds: call.engine.now(), utcOffset: Int64(zone.minutes) * 60)
          return .text("\(time.spaced) \(name)")
        },
        Self.on(#"^\s*$"#, "time # the time", ["info"]) { call in
          .text(Self.clock(call.engine.now(), utcOffset: call.engine.configuration.utcOffset))
        },
      ])
    define(
      ["date", "duckling"],
      [
        Self.on(
          #"(?s)^\s*(\S.*)$"#, "date <3 days ago, next friday at 5pm, 2020-02-29 14:30> # a date and time, in UTC",
          ["info"],
          Self.date)
      ])
  }

  private static func sed(_ call: Invocation) throws -> Outcome {
    var program = call.group(1) ?? ""
    let subject = call.raw.text
    // What the pipe appended belongs to the text, not to the program.
    let appended = call.opts == nil && !subject.isEmpty ? " " + subject : ""
    let source: String
    var replacement: String
    var isCaseIgnored = false
    if call.quirks.contains(.sedReadsValue) {
      guard let slash = program.lastIndex(of: "/") else { return .failure("s/pattern/replacement is expected") }
      source = String(program[..<slash])
      replacement = String(program[program.index(after: slash)...])
      if !appended.isEmpty, replacement.hasSuffix(appended) { replacement.removeLast(appended.count) }
    } else {
      if !appended.isEmpty, program.hasSuffix(appended) { program.removeLast(appended.count) }
      // In quotes, its spaces and bars are its own.
      if program.hasPrefix("\"") || program.hasPrefix("'") { program = call.engine.unquoted(program) }
      var parts = parts(ofSed: program)
      guard parts.count == 2 || parts.count == 3 else { return .failure("s/pattern/replacement/ is expected") }
      let flags = parts.count == 3 ? parts.removeLast().trimmed : ""
      guard flags.allSatisfy({ "giI".contains($0) }) else {
        return .failure("sed knows the flags g and i, not \(flags)")
      }
      isCaseIgnored = flags.lowercased().contains("i")
      source = parts[0]
      replacement = parts[1]
    }
    let pattern = try Pattern(source, ignoringCase: isCaseIgnored)
    func replaced(_ text: String) throws -> String {
      try PatternSearch.replace(
        pattern, in: text, by: replacement, call.quirks.contains(.sedReadsValue) ? .java : .sed, call.context.allowance)
    }
    if let items = call.items { return .plain(.strings(try items.map { try replaced($0.text) })) }
    return .text(try replaced(subject))
  }

  /// The parts of a program of sed, `s/a/b/g`, between the character behind the `s`. One with a backslash before it is part of the text,
  /// and keeps the backslash: so it stands for itself in a pattern and in what is put in.
  private static func parts(ofSed program: String) -> [String] {
    var parts = [""]
    var isEscaped = false
    var rest = program.dropFirst()
    guard let delimiter = rest.popFirst() else { return [] }
    for character in rest {
      if character == delimiter, !isEscaped {
        parts.append("")
      } else {
        parts[parts.count - 1].append(character)
      }
      isEscaped = character == "\\" && !isEscaped
    }
    return parts
  }

  private static func bufferText(_ call: Invocation) -> Outcome {
    .lines(call.engine.rows["buffer"].filter { $0.isIn(call.place) }.map { $0["text"] })
  }

  private static func chart(_ call: Invocation) throws -> Outcome {
    let rows = try call.needItems().map { item -> (label: String, number: Double) in
      let text = item.text
      let colon = text.lastIndex(of: ":")
      let label = colon.map { String(text[..<$0]).trimmed } ?? text.trimmed
      let number = colon.map { String(text[text.index(after: $0)...]).trimmed } ?? text.trimmed
      guard let value = NumberText.parse(number)?.number else { throw Raised("\(text) has no number") }
      return (label, value)
    }
    let width = min(rows.map(\.label.count).max() ?? 0, 60)
    let scale = max((rows.map(\.number).max() ?? 0) / 60, 1)
    return .lines(
      rows.map { row in
        let stars = Int(min(max(row.number / scale, 0), 60).rounded())
        let shown = Int64(exactly: row.number).map { String($0) } ?? NumberText.format(row.number)
        let space = String(repeating: " ", count: max(width - row.label.count, 0))
        return "\(space)\(row.label): \(String(repeating: "*", count: stars)) \(shown)"
      })
  }

  private static func clock(_ milliseconds: Int64, utcOffset: Int64) -> String {
    let minutes = Int(utcOffset / 60)
    let hours = minutes.isMultiple(of: 60) ? String(abs(minutes) / 60) : TimeZones.text(minutes)
    let zone = minutes == 0 ? "UTC" : "UTC\(minutes < 0 ? "-" : "+")\(hours)"
    return "\(CivilTime(milliseconds: milliseconds, utcOffset: utcOffset).spaced) \(zone)"
  }

  private static func date(_ call: Invocation) -> Outcome {
    let text = call.group(1) ?? ""
    let engine = call.engine
    guard let moment = NaturalDate.parse(text, now: engine.now(), utcOffset: engine.configuration.utcOffset) else {
      return .failure("\(text) is no date that I know: 3 days ago, next friday at 5pm, 2020-02-29 14:30")
    }
    return .record(.init(.string(CivilTime(milliseconds: moment).text), data: .int(moment)))
  }
}
