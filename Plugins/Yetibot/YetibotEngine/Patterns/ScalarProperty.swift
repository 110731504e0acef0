/// What Unicode says of a scalar, by the names that stand in `\p{…}`: general categories and the properties that people ask for. Scripts and
/// blocks are not known.
enum ScalarProperty: Sendable, Hashable {
  case categories(Set<Unicode.GeneralCategory>)
  case alphabetic, ideographic, lowercase, uppercase, whiteSpace, hexDigit, emoji

  /// - Parameter name: `Lu`, `L`, `IsL`, `IsAlphabetic`, …; nil for one that is not known.
  init?(_ name: String) {
    let short = name.hasPrefix("Is") ? String(name.dropFirst(2)) : name
    if let categories = Self.categories[short] {
      self = .categories(Set(categories))
      return
    }
    guard name.hasPrefix("Is") else { return nil }
    switch short.lowercased() {
    case "alphabetic", "letter": self = short.lowercased() == "letter" ? .categories(Set(Self.letters)) : .alphabetic
    case "ideographic": self = .ideographic
    case "lowercase": self = .lowercase
    case "uppercase": self = .uppercase
    case "white_space", "whitespace": self = .whiteSpace
    case "hex_digit", "hexdigit": self = .hexDigit
    case "emoji": self = .emoji
    case "digit": self = .categories([.decimalNumber])
    case "punctuation": self = .categories(Set(Self.punctuation))
    case "control": self = .categories([.control])
    default: return nil
    }
  }

  func holds(for scalar: Unicode.Scalar) -> Bool {
    let properties = scalar.properties
    return switch self {
    case .categories(let categories): categories.contains(properties.generalCategory)
    case .alphabetic: properties.isAlphabetic
    case .ideographic: properties.isIdeographic
    case .lowercase: properties.isLowercase
    case .uppercase: properties.isUppercase
    case .whiteSpace: properties.isWhitespace
    case .hexDigit: properties.isHexDigit
    case .emoji: properties.isEmoji
    }
  }

  private static let letters: [Unicode.GeneralCategory] = [
    .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter,
  ]
  private static let punctuation: [Unicode.GeneralCategory] = [
    .connectorPunctuation, .dashPunctuation, .openPunctuation, .closePunctuation, .initialPunctuation,
    .finalPunctuation, .otherPunctuation,
  ]

  private static let categories: [String: [Unicode.GeneralCategory]] = [
    "L": letters, "LC": [.uppercaseLetter, .lowercaseLetter, .titlecaseLetter], "Lu": [.uppercaseLetter],
    "Ll": [.lowercaseLetter], "Lt": [.titlecaseLetter], "Lm": [.modifierLetter], "Lo": [.otherLetter],
    "M": [.nonspacingMark, .spacingMark, .enclosingMark], "Mn": [.nonspacingMark], "Mc": [.spacingMark],
    "Me": [.enclosingMark], "N": [.decimalNumber, .letterNumber, .otherNumber], "Nd": [.decimalNumber],
    "Nl": [.letterNumber], "No": [.otherNumber], "P": punctuation, "Pc": [.connectorPunctuation],
    "Pd": [.dashPunctuation], "Ps": [.openPunctuation], "Pe": [.closePunctuation], "Pi": [.initialPunctuation],
    "Pf": [.finalPunctuation], "Po": [.otherPunctuation],
    "S": [.mathSymbol, .currencySymbol, .modifierSymbol, .otherSymbol], "Sm": [.mathSymbol], "Sc": [.currencySymbol],
    "Sk": [.modifierSymbol], "So": [.otherSymbol], "Z": [.spaceSeparator, .lineSeparator, .paragraphSeparator],
    "Zs": [.spaceSeparator], "Zl": [.lineSeparator], "Zp": [.paragraphSeparator],
    "C": [.control, .format, .surrogate, .privateUse, .unassigned], "Cc": [.control], "Cf": [.format],
    "Co": [.privateUse], "Cn": [.unassigned],
  ]

  /// The classes of POSIX, for ASCII alone, as Java has them.
  static let asciiClasses: [String: [ClosedRange<UInt32>]] = [
    "Lower": [0x61...0x7A], "Upper": [0x41...0x5A], "ASCII": [0x00...0x7F], "Alpha": [0x41...0x5A, 0x61...0x7A],
    "Digit": [0x30...0x39], "Alnum": [0x30...0x39, 0x41...0x5A, 0x61...0x7A],
    "Punct": [0x21...0x2F, 0x3A...0x40, 0x5B...0x60, 0x7B...0x7E], "Graph": [0x21...0x7E], "Print": [0x20...0x7E],
    "Blank": [0x09...0x09, 0x20...0x20], "Cntrl": [0x00...0x1F, 0x7F...0x7F],
    "XDigit": [0x30...0x39, 0x41...0x46, 0x61...0x66], "Space": [0x09...0x0D, 0x20...0x20],
  ]
}
