/// Loops and branches.
extension BotCompiler {
  mutating func loop(
    _ variable: Located<String>, _ list: ExpressionSyntax, _ steps: [StepSyntax]
  ) -> BotHashNode? {
    let source = expression(list, for: nil, "'in'")
    var element = FieldType.any
    switch source?.type {
    case nil, .any?: break
    case .list(let type)?: element = type
    case let other?:
      diagnostics.error("'in': expected a list, not \(other.summary)", at: list.location)
    }
    let outer = body?.locals.count ?? 0
    var start = 0
    var iterator = 0
    with { body in
      iterator = body.newIterator()
      start = body.instructions.count
      body.instructions.append(.loop(iterator: iterator, list: source?.operand ?? .literal([]), exit: 0))
    }
    let slot = define(variable, type: element, origin: .loop, call: nil, at: variable.location)
    with { body in
      body.latest = nil
      body.instructions.append(.next(iterator: iterator, slot: slot, exit: 0))
    }
    let nodes = compileSteps(steps)
    with { body in
      body.instructions.append(.jump(start + 1))
      body.setTarget(of: start, to: body.instructions.count)
      body.setTarget(of: start + 1, to: body.instructions.count)
    }
    endBlock(outer)
    guard let source else { return nil }
    return BotHashNode(
      "for", fields: ["in": source.hash, "var": .string(variable.value)], children: nodes.map { ("", $0) })
  }

  mutating func branch(
    _ syntax: TestSyntax, _ then: [StepSyntax], _ otherwise: [StepSyntax]
  ) -> BotHashNode? {
    let compiled = test(syntax, "if")
    var start = 0
    with { body in
      start = body.instructions.count
      let test = compiled?.0 ?? BotTest(value: .literal([]), checks: [])
      body.instructions.append(.test(test, otherwise: 0))
    }
    var children = compileSteps(then).map { ("", $0) }
    if otherwise.isEmpty {
      with { $0.setTarget(of: start, to: $0.instructions.count) }
    } else {
      var skip = 0
      with { body in
        skip = body.instructions.count
        body.instructions.append(.jump(0))
        body.setTarget(of: start, to: body.instructions.count)
      }
      children.append(("else", BotHashNode("else", children: compileSteps(otherwise).map { ("", $0) })))
      with { $0.setTarget(of: skip, to: $0.instructions.count) }
    }
    guard let (_, hash) = compiled else { return nil }
    return BotHashNode("if", fields: hash, children: children)
  }
}
