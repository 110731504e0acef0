/// A word of a line's options, as a POSIX shell would split them: quotes and backslashes are resolved.
struct ShellWord {
  var characters: [UInt8] = []
  /// Where in the line each character stands.
  var indices: [Int] = []
  /// In the line, with the quotes.
  var range: Range<Int>

  var text: String { characters.text }

  /// The words from a place of a line on; nil when a quote is not closed or nothing stands behind a backslash.
  static func split(_ line: LogicalLine, from start: Int) -> [ShellWord]? {
    var words: [ShellWord] = []
    var current: ShellWord?
    var quote: UInt8?
    var index = start
    let characters = line.characters
    func take(_ place: Int, from first: Int) {
      var word = current ?? ShellWord(range: first..<first)
      word.characters.append(characters[place])
      word.indices.append(place)
      word.range = word.range.lowerBound..<place + 1
      current = word
    }
    while index < characters.count {
      let character = characters[index]
      switch character {
      case UInt8(ascii: "\\") where quote != UInt8(ascii: "'"):
        guard index + 1 < characters.count else { return nil }
        let isEscape = quote == nil || characters[index + 1] == UInt8(ascii: "\\") || characters[index + 1] == quote
        if !isEscape { take(index, from: index) }
        take(index + 1, from: index)
        index += 1
      case UInt8(ascii: "'"), UInt8(ascii: "\""):
        if let open = quote, open != character {
          take(index, from: index)
        } else {
          quote = quote == nil ? character : nil
          var word = current ?? ShellWord(range: index..<index)
          word.range = word.range.lowerBound..<index + 1
          current = word
        }
      case 0x20, 0x09, 0x0A, 0x0D:
        if quote != nil {
          take(index, from: index)
        } else if let word = current {
          words.append(word)
          current = nil
        }
      default: take(index, from: index)
      }
      index += 1
    }
    guard quote == nil else { return nil }
    if let current { words.append(current) }
    return words
  }
}
