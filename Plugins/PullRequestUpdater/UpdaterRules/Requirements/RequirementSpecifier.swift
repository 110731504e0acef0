/// A dependency specifier (PEP 508), `name[extra] >= 1.0 ; marker` or `name @ address ; marker`, with the places of its parts.
///
/// The places count in the characters that it was read from.
struct RequirementSpecifier {
  struct Clause {
    let specifier: Specifier
    /// From the operator to the version's end.
    let range: Range<Int>
    /// The version, with `.*`.
    let version: Range<Int>
    /// The blanks between operator and version.
    let gap: String
  }

  let name: ProjectName
  let nameRange: Range<Int>
  private(set) var clauses: [Clause] = []
  /// It says where the package comes from.
  private(set) var isDirect = false
  /// From the first clause to the last one's end; empty, where clauses would stand, when there is none.
  private(set) var range: Range<Int>
  /// The same with the blanks before it and the brackets around it.
  private(set) var whole: Range<Int>
  /// What stands between the first two clauses.
  private(set) var comma = ","

  var specifiers: SpecifierSet { SpecifierSet(clauses.map(\.specifier)) }

  /// nil for what is no dependency specifier.
  init?(_ characters: ArraySlice<UInt8>) {
    var reader = Reader(characters)
    reader.skipBlanks()
    guard let word = reader.name(), let name = ProjectName(characters[word].text) else { return nil }
    self.name = name
    nameRange = word
    range = word.upperBound..<word.upperBound
    whole = range
    let beforeExtras = reader.position
    reader.skipBlanks()
    if reader.take("[") {
      guard reader.extras() else { return nil }
      range = reader.position..<reader.position
      whole = range
    } else {
      reader.position = beforeExtras
    }
    reader.skipBlanks()
    if reader.take("@") {
      isDirect = true
      guard reader.address() else { return nil }
    } else {
      guard readClauses(&reader) else { return nil }
      reader.skipBlanks()
    }
    if reader.take(";") {
      guard Marker.isValid(characters[reader.position...]) else { return nil }
    } else if reader.position < characters.endIndex {
      return nil
    }
  }

  private mutating func readClauses(_ reader: inout Reader) -> Bool {
    let isBracketed = reader.take("(")
    if isBracketed { range = reader.position..<reader.position }
    reader.skipBlanks()
    while let found = reader.clauseOperator() {
      let start = reader.position
      reader.position += found.rawValue.utf8.count
      reader.skipBlanks()
      guard let version = reader.version(of: found),
        let specifier = Specifier(found, reader.characters[version].text)
      else { return false }
      let gap = reader.characters[(start + found.rawValue.utf8.count)..<version.lowerBound].text
      clauses.append(Clause(specifier: specifier, range: start..<version.upperBound, version: version, gap: gap))
      reader.skipBlanks()
      guard reader.take(",") else { break }
      reader.skipBlanks()
    }
    if clauses.count > 1 {
      comma = reader.characters[clauses[0].range.upperBound..<clauses[1].range.lowerBound].text
    }
    if let first = clauses.first, let last = clauses.last { range = first.range.lowerBound..<last.range.upperBound }
    guard !isBracketed || reader.take(")") else { return false }
    if isBracketed || !clauses.isEmpty {
      whole = whole.lowerBound..<(isBracketed ? reader.position : range.upperBound)
    }
    return true
  }

  private struct Reader {
    let characters: ArraySlice<UInt8>
    var position: Int

    init(_ characters: ArraySlice<UInt8>) {
      self.characters = characters
      position = characters.startIndex
    }

    var next: UInt8? { position < characters.endIndex ? characters[position] : nil }

    mutating func skipBlanks() { while next == 0x20 || next == 0x09 { position += 1 } }

    mutating func take(_ character: Unicode.Scalar) -> Bool {
      guard next == UInt8(ascii: character) else { return false }
      position += 1
      return true
    }

    /// A name; it does not take a separator at its end.
    mutating func name() -> Range<Int>? {
      let start = position
      while next?.isAlphanumeric == true || next?.isNameSeparator == true { position += 1 }
      while position > start, characters[position - 1].isNameSeparator { position -= 1 }
      return position > start ? start..<position : nil
    }

    /// What stands behind `[`, to `]`.
    mutating func extras() -> Bool {
      skipBlanks()
      if take("]") { return true }
      while true {
        guard name() != nil else { return false }
        skipBlanks()
        if take("]") { return true }
        guard take(",") else { return false }
        skipBlanks()
      }
    }

    mutating func address() -> Bool {
      skipBlanks()
      let start = position
      while let next, next != 0x20, next != 0x09 { position += 1 }
      guard position > start else { return false }
      skipBlanks()
      return true
    }

    func clauseOperator() -> Specifier.Operator? { Specifier.Operator(beginning: characters[position...]) }

    mutating func version(of operator: Specifier.Operator) -> Range<Int>? {
      let start = position
      let ends: Set<UInt8> = [0x20, 0x09, UInt8(ascii: ","), UInt8(ascii: ";"), UInt8(ascii: ")")]
      while let next, !ends.contains(next) { position += 1 }
      return position > start ? start..<position : nil
    }
  }
}
