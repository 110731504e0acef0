import UpdaterRules

/// Runs issue titles through the title grammar.
func runTitlesConformance(file: String) -> (passed: Int, failed: Int, skipped: Int, messages: [String]) {
  CaseRows(file: file) { row throws(CaseRows.WrongCase) in
    let title = try row.required("title", as: String.self)
    let wanted = try TitleCases.request(try row.required("expect", as: [String: Any].self))
    var found = TitleGrammar.read(title)
    // What the cases do not say.
    found.isAddressed = false
    found.doubt = nil
    return found == wanted
      ? nil : "“\(title)” was read as \(TitleCases.text(found)), expected \(TitleCases.text(wanted))"
  }.result
}

private enum TitleCases {
  typealias WrongCase = CaseRows.WrongCase

  static func request(_ values: [String: Any]) throws(WrongCase) -> TitleRequest {
    var row = CaseRows.Row(name: "", values: values)
    let intent = try row.required("intent", as: String.self)
    guard let known = TitleRequest.Intent(rawValue: intent) else { throw WrongCase(reason: "“\(intent)” is no intent") }
    var request = TitleRequest(intent: known)
    for package in try row.required("packages", as: [[String: Any]].self) {
      request.packages.append(try self.package(package))
    }
    request.ecosystem = try named("ecosystem", &row, Ecosystem.init(rawValue:))
    request.scope = try named("scope", &row, TitleRequest.Scope.init(rawValue:))
    request.level = try named("level", &row, UpdateLevel.init(rawValue:))
    request.path = try row.value("path")
    request.except = try row.value("except") ?? []
    request.security = try row.value("security") ?? false
    request.pre = try row.value("pre") ?? false
    guard row.unknownKeys.isEmpty else {
      throw WrongCase(reason: "nobody knows what \(row.unknownKeys.joined(separator: ", ")) expects")
    }
    return request
  }

  private static func named<Value>(
    _ key: String, _ row: inout CaseRows.Row, _ make: (String) -> Value?
  ) throws(WrongCase) -> Value? {
    guard let text = try row.value(key, as: String.self) else { return nil }
    guard let value = make(text) else { throw WrongCase(reason: "“\(text)” is no known \(key)") }
    return value
  }

  private static func package(_ values: [String: Any]) throws(WrongCase) -> PackageRequest {
    var row = CaseRows.Row(name: "", values: values)
    var package = PackageRequest(name: try row.required("name"), from: try row.value("from"))
    if let to = try row.value("to", as: [String: Any].self) {
      var target = CaseRows.Row(name: "", values: to)
      let kind = try target.required("kind", as: String.self)
      switch kind {
      case "latest": package.to = .latest
      case "version": package.to = .version(try target.required("value"))
      case "specifier": package.to = .specifier(try target.required("value"))
      case "level": package.to = try named("value", &target, UpdateLevel.init(rawValue:)).map { .level($0) }
      default: throw WrongCase(reason: "“\(kind)” is no kind of version")
      }
      guard target.unknownKeys.isEmpty else { throw WrongCase(reason: "a `to` has \(target.unknownKeys)") }
    }
    guard row.unknownKeys.isEmpty else { throw WrongCase(reason: "a package has \(row.unknownKeys)") }
    return package
  }

  static func text(_ request: TitleRequest) -> String {
    var parts = [request.intent.rawValue]
    parts += request.packages.map { package in
      "\(package.name)\(package.from.map { " from \($0)" } ?? "")\(package.to.map { " to \($0)" } ?? "")"
    }
    if let ecosystem = request.ecosystem { parts.append("ecosystem \(ecosystem.rawValue)") }
    if let path = request.path { parts.append("path \(path)") }
    if let scope = request.scope { parts.append("scope \(scope.rawValue)") }
    if !request.except.isEmpty { parts.append("except \(request.except)") }
    if let level = request.level { parts.append("level \(level.rawValue)") }
    if request.security { parts.append("security") }
    if request.pre { parts.append("pre") }
    return parts.joined(separator: ", ")
  }
}
