/// Where rows are kept beyond the life of the engine. Calls come from whoever calls the engine.
public protocol RowStorage: AnyObject {
  func save(table: String, id: Int64, row: ValueMap)
  func remove(table: String, id: Int64)
}

/// The small tables of the engine: aliases, settings, observers and so on, in order of their ids.
public final class Rows {
  /// A row and its number; numbers grow and are not used again.
  public struct Row: Sendable, Hashable {
    public var id: Int64
    public var columns: ValueMap

    public init(id: Int64, columns: ValueMap) {
      self.id = id
      self.columns = columns
    }

    subscript(column: String) -> String { columns[column]?.text ?? "" }

    /// Whether it belongs to a room.
    func isIn(_ place: ChatPlace) -> Bool {
      self["chat_source_adapter"] == place.instance && self["chat_source_room"] == place.room
    }

    /// The row as commands hand it out.
    var record: Value { .map(ValueMap([("id", .int(id))] + columns.map { ($0.key, $0.value) })) }
  }

  private var tables: [String: [Row]] = [:]
  private var lastIDs: [String: Int64] = [:]
  private let storage: (any RowStorage)?
  /// The rows that a table keeps at most; the oldest go first.
  private let capacities: [String: Int]

  public static let defaultCapacities = [
    "alias": 1000, "observer": 200, "cron": 200, "karma": 20_000, "my": 10_000, "status": 2000,
    "channel": 10_000, "buffer": 200, "order": 500, "notit": 500,
  ]

  public init(storage: (any RowStorage)? = nil, capacities: [String: Int] = defaultCapacities) {
    self.storage = storage
    self.capacities = capacities
  }

  /// Takes over rows that were saved, in any order.
  public func load(table: String, rows: [Row]) {
    let sorted = rows.sorted { $0.id < $1.id }
    tables[table] = sorted
    lastIDs[table] = sorted.last?.id ?? 0
  }

  public subscript(table: String) -> [Row] { tables[table] ?? [] }

  @discardableResult func insert(_ table: String, _ columns: ValueMap) -> Row {
    let row = Row(id: (lastIDs[table] ?? 0) + 1, columns: columns)
    lastIDs[table] = row.id
    tables[table, default: []].append(row)
    storage?.save(table: table, id: row.id, row: columns)
    let capacity = capacities[table] ?? 1000
    if let rows = tables[table], rows.count > capacity + capacity / 8 {
      for row in rows.prefix(rows.count - capacity) { storage?.remove(table: table, id: row.id) }
      tables[table]?.removeFirst(rows.count - capacity)
    }
    return row
  }

  /// Replaces the columns of a row; when it was made stays.
  func update(_ table: String, _ id: Int64, _ columns: ValueMap) {
    guard let index = tables[table]?.firstIndex(where: { $0.id == id }) else { return }
    var columns = columns
    columns["created_at"] = tables[table]?[index].columns["created_at"]
    tables[table]?[index].columns = columns
    storage?.save(table: table, id: id, row: columns)
  }

  /// Whether a table takes another row without the oldest going.
  func hasRoom(in table: String) -> Bool { self[table].count < capacities[table] ?? 1000 }

  func remove(_ table: String, where isWanted: (Row) -> Bool) {
    for row in tables[table] ?? [] where isWanted(row) { storage?.remove(table: table, id: row.id) }
    tables[table]?.removeAll(where: isWanted)
  }
}

extension ValueMap {
  /// The columns of a row that belongs to a room.
  static func row(in place: ChatPlace, _ columns: [(String, String)]) -> ValueMap {
    ValueMap(
      ([("chat_source_adapter", place.instance), ("chat_source_room", place.room)] + columns)
        .map { ($0.0, Value.string($0.1)) })
  }
}
