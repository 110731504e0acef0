/// The filters of templates that write or take away HTML.
enum TemplateMarkup {
  /// Line feeds as breaks, and two of them as the border of paragraphs.
  static func paragraphs(_ text: String) -> String {
    var text = TemplateFilters.replaced(TemplateFilters.replaced(text, "\n\n", "</p><p>"), "\n", "<br />")
    if text.hasSuffix("<p>") { text.removeLast(3) }
    return "<p>" + text + (text.hasSuffix("</p>") ? "" : "</p>")
  }

  /// The text without the tags of these names.
  static func withoutTags(_ text: String, _ names: [String], _ allowance: Allowance) throws -> String {
    guard !names.isEmpty else { return text }
    let choice = names.map { $0.unicodeScalars.map { $0.isWord ? "\($0)" : "\\\($0)" }.joined() }.joined(separator: "|")
    var text = text
    do {
      for source in ["(?i)<(?:\(choice))(?:/?>|\\s+[^>]*>)", "(?i)</(?:\(choice))>"] {
        text = try PatternSearch.replace(try Pattern(source), in: text, by: "", .java, allowance)
      }
    } catch let failure as Pattern.Failure {
      throw Template.Failure(failure.description)
    }
    return text
  }

  /// - Parameter arguments: `false` lets a text pass that is no address.
  static func mailLink(_ text: String, _ arguments: [String]) throws -> String {
    let isAddress = text.split(separator: "@", omittingEmptySubsequences: false)
    let looksRight =
      isAddress.count == 2 && !isAddress[0].isEmpty && isAddress[0].allSatisfy { isLetter($0) || "._%+-".contains($0) }
      && isAddress[1].allSatisfy { isLetter($0) || ".-".contains($0) } && endsWithDomain(isAddress[1])
    guard looksRight || arguments.first == "false" else {
      throw Template.Failure("\(text) is no address of mail")
    }
    return "<a href='mailto:\(text)'>\(text)</a>"
  }

  private static func isLetter(_ character: Character) -> Bool {
    character.isASCII && (character.isLetter || character.isNumber)
  }

  private static func endsWithDomain(_ domain: Substring) -> Bool {
    guard let dot = domain.lastIndex(of: "."), dot > domain.startIndex else { return false }
    let last = domain[domain.index(after: dot)...]
    return (2...6).contains(last.count) && last.allSatisfy { $0.isASCII && $0.isLetter }
  }

  /// - Parameter arguments: a national prefix that takes the place of a leading 0, and whether the number is looked at, `false` for not;
  ///   each may stand alone.
  static func phoneLink(_ text: String, _ arguments: [String]) throws -> String {
    let isChecked = arguments.last != "false"
    let prefix = arguments.first.flatMap { $0 == "true" || $0 == "false" ? nil : $0 }
    var number = text
    if let prefix, text.hasPrefix("0") { number = "+\(prefix)-" + text.dropFirst() }
    guard !isChecked || number.allSatisfy({ "0123456789 +-".contains($0) }) else {
      throw Template.Failure("\(number) is no number of a telephone")
    }
    let words = number.split(separator: " ", omittingEmptySubsequences: true).joined(separator: "-")
    return "<a href='tel:\(words)'>\(text)</a>"
  }
}
