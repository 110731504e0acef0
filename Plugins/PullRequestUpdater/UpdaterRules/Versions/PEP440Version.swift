/// A version of a Python project, as PEP 440 defines it.
///
/// Two versions are equal when the standard calls them equal: `1.0` and `1`, `1.0c1` and `1.0rc1`. The text of each stays its own.
public struct PEP440Version: Sendable, Hashable, Comparable, CustomStringConvertible {
  /// How far from ready a pre-release is, in order.
  enum Phase: String, Comparable {
    case alpha = "a"
    case beta = "b"
    case candidate = "rc"

    static func < (one: Self, other: Self) -> Bool { one.rawValue < other.rawValue }
  }

  struct PreRelease: Sendable, Hashable, Comparable {
    let phase: Phase
    let number: Numeral

    static func < (one: Self, other: Self) -> Bool {
      one.phase == other.phase ? one.number < other.number : one.phase < other.phase
    }
  }

  /// A part of a local label: a text is below every number.
  enum LocalPart: Sendable, Hashable, Comparable, CustomStringConvertible {
    case text(String)
    case number(Numeral)

    var description: String {
      switch self {
      case .text(let text): text
      case .number(let number): number.description
      }
    }

    static func < (one: Self, other: Self) -> Bool {
      switch (one, other) {
      case (.text(let one), .text(let other)): one.utf8.lexicographicallyPrecedes(other.utf8)
      case (.number(let one), .number(let other)): one < other
      case (.text, .number): true
      case (.number, .text): false
      }
    }
  }

  /// The longest version that is read, in bytes.
  public static let longest = 1024

  var epoch: Numeral = .zero
  /// At least one.
  var release: [Numeral]
  var pre: PreRelease?
  var post: Numeral?
  var dev: Numeral?
  var local: [LocalPart]?

  /// nil for a text that is no version. Blanks around it are not looked at.
  public init?(_ text: String) {
    var reader = PEP440VersionReader(Array(text.trimmed.utf8))
    guard let version = reader.version() else { return nil }
    self = version
  }

  init(epoch: Numeral = .zero, release: [Numeral]) {
    self.epoch = epoch
    self.release = release
  }

  // MARK: What it is

  /// The numbers of the release segment, as text: `1.20` has `1` and `20`.
  public var releaseNumbers: [String] { release.map(\.description) }
  public var epochNumber: String { epoch.description }
  /// Alphas, betas, release candidates, and development releases of anything.
  public var isPreRelease: Bool { pre != nil || dev != nil }
  public var isPostRelease: Bool { post != nil }
  public var isDevelopmentRelease: Bool { dev != nil }
  /// The label behind `+`, in normal form.
  public var localLabel: String? { local?.map(\.description).joined(separator: ".") }
  /// Whether anything stands behind the release segment.
  var hasSuffix: Bool { isPreRelease || post != nil || local != nil }

  /// Without the local label.
  var publicVersion: PEP440Version {
    var version = self
    version.local = nil
    return version
  }

  /// The normal form.
  public var description: String {
    var text = epoch.isZero ? "" : "\(epoch)!"
    text += release.map(\.description).joined(separator: ".")
    if let pre { text += pre.phase.rawValue + pre.number.description }
    if let post { text += ".post\(post)" }
    if let dev { text += ".dev\(dev)" }
    if let localLabel { text += "+\(localLabel)" }
    return text
  }

  /// The number at a place of the release segment, which goes on with zeros.
  func releaseNumber(_ place: Int) -> Numeral { place < release.count ? release[place] : .zero }

  /// The release segment cut or filled with zeros to a number of places, with the epoch and nothing else.
  func released(places: Int) -> PEP440Version {
    PEP440Version(epoch: epoch, release: (0..<places).map(releaseNumber))
  }

  /// Whether epoch and release segment begin as another's do.
  func hasPrefix(_ prefix: PEP440Version) -> Bool {
    epoch == prefix.epoch && prefix.release.indices.allSatisfy { releaseNumber($0) == prefix.release[$0] }
  }

  // MARK: Order

  private var significantRelease: ArraySlice<Numeral> {
    release[..<((release.lastIndex { !$0.isZero } ?? -1) + 1)]
  }

  public static func == (one: Self, other: Self) -> Bool {
    one.epoch == other.epoch && one.significantRelease == other.significantRelease && one.pre == other.pre
      && one.post == other.post && one.dev == other.dev && one.local == other.local
  }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(epoch)
    for number in significantRelease { hasher.combine(number) }
    hasher.combine(pre)
    hasher.combine(post)
    hasher.combine(dev)
    hasher.combine(local)
  }

  public static func < (one: Self, other: Self) -> Bool { one.compare(other) < 0 }

  /// Below 0 when it comes before the other, above when behind.
  private func compare(_ other: PEP440Version) -> Int {
    func compare<Part: Comparable>(_ one: Part, _ other: Part) -> Int { one < other ? -1 : one > other ? 1 : 0 }
    var result = compare(epoch, other.epoch)
    if result != 0 { return result }
    for place in 0..<max(release.count, other.release.count) {
      result = compare(releaseNumber(place), other.releaseNumber(place))
      if result != 0 { return result }
    }
    // A development release of the release itself is below its alphas; without pre-release it is above them all.
    func rank(_ version: PEP440Version) -> Int {
      version.pre != nil ? 1 : version.post == nil && version.dev != nil ? 0 : 2
    }
    result = compare(rank(self), rank(other))
    if result != 0 { return result }
    if let pre, let otherPre = other.pre {
      result = compare(pre, otherPre)
      if result != 0 { return result }
    }
    switch (post, other.post) {
    case (nil, nil): break
    case (nil, _): return -1
    case (_, nil): return 1
    case (let one?, let other?):
      result = compare(one, other)
      if result != 0 { return result }
    }
    switch (dev, other.dev) {
    case (nil, nil): break
    case (nil, _): return 1
    case (_, nil): return -1
    case (let one?, let other?):
      result = compare(one, other)
      if result != 0 { return result }
    }
    switch (local, other.local) {
    case (nil, nil): return 0
    case (nil, _): return -1
    case (_, nil): return 1
    case (let one?, let other?):
      return one == other ? 0 : one.lexicographicallyPrecedes(other) ? -1 : 1
    }
  }
}
