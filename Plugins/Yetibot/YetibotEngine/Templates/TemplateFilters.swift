/// The filters of templates that need nothing but the value.
enum TemplateFilters {
  static let names: Set<String> = [
    "yetibot", "yetibot-data", "get", "prn", "abbreviate", "abbr-left", "abbr-middle", "abbr-right", "abbr-ellipsis",
    "add", "addslashes", "between?", "capitalize", "center", "count", "count-is", "currency-format", "date", "default",
    "default-if-empty", "divide", "double-format", "drop", "drop-last", "email", "empty?", "first", "get-digit", "hash",
    "join", "json", "last", "length", "length-is", "linebreaks", "linebreaks-br", "linenumbers", "lower", "multiply",
    "name", "not-empty", "number-format", "phone", "pluralize", "rand-nth", "remove", "remove-tags", "replace", "round",
    "safe",
    "sort", "sort-by", "sort-by-reversed", "sort-reversed", "str", "subs", "take", "title", "upper", "urlescape",
    "reverse",
  ]

  /// Those that look into a collection, or into the characters of a text.
  private static let needCollections: Set<String> = [
    "count", "count-is", "drop", "drop-last", "first", "join", "last", "length", "length-is", "sort", "sort-by",
    "sort-by-reversed", "sort-reversed", "take",
  ]

  static func apply(_ name: String, _ arguments: [String], _ value: Value) throws -> Value {
    let argument = arguments.first ?? ""
    let text = value.text
    if value.isNumber, needCollections.contains(name) {
      throw Template.Failure("\(name) needs a collection or a text, and \(text) is a number")
    }
    switch name {
    case "get": return value[argument] ?? .null
    case "prn", "json": return .string(JSONText.print(value))
    case "safe", "name", "str": return name == "safe" ? value : .string(text)
    case "upper": return .string(text.uppercased())
    case "lower": return .string(text.lowercased())
    case "capitalize": return .string(text.capitalized)
    case "title":
      return .string(
        text.split(separator: " ", omittingEmptySubsequences: false).map(\.capitalized).joined(separator: " "))
    case "length", "count": return .int(Int64(size(value)))
    case "length-is", "count-is": return .bool(Int(argument) == size(value))
    case "empty?": return .bool(size(value) == 0)
    case "not-empty": return size(value) == 0 ? .null : value
    case "default": return value == .null ? .string(argument) : value
    case "default-if-empty": return size(value) == 0 ? .string(argument) : value
    case "first": return items(value).first ?? .null
    case "last": return items(value).last ?? .null
    case "take": return rebuilt(Array(items(value).prefix(natural(argument))), value)
    case "drop": return rebuilt(Array(items(value).dropFirst(natural(argument))), value)
    case "drop-last": return rebuilt(Array(items(value).dropLast(natural(argument))), value)
    case "reverse": return rebuilt(items(value).reversed(), value)
    case "sort": return .list(items(value).sorted(by: isBefore))
    case "sort-reversed": return .list(items(value).sorted(by: isBefore).reversed())
    case "sort-by": return .list(items(value).sorted { isBefore($0[argument] ?? .null, $1[argument] ?? .null) })
    case "sort-by-reversed":
      return .list(items(value).sorted { isBefore($0[argument] ?? .null, $1[argument] ?? .null) }.reversed())
    case "join": return .string(Formatting.joined(items(value).lazy.map(\.text), by: argument))
    case "replace": return .string(replaced(text, argument, arguments.count > 1 ? arguments[1] : ""))
    case "remove": return .string(String(text.filter { !argument.contains($0) }))
    case "subs":
      let start = min(natural(argument), text.count)
      let end = arguments.count > 1 ? min(natural(arguments[1]), text.count) : text.count
      let cut = String(text.dropFirst(start).prefix(max(end - start, 0)))
      return .string(cut + (arguments.count > 2 && end < text.count ? arguments[2] : ""))
    case "abbreviate": return .string(try abbreviated(text, arguments))
    case "hash":
      guard let digest = TextDigest(rawValue: argument) else {
        throw Template.Failure("hash knows md5, sha, sha256, sha384 and sha512, and not \(argument)")
      }
      guard let hash = digest.hexadecimal(of: text) else { throw Template.Failure("there is no \(argument) here") }
      return .string(hash)
    case "center":
      let missing = min(natural(argument), 1000) - text.count
      guard missing > 0 else { return .string(text) }
      return .string(
        String(repeating: " ", count: missing - missing / 2) + text + String(repeating: " ", count: missing / 2))
    case "addslashes": return .string(text.map { "\\\"'".contains($0) ? "\\\($0)" : String($0) }.joined())
    case "linebreaks-br": return .string(replaced(text, "\n", "<br />"))
    case "linebreaks": return .string(TemplateMarkup.paragraphs(text))
    case "linenumbers":
      let lines = Formatting.lineCollection(text) ?? [text]
      return .string(lines.enumerated().map { "\($0.offset + 1). \($0.element)" }.joined(separator: "\n"))
    case "email": return .string(try TemplateMarkup.mailLink(text, arguments))
    case "phone": return .string(try TemplateMarkup.phoneLink(text, arguments))
    case "urlescape": return .string(escaped(text))
    case "pluralize":
      let isOne = (value.number ?? Double(size(value))) == 1
      switch arguments.count {
      case 0: return .string(isOne ? "" : "s")
      case 1: return .string(isOne ? "" : arguments[0])
      default: return .string(isOne ? arguments[0] : arguments[1])
      }
    case "add":
      return TemplateNumbers.sum([value] + arguments.map(Value.string)) ?? .string(text + arguments.joined())
    case "multiply", "divide":
      guard let result = TemplateNumbers.result(of: name, value, argument) else {
        throw Template.Failure("\(name) needs two numbers")
      }
      return result
    case "round":
      // Half goes up, also below zero.
      guard let number = value.number, let whole = Int64(exactly: (number + 0.5).rounded(.down)) else {
        throw Template.Failure("round needs a number")
      }
      return .int(whole)
    case "double-format":
      guard let number = value.number else { throw Template.Failure("double-format needs a number") }
      return .string(NumberText.fixed(number, digits: Int(argument) ?? 1))
    case "number-format": return .string(try NumberFormat.text(of: value, arguments))
    case "currency-format": return .string(try NumberFormat.currency(value, arguments))
    case "between?":
      guard let number = value.number, arguments.count == 2, let low = NumberText.parse(arguments[0])?.number,
        let high = NumberText.parse(arguments[1])?.number
      else { throw Template.Failure("between? needs three numbers") }
      return .bool(min(low, high) <= number && number <= max(low, high))
    case "get-digit":
      let digits = Array(text)
      let place = natural(argument)
      guard place > 0, place <= digits.count else { return value }
      let index = digits.count - place
      // A point is passed over.
      return .string(String(digits[digits[index] == "." && index > 0 ? index - 1 : index]))
    default: throw Template.Failure("there is no filter \(name)")
    }
  }

  /// What stands before `abbreviate` and says how: where the text is cut, and what stands in the place of what goes.
  static let abbreviationMarks: Set<String> = ["abbr-left", "abbr-middle", "abbr-right", "abbr-ellipsis"]

  /// - Parameter arguments: the longest that is left as it is, the width of what is longer, and then the marks, `abbr-ellipsis` with its
  ///   text behind it.
  private static func abbreviated(_ text: String, _ arguments: [String]) throws -> String {
    let firstMark = arguments.firstIndex { abbreviationMarks.contains($0) } ?? arguments.count
    let (sizes, marks) = (arguments[..<firstMark].map(natural), arguments[firstMark...])
    let width = sizes.count > 1 ? sizes[1] : sizes.first ?? 0
    guard text.count > sizes.first ?? 0 else { return text }
    let ellipsis = marks.lastIndex(of: "abbr-ellipsis").map { marks[$0 + 1] } ?? "..."
    let kept = width - ellipsis.count
    guard kept >= 0 else { throw Template.Failure("abbreviate to \(width) leaves no room for \(ellipsis)") }
    switch marks.last(where: { abbreviationMarks.contains($0) && $0 != "abbr-ellipsis" }) {
    case "abbr-left"?: return ellipsis + text.suffix(kept)
    case "abbr-middle"?: return text.prefix(kept / 2) + ellipsis + text.suffix(kept - kept / 2)
    default: return text.prefix(kept) + ellipsis
    }
  }

  private static func natural(_ text: String) -> Int { max(Int(text) ?? 0, 0) }

  private static func size(_ value: Value) -> Int {
    switch value.unmarked {
    case .null: 0
    case .list(let items): items.count
    case .map(let map): map.count
    default: value.text.count
    }
  }

  /// The items of a collection, or the characters of a text.
  static func items(_ value: Value) -> [Value] {
    switch value.unmarked {
    case .null: []
    case .list(let items): items
    case .map(let map): map.map { .list([.string($0.key), $0.value]) }
    default: value.text.map { .string(String($0)) }
    }
  }

  /// A text again when it was one.
  private static func rebuilt(_ items: [Value], _ value: Value) -> Value {
    value.isCollection ? .list(items) : .string(items.map(\.text).joined())
  }

  private static func isBefore(_ left: Value, _ right: Value) -> Bool {
    if let left = left.number, let right = right.number { return left < right }
    return left.text < right.text
  }

  static func replaced(_ text: String, _ what: String, _ replacement: String) -> String {
    guard !what.isEmpty else { return text }
    return Formatting.replaceMarker(what, in: text, by: replacement) ?? text
  }

  private static func escaped(_ text: String) -> String {
    var result = ""
    for byte in text.utf8 {
      let scalar = Unicode.Scalar(byte)
      if scalar.isWord || byte == 0x2D || byte == 0x2E || byte == 0x2A {
        result.unicodeScalars.append(scalar)
      } else if byte == 0x20 {
        result += "+"
      } else {
        let digits = String(byte, radix: 16, uppercase: true)
        result += "%" + (digits.count == 1 ? "0" : "") + digits
      }
    }
    return result
  }
}
