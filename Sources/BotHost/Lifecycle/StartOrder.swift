/// The order in which instances start, so that each comes after what it requires; they stop in the opposite order.
struct StartOrder {
  /// Why there is no order.
  enum Problem: Error, Equatable, CustomStringConvertible {
    /// `instance` requires something that is not there.
    case missing(instance: String, requirement: String)
    /// Each requires the next, and the last the first.
    case cycle([String])

    var description: String {
      switch self {
      case .missing(let instance, let requirement):
        "\(instance) requires the plugin \(requirement), which is not among the plugins; add it to the plugin directory"
      case .cycle(let names):
        "these require each other in a circle: \((names + names.prefix(1)).joined(separator: " -> "))"
      }
    }
  }

  /// The names that can start, in order; within what is free, the order of `names`.
  private(set) var names: [String] = []
  /// What cannot start; whatever requires one of these cannot start either.
  private(set) var problems: [(name: String, problem: Problem)] = []

  /// - Parameter requirements: for a name, the names that must be up before it.
  init(_ wanted: [String], requirements: (String) -> [String]) {
    enum Mark { case open, done, refused }
    let known = Set(wanted)
    var marks: [String: Mark] = [:]
    var path: [String] = []
    var order: [String] = []
    var refused: [(String, Problem)] = []

    func visit(_ name: String) -> Bool {
      switch marks[name] {
      case .done: return true
      case .refused: return false
      case .open:
        let start = path.firstIndex(of: name) ?? 0
        refused.append((name, .cycle(Array(path[start...]))))
        return false
      case nil: break
      }
      marks[name] = .open
      path.append(name)
      defer { path.removeLast() }
      for requirement in requirements(name) {
        if !known.contains(requirement) {
          refused.append((name, .missing(instance: name, requirement: requirement)))
          marks[name] = .refused
          return false
        }
        if !visit(requirement) {
          if marks[name] != .refused {
            marks[name] = .refused
            if !refused.contains(where: { $0.0 == name }) {
              refused.append((name, .missing(instance: name, requirement: requirement)))
            }
          }
          return false
        }
      }
      marks[name] = .done
      order.append(name)
      return true
    }

    for name in wanted { _ = visit(name) }
    names = order
    problems = refused.map { (name: $0.0, problem: $0.1) }
  }
}
