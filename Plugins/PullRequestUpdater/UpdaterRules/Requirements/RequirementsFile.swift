/// A requirements or constraints file, as pip reads it.
public struct RequirementsFile: Manifest {
  public static var ecosystem: Ecosystem { .pip }

  /// Another file that it takes in.
  public struct Reference: Sendable, Hashable {
    /// As it is written: relative to this file, or an address.
    public let path: String
    /// By `-c`: its lines only limit versions.
    public let isConstraint: Bool
    /// Counted from 1.
    public let line: Int
  }

  public let path: String
  public let dependencies: [Dependency]
  /// The files of `-r` and `-c`, in order.
  public let references: [Reference]
  /// Lines that pip would refuse; they do not stop the rest.
  public let problems: [Refusal]
  /// `--pre` stands in it.
  public let allowsPreReleases: Bool
  /// `--require-hashes` or any `--hash` stands in it: then each requirement must be pinned and hashed.
  public let requiresHashes: Bool

  private let source: SourceText
  private let lines: [RequirementLine]

  public var bytes: [UInt8] { source.bytes }

  /// The largest file that is read, in bytes.
  public static let longest = 4_194_304

  /// - Throws: ``Refusal`` (`unsupported`) for a file that is too large, or in an encoding that is not built upon ASCII.
  public init(parsing bytes: [UInt8], path: String) throws(Refusal) {
    guard bytes.count <= Self.longest else {
      throw Refusal(.unsupported, reason: "\(path) has more than \(Self.longest) bytes")
    }
    let source = try SourceText(bytes, path: path)
    let lines = LogicalLine.lines(of: source).map { RequirementLine($0, in: source) }
    self.path = path
    self.source = source
    self.lines = lines
    dependencies = lines.compactMap { Self.dependency($0, in: source, isDevelopment: Self.isDevelopment(path)) }
    references = lines.compactMap(Self.reference)
    problems = lines.compactMap { line in
      guard case .invalid(_, let reason) = line.content else { return nil }
      return Refusal(.invalidLine, line: line.logical.line, reason: "pip cannot read it: \(reason)")
    }
    allowsPreReleases = lines.contains { line in
      if case .options = line.content { line.options.allowsPreReleases } else { false }
    }
    requiresHashes = lines.contains { !$0.options.hashes.isEmpty || $0.options.requiresHashes }
  }

  private static func dependency(
    _ line: RequirementLine, in source: SourceText, isDevelopment: Bool
  ) -> Dependency? {
    guard case .requirement(let requirement) = line.content else { return nil }
    let span = line.logical.span(requirement.range)
    return Dependency(
      name: requirement.name.spelling, normalizedName: requirement.name.normalized,
      requirement: source.bytes[span].text, span: span, line: line.logical.line, isDevelopment: isDevelopment)
  }

  /// pip takes the first of a line, and none beside a requirement.
  private static func reference(_ line: RequirementLine) -> Reference? {
    guard case .options = line.content else { return nil }
    let isConstraint = line.options.requirements.isEmpty
    guard let value = line.options.requirements.first ?? line.options.constraints.first else { return nil }
    return Reference(path: value.text, isConstraint: isConstraint, line: line.logical.line)
  }

  /// `requirements-dev.txt`, `requirements/test.txt`: its path says so.
  private static func isDevelopment(_ path: String) -> Bool {
    let words = path.lowercased().utf8.split { !$0.isAlphanumeric }.map(\.text)
    return words.contains { ["dev", "development", "test", "tests", "testing", "lint", "docs"].contains($0) }
  }

  public func mentions(_ name: String) -> Bool {
    guard let name = ProjectName(name) else { return false }
    return lines.contains { $0.concerns(name) }
  }

  // MARK: Updating

  public func applying(_ update: Update, from project: IndexProject, policy: ChoicePolicy) -> EditOutcome {
    guard let name = ProjectName(update.name) else {
      return .refused(Refusal(.invalidRequest, reason: "“\(update.name)” is no name of a Python project"))
    }
    let own = lines.filter { $0.concerns(name) }
    guard !own.isEmpty else { return absent }
    var edits = RequirementEdits()
    var policy = policy
    policy.allowsPreReleases = policy.allowsPreReleases || allowsPreReleases
    for line in own {
      do throws(Refusal) {
        try apply(update, to: line, from: project, policy: policy, edits: &edits)
      } catch {
        return .refused(Refusal(error.code, line: line.logical.line, reason: error.reason))
      }
    }
    return checked(edits.outcome(on: bytes), removes: update.verb == .remove, name: name)
  }

  /// What was written must be read as it is meant: where a line is so made that it is not, nothing is changed.
  private func checked(_ outcome: EditOutcome, removes: Bool, name: ProjectName) -> EditOutcome {
    guard case .changed(let edit) = outcome else { return outcome }
    let before = dependencies.map(\.normalizedName).filter { !removes || $0 != name.normalized }
    let after = try? RequirementsFile(parsing: edit.bytes, path: path).dependencies.map(\.normalizedName)
    if after == before { return outcome }
    return .refused(
      Refusal(
        .unsupported, line: edit.changes.first?.line ?? 0,
        reason: "the line of \(name) is set in a way that cannot be kept; change it by hand"))
  }

  /// What a file comes to that has no line of the package.
  private var absent: EditOutcome {
    var named = false
    for line in lines {
      switch line.content {
      case .requirement, .environment, .invalid(.some, _): named = true
      case .invalid(nil, let reason):
        return .refused(
          Refusal(.invalidLine, line: line.logical.line, reason: "pip cannot read it: \(reason); mend it first"))
      case .location, .options: break
      }
    }
    return .unchanged(named ? .notThisPackage : .notARequirement)
  }

  private func apply(
    _ update: Update, to line: RequirementLine, from project: IndexProject, policy: ChoicePolicy,
    edits: inout RequirementEdits
  ) throws(Refusal) {
    switch line.content {
    case .invalid(_, let reason): throw Refusal(.invalidLine, reason: "pip cannot read it: \(reason); mend it first")
    case .options: return
    case .environment:
      throw Refusal(
        .unsupportedEnvironmentVariable, reason: "an environment variable says what it requires; change that instead")
    case .location where update.verb != .remove:
      throw Refusal(
        .directReference,
        reason: "\(update.name) comes from an address or a path, not from an index; change that by hand")
    case .location: edits.remove(line.logical.extent)
    case .requirement where update.verb == .remove: edits.remove(line.logical.extent)
    case .requirement(let requirement):
      if update.verb == .unpin, requiresHashes {
        throw Refusal(.conflict, reason: "the file has hashes, so pip needs every requirement pinned")
      }
      let outcome = try RequirementUpdate.outcome(of: update, on: requirement, from: project, policy: policy)
      guard case .changed(let change) = outcome else { return edits.add(outcome) { $0 } }
      let hashes = line.options.hashes
      if !hashes.isEmpty {
        guard !change.digests.isEmpty else {
          throw Refusal(
            .hashesUnavailable,
            reason: "it has hashes, and the index tells none for \(update.name) \(change.choice?.version ?? "")")
        }
        guard !hashes.contains(where: { RequirementLine.hasEnvironmentVariable(line.logical.characters[$0.range]) })
        else {
          throw Refusal(
            .unsupportedEnvironmentVariable, reason: "an environment variable says its hash; change that instead")
        }
        HashList(line: line.logical, source: source, hashes: hashes).replace(
          with: change.digests, in: &edits.spans)
      }
      edits.add(outcome, place: line.logical.span)
    }
  }
}
