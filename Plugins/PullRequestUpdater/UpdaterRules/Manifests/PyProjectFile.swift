/// A `pyproject.toml`: the dependencies of the project, of its extras, of its build and of its groups (PEP 621, 518, 735).
///
/// They are dependency specifiers like those of a requirements file, in strings; only the specifier in a string is rewritten. Poetry's own
/// tables have another grammar: a package that stands there is refused.
public struct PyProjectFile: Manifest {
  public static var ecosystem: Ecosystem { .pip }
  public static var lockFiles: [String] { ["poetry.lock", "uv.lock", "pdm.lock", "pylock.toml"] }

  private struct Entry {
    let requirement: RequirementSpecifier
    /// Of the string.
    let start: Int
    let line: Int
    let isDevelopment: Bool
  }

  public let bytes: [UInt8]
  public let path: String
  public let dependencies: [Dependency]
  /// Dependencies that are no specifiers; they do not stop the rest.
  public let problems: [Refusal]

  private let entries: [Entry]
  /// The packages of Poetry's tables, with their lines.
  private let poetry: [(name: ProjectName, line: Int)]

  public init(parsing bytes: [UInt8], path: String) throws(Refusal) {
    guard bytes.count <= RequirementsFile.longest else {
      throw Refusal(.unsupported, reason: "\(path) has more than \(RequirementsFile.longest) bytes")
    }
    var entries: [Entry] = []
    var poetry: [(name: ProjectName, line: Int)] = []
    var problems: [Refusal] = []
    for found in try TOMLStrings.all(in: bytes, path: path) {
      if let name = Self.poetryName(found) { poetry.append((name, found.line)) }
      guard let group = Self.group(found) else { continue }
      guard found.isPlain, let requirement = RequirementSpecifier(bytes[found.span]) else {
        problems.append(
          Refusal(.invalidLine, line: found.line, reason: "it is no dependency specifier, such as `name>=1.0`"))
        continue
      }
      entries.append(
        Entry(
          requirement: requirement, start: found.span.lowerBound, line: found.line,
          isDevelopment: Self.developmentGroups.contains(group)))
    }
    self.bytes = bytes
    self.path = path
    self.entries = entries
    self.poetry = poetry
    self.problems = problems
    dependencies = entries.map { entry in
      Dependency(
        name: entry.requirement.name.spelling, normalizedName: entry.requirement.name.normalized,
        requirement: bytes[entry.requirement.range].text, span: entry.requirement.range, line: entry.line,
        isDevelopment: entry.isDevelopment)
    }
  }

  private static let developmentGroups: Set<String> = [
    "dev", "development", "test", "tests", "testing", "lint", "docs",
  ]

  /// The name of the group in which a dependency specifier stands; nil for another string.
  private static func group(_ found: TOMLStrings.Found) -> String? {
    guard found.arrayDepth == 1 else { return nil }
    let path = found.path
    switch path.count {
    case 2:
      if path == ["project", "dependencies"] || path == ["build-system", "requires"] { return "" }
      return path[0] == "dependency-groups" ? path[1].lowercased() : nil
    case 3: return path[0] == "project" && path[1] == "optional-dependencies" ? path[2].lowercased() : nil
    default: return nil
    }
  }

  private static func poetryName(_ found: TOMLStrings.Found) -> ProjectName? {
    var path = found.path[...]
    guard path.starts(with: ["tool", "poetry"]), found.arrayDepth == 0 else { return nil }
    path = path.dropFirst(2)
    if path.first == "group" { path = path.dropFirst(2) }
    guard let table = path.first, ["dependencies", "dev-dependencies"].contains(table),
      path.count == 2
        || (path.count == 3 && path.last == "version")
    else { return nil }
    let name = ProjectName(path[path.startIndex + 1])
    return name?.normalized == "python" ? nil : name
  }

  public func mentions(_ name: String) -> Bool {
    entries.contains { $0.requirement.name.normalized == name } || poetry.contains { $0.name.normalized == name }
  }

  public func applying(_ update: Update, from project: IndexProject, policy: ChoicePolicy) -> EditOutcome {
    guard let name = ProjectName(update.name) else {
      return .refused(Refusal(.invalidRequest, reason: "“\(update.name)” is no name of a Python project"))
    }
    if let own = poetry.first(where: { $0.name == name }) {
      return .refused(
        Refusal(
          .unsupported, line: own.line,
          reason: "\(name) stands in a table of Poetry, whose constraints are not rewritten; change it by hand"))
    }
    let own = entries.filter { $0.requirement.name == name }
    guard !own.isEmpty else { return .unchanged(entries.isEmpty ? .notARequirement : .notThisPackage) }
    if update.verb == .remove {
      return .refused(
        Refusal(.unsupported, line: own[0].line, reason: "entries of \(path) are not removed; remove it by hand"))
    }
    var edits = RequirementEdits()
    for entry in own {
      do throws(Refusal) {
        let outcome = try RequirementUpdate.outcome(of: update, on: entry.requirement, from: project, policy: policy)
        edits.add(outcome) { $0 }
      } catch {
        return .refused(Refusal(error.code, line: entry.line, reason: error.reason))
      }
    }
    return edits.outcome(on: bytes)
  }
}
