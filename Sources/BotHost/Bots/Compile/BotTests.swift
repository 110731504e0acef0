/// What `expect`, `assert` and `if` ask.
extension BotCompiler {
  mutating func test(_ syntax: TestSyntax, _ what: String) -> (BotTest, JSONObject)? {
    guard let value = expression(syntax.value, for: nil, "'\(what)'") else { return nil }
    if value.type == .secret, !syntax.operations.allSatisfy({ $0.operation == .present }) {
      diagnostics.error("'\(what)': a secret can only be tested for being there", at: syntax.value.location)
      return nil
    }
    var checks: [BotTest.Check] = syntax.operations.isEmpty ? [.truthy] : []
    var hash: JSONObject = ["value": value.hash]
    for (operation, operand) in syntax.operations {
      guard let (check, operandHash) = self.check(operation, operand, value) else { return nil }
      checks.append(check)
      hash[operation.rawValue] = operandHash
    }
    return (BotTest(value: value.operand, checks: checks), hash)
  }

  private mutating func check(
    _ operation: TestSyntax.Operation, _ syntax: ExpressionSyntax, _ value: TypedExpression
  ) -> (BotTest.Check, JSONValue)? {
    let what = "'\(operation.rawValue)'"
    let location = syntax.location
    func compare(_ operand: TypedExpression) -> TypedExpression? {
      if Self.fits(operand.type, value.type) || Self.fits(value.type, operand.type) { return operand }
      diagnostics.error("\(what): \(value.type.summary) is never equal to \(operand.type.summary)", at: location)
      return nil
    }
    switch operation {
    case .equals, .not:
      // A number without quotes is a text where a text is compared.
      let target: FieldType? = value.type == .string && syntax.isLiteral ? .string : nil
      guard let operand = expression(syntax, for: target, what), isNoSecret(operand, what, location),
        let operand = compare(operand)
      else { return nil }
      return (operation == .equals ? .equals(operand.operand) : .differs(operand.operand), operand.hash)
    case .in:
      let target: FieldType? = value.type == .string ? .list(.string) : nil
      guard let operand = expression(syntax, for: target, what) else { return nil }
      switch operand.type {
      case .list(let element):
        guard Self.fits(element, value.type) || Self.fits(value.type, element) else {
          diagnostics.error("\(what): \(value.type.summary) is never in \(operand.type.summary)", at: location)
          return nil
        }
      case .any: break
      default:
        diagnostics.error("\(what): expected a list, not \(operand.type.summary)", at: location)
        return nil
      }
      return (.contained(operand.operand), operand.hash)
    case .matches:
      guard case .literal(let scalar, _) = syntax, case .string(let text) = scalar.value else {
        diagnostics.error("\(what): expected an expression in quotes", at: location)
        return nil
      }
      guard Self.fits(value.type, .string) else {
        diagnostics.error("\(what): expected a text to look at, not \(value.type.summary)", at: location)
        return nil
      }
      do throws(TextPattern.Problem) {
        return (.matches(try TextPattern(text)), .string(text))
      } catch {
        diagnostics.error(
          "\(what): \(error.message)", at: location, hint: "POSIX extended regular expressions")
        return nil
      }
    case .gt, .lt:
      guard let operand = expression(syntax, for: nil, what) else { return nil }
      for type in [value.type, operand.type] where !Self.fits(type, .float) {
        diagnostics.error("\(what): expected numbers, not \(type.summary)", at: location)
        return nil
      }
      return (operation == .gt ? .greater(operand.operand) : .less(operand.operand), operand.hash)
    case .present:
      guard case .literal(let scalar, _) = syntax, case .bool(let flag) = scalar.value else {
        diagnostics.error("\(what): expected true or false", at: location)
        return nil
      }
      return (.present(flag), .bool(flag))
    }
  }
}

extension ExpressionSyntax {
  fileprivate var isLiteral: Bool {
    if case .literal(let scalar, _) = self {
      switch scalar.value {
      case .int, .float: return true
      default: return false
      }
    }
    return false
  }
}
