/// What templates reckon: whole numbers stay whole, and decimal ones decimal.
enum TemplateNumbers {
  /// The number that a value is, or that its text spells.
  private static func number(_ value: Value) -> Value? {
    value.isNumber ? value.unmarked : value.stringValue.flatMap { NumberText.parse($0) }
  }

  /// The sum; nil when one of the values is no number.
  static func sum(_ values: [Value]) -> Value? {
    var sum = Value.int(0)
    for value in values {
      guard let number = number(value) else { return nil }
      sum = combined(sum, number, { $0.addingReportingOverflow($1) }, +)
    }
    return sum
  }

  /// `multiply` or `divide`; nil where one of the two is no number, and for a division by 0.
  static func result(of name: String, _ value: Value, _ argument: String) -> Value? {
    guard let left = number(value), let right = NumberText.parse(argument) else { return nil }
    if name == "multiply" { return combined(left, right, { $0.multipliedReportingOverflow(by: $1) }, *) }
    guard let divisor = right.number, divisor != 0 else { return nil }
    if case .int(let left) = left, case .int(let right) = right, right != -1, left % right == 0 {
      return .int(left / right)
    }
    return left.number.map { .double($0 / divisor) }
  }

  private static func combined(
    _ left: Value, _ right: Value, _ whole: (Int64, Int64) -> (partialValue: Int64, overflow: Bool),
    _ decimal: (Double, Double) -> Double
  ) -> Value {
    if case .int(let first) = left, case .int(let second) = right {
      let result = whole(first, second)
      if !result.overflow { return .int(result.partialValue) }
    }
    return .double(decimal(left.number ?? 0, right.number ?? 0))
  }
}
