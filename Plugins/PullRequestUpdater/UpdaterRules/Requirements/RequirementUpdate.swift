/// How a dependency specifier changes by an update: spans of it and their new text. It is the same for every manifest that has such specifiers.
struct RequirementUpdate {
  struct Replacement {
    /// In the characters that the specifier was read from.
    let range: Range<Int>
    let text: String
  }

  var replacements: [Replacement]
  /// The pin or lower bound before; nil when there was none.
  let from: PEP440Version?
  let choice: VersionChoice?
  /// The SHA-256 digests of the chosen version's files.
  let digests: [String]
  let isDowngrade: Bool

  enum Outcome {
    case changed(RequirementUpdate)
    case unchanged(Unchanged)
  }

  /// - Throws: ``Refusal`` without a line.
  static func outcome(
    of update: Update, on requirement: RequirementSpecifier, from project: IndexProject, policy: ChoicePolicy
  ) throws(Refusal) -> Outcome {
    if requirement.isDirect {
      throw Refusal(
        .directReference,
        reason: "\(requirement.name) comes from an address, not from an index; change the address by hand")
    }
    if update.verb == .unpin { return unpinned(requirement) }
    return try Decision(update, requirement, policy).outcome(from: project)
  }

  /// Without the clauses that mean one version.
  private static func unpinned(_ requirement: RequirementSpecifier) -> Outcome {
    let kept = requirement.clauses.filter { !$0.specifier.isPin }
    guard kept.count < requirement.clauses.count else { return .unchanged(.unpinned) }
    let text = ClauseStyle(requirement).text(of: kept.map(\.specifier.description))
    return .changed(
      RequirementUpdate(
        replacements: [Replacement(range: kept.isEmpty ? requirement.whole : requirement.range, text: text)],
        from: requirement.specifiers.base,
        choice: nil, digests: [], isDowngrade: false))
  }

  // MARK: Which version, and where it is written

  private struct Decision {
    let update: Update
    let requirement: RequirementSpecifier
    let policy: ChoicePolicy
    let request: PEP440Request
    let own: SpecifierSet
    let base: PEP440Version?
    let isPinned: Bool

    init(_ update: Update, _ requirement: RequirementSpecifier, _ policy: ChoicePolicy) throws(Refusal) {
      self.update = update
      self.requirement = requirement
      self.policy = policy
      request = try PEP440Request(update.target)
      own = requirement.specifiers
      base = own.base
      isPinned = own.clauses.contains(where: \.isPin)
    }

    func outcome(from project: IndexProject) throws(Refusal) -> Outcome {
      if isPinned, update.keepsPins { return .unchanged(.upToDate) }
      // Nothing is said, so there is nothing to change, and nothing to measure a level from.
      if case .level = request.meaning, base == nil { return .unchanged(.unpinned) }
      if own.clauses.isEmpty, !request.namesVersion, update.verb != .pin { return .unchanged(.unpinned) }

      let candidates = Candidates(
        of: project, parse: { PEP440Version($0) }, isPreRelease: \.isPreRelease, isLocalBuild: { $0.local != nil })
      let (candidate, choice) = try candidates.choose(wish)
      let new = candidate.version
      let isDowngrade = isBelow(new)
      if isDowngrade, update.verb == .update {
        throw Refusal(
          .wouldDowngrade,
          reason: "\(requirement.name) is at \(base.map(\.description) ?? "a newer version") and \(new) is older;"
            + " say “downgrade” if that is meant")
      }
      if isPinned, own.pin == new { return .unchanged(.upToDate) }
      if !request.namesVersion, !isPinned, update.verb != .pin, own.contains(new) {
        return .unchanged(.alreadyAllowed)
      }
      let replacements = rewritten(to: new)
      if replacements.isEmpty { return .unchanged(.alreadyAllowed) }
      try check(replacements, allow: new)
      return .changed(
        RequirementUpdate(
          replacements: replacements, from: base, choice: choice, digests: candidate.release.sha256,
          isDowngrade: isDowngrade))
    }

    private var wish: Candidates<PEP440Version>.Wish {
      let exclusions = own.clauses.filter { $0.operator == .notEqual }
      // A range that is pinned without a word of which version is pinned to what an installer would take.
      let staysInRange = update.verb == .pin && !request.namesVersion && !isPinned
      return Candidates.Wish(
        text: request.text,
        admits: { request.admits($0.version, spelling: $0.release.version, base: base) },
        isExcluded: { version in
          staysInRange ? !own.contains(version) : exclusions.contains { !$0.contains(version) }
        },
        allowsPreReleases: policy.allowsPreReleases || request.namesPreRelease || base?.isPreRelease == true,
        allowsLocalBuilds: own.pin?.local != nil || request.namesLocalBuild, python: policy.python)
    }

    /// Whether a version is below all that the line lets in.
    private func isBelow(_ new: PEP440Version) -> Bool {
      guard let base else { return false }
      let bare = base.local == nil ? new.publicVersion : new
      if bare < base { return true }
      return bare == base && !isPinned && own.clauses.contains { $0.operator == .above && $0.version == base }
    }

    private func rewritten(to new: PEP440Version) -> [Replacement] {
      let style = ClauseStyle(requirement)
      if update.verb == .pin, !isPinned, !isSpecifierRequest {
        return [Replacement(range: requirement.range, text: style.text(of: ["==\(new)"]))]
      }
      if case .specifiers(let specifiers) = request.meaning, !isPinned {
        let text = style.text(of: specifiers.clauses.map(\.description))
        return own.description == specifiers.description
          ? [] : [Replacement(range: requirement.range, text: text)]
      }
      if own.clauses.isEmpty { return [Replacement(range: requirement.range, text: "==\(new)")] }
      return requirement.clauses.flatMap { ClauseRewriting(new: new).replacements(of: $0) }
    }

    private var isSpecifierRequest: Bool { if case .specifiers = request.meaning { true } else { false } }

    /// What is written must let in what was chosen.
    private func check(_ replacements: [Replacement], allow new: PEP440Version) throws(Refusal) {
      let written = requirement.clauses.flatMap { clause -> [Specifier] in
        var (found, version) = (clause.specifier.operator, clause.specifier.text)
        for replacement in replacements {
          // All of them are replaced at once by what was asked for, which lets it in.
          if replacement.range == requirement.range, replacement.range != clause.version { return [] }
          if replacement.range == clause.version { version = replacement.text }
          if replacement.range.lowerBound == clause.range.lowerBound { found = .atLeast }
        }
        return Specifier(found, version).map { [$0] } ?? []
      }
      guard !SpecifierSet(written).contains(new) else { return }
      throw Refusal(
        .conflict,
        reason: "“\(own)” of \(requirement.name) cannot be changed so that it lets \(new) in; change it by hand")
    }
  }
}

/// How the clauses of a requirement are set: the blanks between operator and version, and around commas.
struct ClauseStyle {
  private let gap: String
  private let comma: String

  init(_ requirement: RequirementSpecifier) {
    gap = requirement.clauses.first?.gap ?? ""
    comma = requirement.clauses.count > 1 ? requirement.comma : gap.isEmpty ? "," : ", "
  }

  /// Clauses without blanks, set in this style.
  func text(of clauses: [String]) -> String {
    clauses.map { clause in
      guard let found = Specifier.Operator(beginning: Array(clause.utf8)[...]) else { return clause }
      return found.rawValue + gap + clause.dropFirst(found.rawValue.count)
    }.joined(separator: comma)
  }
}
