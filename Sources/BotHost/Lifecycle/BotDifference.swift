/// What another version of a bot changes, part by part.
struct BotDifference: Sendable {
  enum Change: String, Sendable {
    case kept
    case changed
    case new
    case gone
  }

  struct Part: Sendable {
    var name: String
    var change: Change
  }

  /// By label, in the order of the new version, then those that are gone.
  private(set) var handlers: [Part] = []
  /// By the name under `use`, plugins' instances only.
  private(set) var uses: [Part] = []
  /// Handlers are the same and run in another order.
  private(set) var isReordered = false

  /// A bot that did not run before.
  init(starting new: BoundBot) {
    handlers = new.program.handlers.map { Part(name: $0.label, change: .new) }
    uses = new.program.requirements.map { Part(name: $0.use, change: .new) }
  }

  init(from old: BoundBot, to new: BoundBot) {
    let before = Dictionary(
      old.program.handlers.map { ($0.label, $0) }, uniquingKeysWith: { first, _ in first })
    for handler in new.program.handlers {
      guard let other = before[handler.label] else {
        handlers.append(Part(name: handler.label, change: .new))
        continue
      }
      let isSame = other.node.hash == handler.node.hash && other.values(in: old) == handler.values(in: new)
      handlers.append(Part(name: handler.label, change: isSame ? .kept : .changed))
    }
    let labels = Set(new.program.handlers.map(\.label))
    for handler in old.program.handlers where !labels.contains(handler.label) {
      handlers.append(Part(name: handler.label, change: .gone))
    }
    let kept = handlers.filter { $0.change == .kept || $0.change == .changed }.map(\.name)
    isReordered = old.program.handlers.map(\.label).filter { labels.contains($0) } != kept

    for (use, instance) in zip(new.program.requirements, new.instances) {
      let change: Change
      if let other = old.instances.first(where: { $0.name == instance.name }) {
        let isSame =
          other.plugin == instance.plugin && other.configuration.json == instance.configuration.json
          && other.configuration.secrets == instance.configuration.secrets
        change = isSame ? .kept : .changed
      } else {
        change = .new
      }
      uses.append(Part(name: use.use, change: change))
    }
    let names = Set(new.instances.map(\.name))
    for (use, instance) in zip(old.program.requirements, old.instances) where !names.contains(instance.name) {
      uses.append(Part(name: use.use, change: .gone))
    }
  }

  var isEmpty: Bool { !isReordered && (handlers + uses).allSatisfy { $0.change == .kept } }

  /// Handlers and uses that change although their nodes are the same: a value of the configuration is another one.
  func changedByValue(_ old: BoundBot, _ new: BoundBot) -> [String] {
    let (before, after) = (old.program.tree.paths(), new.program.tree.paths())
    let paths = names(handlers, .changed).map(Self.path(ofHandler:)) + names(uses, .changed).map(Self.path(ofUse:))
    return paths.filter { before[$0]?.hash == after[$0]?.hash }
  }

  /// `outer.part.chat` as `/use/outer/use/part/use/chat`: what a component uses stands below its own node.
  private static func path(ofUse name: String) -> String {
    name.split(separator: ".").map { "/use/\($0)" }.joined()
  }

  /// `outer.part/Log` as `/use/outer/use/part/when/Log`.
  private static func path(ofHandler label: String) -> String {
    guard let slash = label.firstIndex(of: "/") else { return "/when/\(label)" }
    return path(ofUse: String(label[..<slash])) + "/when/\(label[label.index(after: slash)...])"
  }

  func names(_ parts: [Part], _ change: Change) -> [String] { parts.filter { $0.change == change }.map(\.name) }
}

extension BotHandlerCode {
  /// The values of the configuration that the handler reads, which are no part of its content hash.
  fileprivate func values(in bot: BoundBot) -> [[UInt8]] {
    var found: [[UInt8]] = []
    for instruction in instructions {
      instruction.visitOperands { operand in
        if case .constant(let index) = operand { found.append(bot.constants[index]) }
      }
    }
    return found
  }
}

extension BotInstruction {
  /// All values that the instruction reads, with those inside of others.
  fileprivate func visitOperands(_ visit: (BotOperand) -> Void) {
    switch self {
    case .call(let call): call.argument.visitAll(visit)
    case .store(_, let operand), .set(_, let operand): operand.visitAll(visit)
    case .loop(_, let list, _): list.visitAll(visit)
    case .test(let test, _):
      test.value.visitAll(visit)
      for check in test.checks {
        switch check {
        case .equals(let operand), .differs(let operand), .contained(let operand), .greater(let operand),
          .less(let operand):
          operand.visitAll(visit)
        case .truthy, .matches, .present: break
        }
      }
    case .next, .jump, .fail, .end: break
    }
  }
}

extension BotOperand {
  fileprivate func visitAll(_ visit: (BotOperand) -> Void) {
    visit(self)
    switch self {
    case .literal, .field, .local, .constant, .state: break
    case .member(let base, _): base.visitAll(visit)
    case .text(let pieces):
      for piece in pieces {
        if case .value(let value) = piece { value.visitAll(visit) }
      }
    case .list(let items): for item in items { item.visitAll(visit) }
    case .object(let members): for member in members { member.value.visitAll(visit) }
    }
  }
}
