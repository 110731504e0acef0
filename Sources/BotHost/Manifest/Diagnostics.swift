/// All that was found wrong, in the order in which it was found.
///
/// Bounded: a file that is wrong everywhere does not fill a terminal.
public struct Diagnostics: Sendable {
  /// How many are kept; what comes after is only counted.
  public static let limit = 200

  /// Those that are kept, in order, `limit` at most.
  public private(set) var all: [Diagnostic] = []
  /// How many were left out.
  public private(set) var dropped = 0
  /// Errors, also those that were left out; warnings do not count.
  public private(set) var errorCount = 0

  public init() {}

  public var hasErrors: Bool { errorCount > 0 }
  public var isEmpty: Bool { all.isEmpty }
  /// Those of them that are errors.
  public var errors: [Diagnostic] { all.filter { $0.severity == .error } }

  /// Adds one, up to the limit.
  public mutating func add(_ diagnostic: Diagnostic) {
    if diagnostic.severity == .error { errorCount += 1 }
    guard all.count < Self.limit else {
      dropped += 1
      return
    }
    // The same words about the same place help nobody twice.
    if let last = all.last, last == diagnostic { return }
    all.append(diagnostic)
  }

  /// Adds an error.
  public mutating func error(_ message: String, at location: SourceLocation?, hint: String? = nil) {
    add(Diagnostic(.error, message, at: location, hint: hint))
  }

  /// Adds a warning.
  public mutating func warning(_ message: String, at location: SourceLocation?, hint: String? = nil) {
    add(Diagnostic(.warning, message, at: location, hint: hint))
  }

  /// Adds all of another.
  public mutating func append(contentsOf other: Diagnostics) {
    for diagnostic in other.all { add(diagnostic) }
    dropped += other.dropped
    errorCount += other.droppedErrors
  }

  private var droppedErrors: Int { errorCount - all.lazy.filter { $0.severity == .error }.count }

  /// Sorted by file, line and column.
  public func sorted() -> [Diagnostic] {
    all.enumerated().sorted { a, b in
      let x = a.element.location
      let y = b.element.location
      let left = (x?.file ?? "", x?.line ?? 0, x?.column ?? 0, a.offset)
      let right = (y?.file ?? "", y?.line ?? 0, y?.column ?? 0, b.offset)
      return left < right
    }.map(\.element)
  }

  /// Every diagnostic with its source line and caret, sorted, one line feed after each.
  public func rendered(sources: [SourceText], colors: Bool = false) -> String {
    var byName: [String: SourceText] = [:]
    for source in sources { byName[source.name] = source }
    var text = ""
    for diagnostic in sorted() {
      text += diagnostic.rendered(source: diagnostic.location.flatMap { byName[$0.file] }, colors: colors) + "\n"
    }
    if dropped > 0 { text += "and \(dropped) more\n" }
    return text
  }
}

extension Diagnostics: Sequence {
  public func makeIterator() -> IndexingIterator<[Diagnostic]> { all.makeIterator() }
}
