/// The scalars that one place of a pattern takes.
struct ScalarSet: Sendable, Hashable {
  var ranges: [ClosedRange<UInt32>] = []
  var isInverted = false
  var caseRule = CaseRule.exact
  /// What Unicode says of the scalars that it takes beside those in the ranges.
  private var property: ScalarProperty?
  /// Sets that add to it: `[\D_]`, `[a[b-d]]`.
  var others: [ScalarSet] = []
  /// Sets in which all that it takes lies too: `[a-z&&[^b]]`.
  var limits: [ScalarSet] = []

  /// Of which letters the case does not count.
  enum CaseRule: Sendable, Hashable {
    case exact, ascii, unicode

    /// The rule that matters to one scalar: none to one without cases.
    func applied(to scalar: Unicode.Scalar) -> CaseRule {
      switch self {
      case .exact: .exact
      // What is no ASCII has no counterpart there.
      case .ascii: scalar.isASCII && scalar.properties.isCased ? .ascii : .exact
      case .unicode: scalar.properties.isCased ? .unicode : .exact
      }
    }
  }

  init(_ ranges: [ClosedRange<UInt32>] = [], inverted: Bool = false) {
    self.ranges = ranges
    isInverted = inverted
  }

  /// - Parameter name: of a property, as it stands in `\p{…}`; nil for one that is not known.
  init?(property name: String) {
    if let ranges = ScalarProperty.asciiClasses[name] {
      self.init(ranges)
    } else if let property = ScalarProperty(name) {
      self.init()
      self.property = property
    } else {
      return nil
    }
  }

  static let digits = ScalarSet([0x30...0x39])
  static let words = ScalarSet([0x30...0x39, 0x41...0x5A, 0x5F...0x5F, 0x61...0x7A])
  static let spaces = ScalarSet([0x09...0x0D, 0x20...0x20])
  static let horizontalSpaces = ScalarSet([
    0x09...0x09, 0x20...0x20, 0xA0...0xA0, 0x1680...0x1680, 0x180E...0x180E, 0x2000...0x200A, 0x202F...0x202F,
    0x205F...0x205F, 0x3000...0x3000,
  ])
  static let verticalSpaces = ScalarSet([0x0A...0x0D, 0x85...0x85, 0x2028...0x2029])
  static let anything = ScalarSet([0...0x10FFFF])
  static let notLineFeed = ScalarSet([0x0A...0x0A], inverted: true)

  var inverted: ScalarSet {
    var set = self
    set.isInverted.toggle()
    return set
  }

  /// The one scalar that it takes, if it is only one.
  var single: Unicode.Scalar? {
    guard !isInverted, caseRule == .exact, property == nil, others.isEmpty, limits.isEmpty, ranges.count == 1,
      let range = ranges.first, range.count == 1
    else { return nil }
    return Unicode.Scalar(range.lowerBound)
  }

  func contains(_ scalar: Unicode.Scalar) -> Bool {
    var found = takes(scalar.value)
    if !found, caseRule != .exact {
      if scalar.isASCII {
        let value = scalar.value
        if (value >= 0x41 && value <= 0x5A) || (value >= 0x61 && value <= 0x7A) { found = takes(value ^ 0x20) }
      } else if caseRule == .unicode {
        for mapping in [scalar.properties.lowercaseMapping, scalar.properties.uppercaseMapping] {
          if let other = mapping.unicodeScalars.first, mapping.unicodeScalars.count == 1 {
            found = found || takes(other.value)
          }
        }
      }
    }
    if found, !limits.isEmpty { found = limits.allSatisfy { $0.contains(scalar) } }
    return found != isInverted
  }

  private func takes(_ value: UInt32) -> Bool {
    for range in ranges where range.contains(value) { return true }
    guard property != nil || !others.isEmpty, let scalar = Unicode.Scalar(value) else { return false }
    return property?.holds(for: scalar) ?? false || others.contains { $0.contains(scalar) }
  }
}
