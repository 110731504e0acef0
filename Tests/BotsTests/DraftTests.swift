import Foundation
import Testing

@testable import BotHost

/// Bots drafted from English.
@Suite struct DraftTests {
  static let founding = """
        Create a Twitch Bot that connects to twitch irc.
        Make sure to login with my username and password.
        On receiving a message save it to Kafka on the topic
        taco_bell in a json format. Also, connect to a kafka
        topic bot_messages. On receiving a message from bot_messages
        send that data to twitch.
    """

  static let manifests = BundledBotTests.manifests().manifests

  static func draft(_ text: String, name: String? = nil) -> BotDraft {
    BotDraft(SourceText(name: "<text>", text), name: name)
  }

  /// The YAML of a text that must be right, compiled.
  private func yaml(_ text: String, sourceLocation: Testing.SourceLocation = #_sourceLocation) throws -> String {
    let draft = Self.draft(text)
    #expect(!draft.diagnostics.hasErrors, "\(draft.diagnostics.map(\.description))", sourceLocation: sourceLocation)
    let yaml = try #require(draft.yaml, sourceLocation: sourceLocation)
    let found = BotDraft.check(yaml, name: "draft.yaml", manifests: Self.manifests)
    #expect(found.isEmpty, "\(found.map(\.description))\n\(yaml)", sourceLocation: sourceLocation)
    return yaml
  }

  /// Without what tells where a sentence stood, and which words it had.
  private func withoutComments(_ yaml: String) -> String {
    yaml.split(separator: "\n").filter { !$0.drop { $0 == " " }.hasPrefix("#") }.joined(separator: "\n")
  }

  private func program(_ yaml: String) throws -> BotProgram {
    let project = BotProject([SourceText(name: "draft.yaml", yaml)])
    return try #require(BotCompiler.compile(project, manifests: Self.manifests).programs.first)
  }

  // MARK: What is understood

  @Test func foundingParagraphIsTheTacoBot() throws {
    let drafted = try program(try yaml(Self.founding))
    #expect(drafted.name == "taco")
    #expect(drafted.requirements.map(\.instance) == ["taco.chat", "taco.chatlog", "taco.inbox"])

    let project = BotProject.load([BundledBotTests.path])
    let taco = try #require(BotCompiler.compile(project, manifests: Self.manifests).programs.first)
    // The handlers that both have are the same, down to the hash.
    func hash(_ program: BotProgram, _ label: String) -> String? {
      program.tree.children.first { $0.label == "when" }?.node.children.first { $0.label == label }?.node.hash
    }
    for label in ["chat.connected#JoinInitial", "chat.message#Store"] {
      #expect(hash(drafted, label) != nil)
      #expect(hash(drafted, label) == hash(taco, label), "\(label)")
    }
  }

  @Test func sameTextGivesSameBytes() throws {
    #expect(try yaml(Self.founding) == yaml(Self.founding))
  }

  @Test(
    "paraphrases give the same bot",
    arguments: [
      """
      Make a twitch bot that connects to Twitch IRC. Log in with my username and password. When a message arrives, store it in \
      Kafka on the topic taco_bell as JSON. Subscribe to topic bot_messages. Whenever a message from bot_messages comes in, relay it to Twitch.
      """,
      """
      Build a Twitch bot. Login with my nick and token; whenever a message, write that to kafka on the topic taco_bell! Also subscribe \
      to a kafka topic bot_messages, and on receiving a message from the topic bot_messages: send that to twitch.
      """,
      """
      - Create a Twitch bot that logs in with my username and password, and on receiving a message save the message to the Kafka \
      topic "taco_bell" in json
      - Connect to the topic 'bot_messages'

      When I receive a record from Kafka, forward it to the Twitch chat
      """,
      """
      Please create a twitch chat bot which connects to twitch chat and subscribes to the kafka topic bot_messages.
      First, make sure that the bot logs in with my password and username. \
      ON RECEIVING A MESSAGE SAVE IT TO KAFKA ON THE TOPIC taco_bell IN A JSON FORMAT. Then, when a message from bot_messages is received, \
      say it in the chat.
      """,
    ])
  func paraphrases(text: String) throws {
    // The order of uses means nothing, so the trees are compared, and names come from the text.
    let expected = try program(try yaml(Self.founding)).tree.hash
    let draft = Self.draft(text, name: "taco")
    #expect(!draft.diagnostics.hasErrors, "\(draft.diagnostics.map(\.description))")
    #expect(try program(try #require(draft.yaml)).tree.hash == expected)
  }

  @Test func paraphrasesInPlaceGiveTheSameYAML() throws {
    let expected = withoutComments(try yaml(Self.founding))
    for (from, to) in [
      ("save it", "store that"), ("save it", "write that data"),
      ("On receiving a message save", "When a message, save"),
      ("On receiving a message from", "Whenever a message from"), ("send that data", "relay it"),
      ("in a json format", "as json"),
      ("in a json format", ""), ("Create", "Build"), ("login", "log in"), ("Make sure to login", "Login"),
      ("Also, connect", "Subscribe"), ("a kafka\n    topic", "topic"), (". Also, connect", ", and connect"),
    ] {
      let text = Self.founding.replacing(from, with: to)
      #expect(text != Self.founding, "\(from)")
      #expect(withoutComments(try yaml(text)) == expected, "\(from) -> \(to)")
    }
  }

  @Test func everyExampleFitsItsPattern() throws {
    let grammar = DraftGrammar.standard
    #expect(grammar.problems.isEmpty)
    for group in DraftGroup.allCases { #expect(!grammar.rows(group).isEmpty, "\(group)") }
    for row in grammar.table where row.example != nil {
      let example = try #require(row.example)
      let (sentences, _) = DraftLexer.sentences(of: SourceText(name: "x", example))
      var matcher = DraftMatcher(try #require(sentences.first).tokens, grammar: grammar)
      func has(_ part: DraftPart) -> Bool {
        part.rule == row.rule
          || part.captures.contains { capture in
            if case .part(let inner) = capture { return has(inner) }
            return false
          }
      }
      #expect(matcher.readings().contains { $0.contains(where: has) }, "\(example)")
    }
  }

  @Test func testsBecomeExpressions() throws {
    let text = """
      Make a Twitch bot named t that logs in with my username and password. Join channel k.
      When a message that starts with "!a.b" or "x" and ends with "?", reply "one".
      When a message contains "a|b", reply "two". When a message is "hi" or "ho", reply "three". When a message equals "(", reply "four".
      When a message in the channel K matches "^[0-9]+\\.$", reply "five".
      """
    let written = try yaml(text)
    for line in [
      #"expect: {value: "${event.message}", matches: "^(!a\\.b|x)"}"#, #"matches: "\\?$"}"#, #"matches: "a\\|b"}"#,
      #"in: ["hi", "ho"]}"#, #"equals: "("}"#, #"expect: {value: "${event.channel}", equals: "k"}"#,
      #"matches: "^[0-9]+\\.$"}"#,
    ] { #expect(written.contains(line), "\(line)\n\(written)") }
  }

  @Test(
    "a text is said as it is",
    arguments: [
      "hello", "${event.username}", "$${x}", "$", "${", "# no comment", "a: b", #"back\slash"#, "tab\there",
      "“typographic”", "日本語 👋",
      "it's", "- x", "{a}", "%s", "x\u{2028}y", "a\u{AD}b", "null", "7",
    ])
  func textsSurvive(text: String) throws {
    let written = try yaml(
      "Make a Twitch bot that logs in with my nick and token. When a message is \"\(text)\", reply \"\(text)\".")
    var diagnostics = Diagnostics()
    let documents = YAMLParser.documents(of: SourceText(name: "x", written), diagnostics: &diagnostics)
    let steps = documents.first?["when"]?.sequence?.last?["do"]?.sequence
    let said = try #require(steps?.last?["chat.say"]?["text"]?.scalar)
    var found = Diagnostics()
    let expression = TemplateParser.parse(said, at: SourceLocation(file: "x"), diagnostics: &found)
    guard case .literal(let scalar, _)? = expression else {
      Issue.record("\(text) became \(String(describing: expression))")
      return
    }
    #expect(scalar.text == text)
  }

  @Test func channelOfARecord() throws {
    let start = "Make a Twitch bot that logs in with my nick and token. Connect to the topic orders. "
    func handler(_ text: String) throws -> String {
      let yaml = try yaml(start + text)
      return String(yaml[(try #require(yaml.range(of: "- event: inbox.record"))).lowerBound...])
    }
    let relay = "When a message from orders, send it to twitch"
    #expect(try handler(relay + ".").contains(#"- chat.say: {channel: "${event.channel}", text: "${event.value}"}"#))
    let one = try handler("Join the channel k. \(relay).")
    #expect(one.contains("present: true"))
    #expect(one.contains(#"else:"#) && one.contains(#"chat.say: {channel: "k""#))
    #expect(try handler("Join the channels k and l. \(relay) in the channel l.").contains(#"chat.say: {channel: "l""#))
    #expect(
      try handler("Join the channels k and l. \(relay) in its channel.").contains(#"channel: "${event.channel}""#))
    let unknown = Self.draft(start + "Join the channels k and l. \(relay).")
    #expect(unknown.yaml == nil)
    #expect(unknown.diagnostics.contains { $0.message.hasPrefix("the channel cannot be known") })
  }

  // MARK: What is not

  @Test(
    "what has no reading, two readings or no sense is an error at its place",
    arguments: [
      (
        "Create a Twitch bot. Send me an email.", "1:22",
        "no pattern fits this sentence: “Send me an email.”; at 1:27, after “Send”"
      ),
      ("Create a Twitch bot.\n  Conect to topic x.", "2:3", "no pattern fits"),
      ("Create a bot. Create a bot.", "1:15", "a second bot"),
      ("Create a Twitch bot. Connect to topic twitch. On receiving a message from twitch log it.", "1:47", "two ways"),
      ("Create a bot. Connect to topics a and b. When a message, log it.", "1:47", "may come from 'a' or 'b'"),
      ("Create a bot. When a record arrives, log it.", "1:20", "no sentence connects"),
      (
        "Create a bot. Connect to topic orders. When a message from oders, log it.", "1:60",
        "no sentence connects to a topic 'oders'"
      ),
      (
        "Create a bot. Connect to topics a and b. When a message from a or b, log it.", "1:62",
        "'it' may come from 'a' or 'b'"
      ),
      (
        "Create a bot. Connect to topics a and b. When a message from a and when a message from b, log it.", "1:47",
        "two events in one sentence"
      ),
      (
        "Create a Twitch bot. Connect to topic a. When a message, send it to twitch.", "1:47",
        "may come from Twitch or 'a'"
      ),
      ("Create a Twitch bot. Connect to topic a and send it to twitch.", "1:45", "does not say when"),
      ("Create a Twitch bot. Log it.", "1:22", "does not say when"),
      ("Create a bot.", "1:1", "what the bot is to do"),
      ("Create a Twitch bot named \"a b\".", "1:27", "cannot name a bot"),
      ("Create a Twitch bot. Join the channel a-b.", "1:39", "cannot name a channel"),
      ("Create a Twitch bot. When a message, save it to the topic a/b.", "1:59", "cannot name a topic"),
      ("Create a Twitch bot. When a message matches \"(\", log it.", "1:45", "is no expression"),
      ("Create a Twitch bot. When a message contains \"\", log it.", "1:46", "is empty"),
      ("Create a Twitch bot. When a message, reply \" \".", "1:44", "is empty"),
      ("Create a Twitch bot. Reply \"x.", "1:28", "is not closed"),
      (
        "Create a Twitch bot. Join channel a. When a message in channel b, log it.", "1:64", "is not in the channel 'b'"
      ),
      (
        "Create a Twitch bot. When a message, save it to topic t. Connect to topic t. When a message from t, send it to twitch.",
        "1:38", "a feedback loop"
      ),
      ("Create a bot. Connect to topic t. When a message from t, save it to topic t.", "1:58", "a feedback loop"),
      (
        "Create a Twitch bot. Connect to topic t. When a chat message from t, log it.", "1:47",
        "does not come from a topic"
      ),
      ("Create a Twitch bot. When a record from twitch, log it.", "1:27", "does not come from Twitch"),
      ("", "1:1", "there is no sentence"), (" . ! ", "1:1", "there is no sentence"),
      ("Create a Twitch\u{7}bot.", "1:16", "U+0007"),
    ])
  func errors(text: String, place: String, message: String) {
    let draft = Self.draft(text)
    #expect(draft.yaml == nil)
    let found = draft.diagnostics.errors.map(\.description)
    #expect(found.contains { $0.hasPrefix("<text>:\(place): error: ") && $0.contains(message) }, "\(found)")
  }

  @Test func allErrorsOfATextAreShown() {
    let draft = Self.draft(
      "Create a Twitch bot named \"a b\". Fly to the moon. Join the channel x-y. When a message matches \"(\", log it. Do. Reply \"x"
    )
    let places = draft.diagnostics.errors.compactMap { $0.location.map { "\($0.line):\($0.column)" } }
    #expect(
      Set(places) == ["1:27", "1:34", "1:68", "1:96", "1:109", "1:119"], "\(draft.diagnostics.map(\.description))")
  }

  @Test func errorsShowTheNearestPatterns() {
    let draft = Self.draft("Create a Twitch bot. Join the chanel kitchen. Put the chat into Kafka.")
    let notes = draft.diagnostics.filter { $0.severity == .note }.map(\.message)
    #expect(notes.first == "near to it: join|joins (the)? channel|channels CHANNELS")
    #expect(notes.contains { $0.contains("save|store|write") }, "\(notes)")
    #expect(draft.diagnostics.errors.first?.hint == "did you mean 'channel'?")
  }

  @Test func whatIsTooLongIsRefused() {
    let words = Self.draft("Join the channels " + Array(repeating: "a", count: 300).joined(separator: " and "))
    #expect(words.diagnostics.errors.first?.message.contains("at most 200") == true)
    let text = Self.draft(String(repeating: "Log it. ", count: 10_000))
    #expect(text.diagnostics.errors.first?.message.contains("at most 65536") == true)
    let bytes = BotDraft(SourceText(name: "x", bytes: [0x43, 0xFF]))
    #expect(bytes.diagnostics.errors.first?.message.contains("UTF-8") == true)
    // As many actions as fit are one sentence's.
    let actions = Self.draft(
      "Create a Twitch bot. When a message, " + Array(repeating: "log it", count: 60).joined(separator: " and "))
    #expect(actions.yaml != nil, "\(actions.diagnostics.map(\.description))")
    // As many channels as fit are one list.
    let most = Self.draft(
      "Create a Twitch bot. Join the channels " + (0..<98).map { "c\($0)" }.joined(separator: " and "))
    #expect(most.yaml != nil, "\(most.diagnostics.map(\.description))")
  }

  // MARK: Properties

  /// SplitMix64: the same numbers every time.
  private struct Dice: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
      state &+= 0x9E37_79B9_7F4A_7C15
      var bits = state
      bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
      bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
      return bits ^ (bits >> 31)
    }
  }

  /// Sentences that the grammar itself makes, by random choices.
  private struct Author {
    var random: Dice

    mutating func word(_ slot: DraftSlot) -> String {
      switch slot {
      case .name: ["taco", "b1", "\"my-bot\""].randomElement(using: &random) ?? ""
      case .topic: ["a", "taco_bell", "\"in\"", "x.y-z"].randomElement(using: &random) ?? ""
      case .channel: ["kitchen", "Garden", "#cellar", "\"log\""].randomElement(using: &random) ?? ""
      case .room: ["#kitchen", "#garden"].randomElement(using: &random) ?? ""
      case .text: ["\"hello\"", "'it is'", "“${x}”", "\"^[a-z]+\"", "\"(\""].randomElement(using: &random) ?? ""
      }
    }

    mutating func write(_ pattern: DraftPattern, depth: Int = 0) -> String {
      let flip = Int.random(in: 0..<3, using: &random)
      switch pattern {
      case .words(let words): return words.randomElement(using: &random) ?? ""
      case .mark(let mark): return String(mark)
      case .slot(let slot): return word(slot)
      case .group(let group):
        guard
          let row = DraftGrammar.standard.rows(group).filter({ $0.rule != .withoutEvent }).randomElement(using: &random)
        else {
          return ""
        }
        return write(row.pattern, depth: depth + 1)
      case .sequence(let parts):
        return parts.map { write($0, depth: depth) }.filter { !$0.isEmpty }.joined(separator: " ")
      case .choice(let parts): return parts.randomElement(using: &random).map { write($0, depth: depth) } ?? ""
      case .optional(let part): return flip == 0 ? write(part, depth: depth) : ""
      case .repeated(let part): return flip == 0 ? write(part, depth: depth) : ""
      }
    }

    mutating func text() -> String {
      let fixed = [
        "Create a Twitch bot.", "Connect to topics a, taco_bell and x.y-z.", "Log in with my nick and token.",
      ]
      let head = fixed.filter { _ in Bool.random(using: &random) }
      let count = Int.random(in: 1...4, using: &random)
      return (head + (0..<count).map { _ in write(DraftGrammar.standard.text) + "." }).joined(separator: " ")
    }
  }

  @Test("what the grammar can say is a bot that compiles, or an error; never both, never neither")
  func everyAcceptedTextCompiles() {
    var author = Author(random: Dice(seed: 20_191))
    var accepted = 0
    let rounds = ProcessInfo.processInfo.environment["BOTHOST_FULL"] == "1" ? 20_000 : 500
    for _ in 0..<rounds {
      let text = author.text()
      let draft = Self.draft(text)
      #expect((draft.yaml == nil) == draft.diagnostics.hasErrors, "\(text)")
      // Sentences that the grammar made are at least read.
      #expect(!draft.diagnostics.contains { $0.message.hasPrefix("no pattern fits") }, "\(text)")
      guard let yaml = draft.yaml else { continue }
      accepted += 1
      let found = BotDraft.check(yaml, name: "draft.yaml", manifests: Self.manifests)
      #expect(found.isEmpty, "\(text)\n\(found.map(\.description))\n\(yaml)")
      #expect(Self.draft(text).yaml == yaml)
    }
    #expect(accepted > rounds / 10, "\(accepted)")
  }

  @Test("a text with slips is a bot that compiles, or an error with a place in it")
  func mutations() {
    var author = Author(random: Dice(seed: 7))
    let rounds = ProcessInfo.processInfo.environment["BOTHOST_FULL"] == "1" ? 20_000 : 500
    let alphabet = Array("aeit .,\"'“”\n\\$#{}()!;:-é👋\u{0}\u{200B}".unicodeScalars)
    for round in 0..<rounds {
      var scalars = Array((round % 3 == 0 ? Self.founding : author.text()).unicodeScalars)
      for _ in 0..<Int.random(in: 1...4, using: &author.random) {
        guard !scalars.isEmpty else { break }
        let place = Int.random(in: 0..<scalars.count, using: &author.random)
        switch Int.random(in: 0..<4, using: &author.random) {
        case 0: scalars.remove(at: place)
        case 1: scalars.insert(alphabet[Int.random(in: 0..<alphabet.count, using: &author.random)], at: place)
        case 2: scalars.swapAt(place, Int.random(in: 0..<scalars.count, using: &author.random))
        default: scalars.removeSubrange(place..<min(scalars.count, place + 12))
        }
      }
      var text = String.UnicodeScalarView()
      text.append(contentsOf: scalars)
      let draft = Self.draft(String(text))
      #expect((draft.yaml == nil) == draft.diagnostics.hasErrors, "\(text)")
      let lines = String(text).unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false)
      for error in draft.diagnostics {
        guard let place = error.location, place.line <= lines.count else {
          Issue.record("\(error) has no place in \(text)")
          continue
        }
        #expect(place.column <= lines[place.line - 1].count + 1, "\(error) in \(text)")
      }
      if let yaml = draft.yaml {
        let found = BotDraft.check(yaml, name: "draft.yaml", manifests: Self.manifests)
        #expect(!found.hasErrors, "\(text)\n\(found.map(\.description))\n\(yaml)")
      }
    }
  }
}
