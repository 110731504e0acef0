import Foundation
import SeededRandom

/// What a YAML text says, apart from how it is laid out.
indirect enum YAMLDocument: Hashable {
  case string(String)
  /// A number, a truth value or null.
  case plain(String)
  case list([YAMLDocument])
  /// The order means nothing.
  case map([Member])

  struct Member: Hashable {
    var key: String
    var value: YAMLDocument
  }

  static func map(_ members: KeyValuePairs<String, YAMLDocument>) -> YAMLDocument {
    .map(members.map { Member(key: $0.key, value: $0.value) })
  }

  /// With every text passed through a closure.
  func mapped(_ change: (String) -> String) -> YAMLDocument {
    switch self {
    case .string(let text): .string(change(text))
    case .plain: self
    case .list(let items): .list(items.map { $0.mapped(change) })
    case .map(let members): .map(members.map { Member(key: $0.key, value: $0.value.mapped(change)) })
    }
  }
}

extension YAMLDocument: ExpressibleByStringLiteral, ExpressibleByArrayLiteral {
  init(stringLiteral value: String) { self = .string(value) }
  init(arrayLiteral elements: YAMLDocument...) { self = .list(elements) }
}

/// Writes a document in one of the many ways in which YAML allows it: block or flow style, any quotes, any indentation,
/// keys in any order, comments, anchors and aliases.
struct YAMLLayout {
  private var random: RandomSource
  /// Anchors that have been written in this document, by what they stand for.
  private var anchors: [YAMLDocument: String] = [:]
  private var anchorCount = 0

  init(_ random: RandomSource) { self.random = random }

  /// The documents of a file, in any order.
  mutating func text(_ documents: [YAMLDocument]) -> String {
    var text = random.one(in: 3) ? "# a file\n---\n" : ""
    for (index, document) in documents.shuffled(using: &random).enumerated() {
      if index > 0 { text += random.one(in: 3) ? "--- # another\n" : "---\n" }
      anchors = [:]
      text += random.one(in: 6) ? flow(document) + "\n" : block(document, indent: 0)
    }
    return text
  }

  // MARK: Block style

  /// Lines, each with its line feed.
  ///
  /// - Parameter isInline: the first line's indentation will be replaced, so that no comment may stand there.
  private mutating func block(_ document: YAMLDocument, indent: Int, isInline: Bool = false) -> String {
    let margin = String(repeating: " ", count: indent)
    var text = ""
    switch document {
    case .map(let members) where !members.isEmpty:
      for member in members.shuffled(using: &random) {
        if !isInline || !text.isEmpty { text += comment(margin) }
        text += margin + key(member.key) + ":" + value(member.value, indent: indent, isInList: false)
      }
    case .list(let items) where !items.isEmpty:
      for item in items {
        if !isInline || !text.isEmpty { text += comment(margin) }
        text += margin + "-" + value(item, indent: indent, isInList: true)
      }
    default: text = margin + flow(document) + "\n"
    }
    return text
  }

  /// What stands behind `key:` or `-`, with its line feed.
  private mutating func value(_ document: YAMLDocument, indent: Int, isInList: Bool) -> String {
    if let name = anchors[document], random.one(in: 2) { return " *\(name)" + lineEnd() }
    let more = indent + 1 + random.below(4)
    if case .string(let text) = document, let block = literal(text, indent: more), random.one(in: 3) { return block }
    guard isBlock(document), !random.one(in: 4) else {
      let (anchor, name) = newAnchor()
      let text = flow(document)
      if let name { anchors[document] = name }
      return " " + anchor + text + lineEnd()
    }
    if isInList, random.one(in: 2) {
      // `- key: value`, with the other keys below the first one.
      let inner = indent + 2
      return " " + block(document, indent: inner, isInline: true).dropFirst(inner)
    }
    let (anchor, name) = newAnchor()
    // A list may stand at its key's own indentation.
    let isFlush = !isInList && random.one(in: 2)
    var text = (anchor.isEmpty ? "" : " " + anchor.dropLast()) + lineEnd()
    if case .list = document, isFlush {
      text += block(document, indent: indent)
    } else {
      text += block(document, indent: more)
    }
    if let name { anchors[document] = name }
    return text
  }

  private func isBlock(_ document: YAMLDocument) -> Bool {
    switch document {
    case .map(let members): !members.isEmpty
    case .list(let items): !items.isEmpty
    case .string, .plain: false
    }
  }

  /// `|-` or `>-`, for texts that may be written so.
  private mutating func literal(_ text: String, indent: Int) -> String? {
    guard let first = text.first, first != " ", first != "\n", text.last != "\n", !text.contains("\n "),
      text.unicodeScalars.allSatisfy({ $0 == "\n" || $0.value >= 0x20 && $0.value != 0x7F })
    else { return nil }
    let isFolded = random.one(in: 2) && !text.contains("\n")
    let margin = String(repeating: " ", count: indent)
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    return (isFolded ? " >-\n" : " |-\n") + lines.map { $0.isEmpty ? "\n" : margin + $0 + "\n" }.joined()
  }

  private mutating func comment(_ margin: String) -> String {
    switch random.below(12) {
    case 0: margin + "# when: nothing\n"
    case 1: "\n"
    default: ""
    }
  }

  private mutating func lineEnd() -> String { random.one(in: 8) ? " # {not: said}\n" : "\n" }

  private mutating func newAnchor() -> (text: String, name: String?) {
    guard random.one(in: 6) else { return ("", nil) }
    anchorCount += 1
    return ("&a\(anchorCount) ", "a\(anchorCount)")
  }

  // MARK: Flow style

  private mutating func flow(_ document: YAMLDocument) -> String {
    switch document {
    case .string(let text): scalar(text, isFlow: true)
    case .plain(let text): text
    case .list(let items):
      "[" + items.map { flow($0) }.joined(separator: random.pick([",", ", ", " , "])) + random.pick(["", " "]) + "]"
    case .map(let members):
      "{"
        + members.shuffled(using: &random).map { key($0.key) + ": " + flow($0.value) }
        .joined(separator: random.pick([", ", " , "])) + random.pick(["", " "]) + "}"
    }
  }

  private mutating func key(_ text: String) -> String {
    random.pick([text, text, text, "'\(text)'", "\"\(text)\""])
  }

  private mutating func scalar(_ text: String, isFlow: Bool) -> String {
    switch random.below(3) {
    case 0 where isPlain(text): return text
    case 1 where !text.contains("\n"): return "'" + text.replacingOccurrences(of: "'", with: "''") + "'"
    default: return quoted(text)
    }
  }

  /// Whether the text means itself without quotes, also inside of flow style.
  private func isPlain(_ text: String) -> Bool {
    guard let first = text.unicodeScalars.first, first.properties.isAlphabetic else { return false }
    if ["true", "false", "null", "yes", "no"].contains(text.lowercased()) { return false }
    return text.unicodeScalars.allSatisfy {
      $0.properties.isAlphabetic || $0.properties.numericType != nil || $0 == "." || $0 == "_"
    }
  }

  private mutating func quoted(_ text: String) -> String {
    var quoted = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": quoted += "\\\""
      case "\\": quoted += "\\\\"
      case "\n": quoted += "\\n"
      case "\t": quoted += "\\t"
      case _ where scalar.value < 0x20 || scalar.value == 0x7F || scalar.value > 0x7E && random.one(in: 3):
        let digits = String(scalar.value, radix: 16)
        quoted += "\\U" + String(repeating: "0", count: 8 - digits.count) + digits
      default: quoted.unicodeScalars.append(scalar)
      }
    }
    return quoted + "\""
  }
}
