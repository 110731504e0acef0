import Glibc
import YetibotEngine

/// Remembers lines in a SQLite file, as many as are wanted, and finds them by its indexes: by room, person and time, and by any three
/// characters of the text (FTS5 with trigrams), which is what a search for a pattern is narrowed down with.
public final class SQLiteHistory: HistoryStore {
  private let database: SQLiteDatabase
  private let capacity: Int64?
  /// Inside a batch nothing is written to the file until its end.
  private var isInBatch = false

  /// Opens the file, and makes it when there is none.
  ///
  /// - Parameter capacity: how many lines are kept; the oldest go. nil: all.
  /// - Throws: ``StoreError``.
  public init(path: String, capacity: Int? = nil) throws {
    // What people said is nobody else's business.
    let descriptor = Glibc.open(path, O_CREAT | O_CLOEXEC | O_RDWR, 0o600)
    if descriptor >= 0 { Glibc.close(descriptor) }
    database = try SQLiteDatabase(path: path)
    self.capacity = capacity.map { Int64(max($0, 1)) }
    // A write is safe from a crash of the program; one of the machine may cost the latest lines, never the file.
    try database.execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA temp_store=MEMORY")
    try database.execute(Self.schema)
  }

  /// The same, and a file that is damaged is put aside, as `PATH.damaged`, for a new one.
  ///
  /// - Returns: the store, and what was wrong with the file.
  public static func open(path: String, capacity: Int?) throws -> (store: SQLiteHistory, damage: StoreError?) {
    do {
      return (try SQLiteHistory(path: path, capacity: capacity), nil)
    } catch let damage as StoreError where damage.isDamaged {
      for suffix in ["-wal", "-shm"] { unlink(path + suffix) }
      guard rename(path, path + ".damaged") == 0 else { throw damage }
      return (try SQLiteHistory(path: path, capacity: capacity), damage)
    }
  }

  private static let columns = [
    "id", "created_at", "chat_source_adapter", "chat_source_room", "user_id", "user_name", "command", "correlation_id",
    "body", "is_yetibot", "is_private", "is_error", "is_command",
  ]

  private static let schema = """
    CREATE TABLE IF NOT EXISTS yetibot_history (
      id INTEGER PRIMARY KEY AUTOINCREMENT, created_at INTEGER NOT NULL, chat_source_adapter TEXT NOT NULL,
      chat_source_room TEXT NOT NULL, user_id TEXT NOT NULL, user_name TEXT NOT NULL, command TEXT NOT NULL,
      correlation_id TEXT NOT NULL, body TEXT NOT NULL, is_yetibot INTEGER NOT NULL, is_private INTEGER NOT NULL,
      is_error INTEGER NOT NULL, is_command INTEGER NOT NULL);
    CREATE INDEX IF NOT EXISTS yetibot_history_room ON yetibot_history
      (chat_source_adapter, chat_source_room, is_yetibot, is_command);
    CREATE INDEX IF NOT EXISTS yetibot_history_place ON yetibot_history (chat_source_adapter, chat_source_room);
    CREATE INDEX IF NOT EXISTS yetibot_history_user ON yetibot_history (chat_source_adapter, user_name);
    CREATE INDEX IF NOT EXISTS yetibot_history_time ON yetibot_history (chat_source_adapter, created_at);
    CREATE VIRTUAL TABLE IF NOT EXISTS yetibot_history_text USING fts5(
      body, content='yetibot_history', content_rowid='id', tokenize='trigram');
    CREATE TRIGGER IF NOT EXISTS yetibot_history_added AFTER INSERT ON yetibot_history BEGIN
      INSERT INTO yetibot_history_text(rowid, body) VALUES (new.id, new.body);
    END;
    CREATE TRIGGER IF NOT EXISTS yetibot_history_removed AFTER DELETE ON yetibot_history BEGIN
      INSERT INTO yetibot_history_text(yetibot_history_text, rowid, body) VALUES ('delete', old.id, old.body);
    END;
    """

  // MARK: Writing

  /// Runs `body` with all its lines kept together: by one write, and all or none. An error that leaves `body` takes them back.
  public func batch<Result>(_ body: () throws -> Result) throws -> Result {
    guard !isInBatch else { return try body() }
    try database.execute("BEGIN")
    isInBatch = true
    defer { isInBatch = false }
    do {
      let result = try body()
      try endBatch()
      return result
    } catch {
      if isInBatch { try? database.execute("ROLLBACK") }
      throw error
    }
  }

  /// Ends the batch that is under way, if one is: its lines are kept now, and the next ones one by one.
  public func endBatch() throws {
    guard isInBatch else { return }
    try database.execute("COMMIT")
    isInBatch = false
  }

  private static let insertion =
    "INSERT INTO yetibot_history (\(columns.dropFirst().joined(separator: ", "))) VALUES (\(columns.dropFirst().map { _ in "?" }.joined(separator: ", ")))"

  public func append(_ entry: HistoryEntry) throws {
    try database.run(
      SQLQuery(
        statement: Self.insertion,
        [
          .integer(entry.createdAt), .text(entry.instance), .text(entry.room), .text(entry.userID),
          .text(entry.userName), .text(entry.command), .text(entry.correlationID), .text(entry.body),
          .integer(entry.isByBot ? 1 : 0), .integer(entry.isPrivate ? 1 : 0), .integer(entry.isError ? 1 : 0),
          .integer(entry.isCommand ? 1 : 0),
        ]))
    let last = database.lastID
    guard let capacity, last > capacity else { return }
    // One comes, one goes: the cost is spread, and a file that grew under a larger capacity shrinks with time.
    try database.run(
      SQLQuery(
        statement:
          "DELETE FROM yetibot_history WHERE id IN (SELECT id FROM yetibot_history WHERE id <= ? ORDER BY id LIMIT 2)",
        [.integer(last - capacity)]))
  }

  // MARK: Asking

  public func lines(_ query: HistoryQuery, _ limits: inout HistoryLimits) throws -> [HistoryEntry] {
    var sql = SQLQuery("history").merged(with: Self.sql(for: query))
    sql.selected = Self.columns
    sql.order = query.order == .newestFirst || query.order == .newestLast ? "id DESC" : "id"
    let pending = query.conditions.filter(Self.isLeftToCode)
    // What the database cannot decide is decided here, and then only here can lines be counted.
    if pending.isEmpty {
      sql.limit = query.limit
      sql.offset = query.offset
    }
    var found: [HistoryEntry] = []
    let most = pending.isEmpty ? Int.max : (query.limit ?? Int.max - query.offset) + query.offset
    try walk(sql, &limits) { entry, limits in
      if pending.allSatisfy({ $0.holds(for: entry, &limits) }) { found.append(entry) }
      return found.count < most
    }
    if !pending.isEmpty { found.removeFirst(min(query.offset, found.count)) }
    return query.order == .newestLast ? found.reversed() : found
  }

  public func count(_ query: HistoryQuery, _ limits: inout HistoryLimits) throws -> Int {
    var sql = SQLQuery("history").merged(with: Self.sql(for: query))
    let pending = query.conditions.filter(Self.isLeftToCode)
    guard !pending.isEmpty else {
      sql.selected = ["COUNT(*)"]
      return Int(try database.integer(sql) ?? 0)
    }
    sql.selected = Self.columns
    var count = 0
    try walk(sql, &limits) { entry, limits in
      if pending.allSatisfy({ $0.holds(for: entry, &limits) }) { count += 1 }
      return true
    }
    return count
  }

  /// How the database would look for it, a step a line.
  func plan(of query: HistoryQuery) throws -> String {
    var sql = SQLQuery("history").merged(with: Self.sql(for: query))
    sql.order = "id DESC"
    let statement = try database.prepare(SQLQuery(statement: "EXPLAIN QUERY PLAN \(sql.text)", sql.values))
    defer { statement.reset() }
    var lines = ""
    while try statement.step(database) { lines += statement.text(3) + "\n" }
    return lines
  }

  /// Goes through rows until `body` answers false or a limit is reached.
  private func walk(
    _ sql: SQLQuery, _ limits: inout HistoryLimits, _ body: (HistoryEntry, inout HistoryLimits) -> Bool
  ) throws {
    let statement = try database.prepare(sql)
    defer { statement.reset() }
    var rows = 0
    while try statement.step(database) {
      guard body(Self.entry(statement), &limits), limits.patternSteps >= 0 else { return }
      rows += 1
      if rows & 255 == 0, limits.isTimeUp() { return }
    }
  }

  private static func entry(_ row: SQLiteDatabase.Statement) -> HistoryEntry {
    let isByBot = row.integer(9) != 0
    var entry = HistoryEntry(
      row.text(8), by: isByBot ? nil : ChatPerson(id: row.text(4), name: row.text(5)),
      in: ChatPlace(adapter: "", instance: row.text(2), room: row.text(3), isPrivate: row.integer(10) != 0),
      isCommand: row.integer(12) != 0, correlationID: row.text(7), createdAt: row.integer(1))
    entry.id = row.integer(0)
    entry.userID = row.text(4)
    entry.userName = row.text(5)
    entry.command = row.text(6)
    entry.isError = row.integer(11) != 0
    return entry
  }

  // MARK: Translation

  private static func isLeftToCode(_ condition: HistoryQuery.Condition) -> Bool {
    switch condition {
    case .matches, .hasWords: true
    default: false
    }
  }

  /// The part of a query that the database decides; of patterns and words only what narrows the search.
  private static func sql(for query: HistoryQuery) -> SQLQuery {
    var sql = SQLQuery()
    for condition in query.conditions {
      switch condition {
      case .visible(let room): sql.require("(is_private=0 OR chat_source_room=?)", .text(room))
      case .instance(let instance): sql.require("chat_source_adapter=?", .text(instance))
      case .room(let room): sql.require("chat_source_room=?", .text(room))
      case .rooms(let rooms): requireOne(of: rooms, "chat_source_room", &sql)
      case .noCommandBeginning(let text):
        sql.require("(is_command=0 OR substr(body, 1, \(text.unicodeScalars.count))<>?)", .text(text))
      case .notByBot: sql.require("is_yetibot=0")
      case .byBot: sql.require("is_yetibot=1")
      case .noCommand: sql.require("is_command=0")
      case .command: sql.require("is_command=1")
      case .correlated(let id): sql.require("correlation_id=?", .text(id))
      case .notCorrelated(let id): sql.require("correlation_id<>?", .text(id))
      case .ofCommand(let text, let prefix):
        let length = text.unicodeScalars.count
        let whole = "\(prefix)\(text)"
        sql.require(
          "(is_yetibot=1 AND substr(command, 1, \(length))=? OR is_yetibot=0 AND is_command=1 AND substr(body, 1, \(whole.unicodeScalars.count))=?)",
          .text(text), .text(whole))
      case .userID(let id): sql.require("user_id=?", .text(id))
      case .userNames(let names): requireOne(of: names, "user_name", &sql)
      case .since(let time): sql.require("created_at>=?", .integer(time))
      case .until(let time): sql.require("created_at<=?", .integer(time))
      case .notPrivate: sql.require("is_private=0")
      case .id(let id): sql.require("id=?", .integer(id))
      case .matches(let pattern):
        if let text = pattern.requiredText { narrow(to: text, &sql) }
      case .hasWords(let words): for word in words { narrow(to: word, &sql) }
      }
    }
    return sql
  }

  private static func requireOne(of texts: [String], _ column: String, _ sql: inout SQLQuery) {
    sql.clauses.append(
      ("\(column) IN (\(texts.map { _ in "?" }.joined(separator: ",")))", texts.map(SQLQuery.Value.text)))
  }

  /// Only lines with this text in them, upper or lower case, where it is long enough for the index.
  private static func narrow(to text: String, _ sql: inout SQLQuery) {
    guard text.unicodeScalars.count >= 3, !text.unicodeScalars.contains("\0") else { return }
    let quoted = "\"" + text.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
    sql.require("id IN (SELECT rowid FROM yetibot_history_text WHERE yetibot_history_text MATCH ?)", .text(quoted))
  }
}
