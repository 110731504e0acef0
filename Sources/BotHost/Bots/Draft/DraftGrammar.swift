/// A place in a pattern for a word that the writer chooses.
enum DraftSlot: String, Sendable, CaseIterable {
  case name = "NAME"
  case topic = "TOPIC"
  case channel = "CHANNEL"
  /// A channel with its `#`, which nothing else begins with.
  case room = "ROOM"
  case text = "TEXT"

  /// What fits, as messages and the manual say it.
  var summary: String {
    switch self {
    case .name: "a name"
    case .topic: "a topic's name"
    case .channel: "a channel's name"
    case .room: "a channel's name with its #"
    case .text: "a text in quotation marks"
    }
  }

  func takes(_ token: DraftToken) -> Bool {
    switch (self, token.kind) {
    case (_, .mark): false
    case (.text, .text(_)): true
    case (.text, .word): false
    case (.room, .word(let word)): word.hasPrefix("#")
    case (.room, .text): false
    case (.topic, .word(let word)): !word.hasPrefix("#")
    case (.name, _), (.topic, _), (.channel, _): true
    }
  }
}

/// Patterns of one kind: any of them may stand where the name stands.
enum DraftGroup: String, Sendable, CaseIterable {
  case sentence = "SENTENCE"
  case trait = "TRAIT"
  case action = "ACTION"
  case event = "EVENT"
  case test = "TEST"
  case source = "SOURCE"
  case place = "PLACE"
  case bot = "BOT"
  case when = "WHEN"
  case subject = "SUBJECT"
  case arrives = "ARRIVES"
  case it = "IT"
  case json = "JSON"
  case twitch = "TWITCH"
  case user = "USER"
  case secret = "SECRET"
  case channels = "CHANNELS"
  case topics = "TOPICS"
  case texts = "TEXTS"
  case and = "AND"
  case lead = "LEAD"
}

extension DraftGroup {
  /// What fits where nothing of the group does, as errors say it; empty: nothing worth saying.
  var summary: String {
    switch self {
    case .sentence: "another sentence"
    case .trait: "what the bot does ('joins …')"
    case .action: "an action ('save it …')"
    case .event, .subject: "'a message'"
    case .test: "a test ('that contains …')"
    case .source: "a source ('from …')"
    case .place: "a place ('in the channel …')"
    case .bot: "'bot'"
    case .when: "'when'"
    case .arrives: "'arrives'"
    case .it: "'it'"
    case .json: "'in JSON'"
    case .twitch: "'Twitch'"
    case .user: "'username'"
    case .secret: "'password'"
    case .channels: DraftSlot.channel.summary
    case .topics: DraftSlot.topic.summary
    case .texts: DraftSlot.text.summary
    case .and: "'and'"
    case .lead: ""
    }
  }
}

/// What a pattern means. The order is that of the table.
enum DraftRule: String, Sendable, CaseIterable {
  // Sentences.
  case create, connect, subscribe, login, join, when, withoutEvent
  // Actions.
  case save, send, reply, say, log
  // What happens.
  case event, anyMessage, chatMessage, record, fromChat, fromKafka, fromTopic, fromChannel
  case contains, startsWith, endsWith, equals, matches
  // Where.
  case inChannels, inOwnChannel
  // Words.
  case twitchBot, plainBot, whenWords, arrives, it, json, twitch, user, secret, channels, topics, texts, and, lead
}

/// The closed grammar of English in which bots are drafted: one table, from which sentences are matched, errors name the nearest patterns, and
/// the manual is checked.
struct DraftGrammar: Sendable {
  struct Row: Sendable {
    var rule: DraftRule
    var groups: Set<DraftGroup>
    /// As people read it.
    var notation: String
    var pattern: DraftPattern
    /// A whole sentence; nil: the pattern is not shown as near to a sentence, because it is a part of others.
    var example: String?
    var vocabulary: Set<String>
  }

  /// What is wrong with the table itself: nothing, or a test fails.
  private(set) var problems: [String] = []
  private(set) var table: [Row] = []
  private var byGroup: [DraftGroup: [Row]] = [:]
  /// A sentence as a whole.
  private(set) var text = DraftPattern.group(.sentence)

  static let standard = DraftGrammar()

  func rows(_ group: DraftGroup) -> [Row] { byGroup[group] ?? [] }

  func isStatement(_ rule: DraftRule) -> Bool { rows(.sentence).contains { $0.rule == rule } }

  private mutating func pattern(_ notation: String) -> DraftPattern {
    do { return try DraftPattern(notation) } catch {
      problems.append("\(notation): \(error)")
      return .choice([])
    }
  }

  private mutating func add(
    _ rule: DraftRule, _ groups: DraftGroup..., pattern notation: String, example: String? = nil
  ) {
    let pattern = pattern(notation)
    let row = Row(
      rule: rule, groups: Set(groups), notation: notation, pattern: pattern, example: example,
      vocabulary: pattern.vocabulary)
    table.append(row)
    for group in groups { byGroup[group, default: []].append(row) }
  }

  private init() {
    text = pattern("(LEAD)* SENTENCE ((and | , (and)?) (LEAD)* SENTENCE)*")

    add(
      .create, .sentence,
      pattern:
        "create|make|build (me)? a|an (new)? BOT (named|called NAME)? (that|which TRAIT (and (that|which)? TRAIT)*)?",
      example: "Create a Twitch bot named taco that connects to Twitch IRC.")
    add(
      .connect, .sentence, .trait, pattern: "connect|connects|listen|listens to TWITCH | read|reads TWITCH",
      example: "Connect to Twitch IRC.")
    add(
      .subscribe, .sentence, .trait,
      pattern:
        "connect|connects|subscribe|subscribes|listen|listens to (a|the)? (kafka)? topic|topics TOPICS (on|in kafka)?",
      example: "Also, connect to a Kafka topic bot_messages.")
    add(
      .login, .sentence, .trait,
      pattern:
        "(login | log|logs|sign|signs in) (to TWITCH)? with my (USER and (my)? SECRET | SECRET and (my)? USER)",
      example: "Make sure to log in with my username and password.")
    add(
      .join, .sentence, .trait, pattern: "join|joins (the)? channel|channels CHANNELS",
      example: "Join the channels kitchen, garden and cellar.")
    add(
      .when, .sentence, pattern: "WHEN EVENT (and|or (WHEN)? EVENT)* (, | :)? (then)? ACTION (AND ACTION)*",
      example: "When a message starts with \"!menu\", reply \"Tacos, all day.\" and log it.")
    add(.withoutEvent, .sentence, pattern: "ACTION (AND ACTION)*")

    add(
      .save, .action,
      pattern:
        "save|store|write|publish|send IT (JSON)? (to|in|into|on kafka)? to|on|in|into|under (a|the)? (kafka)? topic TOPIC (JSON)?",
      example: "On receiving a message save it to Kafka on the topic taco_bell in a JSON format.")
    add(
      .send, .action, pattern: "send|relay|forward|say IT (to|on|in TWITCH (PLACE)? | PLACE)",
      example: "On receiving a message from bot_messages send that data to Twitch in the channel kitchen.")
    add(
      .reply, .action, pattern: "reply|answer (with)? TEXT",
      example: "When a message contains \"taco\" or \"burrito\", reply \"Hungry?\".")
    add(
      .say, .action, pattern: "say TEXT (to|on|in TWITCH)? (PLACE)?",
      example: "When a message from orders matches \"^[0-9]+$\", say \"Ding!\" in the channel kitchen.")
    add(.log, .action, pattern: "log|print|show IT", example: "Whenever a message from bot_messages arrives, log it.")

    add(.event, .event, pattern: "SUBJECT (ARRIVES)? (SOURCE)? (ARRIVES)? (TEST (and TEST)* (ARRIVES)?)?")
    add(.anyMessage, .subject, pattern: "a|any|each|every (new)? message")
    add(.chatMessage, .subject, pattern: "a|any|each|every (new)? (chat|twitch | twitch chat) message")
    add(.record, .subject, pattern: "a|any|each|every (new)? (record | kafka record|message)")
    add(.fromChat, .source, pattern: "from|in|on TWITCH")
    add(.fromKafka, .source, pattern: "from|on|in kafka")
    add(.fromTopic, .source, pattern: "from|on|in ((a|the)? (kafka)? topic|topics)? TOPICS")
    add(.fromChannel, .source, pattern: "from|in|on ((the)? channel CHANNEL | ROOM)")
    add(.contains, .test, pattern: "(that|which)? contains|containing TEXTS")
    add(.startsWith, .test, pattern: "(that|which)? starts|begins|starting|beginning with TEXTS")
    add(.endsWith, .test, pattern: "(that|which)? ends|ending with TEXTS")
    add(.equals, .test, pattern: "(that|which)? is|equals|says TEXTS")
    add(.matches, .test, pattern: "(that|which)? matches|matching TEXTS")

    add(.inChannels, .place, pattern: "in|to|into|on ((the)? channel|channels CHANNELS | ROOM)")
    add(.inOwnChannel, .place, pattern: "in|to|into|on (its (own)? | the same) channel")

    add(.twitchBot, .bot, pattern: "twitch (chat)? bot")
    add(.plainBot, .bot, pattern: "bot")
    add(.whenWords, .when, pattern: "on|upon|when|whenever (receiving)? | for")
    add(.whenWords, .when, pattern: "when|whenever (i|we|you receive|get | (it | the bot) receives|gets)")
    add(.arrives, .arrives, pattern: "arrives|comes|appears | comes in | is received|posted|sent")
    add(.it, .it, pattern: "it | that|this | that|this|the data|message|record")
    add(.json, .json, pattern: "in|as (a)? json (format|record|object)?")
    add(.twitch, .twitch, pattern: "(the)? (twitch (irc|chat)? | chat)")
    add(.user, .user, pattern: "username|login|nick|nickname|name|account | user name")
    add(.secret, .secret, pattern: "password|token|pass | oauth token")
    add(.channels, .channels, pattern: "CHANNEL ((and | , (and)?) CHANNEL)*")
    add(.topics, .topics, pattern: "TOPIC ((and|or | , (and|or)?) TOPIC)*")
    add(.texts, .texts, pattern: "TEXT ((or | , (or)?) TEXT)*")
    add(.and, .and, pattern: "and (then|also)? | , (and)? (then|also)? | then")
    add(.lead, .lead, pattern: "also|please|then|next|finally|first|now (,)?")
    add(.lead, .lead, pattern: "make|be sure (to | that (it | the bot))")
    add(.lead, .lead, pattern: "(it | the bot) should|must")
  }
}
