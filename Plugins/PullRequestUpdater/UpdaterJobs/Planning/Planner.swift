import UpdaterGitHub
import UpdaterRules

/// Turns what a title asks for into a plan: which lines of which files become what. It reads and changes nothing.
struct Planner {
  let client: GitHubClient
  let index: PackageIndex
  let repository: RepositoryName
  let base: String
  /// Of the base's head.
  let files: RepositoryFiles
  let isDefaultBase: Bool
  let settings: RepositorySettings
  /// nil: the request came without an issue.
  let issue: Int?
  let title: String

  /// Whose packages the index knows.
  private static let ecosystem = Ecosystem.pip
  /// How many packages one request may be about.
  private static let mostPackages = 300

  /// What is done with one package, before its manifests are looked at.
  private struct Work {
    var name: String
    var normalized: String
    var verb: Update.Verb
    var target: VersionTarget
    /// The version that the title says it has.
    var from: String?
    /// What means one version stays at it, and every line means the same one afterwards.
    var isPinAll = false
  }

  /// One package's new content, file by file.
  private struct Edited {
    var item: PullRequestText.Item
    var changes: [(path: String, changes: [PlannedPullRequest.File.Change])]
    var choice: VersionChoice?
    /// What the title says and no manifest does.
    var doubt: String?
  }

  // MARK: The whole

  func plan(_ request: TitleRequest) throws -> Plan {
    var plan = Plan(
      repository: repository, issue: issue, title: title, base: base, commit: files.commit, manifests: [],
      pullRequests: [],
      refusals: [], notes: [])
    var search = ManifestSearch(files, patterns: settings.manifests)
    do { try search.search(place: request.path) } catch let refusal as Refusal {
      plan.refusals = [PlannedRefusal(package: "*", code: refusal.code.rawValue, reason: refusal.reason)]
      return plan
    }
    var manifests = search.found
    manifests.removeAll { $0.ecosystem != Self.ecosystem || $0.ecosystem != request.ecosystem ?? $0.ecosystem }
    plan.manifests = manifests.map(\.path)
    plan.notes = search.notes
    switch request.intent {
    case .updateAll, .pinAll: try planAll(request, manifests, &plan)
    case .update, .pin, .downgrade, .unpin, .remove: try planEach(request, manifests, &plan)
    case .none, .unclear: break
    }
    return plan
  }

  /// Each package of the title in a pull request of its own.
  private func planEach(_ request: TitleRequest, _ manifests: [FoundManifest], _ plan: inout Plan) throws {
    guard request.packages.count <= Self.mostPackages else {
      plan.refusals = [
        PlannedRefusal(
          package: "*", code: Refusal.Code.invalidRequest.rawValue,
          reason: "more than \(Self.mostPackages) packages are named; ask for fewer at once")
      ]
      return
    }
    let works = request.packages.map { package in
      Work(
        name: package.name, normalized: ProjectName.normalize(package.name), verb: verb(of: request.intent),
        target: package.to ?? .latest, from: package.from)
    }
    // A title never adds a name: what no manifest holds may be misspelt, or somebody else's package of a similar name.
    let missing = works.filter { work in !manifests.contains { $0.content.mentions(work.normalized) } }
    guard missing.isEmpty else {
      plan.refusals = missing.map {
        PlannedRefusal(package: $0.normalized, code: PlannedRefusal.unknownPackage, reason: "no manifest asks for it")
      }
      return
    }
    for work in works {
      guard settings.permits(work.normalized) else {
        plan.refusals.append(
          PlannedRefusal(
            package: work.normalized, code: PlannedRefusal.notPermitted,
            reason: "\(RepositorySettings.path) leaves it alone"))
        continue
      }
      guard manifests.contains(where: { holds($0, work.normalized, request.scope) }) else {
        plan.refusals.append(
          PlannedRefusal(
            package: work.normalized, code: PlannedRefusal.notDevelopment,
            reason: "no manifest asks for it for development alone; say it without “dev”"))
        continue
      }
      var manifests = manifests
      switch try edit(work, &manifests, request) {
      case .success(let edited):
        plan.pullRequests.append(
          try pullRequest(
            [edited], manifests, package: work.normalized, request: requestText(work), scope: request.scope))
        if let doubt = edited.doubt { plan.notes.append("\(work.normalized): \(doubt)") }
      case .failure(let refusals): plan.refusals += refusals.all
      }
    }
  }

  /// Everything that can be updated, or pinned, in one pull request.
  private func planAll(_ request: TitleRequest, _ manifests: [FoundManifest], _ plan: inout Plan) throws {
    let except = Set(request.except.map { ProjectName.normalize($0) })
    var names: [String] = []
    var seen: Set<String> = []
    for manifest in manifests {
      for dependency in manifest.content.dependencies {
        let isWanted = request.scope == nil || dependency.isDevelopment
        guard isWanted, seen.insert(dependency.normalizedName).inserted else { continue }
        if !except.contains(dependency.normalizedName), settings.permits(dependency.normalizedName) {
          names.append(dependency.normalizedName)
        }
      }
    }
    if names.count > Self.mostPackages {
      plan.notes.append("only the first \(Self.mostPackages) of \(names.count) packages are looked at")
      names = Array(names.prefix(Self.mostPackages))
    }
    let isPinAll = request.intent == .pinAll
    let target = request.level.map { VersionTarget.level($0) } ?? .latest
    var manifests = manifests
    var edits: [Edited] = []
    for name in names {
      let work = Work(
        name: name, normalized: name, verb: isPinAll ? .pin : .update, target: target, isPinAll: isPinAll)
      switch try edit(work, &manifests, request) {
      case .success(let edited): edits.append(edited)
      case .failure(let refusals): plan.refusals += refusals.all
      }
    }
    guard !edits.isEmpty else { return }
    plan.pullRequests = [
      try pullRequest(
        edits, manifests, package: "*", request: isPinAll ? "pin" : request.level?.rawValue ?? "latest",
        scope: request.scope)
    ]
  }

  private func verb(of intent: TitleRequest.Intent) -> Update.Verb {
    switch intent {
    case .pin: .pin
    case .downgrade: .downgrade
    case .unpin: .unpin
    case .remove: .remove
    default: .update
    }
  }

  private func requestText(_ work: Work) -> String {
    switch (work.verb, work.target) {
    case (.unpin, _): "unpin"
    case (.remove, _): "remove"
    case (_, .latest): "latest"
    case (_, .level(let level)): level.rawValue
    case (_, .version(let text)), (_, .specifier(let text)): text
    }
  }

  /// Whether a manifest asks for a package, and of a scope: for it alone, since all of a package's lines in a file are rewritten together.
  private func holds(_ manifest: FoundManifest, _ name: String, _ scope: TitleRequest.Scope?) -> Bool {
    guard scope == .dev else { return manifest.content.mentions(name) }
    let own = manifest.content.dependencies.filter { $0.normalizedName == name }
    return !own.isEmpty && own.allSatisfy(\.isDevelopment)
  }

  // MARK: One package

  private struct Refusals: Error { var all: [PlannedRefusal] }

  /// Applies one package's update to the manifests that hold it: to all of them, or to none.
  private func edit(
    _ work: Work, _ manifests: inout [FoundManifest], _ request: TitleRequest
  ) throws -> Result<Edited, Refusals> {
    func refuse(_ code: String, _ reason: String) -> Result<Edited, Refusals> {
      .failure(Refusals(all: [PlannedRefusal(package: work.normalized, code: code, reason: reason)]))
    }
    let needsIndex = work.verb != .unpin && work.verb != .remove
    guard ProjectName(work.name) != nil else {
      return refuse(Refusal.Code.invalidRequest.rawValue, "that is no name of a package")
    }
    var project = IndexProject(name: work.normalized, releases: [])
    if needsIndex {
      guard let known = try index.project(work.normalized) else {
        return refuse(Refusal.Code.noSuchVersion.rawValue, "the package index does not know it")
      }
      project = known
      if case .quarantined = project.status {
        return refuse(
          Refusal.Code.unsupported.rawValue,
          "the package index has put it into quarantine; it is not updated before that is over")
      }
    }
    let policy = ChoicePolicy(
      allowsPreReleases: settings.allowsPreReleases || request.pre,
      python: settings.pythonVersion.flatMap { PEP440Version($0) })
    let update = Update(name: work.name, verb: work.verb, target: work.target, keepsPins: work.isPinAll)

    var refused: [PlannedRefusal] = []
    var edited = Edited(item: PullRequestText.Item(package: work.normalized, verb: work.verb), changes: [])
    var changed = manifests
    for (place, manifest) in manifests.enumerated() where holds(manifest, work.normalized, request.scope) {
      switch manifest.content.applying(update, from: project, policy: policy) {
      case .changed(let edit):
        changed[place].content = try type(of: manifest.content).init(parsing: edit.bytes, path: manifest.path)
        edited.changes.append(
          (manifest.path, edit.changes.map { .init(line: $0.line, old: $0.oldText, new: $0.newText) }))
        edited.item.isDowngrade = edited.item.isDowngrade || edit.isDowngrade
        if edited.choice == nil {
          edited.choice = edit.choice
          edited.item.from = edit.from
          edited.item.to = edit.choice?.version
        }
      case .unchanged(let why):
        refused.append(
          PlannedRefusal(
            package: work.normalized, path: manifest.path, code: why.rawValue, reason: Self.words(for: why),
            isSatisfied: why == .upToDate || why == .alreadyAllowed))
      case .refused(let refusal):
        return .failure(
          Refusals(all: [
            PlannedRefusal(
              package: work.normalized, path: manifest.path, code: refusal.code.rawValue,
              reason: refusal.line > 0 ? "line \(refusal.line): \(refusal.reason)" : refusal.reason)
          ]))
      }
    }
    guard !edited.changes.isEmpty else { return .failure(Refusals(all: refused)) }
    if work.isPinAll {
      // Pins that differ are no set that can be installed, where each of them is right by itself.
      let pins = requirements(of: work.normalized, in: changed)
      guard pins.count == 1 else {
        return refuse(
          Refusal.Code.conflict.rawValue,
          "its lines would be pinned to different versions (\(pins.sorted().prefix(5).joined(separator: ", "))); pin it by name to one of them"
        )
      }
    }
    edited.doubt = doubt(of: work, in: manifests, request)
    manifests = changed
    return .success(edited)
  }

  /// What the manifests say about a package's version, each once and without blanks.
  private func requirements(of name: String, in manifests: [FoundManifest]) -> Set<String> {
    Set(
      manifests.flatMap { $0.content.dependencies }.filter { $0.normalizedName == name }
        .map { $0.requirement.filter { !" \t()".contains($0) } })
  }

  /// A word about a version that the title speaks of and no manifest has. What is asked for is clear without it, so that it is done; but whoever
  /// asked has looked at something else than this branch.
  private func doubt(of work: Work, in manifests: [FoundManifest], _ request: TitleRequest) -> String? {
    guard let from = work.from else { return nil }
    let own = manifests.filter { holds($0, work.normalized, request.scope) }.flatMap { $0.content.dependencies }
      .filter { $0.normalizedName == work.normalized }
    if own.contains(where: { $0.isAt(from) }) { return nil }
    return "the title says that it is at \(from), and no manifest does"
  }

  private static func words(for unchanged: Unchanged) -> String {
    switch unchanged {
    case .upToDate: "it is at that version already"
    case .alreadyAllowed: "its range lets that version in already"
    case .unpinned: "it stands there without a version, so any will do"
    case .notThisPackage, .notARequirement: "it does not stand there"
    }
  }

  // MARK: One pull request

  /// - Parameter manifests: with the new content, of the files that were changed.
  private func pullRequest(
    _ edits: [Edited], _ manifests: [FoundManifest], package: String, request: String, scope: TitleRequest.Scope?
  ) throws -> PlannedPullRequest {
    var files: [PlannedPullRequest.File] = []
    var lockFiles: [String] = []
    for manifest in manifests {
      let changes = edits.flatMap { edit in edit.changes.filter { $0.path == manifest.path }.flatMap(\.changes) }
      guard !changes.isEmpty else { continue }
      lockFiles += manifest.lockFiles
      let old = try client.blob(manifest.entry.sha, in: repository)
      files.append(
        PlannedPullRequest.File(
          path: manifest.path, changes: changes.sorted { $0.line < $1.line },
          diff: UnifiedDiff(path: manifest.path, old: old, new: manifest.content.bytes).text,
          new: NewFile(path: manifest.path, mode: manifest.entry.mode, content: manifest.content.bytes)))
    }
    let paths = files.map(\.path)
    let isGroup = package == "*"
    let target = [request, scope?.rawValue].compactMap(\.self).joined(separator: "-")
    let key = Marker.key(
      repository: repository, base: base, ecosystem: Self.ecosystem.rawValue, manifests: paths, package: package,
      request: target)
    let items = edits.map(\.item)
    let skipped =
      edits.count == 1
      ? (edits[0].choice?.skipped ?? []).map {
        PlannedPullRequest.Skipped(version: $0.version, reason: PullRequestText.reason($0.reason))
      } : []
    // Of a group it is told what the whole of it is.
    let whole = items.map { "\($0.package)==\($0.to ?? "")" }.joined(separator: " ")
    let marker = Marker(
      key: key, issue: issue ?? 0, from: isGroup ? "" : items[0].from ?? "",
      to: isGroup ? Digest.hexadecimal(whole, digits: 8) : items[0].to ?? request)
    let title = PullRequestText.title(items)
    let text = PullRequestText(
      items: items, request: request, issue: issue, closes: isDefaultBase, files: files, skipped: skipped,
      releaseNotes: isGroup || items[0].to == nil ? [] : try index.releaseNotes(of: package), lockFiles: lockFiles,
      doubt: edits.count == 1 ? edits[0].doubt : nil, marker: marker)
    return PlannedPullRequest(
      key: key, ecosystem: Self.ecosystem.rawValue, package: package, request: request,
      from: isGroup ? nil : items[0].from,
      to: isGroup ? nil : items[0].to,
      branch: BranchName.ours(
        ecosystem: Self.ecosystem.rawValue, directory: RepositoryPath.commonFolder(of: paths),
        package: isGroup ? "all" : package, target: target),
      title: title, message: title, body: text.body, skipped: skipped, files: files, lockFiles: lockFiles)
  }
}

extension PlannedRefusal {
  static let unknownPackage = "unknown-package"
  static let notPermitted = "not-permitted"
  static let notDevelopment = "not-development"
}
