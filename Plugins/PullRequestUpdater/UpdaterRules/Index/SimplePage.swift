import Foundation
import HTMLTree

/// A project's page of the Simple API (PEP 503, 691, 700, 792), in JSON or HTML.
struct SimplePage {
  private(set) var releases: [IndexProject.Release] = []
  private(set) var status = IndexProject.Status.active
  private(set) var statusReason: String?

  // MARK: JSON

  private struct Answer: Decodable {
    struct Meta: Decodable {
      let apiVersion: String

      enum CodingKeys: String, CodingKey { case apiVersion = "api-version" }
    }

    struct Status: Decodable {
      let status: String?
      let reason: String?
    }

    let meta: Meta
    let name: String?
    let versions: [String]?
    let files: [File]
    let status: Status?

    enum CodingKeys: String, CodingKey {
      case meta, name, versions, files
      case status = "project-status"
    }
  }

  private struct File: Decodable {
    let name: String
    let address: String
    let hashes: [String: String]
    let requiresPython: String?
    let yank: Yank?

    enum CodingKeys: String, CodingKey {
      case name = "filename"
      case address = "url"
      case hashes, yanked
      case requiresPython = "requires-python"
    }

    init(from decoder: any Decoder) throws {
      let values = try decoder.container(keyedBy: CodingKeys.self)
      name = try values.decode(String.self, forKey: .name)
      address = try values.decodeIfPresent(String.self, forKey: .address) ?? ""
      hashes = try values.decodeIfPresent([String: String].self, forKey: .hashes) ?? [:]
      requiresPython = try values.decodeIfPresent(String.self, forKey: .requiresPython)
      yank = try values.decodeIfPresent(Yank.self, forKey: .yanked)
    }
  }

  /// `true`, or the reason.
  private struct Yank: Decodable {
    let isYanked: Bool
    let reason: String?

    init(from decoder: any Decoder) throws {
      let value = try decoder.singleValueContainer()
      if let flag = try? value.decode(Bool.self) {
        (isYanked, reason) = (flag, nil)
      } else {
        (isYanked, reason) = (true, try value.decode(String.self))
      }
    }
  }

  private struct Version: Decodable {
    let meta: Answer.Meta
  }

  init(json body: [UInt8], of project: ProjectName) throws(IndexFailure) {
    let data = Data(body)
    // The version first: the rest of a later one may look different.
    let meta: Version = try Self.decode(data, project)
    try Self.check(version: meta.meta.apiVersion)
    let answer: Answer = try Self.decode(data, project)
    if let name = answer.name, ProjectName.normalize(name) != project.normalized {
      throw IndexFailure(.otherProject, reason: "the index answers about “\(name.prefix(80))”, asked was \(project)")
    }
    guard answer.files.count <= IndexProject.mostFiles else {
      throw IndexFailure(.tooLarge, reason: "the index's answer about \(project) names \(answer.files.count) files")
    }
    if let state = answer.status?.status { status = Self.status(state) }
    statusReason = answer.status?.reason
    add(
      answer.files.map { file in
        IndexProject.File(
          name: file.name, address: file.address, sha256: Self.digest(file.hashes["sha256"]),
          requiresPython: Self.requirement(file.requiresPython), isYanked: file.yank?.isYanked ?? false,
          yankReason: file.yank?.reason)
      }, listed: answer.versions, of: project)
  }

  private static func decode<Value: Decodable>(_ data: Data, _ project: ProjectName) throws(IndexFailure) -> Value {
    do {
      return try JSONDecoder().decode(Value.self, from: data)
    } catch {
      throw IndexFailure(
        .malformed, reason: "the index's answer about \(project) is not what the Simple API says: \(Self.place(error))")
    }
  }

  private static func place(_ error: any Error) -> String {
    func path(_ context: DecodingError.Context) -> String {
      let keys = context.codingPath.prefix(4).map { $0.intValue.map(String.init) ?? $0.stringValue }
      return keys.isEmpty ? "the whole" : keys.joined(separator: "/")
    }
    return switch error as? DecodingError {
    case .keyNotFound(let key, let context): "\(path(context)) has no “\(key.stringValue)”"
    case .typeMismatch(let type, let context): "\(path(context)) is no \(type)"
    case .valueNotFound(let type, let context): "\(path(context)) is no \(type)"
    case .dataCorrupted(let context): "\(path(context)) is no JSON"
    default: "it cannot be decoded"
    }
  }

  private static func status(_ text: String) -> IndexProject.Status {
    switch text {
    case "active": .active
    case "archived": .archived
    case "quarantined": .quarantined
    case "deprecated": .deprecated
    default: .other(text)
    }
  }

  /// A client must not go on with a major version above its own.
  private static func check(version: String) throws(IndexFailure) {
    guard let major = version.split(separator: ".").first.flatMap({ Int($0) }) else {
      throw IndexFailure(.malformed, reason: "the index's API version is “\(version.prefix(40))”, expected is 1.N")
    }
    guard major <= 1 else {
      throw IndexFailure(
        .unsupported, reason: "the index speaks version \(version.prefix(40)) of its API, understood is 1")
    }
  }

  // MARK: HTML

  init(html body: [UInt8], of project: ProjectName) throws(IndexFailure) {
    guard let page = HTMLDocument(body) else {
      throw IndexFailure(
        .tooLarge, reason: "the index's page about \(project) is too large to be read; it may offer JSON")
    }
    if let version = try Self.elements("meta[name=\"pypi:repository-version\"]", in: page).first?["content"] {
      try Self.check(version: version)
    }
    if let state = try Self.elements("meta[name=\"pypi:project-status\"]", in: page).first?["content"] {
      status = Self.status(state)
      statusReason = try Self.elements("meta[name=\"pypi:project-status-reason\"]", in: page).first?["content"]
    }
    let links = try Self.elements("a[href]", in: page)
    add(links.compactMap(Self.file), listed: nil, of: project)
  }

  private static func elements(_ selector: String, in page: HTMLDocument) throws(IndexFailure) -> [HTMLDocument.Element]
  {
    do throws(Selector.Failure) {
      return try Selector(selector).select(in: page, limit: IndexProject.mostFiles).compactMap { page.element($0) }
    } catch {
      throw IndexFailure(.malformed, reason: "the index's page cannot be read: \(error)")
    }
  }

  private static func file(_ link: HTMLDocument.Element) -> IndexProject.File? {
    guard let address = link["href"]?.trimmed else { return nil }
    let parts = address.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false)
    let path = parts[0].prefix { $0 != "?" }
    guard let last = path.split(separator: "/").last, let name = String(last).removingPercentEncoding else {
      return nil
    }
    var digest: String?
    for part in parts.dropFirst().joined().split(separator: "&") where part.hasPrefix("sha256=") {
      digest = Self.digest(String(part.dropFirst(7)))
    }
    let reason = link["data-yanked"]
    return IndexProject.File(
      name: name, address: String(parts[0]), sha256: digest, requiresPython: requirement(link["data-requires-python"]),
      isYanked: reason != nil, yankReason: reason.flatMap { $0.isEmpty ? nil : $0 })
  }

  // MARK: Both

  private static func requirement(_ text: String?) -> String? { text.flatMap { $0.trimmed.isEmpty ? nil : $0 } }

  /// nil for what is no digest: it is written into a file of the repository.
  private static func digest(_ text: String?) -> String? {
    guard let text, text.utf8.count == 64, text.utf8.allSatisfy(\.isHexDigit) else { return nil }
    return text.lowercased()
  }

  /// Files by version. Spellings of one version are one release, by the index's own spelling where it lists its versions.
  private mutating func add(_ files: [IndexProject.File], listed: [String]?, of project: ProjectName) {
    var order: [PEP440Version] = []
    var byVersion: [PEP440Version: [IndexProject.File]] = [:]
    for file in files {
      guard let text = DistributionFileName(file.name, of: project)?.version, let version = PEP440Version(text) else {
        continue
      }
      if byVersion[version] == nil { order.append(version) }
      byVersion[version, default: []].append(file)
    }
    var spellings: [PEP440Version: String] = [:]
    for text in listed ?? [] {
      guard let version = PEP440Version(text), spellings[version] == nil else { continue }
      spellings[version] = text
      // A version without a file that pip installs is no candidate; it is told why.
      if byVersion[version] == nil { order.append(version) }
    }
    releases = order.map { version in
      IndexProject.Release(
        version: spellings[version] ?? version.description, files: byVersion[version] ?? [])
    }
  }
}
