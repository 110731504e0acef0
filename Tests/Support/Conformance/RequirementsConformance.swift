import UpdaterRules

/// Runs updates of lines of requirements files.
func runRequirementsConformance(file: String) -> (passed: Int, failed: Int, skipped: Int, messages: [String]) {
  CaseRows(file: file) { row throws(CaseRows.WrongCase) in
    let found = try RequirementsCases.outcome(&row)
    let expected = try row.required("expect", as: [String: Any].self)
    return RequirementsCases.difference(found, expected)
  }.result
}

private enum RequirementsCases {
  typealias WrongCase = CaseRows.WrongCase

  static func outcome(_ row: inout CaseRows.Row) throws(WrongCase) -> EditOutcome {
    let line = try row.required("line", as: String.self)
    let verb = try verb(&row)
    let update = Update(
      name: try row.required("package"), verb: verb, target: VersionTarget(try row.required("request")))
    var policy = ChoicePolicy(allowsPreReleases: try row.value("pre") ?? false)
    if let text = try row.value("python", as: String.self) {
      guard let python = PEP440Version(text) else { throw WrongCase(reason: "“\(text)” is no version of Python") }
      policy.python = python
    }
    let project = try project(&row, name: update.name)
    do throws(Refusal) {
      return try RequirementsFile(parsing: Array(line.utf8), path: "requirements.txt")
        .applying(update, from: project, policy: policy)
    } catch {
      return .refused(error)
    }
  }

  private static func verb(_ row: inout CaseRows.Row) throws(WrongCase) -> Update.Verb {
    let isDowngradeAllowed = try row.value("allow_downgrade", as: Bool.self) ?? false
    guard let text = try row.value("verb", as: String.self) else { return isDowngradeAllowed ? .downgrade : .update }
    guard let verb = Update.Verb(rawValue: text) else { throw WrongCase(reason: "“\(text)” is no verb") }
    return verb == .update && isDowngradeAllowed ? .downgrade : verb
  }

  private static func project(_ row: inout CaseRows.Row, name: String) throws(WrongCase) -> IndexProject {
    let yanked = Set(try row.value("yanked", as: [String].self) ?? [])
    let pythons = try row.value("requires_python", as: [String: String].self) ?? [:]
    let hashes = try row.value("hashes", as: [String: [String]].self) ?? [:]
    let releases = try row.required("available", as: [String].self).map { version in
      let digests: [String?] = hashes[version].map { $0.map(Optional.some) } ?? [nil]
      return IndexProject.Release(
        version: version,
        files: digests.enumerated().map { index, digest in
          IndexProject.File(
            name: "\(name)-\(version)-\(index).tar.gz", sha256: digest, requiresPython: pythons[version],
            isYanked: yanked.contains(version))
        })
    }
    return IndexProject(name: name, releases: releases)
  }

  static func difference(_ found: EditOutcome, _ expected: [String: Any]) -> String? {
    let unknown = expected.keys.filter { !["line", "version", "downgrade", "unchanged", "error"].contains($0) }
    guard unknown.isEmpty else { return "nobody knows what \(unknown.sorted().joined(separator: ", ")) expects" }
    var result: [String: String] = [:]
    switch found {
    case .changed(let edit):
      result["line"] = String(decoding: edit.bytes, as: UTF8.self)
      result["version"] = edit.choice?.version
      if edit.isDowngrade { result["downgrade"] = "true" }
    case .unchanged(let reason): result["unchanged"] = reason.rawValue
    case .refused(let refusal): result["error"] = refusal.code.rawValue
    }
    let wanted = expected.compactMapValues { value -> String? in
      (value as? String) ?? (value as? Bool).flatMap { $0 ? "true" : nil }
    }
    return result == wanted
      ? nil : "came to \(result.sorted { $0.key < $1.key }), expected \(wanted.sorted { $0.key < $1.key })"
  }
}
