import Foundation

/// What a package index says of a project beside its files: the answer of `…/json`.
public struct ProjectDescription: Sendable, Hashable {
  public struct Link: Sendable, Hashable {
    public let label: String
    /// Begins with `https://` or `http://`.
    public let address: String
  }

  public struct Vulnerability: Sendable, Hashable {
    /// The most usual name first: `CVE-…`, `GHSA-…`, the index's own.
    public let names: [String]
    public let summary: String?
    public let fixedIn: [String]
  }

  public let name: String
  public let summary: String?
  /// Sorted by label.
  public let links: [Link]
  /// Known ones of the newest release.
  public let vulnerabilities: [Vulnerability]

  /// The links that lead to what changed: change logs, release notes, then the source, where releases are (PEP 753's well-known labels).
  public var releaseNotes: [Link] {
    let ranked = links.compactMap { link in Self.rank(link.label).map { (rank: $0, link: link) } }
    return ranked.sorted { ($0.rank, $0.link.label) < ($1.rank, $1.link.label) }.map(\.link)
  }

  private static let labels: [[String]] = [
    ["changelog", "changes", "whatsnew", "history"], ["releasenotes", "releases", "news"],
    ["source", "repository", "sourcecode", "github", "code"],
  ]

  /// Labels are compared without case, blanks and punctuation.
  private static func rank(_ label: String) -> Int? {
    let bare = label.lowercased().utf8.filter(\.isAlphanumeric).text
    return labels.firstIndex { $0.contains(bare) }
  }

  /// The largest answer that is read, in bytes; the most links and vulnerabilities that are kept; the longest text of one, in bytes.
  public static let longestAnswer = 33_554_432
  private static let most = 64
  private static let longestText = 2048

  private struct Answer: Decodable {
    struct Info: Decodable {
      let name: String
      let summary: String?
      let links: [String: String?]?
      let homePage: String?

      enum CodingKeys: String, CodingKey {
        case name, summary
        case links = "project_urls"
        case homePage = "home_page"
      }
    }

    struct Vulnerability: Decodable {
      let id: String?
      let aliases: [String]?
      let summary: String?
      let details: String?
      let fixedIn: [String]?
      let withdrawn: String?

      enum CodingKeys: String, CodingKey {
        case id, aliases, summary, details, withdrawn
        case fixedIn = "fixed_in"
      }
    }

    let info: Info
    let vulnerabilities: [Vulnerability]?
  }

  /// - Throws: ``IndexFailure``
  public init(json body: [UInt8]) throws(IndexFailure) {
    guard body.count <= Self.longestAnswer else {
      throw IndexFailure(.tooLarge, reason: "a project's description has more than \(Self.longestAnswer) bytes")
    }
    let answer: Answer
    do {
      answer = try JSONDecoder().decode(Answer.self, from: Data(body))
    } catch {
      throw IndexFailure(.malformed, reason: "a project's description is not as the index's JSON interface says")
    }
    name = answer.info.name
    summary = answer.info.summary.flatMap(Self.text)
    var links = (answer.info.links ?? [:]).compactMap { label, address in
      address.flatMap { Self.link(label, $0) }
    }
    if let page = answer.info.homePage.flatMap({ Self.link("Homepage", $0) }),
      !links.contains(where: { $0.address == page.address })
    {
      links.append(page)
    }
    self.links = Array(links.sorted { $0.label < $1.label }.prefix(Self.most))
    vulnerabilities = (answer.vulnerabilities ?? []).filter { $0.withdrawn == nil }.prefix(Self.most).map { found in
      let names = (found.aliases ?? []) + (found.id.map { [$0] } ?? [])
      return Vulnerability(
        names: names.filter { $0.hasPrefix("CVE-") } + names.filter { !$0.hasPrefix("CVE-") },
        summary: (found.summary ?? found.details).flatMap(Self.text), fixedIn: found.fixedIn ?? [])
    }
  }

  private static func text(_ text: String) -> String? {
    let text = text.trimmed
    return text.isEmpty ? nil : String(text.prefix(longestText))
  }

  private static func link(_ label: String, _ address: String) -> Link? {
    let address = address.trimmed
    let lower = address.lowercased()
    guard lower.hasPrefix("https://") || lower.hasPrefix("http://"), address.utf8.count <= longestText,
      address.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F }), label.utf8.count <= longestText
    else { return nil }
    return Link(label: label, address: address)
  }
}
