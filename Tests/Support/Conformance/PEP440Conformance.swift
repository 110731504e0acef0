import UpdaterRules

/// Runs versions, their order and specifiers through the reading of PEP 440.
func runPEP440Conformance(file: String) -> (passed: Int, failed: Int, skipped: Int, messages: [String]) {
  CaseRows(file: file) { row throws(CaseRows.WrongCase) in
    switch try row.required("kind", as: String.self) {
    case "parse": try PEP440Cases.parse(&row)
    case "order": try PEP440Cases.order(&row)
    case "equal": try PEP440Cases.equal(&row)
    case "specifier": try PEP440Cases.specifier(&row)
    case let kind: "“\(kind)” is no known kind of case"
    }
  }.result
}

private enum PEP440Cases {
  typealias Row = CaseRows.Row
  typealias WrongCase = CaseRows.WrongCase

  private static func version(_ text: String) throws(WrongCase) -> PEP440Version {
    guard let version = PEP440Version(text) else { throw WrongCase(reason: "“\(text)” was not read") }
    return version
  }

  static func parse(_ row: inout Row) throws(WrongCase) -> String? {
    let text = try row.required("in", as: String.self)
    if try row.value("invalid", as: Bool.self) == true {
      return PEP440Version(text).map { "“\(text)” was read as \($0), and is no version" }
    }
    let version = try version(text)
    let expected = try row.required("normal", as: String.self)
    var wrong: [String] = []
    func compare<Value: Equatable>(_ what: String, _ found: Value, _ expected: Value?) {
      if let expected, found != expected { wrong.append("\(what) is \(found), expected \(expected)") }
    }
    compare("the normal form", version.description, expected)
    compare("pre", version.isPreRelease, try row.value("pre"))
    compare("post", version.isPostRelease, try row.value("post"))
    compare("dev", version.isDevelopmentRelease, try row.value("dev"))
    compare("the epoch", version.epochNumber, try row.value("epoch", as: Int.self).map(String.init))
    compare("the release", version.releaseNumbers, try row.value("release", as: [Int].self)?.map(String.init))
    let hasLocal = row.has("local")
    let local = try row.value("local", as: String.self)
    if hasLocal { compare("the local label", version.localLabel, .some(local)) }
    compare("the normal form's normal form", PEP440Version(version.description)?.description, expected)
    return wrong.isEmpty ? nil : "“\(text)”: \(wrong.joined(separator: "; "))"
  }

  static func order(_ row: inout Row) throws(WrongCase) -> String? {
    var versions: [PEP440Version] = []
    for text in try row.required("ascending", as: [String].self) { versions.append(try version(text)) }
    for (index, one) in versions.enumerated() {
      for other in versions[(index + 1)...] where !(one < other) || other < one || one == other {
        return "\(one) is not below \(other)"
      }
    }
    return nil
  }

  static func equal(_ row: inout Row) throws(WrongCase) -> String? {
    let (one, other) = (try version(row.required("a")), try version(row.required("b")))
    return one == other && !(one < other) && !(other < one) && one.hashValue == other.hashValue
      ? nil : "\(one) and \(other) are not equal"
  }

  static func specifier(_ row: inout Row) throws(WrongCase) -> String? {
    let text = try row.required("spec", as: String.self)
    if try row.value("invalid", as: Bool.self) == true {
      return SpecifierSet(text).map { "“\(text)” was read as “\($0)”, and is no specifier" }
    }
    guard let specifiers = SpecifierSet(text) else { return "“\(text)” was not read" }
    let spelling = try row.required("version", as: String.self)
    let version = try version(spelling)
    let matches = specifiers.contains(version, spelling: spelling)
    let expected = try row.required("match_pre_allowed", as: Bool.self)
    let final = try row.value("match_final_only", as: Bool.self)
    if matches != expected { return "“\(text)” \(matches ? "lets \(version) in" : "shuts \(version) out")" }
    if let final, (matches && !version.isPreRelease) != final {
      return "“\(text)” without pre-releases \(final ? "shuts \(version) out" : "lets \(version) in")"
    }
    return nil
  }
}
