/// Numbers as `number-format` and `currency-format` write them: the formats of Java's `Formatter`, and amounts as Unicode's CLDR has them.
enum NumberFormat {
  /// How a language writes numbers.
  private struct Signs {
    var point: String
    var groups: String
  }

  private static func signs(of language: String) throws -> Signs {
    switch language.lowercased() {
    case "en", "ja", "zh", "ko": return Signs(point: ".", groups: ",")
    case "de", "es", "it", "nl", "pt", "da", "tr": return Signs(point: ",", groups: ".")
    case "fr": return Signs(point: ",", groups: "\u{202F}")
    case "sv", "nb", "pl", "ru", "fi", "cs": return Signs(point: ",", groups: "\u{A0}")
    default: throw Template.Failure("how numbers are written in the language \(language) is not known")
    }
  }

  private static func grouped(_ digits: String, by separator: String) -> String {
    var result = ""
    for (place, digit) in digits.enumerated() {
      if place > 0, (digits.count - place).isMultiple(of: 3) { result += separator }
      result.append(digit)
    }
    return result
  }

  /// The digits before and behind the point, in the way of a language.
  private static func written(
    _ magnitude: Double, digits: Int, isGrouped: Bool, _ signs: Signs,
    rounding: FloatingPointRoundingRule = .toNearestOrAwayFromZero
  ) -> String {
    let parts = NumberText.fixed(magnitude, digits: digits, rounding: rounding).split(separator: ".").map(String.init)
    let whole = isGrouped ? grouped(parts[0], by: signs.groups) : parts[0]
    return parts.count > 1 ? whole + signs.point + parts[1] : whole
  }

  /// A number that has digits: sums of large ones may have become infinite.
  private static func number(_ value: Value, for filter: String) throws -> Double {
    guard let number = value.number else { throw Template.Failure("\(filter) needs a number") }
    guard number.isFinite else { throw Template.Failure("\(filter) needs a number, and \(value.text) is too large") }
    return number
  }

  // MARK: Formats

  /// One `%` with what belongs to it.
  private struct Directive {
    var flags: Set<Character> = []
    var width = 0
    var precision: Int?
    var conversion: Character
  }

  /// - Parameter arguments: the format, such as `%.2f` or `%,d pieces`, and the language, `en` when it is not named.
  static func text(of value: Value, _ arguments: [String]) throws -> String {
    _ = try number(value, for: "number-format")
    guard let format = arguments.first else { throw Template.Failure("number-format needs a format, such as %.2f") }
    let signs = try signs(of: arguments.count > 1 ? arguments[1] : "en")
    var result = ""
    var rest = format[...]
    while let character = rest.popFirst() {
      guard character == "%" else {
        result.append(character)
        continue
      }
      result += try formatted(value, try directive(&rest, format), signs)
    }
    return result
  }

  private static func directive(_ rest: inout Substring, _ format: String) throws -> Directive {
    var directive = Directive(conversion: "%")
    while let flag = rest.first, "-+ 0,(".contains(flag) {
      directive.flags.insert(flag)
      rest.removeFirst()
    }
    func number() -> Int? {
      let digits = rest.prefix { $0.isASCII && $0.isNumber }
      rest = rest[digits.endIndex...]
      return Int(digits.prefix(4))
    }
    directive.width = min(number() ?? 0, 1000)
    if rest.first == "." {
      rest.removeFirst()
      guard let precision = number() else { throw Template.Failure("digits are missing behind the point of \(format)") }
      directive.precision = precision
    }
    guard let conversion = rest.popFirst(), "dfeExXosn%".contains(conversion) else {
      throw Template.Failure("\(format) is no format of a number: %d, %.2f, %,.2f, %e, %x and %s are")
    }
    directive.conversion = conversion
    return directive
  }

  private static func formatted(_ value: Value, _ directive: Directive, _ signs: Signs) throws -> String {
    let number = value.number ?? 0
    let isGrouped = directive.flags.contains(",")
    var digits: String
    var isNegative = number < 0
    switch directive.conversion {
    case "%": return "%"
    case "n": return "\n"
    case "f":
      digits = written(number.magnitude, digits: directive.precision ?? 6, isGrouped: isGrouped, signs)
    case "e", "E":
      digits = scientific(number.magnitude, digits: directive.precision ?? 6, signs)
      if directive.conversion == "E" { digits = digits.uppercased() }
    case "s":
      digits = value.text
      isNegative = false
    default:
      guard let whole = value.integer ?? Int64(exactly: number) else {
        throw Template.Failure("%\(directive.conversion) needs a whole number, and \(value.text) is none")
      }
      switch directive.conversion {
      case "d":
        let plain = String(whole.magnitude)
        digits = isGrouped ? grouped(plain, by: signs.groups) : plain
      case "o":
        digits = String(UInt64(bitPattern: whole), radix: 8)
        isNegative = false
      default:
        digits = String(UInt64(bitPattern: whole), radix: 16, uppercase: directive.conversion == "X")
        isNegative = false
      }
    }
    var (before, behind) = ("", "")
    if isNegative {
      (before, behind) = directive.flags.contains("(") ? ("(", ")") : ("-", "")
    } else if directive.conversion != "s" {
      before = directive.flags.contains("+") ? "+" : directive.flags.contains(" ") ? " " : ""
    }
    let missing = max(directive.width - before.count - digits.count - behind.count, 0)
    if directive.flags.contains("-") { return before + digits + behind + String(repeating: " ", count: missing) }
    if directive.flags.contains("0") { return before + String(repeating: "0", count: missing) + digits + behind }
    return String(repeating: " ", count: missing) + before + digits + behind
  }

  private static func scientific(_ magnitude: Double, digits: Int, _ signs: Signs) -> String {
    var mantissa = magnitude
    var exponent = 0
    while mantissa >= 10 {
      mantissa /= 10
      exponent += 1
    }
    while mantissa > 0, mantissa < 1 {
      mantissa *= 10
      exponent -= 1
    }
    var text = written(mantissa, digits: digits, isGrouped: false, signs)
    // Rounding may have made a 10 of it.
    if text.hasPrefix("10") {
      exponent += 1
      text = written(1, digits: digits, isGrouped: false, signs)
    }
    let size = exponent.magnitude
    return text + "e" + (exponent < 0 ? "-" : "+") + (size < 10 ? "0" : "") + String(size)
  }

  // MARK: Amounts

  /// How amounts are written in a country.
  private struct Currency {
    var sign: String
    var language: String
    var digits = 2
    /// Whether the sign stands behind the number, and what stands between them.
    var isBehind = false
    var space = ""
    var groups: String?
  }

  private static let noBreak = "\u{A0}"
  private static let currencies: [String: Currency] = [
    "US": Currency(sign: "$", language: "en"), "GB": Currency(sign: "£", language: "en"),
    "IE": Currency(sign: "€", language: "en"), "CA": Currency(sign: "$", language: "en"),
    "AU": Currency(sign: "$", language: "en"), "NZ": Currency(sign: "$", language: "en"),
    "JP": Currency(sign: "￥", language: "ja", digits: 0), "CN": Currency(sign: "¥", language: "zh"),
    "KR": Currency(sign: "₩", language: "ko", digits: 0),
    "DE": Currency(sign: "€", language: "de", isBehind: true, space: noBreak),
    "FR": Currency(sign: "€", language: "fr", isBehind: true, space: noBreak),
    "IT": Currency(sign: "€", language: "it", isBehind: true, space: noBreak),
    "NL": Currency(sign: "€", language: "nl", space: noBreak),
    "BR": Currency(sign: "R$", language: "pt", space: noBreak),
    "CH": Currency(sign: "CHF", language: "de", space: noBreak, groups: "’"),
    "SE": Currency(sign: "kr", language: "sv", isBehind: true, space: noBreak),
    "PL": Currency(sign: "zł", language: "pl", isBehind: true, space: noBreak),
    "DK": Currency(sign: "kr.", language: "da", isBehind: true, space: noBreak),
    "RU": Currency(sign: "₽", language: "ru", isBehind: true, space: noBreak),
  ]

  /// The country that is meant where only a language is named.
  private static let countries = [
    "en": "US", "ja": "JP", "zh": "CN", "ko": "KR", "de": "DE", "fr": "FR", "it": "IT", "nl": "NL", "pt": "BR",
    "sv": "SE", "pl": "PL", "da": "DK", "ru": "RU",
  ]

  /// - Parameter arguments: a language and a country, both may be missing: `en` and `US`.
  static func currency(_ value: Value, _ arguments: [String]) throws -> String {
    let number = try number(value, for: "currency-format")
    let language = (arguments.first ?? "en").lowercased()
    let country = (arguments.count > 1 ? arguments[1] : countries[language] ?? language).uppercased()
    guard let currency = currencies[country] else {
      throw Template.Failure(
        "how amounts are written in \(country) is not known; in \(currencies.keys.sorted().joined(separator: ", ")) it is"
      )
    }
    var signs = try signs(of: currency.language)
    if country == "CH" { signs.point = "." }
    if let groups = currency.groups { signs.groups = groups }
    let amount = written(
      number.magnitude, digits: currency.digits, isGrouped: true, signs, rounding: .toNearestOrEven)
    let minus = number < 0 && amount.contains { "123456789".contains($0) } ? "-" : ""
    return currency.isBehind
      ? minus + amount + currency.space + currency.sign : minus + currency.sign + currency.space + amount
  }
}
