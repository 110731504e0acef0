/// How one clause changes so that it lets a new version in, and says as much as before.
struct ClauseRewriting {
  let new: PEP440Version

  /// Empty when the clause stays as it is.
  func replacements(of clause: RequirementSpecifier.Clause) -> [RequirementUpdate.Replacement] {
    let specifier = clause.specifier
    func version(_ text: String) -> [RequirementUpdate.Replacement] {
      text == specifier.text ? [] : [RequirementUpdate.Replacement(range: clause.version, text: text)]
    }
    switch specifier.operator {
    case .notEqual: return []
    case .identical: return version(new.description)
    case .equal:
      guard specifier.isPrefix, let old = specifier.version else { return version(new.description) }
      return version(new.released(places: old.release.count).description + ".*")
    case .compatible: return version(compatible(places: specifier.version?.release.count ?? 2))
    case .atLeast: return version(new.publicVersion.description)
    case .above:
      let end = clause.range.lowerBound + specifier.operator.rawValue.utf8.count
      return [
        RequirementUpdate.Replacement(
          range: clause.range.lowerBound..<end, text: Specifier.Operator.atLeast.rawValue)
      ] + version(new.publicVersion.description)
    case .atMost: return specifier.contains(new) ? [] : version(new.publicVersion.description)
    case .below:
      guard let old = specifier.version, !specifier.contains(new) else { return [] }
      return version(upperBound(like: old))
    }
  }

  /// As many places as before; with the suffix when the release alone would shut the version out.
  private func compatible(places: Int) -> String {
    let bare = new.released(places: max(2, places))
    guard bare > new.publicVersion else { return bare.description }
    var version = bare
    version.pre = new.pre
    version.post = new.post
    version.dev = new.dev
    return version.description
  }

  /// The last place that is not zero goes one above the new version's; the places behind it are zero.
  private func upperBound(like old: PEP440Version) -> String {
    let place = old.release.lastIndex { !$0.isZero } ?? 0
    var bound = new.released(places: old.release.count)
    bound.release[place] = new.releaseNumber(place).successor
    for index in bound.release.indices where index > place { bound.release[index] = .zero }
    return bound.description
  }
}
