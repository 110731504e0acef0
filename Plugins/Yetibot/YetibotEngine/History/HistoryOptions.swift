/// What `history` was asked for: its options, and the command behind it that the store can do better.
extension HistoryQuery {
  /// The options that the original has.
  static let originalOptions: [OptionReader.Option] = [
    .init(short: "h", long: "include-history-commands", hasValue: false),
    .init(short: "y", long: "exclude-yetibot", hasValue: false),
    .init(short: "e", long: "exclude-commands", hasValue: false),
    .init(short: "n", long: "exclude-non-commands", hasValue: false),
    .init(short: "a", long: "include-all-channels", hasValue: false),
    .init(short: "c", long: "channels", hasValue: true), .init(short: "u", long: "user", hasValue: true),
    .init(short: "s", long: "since", hasValue: true), .init(short: "v", long: "until", hasValue: true),
  ]
  static let options =
    originalOptions + [
      .init(short: "o", long: "output", hasValue: false), .init(short: "m", long: "command", hasValue: true),
    ]

  /// The options by their long names, and whether something was wrong.
  public static func parseOptions(_ text: String) -> (options: ValueMap, hasErrors: Bool) {
    let reader = OptionReader(text, originalOptions)
    var options = ValueMap()
    for (name, value) in reader.values { options[name] = value.map(Value.string) ?? true }
    return (options, reader.problem != nil)
  }

  /// The lines that the options select for somebody in a room.
  ///
  /// - Parameters:
  ///   - prefix: what commands begin with.
  ///   - now: for dates such as "3 days ago", in milliseconds since 1970.
  ///   - isOriginal: whether only the options of the original are known.
  /// - Throws: ``Complaint``, for an option that is none and for what is no date.
  public init(
    options text: String, in place: ChatPlace, prefix: Character, now: Int64 = 0, isOriginal: Bool = false
  ) throws {
    let options = isOriginal ? Self.originalOptions : Self.options
    let reader = OptionReader(text, options)
    if let problem = reader.problem {
      let known = options.map { "-\($0.short) --\($0.long)" }.joined(separator: "\n")
      throw Complaint("\(problem); there are\n\(known)")
    }
    func list(_ name: String) -> [String]? {
      reader.value(name)?.split(separator: ",").map { String($0).trimmed }
    }
    func date(_ name: String) throws -> Int64? {
      guard let text = reader.value(name) else { return nil }
      // An option is one word: 3-days-ago.
      let spaced = String(text.map { $0 == "-" ? " " : $0 })
      guard let time = NaturalDate.parse(text, now: now) ?? NaturalDate.parse(spaced, now: now) else {
        throw Complaint("\(text) is no date: YYYY-MM-DD, YYYY-MM-DDThh:mm, yesterday or 3-days-ago is expected")
      }
      return time
    }
    var conditions: [Condition] = [.visible(in: place.room), .instance(place.instance)]
    if let rooms = list("channels") {
      conditions.append(.rooms(rooms))
    } else if !reader.has("include-all-channels") {
      conditions.append(.room(place.room))
    }
    if !reader.has("exclude-commands"), !reader.has("include-history-commands") {
      conditions.append(.noCommandBeginning("\(prefix)history"))
    }
    if reader.has("exclude-yetibot") { conditions.append(.notByBot) }
    if reader.has("exclude-commands") { conditions.append(.noCommand) }
    if reader.has("exclude-non-commands") { conditions.append(.command) }
    if reader.has("output") { conditions.append(.byBot) }
    if let command = reader.value("command") { conditions.append(.ofCommand(command, prefix: prefix)) }
    if let names = list("user") { conditions.append(.userNames(names)) }
    if let time = try date("since") { conditions.append(.since(time)) }
    if let time = try date("until") { conditions.append(.until(time)) }
    self.init(conditions)
  }

  /// Takes over what the next command of the pipe would do: `head [n]`, `tail [n]`, `count`, `grep <pattern>` or `random`.
  ///
  /// - Returns: whether it did, so that the command is to be skipped.
  public mutating func takeOver(_ next: String) throws -> Bool {
    let (word, args) = Yetibot.splitCommand(next.trimmed)
    let number = args.trimmed.isEmpty ? 1 : Int(args.trimmed)
    switch (word, number) {
    case ("count", _): selection = .count
    case ("head", let number?) where number > 0: limit = number
    case ("tail", let number?) where number > 0:
      limit = number
      order = .newestLast
    case ("random", _):
      limit = 1
      order = .random
    case ("grep", _) where !args.isEmpty && !args.hasPrefix("-"): conditions.append(.matches(try Pattern(args)))
    default: return false
    }
    return true
  }
}
