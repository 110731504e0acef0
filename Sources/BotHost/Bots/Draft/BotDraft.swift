/// A bot, drafted from plain English.
///
/// The grammar is closed: each sentence fits one pattern and has one meaning, or it is an error that shows the patterns nearest to it.
/// Nothing is guessed and nothing is read but the text, so the same text gives the same YAML, byte for byte.
public struct BotDraft: Sendable {
  /// The bot and its configuration, as two YAML documents; nil when the text has errors.
  public let yaml: String?
  public let diagnostics: Diagnostics

  /// How long a text may be, in bytes.
  public static let lengthLimit = 65_536

  /// - Parameters:
  ///   - text: the English text.
  ///   - name: what the bot is called; nil: as the text says, or after the first topic in it.
  public init(_ text: SourceText, name: String? = nil) {
    let (sentences, unreadable) = DraftLexer.sentences(of: text)
    var diagnostics = unreadable
    var reader = DraftReader(text)
    let clauses = reader.read(sentences)
    diagnostics.append(contentsOf: reader.diagnostics)
    let start = sentences.first?.location ?? SourceLocation(file: text.name)
    guard !sentences.isEmpty else {
      if !diagnostics.hasErrors {
        diagnostics.error(
          "there is no sentence", at: start, hint: "such as: Create a Twitch bot that connects to Twitch IRC.")
      }
      yaml = nil
      self.diagnostics = diagnostics
      return
    }
    let (plan, problems) = DraftPlanner.plan(clauses, name: name, isWhole: !diagnostics.hasErrors, at: start)
    diagnostics.append(contentsOf: problems)
    yaml = diagnostics.hasErrors ? nil : plan.map(DraftWriter.yaml)
    self.diagnostics = diagnostics
  }

  /// Everything that the bot is, checked as `bothost check` would: the YAML is compiled against these manifests.
  ///
  /// - Returns: what is wrong; the places are in the YAML, which is called `name`.
  public static func check(_ yaml: String, name: String, manifests: [Manifest]) -> Diagnostics {
    BotCompiler.compile(BotProject([SourceText(name: name, yaml)]), manifests: manifests).diagnostics
  }

  /// The sentences that are understood: each with the notation of its pattern, and what the names in it stand for.
  public static var patterns: String {
    let grammar = DraftGrammar.standard
    var text = ""
    for group in DraftGroup.allCases {
      text += "\(group.rawValue)\n"
      for row in grammar.rows(group) where row.rule != .withoutEvent { text += "  \(row.notation)\n" }
    }
    for slot in DraftSlot.allCases { text += "\(slot.rawValue)\n  \(slot.summary)\n" }
    return text
  }
}
