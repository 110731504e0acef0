/// How templates and paths compare two values.
enum Comparison: Sendable {
  case equal, unequal, less, lessOrEqual, greater, greaterOrEqual

  /// `=` or `==`, `!=`, `<`, `<=`, `>`, `>=`; nil for anything else.
  init?(_ sign: String) {
    switch sign {
    case "=", "==": self = .equal
    case "!=": self = .unequal
    case "<": self = .less
    case "<=": self = .lessOrEqual
    case ">": self = .greater
    case ">=": self = .greaterOrEqual
    default: return nil
    }
  }

  /// Order is that of numbers, also of those that are written as texts; what is no number has none.
  func holds(_ left: Value, _ right: Value) -> Bool {
    switch self {
    case .equal: return Self.areEqual(left, right)
    case .unequal: return !Self.areEqual(left, right)
    default: break
    }
    guard let first = left.number, let second = right.number else { return false }
    return switch self {
    case .less: first < second
    case .lessOrEqual: first <= second
    case .greater: first > second
    default: first >= second
    }
  }

  /// The same value, or the same number.
  private static func areEqual(_ left: Value, _ right: Value) -> Bool {
    left.unmarked == right.unmarked || (left.isNumber && right.isNumber && left.number == right.number)
  }
}
