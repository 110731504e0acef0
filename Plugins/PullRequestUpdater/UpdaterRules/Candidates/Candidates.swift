/// The versions of a project that may be chosen, in a scheme of versions.
struct Candidates<Version: Comparable & Sendable & CustomStringConvertible> {
  struct Candidate {
    let version: Version
    let release: IndexProject.Release
  }

  /// What is asked of a version besides that nothing is wrong with it.
  struct Wish {
    /// As the author wrote it, for messages.
    let text: String
    /// Whether the request lets a version in.
    var admits: (Candidate) -> Bool
    /// Whether the manifest's own line excludes it.
    var isExcluded: (Version) -> Bool = { _ in false }
    var allowsPreReleases: Bool
    var allowsLocalBuilds = true
    var python: PEP440Version?
  }

  private let all: [Candidate]
  private let isPreRelease: (Version) -> Bool
  private let isLocalBuild: (Version) -> Bool
  private let name: String

  /// - Parameter parse: nil for what is no version of the scheme: then it is no candidate.
  init(
    of project: IndexProject, parse: (String) -> Version?, isPreRelease: @escaping (Version) -> Bool,
    isLocalBuild: @escaping (Version) -> Bool = { _ in false }
  ) {
    all = project.releases.compactMap { release in
      parse(release.version).map { Candidate(version: $0, release: release) }
    }
    name = project.name
    self.isPreRelease = isPreRelease
    self.isLocalBuild = isLocalBuild
  }

  /// The newest version that a wish lets in.
  ///
  /// - Throws: ``Refusal`` that names the first filter that left nothing.
  func choose(_ wish: Wish) throws(Refusal) -> (candidate: Candidate, choice: VersionChoice) {
    let reasons = all.map { reason(against: $0, wish) }
    func isLeft(_ filters: Int) -> [Int] { all.indices.filter { (reasons[$0]?.filter ?? .max) >= filters } }
    for filter in Filter.allCases where isLeft(filter.rawValue + 1).isEmpty { throw refusal(filter, wish, reasons) }
    guard let best = isLeft(.max).max(by: { all[$0].version < all[$1].version }) else {
      throw refusal(.request, wish, reasons)
    }
    var skipped: [(version: Version, reason: VersionChoice.Reason)] = []
    for index in all.indices where all[index].version > all[best].version {
      if let reason = reasons[index] { skipped.append((all[index].version, reason.reason)) }
    }
    skipped.sort { $0.version > $1.version }
    return (
      all[best],
      VersionChoice(
        version: all[best].version.description,
        skipped: skipped.map { VersionChoice.Skipped(version: $0.version.description, reason: $0.reason) })
    )
  }

  /// In the order in which they are applied.
  private enum Filter: Int, CaseIterable { case request, yanked, python, preRelease, exclusion }

  /// The first filter that a version does not pass.
  private func reason(against candidate: Candidate, _ wish: Wish) -> (filter: Int, reason: VersionChoice.Reason)? {
    let release = candidate.release
    if isLocalBuild(candidate.version), !wish.allowsLocalBuilds { return (Filter.request.rawValue, .localBuild) }
    if release.files.isEmpty, release.revision == nil { return (Filter.request.rawValue, .noFiles) }
    if !wish.admits(candidate) { return (Filter.request.rawValue, .outsideRequest) }
    if release.isYanked { return (Filter.yanked.rawValue, .yanked(release.yankReason)) }
    if let python = wish.python, let required = release.requirementAgainst(python) {
      return (Filter.python.rawValue, .pythonTooOld(required))
    }
    if isPreRelease(candidate.version), !wish.allowsPreReleases { return (Filter.preRelease.rawValue, .preRelease) }
    if wish.isExcluded(candidate.version) { return (Filter.exclusion.rawValue, .excludedByManifest) }
    return nil
  }

  private func refusal(
    _ filter: Filter, _ wish: Wish, _ reasons: [(filter: Int, reason: VersionChoice.Reason)?]
  ) -> Refusal {
    // The newest that got as far as this filter says best what is wrong.
    let newest = all.indices.filter { reasons[$0]?.filter == filter.rawValue }
      .max { all[$0].version < all[$1].version }
    let version = newest.map { all[$0].version.description } ?? ""
    switch filter {
    case .request:
      return Refusal(
        .noSuchVersion, reason: "the index has no version of \(name) that \(wish.text) means; name one that it has")
    case .yanked:
      var text = "\(name) \(version) was taken back by its project"
      if let newest, let why = all[newest].release.yankReason, !why.isEmpty { text += " (\(why))" }
      return Refusal(.yanked, reason: text + "; ask for another version")
    case .python:
      var required = ""
      if let newest, case .pythonTooOld(let text)? = reasons[newest]?.reason { required = " (it requires \(text))" }
      let python = wish.python?.description ?? ""
      return Refusal(
        .pythonIncompatible,
        reason: "\(name) \(version) does not run on Python \(python)\(required); ask for an older version")
    case .preRelease:
      return Refusal(
        .onlyPreReleases,
        reason:
          "only pre-releases of \(name) are what \(wish.text) means; ask for \(version) by its whole number to take it")
    case .exclusion:
      return Refusal(
        .conflict,
        reason:
          "the manifest's own line excludes what \(wish.text) means, \(name) \(version); change that by hand first")
    }
  }
}

extension IndexProject.Release {
  /// All its files were taken back.
  public var isYanked: Bool { !files.isEmpty && files.allSatisfy(\.isYanked) }

  /// What the project says about that.
  public var yankReason: String? { files.lazy.compactMap(\.yankReason).first { !$0.isEmpty } }

  /// The SHA-256 digests of all its files that have one, in order, each once.
  public var sha256: [String] { Set(files.compactMap(\.sha256)).sorted() }

  /// What the files require of Python when none of them takes this one; nil when one does.
  func requirementAgainst(_ python: PEP440Version) -> String? {
    var refused: String?
    for file in files where !file.isYanked {
      guard let text = file.requiresPython, let required = SpecifierSet(text) else { return nil }
      if required.contains(python) { return nil }
      refused = text
    }
    return refused
  }
}
