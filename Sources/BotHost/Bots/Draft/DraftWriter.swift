/// Writes a planned bot as YAML, with a comment for each sentence.
///
/// The same plan gives the same bytes.
struct DraftWriter {
  private let plan: DraftPlan
  private var text = ""

  /// How long a line of a comment may become.
  private static let width = 120

  static func yaml(_ plan: DraftPlan) -> String {
    var writer = DraftWriter(plan: plan)
    writer.bot()
    writer.configuration()
    return writer.text
  }

  private init(plan: DraftPlan) { self.plan = plan }

  private mutating func line(_ depth: Int, _ content: String) {
    text += String(repeating: " ", count: depth) + content + "\n"
  }

  private mutating func comment(_ depth: Int, _ content: String) {
    var line = ""
    for word in content.split(separator: " ") {
      if !line.isEmpty, depth + 3 + line.count + word.count > Self.width {
        self.line(depth, "# " + line)
        line = ""
      }
      line += (line.isEmpty ? "" : " ") + word
    }
    if !line.isEmpty { self.line(depth, "# " + line) }
  }

  // MARK: The bot

  private mutating func bot() {
    line(0, "# Drafted from English by `bothost draft`: what a sentence asks for stands below it.")
    line(0, "#")
    line(0, "#   bothost --plugins DIR FILE.yaml")
    line(0, "#")
    line(0, "# Its settings come from the environment; the second document says from which variables.")
    line(0, "bothost: 1")
    line(0, "kind: bot")
    for sentence in plan.comments { comment(0, sentence) }
    line(0, "name: \(Self.scalar(plan.name))" + (plan.nameOrigin.map { "  # \($0)" } ?? ""))
    line(0, "use:")
    line(2, "config: {type: \(Self.scalar(configurationName))}")
    if plan.hasChat { chat() }
    for topic in plan.saved {
      line(2, "\(topic.use): {type: KafkaTopic, brokers: \"${config.brokers}\", topic: \(Self.scalar(topic.name))}")
    }
    for topic in plan.read {
      if let sentence = topic.comment { comment(2, sentence) }
      line(2, "\(topic.use):")
      line(4, "type: KafkaTopic")
      line(4, "brokers: \"${config.brokers}\"")
      line(4, "topic: \(Self.scalar(topic.name))")
      line(4, "group: \(Self.scalar(plan.name))")
      line(4, "start: latest  # only what comes after the first start")
    }
    if plan.prints { line(2, "stdout: {type: StdOut}") }
    line(0, "when:")
    if plan.hasChat { join() }
    for handler in plan.handlers {
      comment(2, handler.comment)
      line(2, "- event: \(handler.event)")
      line(4, "name: \(handler.name)")
      line(4, "do:")
      for step in handler.steps { self.step(6, step) }
    }
  }

  private mutating func chat() {
    line(2, "chat:")
    line(4, "type: TwitchConnection")
    for name in ["host", "port", "tls", "ca_file"] { line(4, "\(name): \"${config.\(name)}\"") }
    if let sentence = plan.loginComment {
      comment(4, sentence)
      line(4, "nick: \"${config.nick}\"")
      line(4, "token: \"${config.pass}\"")
    } else {
      line(4, "# No sentence logs in: TWITCH_USERNAME and TWITCH_TOKEN where they are set, else only reading.")
    }
  }

  private mutating func join() {
    if plan.channels.isEmpty { line(2, "# No sentence says which channels to join: those of the configuration.") }
    for (sentence, _) in plan.channels { comment(2, sentence) }
    line(2, "- event: chat.connected")
    line(4, "name: JoinInitial")
    line(4, "do:")
    line(6, "- expect: ${chat.connected}")
    line(6, "- for: channel")
    let names = plan.channels.flatMap(\.names)
    line(8, "in: " + (names.isEmpty ? "${config.channels}" : "[\(names.map(Self.scalar).joined(separator: ", "))]"))
    line(8, "do:")
    line(10, "- chat.join: {channel: \"${channel}\"}")
  }

  private mutating func step(_ depth: Int, _ step: DraftPlan.Step) {
    switch step {
    case .expect(let value, let check):
      let test =
        switch check {
        case .equals(let text): "equals: \(Self.literal(text))"
        case .oneOf(let texts): "in: [\(texts.map(Self.literal).joined(separator: ", "))]"
        case .matches(let pattern): "matches: \(Self.quoted(pattern))"
        }
      line(depth, "- expect: {value: \(Self.value(value)), \(test)}")
    case .record(let fields):
      let members = fields.map { "\($0.name): \(Self.value($0.value))" }
      line(depth, "- json: {\(members.joined(separator: ", "))}")
      line(depth + 2, "as: line")
    case .publish(let use, let key, let value):
      line(depth, "- \(use).publish: {key: \(Self.value(key)), value: \(Self.value(value))}")
    case .say(let channel, let text, let replyTo):
      let reply = replyTo.map { ", reply_to: \(Self.value($0))" } ?? ""
      line(depth, "- chat.say: {channel: \(Self.value(channel)), text: \(Self.value(text))\(reply)}")
    case .ifChannel(let steps, let otherwise):
      line(depth, "- if: {value: \"${event.channel}\", present: true}")
      line(depth + 2, "do:")
      for step in steps { self.step(depth + 4, step) }
      line(depth + 2, "else:")
      for step in otherwise { self.step(depth + 4, step) }
    case .print(let values):
      line(depth, "- stdout.write: \(Self.quoted(values.map(Self.template).joined()))")
    }
  }

  // MARK: Its configuration

  private var configurationName: String { "\(plan.name)-settings" }

  private mutating func configuration() {
    line(0, "---")
    line(0, "bothost: 1")
    line(0, "kind: config")
    line(0, "name: \(Self.scalar(configurationName))")
    line(0, "get:")
    if plan.hasChat {
      line(2, "host: {type: string, default: irc.chat.twitch.tv, from: TWITCH_HOST}")
      line(2, "port: {type: int, default: 6697, from: TWITCH_PORT}")
      line(2, "tls: {type: bool, default: true, from: TWITCH_TLS}")
      line(2, "ca_file: {type: string, default: \"\", from: TWITCH_CA_FILE}")
      if plan.loginComment != nil {
        line(2, "nick: {type: string, from: TWITCH_USERNAME}")
        line(2, "pass: {type: secret, from: TWITCH_TOKEN}")
      }
      if plan.channels.isEmpty {
        line(2, "channels: {type: list, of: string, default: [], from: TWITCH_CHANNELS}")
      }
    }
    if plan.usesTopics {
      line(2, "# Without brokers the host keeps the topics itself.")
      line(2, "brokers: {type: string, default: embedded, from: KAFKA_BROKERS}")
    }
  }

  // MARK: Scalars

  private static func value(_ value: DraftPlan.Value) -> String {
    switch value {
    case .path(let path): "\"${\(path)}\""
    case .text(let text): literal(text)
    }
  }

  private static func template(_ value: DraftPlan.Value) -> String {
    switch value {
    case .path(let path): "${\(path)}"
    case .text(let text): withoutReferences(text)
    }
  }

  /// A text in which `${` means itself.
  private static func literal(_ text: String) -> String { quoted(withoutReferences(text)) }

  private static func withoutReferences(_ text: String) -> String { text.replacing("${", with: "$${") }

  /// A name, in quotation marks where it would be read as something else.
  private static func scalar(_ name: String) -> String {
    let isPlain =
      name.utf8.first.map { $0 | 0x20 >= 0x61 && $0 | 0x20 <= 0x7A } ?? false
      && name.utf8.allSatisfy {
        $0 | 0x20 >= 0x61 && $0 | 0x20 <= 0x7A || (0x30...0x39).contains($0) || [0x2D, 0x2E, 0x5F].contains($0)
      }
    let words = ["null", "true", "false", "yes", "no", "on", "off", "y", "n"]
    return isPlain && !words.contains(name.lowercased()) ? name : quoted(name)
  }

  /// A double-quoted scalar on one line (YAML 1.2.2, section 7.3.1).
  static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\t": result += "\\t"
      case _ where isUnprintable(scalar):
        let digits = String(scalar.value, radix: 16, uppercase: true)
        let width = scalar.value > 0xFFFF ? 8 : 4
        result += (width == 8 ? "\\U" : "\\u") + String(repeating: "0", count: width - digits.count) + digits
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }

  /// What a YAML reader takes for a line break, or refuses (YAML 1.2.2, section 5.1).
  private static func isUnprintable(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .unassigned, .privateUse: true
    default: scalar.value & 0xFFFE == 0xFFFE
    }
  }
}
