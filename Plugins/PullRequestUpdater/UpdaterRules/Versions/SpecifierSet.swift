/// A version specifier (PEP 440): clauses between commas, all of which must hold. Without a clause it lets every version in.
public struct SpecifierSet: Sendable, Hashable, CustomStringConvertible {
  public let clauses: [Specifier]

  /// nil when a clause is wrong; empty ones are not looked at.
  public init?(_ text: String) {
    var clauses: [Specifier] = []
    for part in text.utf8.split(separator: UInt8(ascii: ",")) {
      let part = part.text.trimmed
      if part.isEmpty { continue }
      guard let clause = Specifier(part) else { return nil }
      clauses.append(clause)
    }
    self.clauses = clauses
  }

  init(_ clauses: [Specifier]) { self.clauses = clauses }

  public var description: String { clauses.map(\.description).joined(separator: ",") }

  /// Whether every clause lets a version in; see ``Specifier/contains(_:spelling:)``.
  public func contains(_ version: PEP440Version, spelling: String? = nil) -> Bool {
    clauses.allSatisfy { $0.contains(version, spelling: spelling) }
  }

  /// Whether it names a pre-release other than to exclude it: then pre-releases are meant.
  public var namesPreRelease: Bool {
    clauses.contains { $0.operator != .notEqual && $0.version?.isPreRelease == true }
  }

  /// The version that it means alone, when one clause does so.
  var pin: PEP440Version? { clauses.first { $0.isPin && $0.version != nil }?.version }

  /// The pin, else the highest of the lower bounds.
  var base: PEP440Version? { pin ?? clauses.compactMap(\.lowerBound).max() }
}
