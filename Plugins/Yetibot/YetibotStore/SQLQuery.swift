/// A question to a database in parts, so that two can be made one. Names come from the code; whatever comes from outside is a bound value.
public struct SQLQuery: Sendable, Hashable {
  public enum Value: Sendable, Hashable {
    case null
    case bool(Bool)
    case integer(Int64)
    case real(Double)
    case text(String)
  }

  /// What a statement begins with, up to where its conditions stand.
  private enum Verb: Sendable, Hashable {
    case select
    case other(String)
  }

  public static let tablePrefix = "yetibot_"

  /// The table's name without the prefix.
  public var table: String
  /// What is selected; several parts are joined by commas.
  public var selected: [String]
  /// Columns that must equal a value.
  public var equalities: [(column: String, value: Value)] = []
  /// Other conditions, of which all must hold, each with its values in order.
  public var clauses: [(text: String, values: [Value])] = []
  public var group: String?
  public var having: String?
  public var order: String?
  public var limit: Int?
  public var offset: Int?
  private var verb = Verb.select

  public init(_ table: String = "", select: String...) {
    self.table = table
    selected = select
  }

  /// A statement that is not a selection, written out.
  init(statement: String, _ values: [Value] = []) {
    table = ""
    selected = []
    verb = .other(statement)
    clauses = [("", values)]
  }

  public mutating func require(_ text: String, _ values: Value...) { clauses.append((text, values)) }

  /// Both at once: all conditions of both, and what either selects. Order, group and limits are those of the other where it has them.
  public func merged(with other: SQLQuery) -> SQLQuery {
    var both = self
    if both.table.isEmpty { both.table = other.table }
    both.selected += other.selected.filter { !selected.contains($0) }
    for equality in other.equalities {
      both.equalities.removeAll { $0.column == equality.column }
      both.equalities.append(equality)
    }
    both.clauses += other.clauses
    both.group = other.group ?? group
    both.having = other.having ?? having
    both.order = other.order ?? order
    both.limit = other.limit ?? limit
    both.offset = other.offset ?? offset
    return both
  }

  /// The conditions alone, without `WHERE`.
  public var condition: String {
    (equalities.map { "\(Self.column($0.column))=?" } + clauses.map(\.text)).joined(separator: " AND ")
  }

  /// The values in the order of their places in the text.
  public var values: [Value] { equalities.map(\.value) + clauses.flatMap(\.values) }

  public var text: String {
    guard case .select = verb else {
      if case .other(let statement) = verb { return statement }
      return ""
    }
    var parts = ["SELECT \(selected.isEmpty ? "*" : selected.joined(separator: ", "))"]
    parts.append("FROM \(Self.tablePrefix)\(Self.column(table))")
    if !condition.isEmpty { parts.append("WHERE \(condition)") }
    if let group { parts.append("GROUP BY \(group)") }
    if let having { parts.append("HAVING \(having)") }
    if let order { parts.append("ORDER BY \(order)") }
    if let limit { parts.append("LIMIT \(limit)") }
    if let offset, offset > 0 { parts.append(limit == nil ? "LIMIT -1 OFFSET \(offset)" : "OFFSET \(offset)") }
    return parts.joined(separator: " ")
  }

  /// A key of the engine as a column's name.
  static func column(_ key: String) -> String { String(key.map { $0 == "-" ? "_" : $0 }) }

  public static func == (left: SQLQuery, right: SQLQuery) -> Bool {
    left.text == right.text && left.values == right.values
  }
  public func hash(into hasher: inout Hasher) { hasher.combine(text) }
}
