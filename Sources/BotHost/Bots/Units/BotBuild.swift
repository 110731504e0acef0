/// The units of a bot, each taken from where it is already or made anew.
///
/// A unit is a handler, a method or a use; the bot itself only ties them together. Equal units are made once, also when they
/// stand in several bots that share a cache.
public struct BotBuild: Sendable {
  /// Where a unit came from.
  public enum Origin: String, Sendable {
    /// The version that runs has it.
    case kept
    case cached
    case built
  }

  /// One of them, with where it came from.
  public struct Unit: Sendable {
    /// In the tree: `/when/chat.message#Log`.
    public var path: String
    public var node: BotHashNode
    public var key: UnitKey
    public var origin: Origin
    /// What is kept under the key.
    public var content: [UInt8]
    /// Nanoseconds that it took to find or to make it.
    public var time: Int64
  }

  public let program: BotProgram
  public let target: UnitTarget
  /// In the order of the tree.
  public private(set) var units: [Unit] = []
  /// What the cache held wrongly; it does not change the result.
  public private(set) var problems: [String] = []
  /// Units that cannot be made for this target, with the reason.
  public private(set) var failures: [String] = []

  /// - Parameters:
  ///   - cache: where units are looked for; nothing is written to it.
  ///   - running: units of a version that runs, for what has not changed.
  ///   - clock: what the times are measured by.
  public init(
    _ program: BotProgram, manifests: [Manifest], target: UnitTarget, cache: UnitCache?, running: BotBuild? = nil,
    clock: any HostClock = SystemClock()
  ) {
    self.target = target
    var program = program
    let types = BotTypeDigests(program, manifests: manifests)
    let known = Dictionary((running?.units ?? []).map { ($0.key, $0.content) }, uniquingKeysWith: { first, _ in first })
    var made: [UnitKey: [UInt8]] = [:]
    for source in UnitSource.all(of: program) {
      let began = clock.monotonic
      let key = UnitKey(source.node, use: source.use, target: target, types: types)
      var found: (content: [UInt8], origin: Origin)?
      let places: [(content: () -> [UInt8]?, origin: Origin)] = [
        ({ known[key] }, .kept), ({ made[key] }, .cached), ({ cache?.read(key) }, .cached),
      ]
      for place in places {
        guard found == nil, let content = place.content() else { continue }
        if source.take(content, target, &program) {
          found = (content, place.origin)
        } else {
          problems.append("the unit \(key.short) of \(source.path) does not fit the bot and is made anew")
        }
      }
      if found == nil {
        do { found = (try source.generate(program, target), .built) } catch {
          failures.append("\(program.name): \(source.path): \(error)")
        }
      }
      guard let found else { continue }
      made[key] = found.content
      units.append(
        Unit(
          path: source.path, node: source.node, key: key, origin: found.origin, content: found.content,
          time: clock.monotonic - began))
    }
    self.program = program
  }

  /// How many units came from there.
  public func count(_ origin: Origin) -> Int { units.count { $0.origin == origin } }

  /// Keeps on disk what was made anew, and holds the cache to its limit. Blocks on the disk. Throws when the cache cannot be
  /// written to, which leaves the build as good as it was.
  public func store(in cache: UnitCache) throws {
    let new = units.filter { $0.origin == .built }
    for unit in new { try cache.write(unit.content, for: unit.key) }
    if !new.isEmpty { cache.prune() }
  }
}

/// A part of a program from which a unit is made.
struct UnitSource {
  private enum Part {
    case handler(Int)
    /// Of the program's requirements; nil for a configuration or a type of the host's own, which have no code.
    case use(Int?)
  }

  let path: String
  let node: BotHashNode
  let use: String?
  private let part: Part

  /// Those of a program, in the order of its tree. Methods are written into the handlers that call them and have no code of
  /// their own.
  static func all(of program: BotProgram) -> [UnitSource] {
    var sources: [UnitSource] = []
    var taken: Set<Int> = []
    for row in program.tree.rows() {
      switch row.node.kind {
      case "use":
        // `/use/chat/use/socket` is `chat.socket`.
        let names = row.path.split(separator: "/").enumerated().compactMap { $0.offset % 2 == 1 ? $0.element : nil }
        let use = names.joined(separator: ".")
        let index = program.requirements.firstIndex { $0.use == use }
        // A component has no code; its own uses and handlers have.
        guard index != nil || row.node.children.isEmpty else { continue }
        sources.append(UnitSource(path: row.path, node: row.node, use: use, part: .use(index)))
      case "handler":
        let index = program.handlers.indices.first { index in
          let handler = program.handlers[index]
          return !taken.contains(index) && handler.node.hash == row.node.hash && handler.label.hasSuffix(row.name)
        }
        guard let index else { continue }
        taken.insert(index)
        sources.append(UnitSource(path: row.path, node: row.node, use: nil, part: .handler(index)))
      default: break
      }
    }
    return sources
  }

  /// Puts a unit's content into the program. False when it does not fit.
  func take(_ content: [UInt8], _ target: UnitTarget, _ program: inout BotProgram) -> Bool {
    switch target {
    case .c: return (try? CUnit.functions(content)) != nil
    case .interpreter:
      do {
        switch part {
        case .handler(let index):
          let handler = program.handlers[index]
          program.handlers[index] = try UnitCode.decode(content, for: handler, program.unitTables(ofHandler: index))
        case .use(let index?):
          let arguments = program.requirements[index].arguments
          program.requirements[index].arguments = try UnitCode.decode(content, for: arguments, UnitTables(program))
        case .use(nil): return content.isEmpty
        }
        return true
      } catch { return false }
    }
  }

  func generate(_ program: BotProgram, _ target: UnitTarget) throws -> [UInt8] {
    switch (target, part) {
    case (.interpreter, .handler(let index)):
      return UnitCode.encode(program.handlers[index], program.unitTables(ofHandler: index))
    case (.interpreter, .use(let index?)):
      return UnitCode.encode(program.requirements[index].arguments, UnitTables(program))
    case (.interpreter, .use(nil)): return []
    case (.c, .handler(let index)):
      return try CUnit(program.handlers[index], program.unitTables(ofHandler: index)).bytes
    case (.c, .use): return CUnit(use: node, UnitTables(program)).bytes
    }
  }
}

extension BotProgram {
  /// The numbers that the code of a handler uses.
  func unitTables(ofHandler index: Int) -> UnitTables {
    let subscription = subscriptions.first { !$0.isState && $0.handlers.contains(index) }
    return UnitTables(self, fields: subscription?.fields.paths ?? [])
  }
}
