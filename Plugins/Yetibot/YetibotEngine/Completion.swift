/// What a line that is being typed may go on with: names of commands and aliases, where a command may stand.
extension Yetibot {
  public struct Completion: Sendable, Hashable {
    /// Where the word begins that is being typed, in Unicode scalars.
    public var start: Int
    /// What it may become, in order.
    public var words: [String]
  }

  /// Commands behind which another command's name stands.
  private static let takesCommand: Set<String> = ["help", "xargs", "cmd", "category"]
  private static let completionLimit = 200

  /// - Parameters:
  ///   - text: the line, with or without the prefix.
  ///   - cursor: where it is being typed, in Unicode scalars.
  public func complete(_ text: String, cursor: Int) -> Completion {
    let before = Array(text.unicodeScalars.prefix(max(0, cursor)))
    // A word begins behind a space, and where a sub-expression or the line itself begins.
    var start = before.count
    while start > 0, !Self.endsCommandStart(before[start - 1]) { start -= 1 }
    let isPrefixed = start == 0 && before.first == configuration.prefix.unicodeScalars.first
    if isPrefixed { start = 1 }
    let typed = String(String.UnicodeScalarView(before[start...]))
    var candidates: [String] = []
    switch isPrefixed ? .command : Self.place(of: before[..<start]) {
    case .command: candidates = registry.topics + registry.aliases
    case .argument(of: "category"): candidates = ["disable", "enable", "list", "names"]
    case .argument(of: let command) where Self.takesCommand.contains(command):
      candidates = registry.topics + registry.aliases + (command == "help" ? ["all"] : [])
    default: break
    }
    let words = candidates.filter { $0.hasPrefix(typed) && isEnabled($0) }
    return Completion(start: start, words: Array(Set(words).sorted().prefix(Self.completionLimit)))
  }

  private enum Place: Equatable {
    case command
    case argument(of: String)
    case elsewhere
  }

  private static func endsCommandStart(_ scalar: Unicode.Scalar) -> Bool {
    scalar == " " || scalar == "`" || scalar == "("
  }

  /// What stands before a word: nothing, so that it is a command; or one word, the command whose first argument it is.
  private static func place(of before: ArraySlice<Unicode.Scalar>) -> Place {
    var rest = before
    while rest.last == " " { rest.removeLast() }
    guard let last = rest.last else { return .command }
    if rest.count == before.count { return last == "`" || last == "(" ? .command : .elsewhere }
    if last == "|" || last == "`" || last == "(" { return .command }
    var word: [Unicode.Scalar] = []
    while let scalar = rest.last, !endsCommandStart(scalar) {
      word.insert(scalar, at: 0)
      rest.removeLast()
    }
    var name = String(String.UnicodeScalarView(word))
    if rest.isEmpty, let first = name.first, first.isPunctuation { name.removeFirst() }
    return place(of: rest) == .command ? .argument(of: name) : .elsewhere
  }
}
