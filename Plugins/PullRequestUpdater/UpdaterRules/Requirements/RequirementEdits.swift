/// What an update does to the lines of a manifest, one after the other, and what that comes to as a whole.
struct RequirementEdits {
  var spans = SpanEdits()
  private var unchanged: [Unchanged] = []
  private var from: PEP440Version?
  private var choice: (version: PEP440Version, choice: VersionChoice)?
  private var isDowngrade = false

  /// - Parameter place: where the characters of the changed specifier stand in the file.
  mutating func add(_ outcome: RequirementUpdate.Outcome, place: (Range<Int>) -> Range<Int>) {
    switch outcome {
    case .unchanged(let reason): unchanged.append(reason)
    case .changed(let change):
      for replacement in change.replacements { spans.replace(place(replacement.range), with: replacement.text) }
      if let old = change.from { from = from.map { min($0, old) } ?? old }
      isDowngrade = isDowngrade || change.isDowngrade
      if let new = change.choice, let version = PEP440Version(new.version), choice.map({ $0.version < version }) ?? true
      {
        choice = (version, new)
      }
    }
  }

  mutating func remove(_ span: Range<Int>) { spans.replace(span, with: "") }

  func outcome(on bytes: [UInt8]) -> EditOutcome {
    guard !spans.isEmpty else {
      // The reason that says most.
      return .unchanged(
        [.upToDate, .alreadyAllowed, .unpinned].first { unchanged.contains($0) } ?? .notThisPackage)
    }
    return .changed(
      ManifestEdit(
        bytes: spans.applied(to: bytes), changes: spans.changes(in: bytes), from: from?.description,
        choice: choice?.choice, isDowngrade: isDowngrade))
  }
}
