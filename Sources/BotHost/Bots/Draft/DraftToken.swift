/// A word, a quotation or a mark of an English text, with its place.
struct DraftToken: Sendable {
  enum Kind: Sendable, Hashable {
    /// As written.
    case word(String)
    /// What stands between quotation marks, on one line.
    case text(String)
    /// A comma or the like within a sentence.
    case mark(Character)
  }

  var kind: Kind
  var location: SourceLocation
  /// Its bytes in the text, quotation marks included.
  var range: Range<Int>

  /// The word in lower case, as patterns have it; nil for everything else.
  var word: String? {
    if case .word(let text) = kind { return text.lowercased() }
    return nil
  }

  /// As messages show it.
  var shown: String {
    switch kind {
    case .word(let text): "'\(text)'"
    case .text(let text): "\"\(text)\""
    case .mark(let mark): "'\(mark)'"
    }
  }
}

/// What stands between two ends of sentences.
struct DraftSentence: Sendable {
  var tokens: [DraftToken]
  /// Behind its closing mark, in bytes of the text.
  var end: Int
  /// As written, its closing mark included, with one space for every run of white space.
  var text: String

  var location: SourceLocation? { tokens.first?.location }
}
