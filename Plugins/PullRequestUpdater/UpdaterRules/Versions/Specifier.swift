/// One clause of a version specifier (PEP 440): an operator and a version.
public struct Specifier: Sendable, Hashable, CustomStringConvertible {
  public enum Operator: String, Sendable, Hashable, CaseIterable {
    case compatible = "~="
    case equal = "=="
    case notEqual = "!="
    case atMost = "<="
    case atLeast = ">="
    case below = "<"
    case above = ">"
    case identical = "==="

    /// The operator that a text begins with.
    init?(beginning bytes: ArraySlice<UInt8>) {
      // The longer ones first.
      guard
        let found = [.identical, .compatible, .equal, .notEqual, .atMost, .atLeast, .below, .above].first(where: {
          (candidate: Operator) in bytes.starts(with: candidate.rawValue.utf8)
        })
      else { return nil }
      self = found
    }
  }

  public let `operator`: Operator
  /// As it is written, without the operator and the blanks around it.
  public let text: String
  /// The version, without `.*`; nil only for `===` with a text that is none.
  public let version: PEP440Version?
  /// It ends with `.*`: it means all that begin so.
  public let isPrefix: Bool

  /// nil for a text that is no clause.
  public init?(_ clause: String) {
    let bytes = Array(clause.trimmed.utf8)
    guard let found = Operator(beginning: bytes[...]) else { return nil }
    self.init(found, bytes[found.rawValue.utf8.count...].text)
  }

  /// nil for a version that the operator does not take.
  init?(_ operator: Operator, _ version: String) {
    self.operator = `operator`
    text = version.trimmed
    guard `operator` != .identical else {
      guard !text.isEmpty, text.utf8.count <= PEP440Version.longest,
        text.utf8.allSatisfy({ !$0.isBlank && $0 != UInt8(ascii: ";") && $0 != UInt8(ascii: ")") })
      else { return nil }
      self.version = PEP440Version(text)
      isPrefix = false
      return
    }
    isPrefix = text.hasSuffix(".*")
    guard let version = PEP440Version(isPrefix ? String(text.dropLast(2)) : text) else { return nil }
    self.version = version
    switch `operator` {
    case .equal, .notEqual: if isPrefix, version.hasSuffix { return nil }
    case .compatible: if isPrefix || version.local != nil || version.release.count < 2 { return nil }
    default: if isPrefix || version.local != nil { return nil }
    }
  }

  public var description: String { `operator`.rawValue + text }

  /// Whether it means exactly one version.
  var isPin: Bool { (`operator` == .equal && !isPrefix) || `operator` == .identical }

  /// The lowest version that it lets in, when it says one.
  var lowerBound: PEP440Version? {
    switch `operator` {
    case .equal, .identical, .compatible, .atLeast, .above: version
    case .notEqual, .atMost, .below: nil
    }
  }

  /// Whether it lets a version in. Whether pre-releases are wanted at all is another question.
  ///
  /// - Parameter spelling: the version as its index writes it, which `===` compares.
  public func contains(_ candidate: PEP440Version, spelling: String? = nil) -> Bool {
    if `operator` == .identical { return (spelling ?? candidate.description).lowercased() == text.lowercased() }
    guard let version else { return false }
    return switch `operator` {
    case .identical: false
    case .equal: Self.isEqual(candidate, to: version, isPrefix: isPrefix)
    case .notEqual: !Self.isEqual(candidate, to: version, isPrefix: isPrefix)
    case .compatible:
      candidate.publicVersion >= version && candidate.hasPrefix(version.released(places: version.release.count - 1))
    case .atMost: candidate.publicVersion <= version
    case .atLeast: candidate.publicVersion >= version
    case .below: candidate < version && !(Self.isEarly(candidate, of: version) && !version.isPreRelease)
    case .above:
      candidate > version && candidate.publicVersion != version
        && !(candidate.isPostRelease && !version.isPostRelease && Self.withoutPost(candidate) == version)
    }
  }

  private static func isEqual(_ candidate: PEP440Version, to version: PEP440Version, isPrefix: Bool) -> Bool {
    if isPrefix { return candidate.hasPrefix(version) }
    return (version.local == nil ? candidate.publicVersion : candidate) == version
  }

  /// Whether it is a pre-release of just that version, which is above it.
  private static func isEarly(_ candidate: PEP440Version, of version: PEP440Version) -> Bool {
    var earliest = version.publicVersion
    earliest.dev = .zero
    return candidate.isPreRelease && candidate >= earliest
  }

  /// What a post-release is one of.
  private static func withoutPost(_ version: PEP440Version) -> PEP440Version {
    var base = version.publicVersion
    base.post = nil
    base.dev = nil
    return base
  }
}
