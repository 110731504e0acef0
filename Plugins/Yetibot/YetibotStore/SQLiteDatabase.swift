import CSQLite
import Glibc

/// Why the store could not do what it was asked.
public struct StoreError: Error, Sendable, CustomStringConvertible {
  /// The file.
  public var path: String
  public var reason: String
  /// The file is no database, or is damaged.
  public var isDamaged: Bool

  public var description: String { "\(path): \(reason)" }
}

/// One connection to a database file; used by one thread at a time.
final class SQLiteDatabase {
  private let handle: OpaquePointer
  private let path: String
  /// Statements that are used again and again.
  private var statements: [String: Statement] = [:]
  private static let maximumStatements = 64

  init(path: String) throws(StoreError) {
    var opened: OpaquePointer?
    let status = sqlite3_open_v2(
      path, &opened, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE, nil)
    guard let opened else {
      throw StoreError(path: path, reason: "no memory to open the history", isDamaged: false)
    }
    handle = opened
    self.path = path
    sqlite3_extended_result_codes(handle, 1)
    sqlite3_busy_timeout(handle, 5000)
    if status != SQLITE_OK {
      let failure = error(status)
      sqlite3_close_v2(handle)
      throw failure
    }
  }

  deinit {
    statements.removeAll()
    sqlite3_close_v2(handle)
  }

  func error(_ status: Int32) -> StoreError {
    let text = String(cString: sqlite3_errmsg(handle))
    switch status & 0xFF {
    case SQLITE_CORRUPT, SQLITE_NOTADB:
      return StoreError(path: path, reason: "the history is damaged (\(text))", isDamaged: true)
    case SQLITE_FULL:
      return StoreError(path: path, reason: "the disk is full; make room", isDamaged: false)
    case SQLITE_BUSY, SQLITE_LOCKED:
      return StoreError(path: path, reason: "another program holds a lock (\(text)); close it", isDamaged: false)
    case SQLITE_READONLY, SQLITE_PERM, SQLITE_AUTH, SQLITE_CANTOPEN:
      let cause = String(cString: strerror(sqlite3_system_errno(handle)))
      return StoreError(
        path: path, reason: "the history cannot be opened or written (\(text): \(cause)); look at its owner and mode",
        isDamaged: false)
    default: return StoreError(path: path, reason: "\(text) (SQLite \(status))", isDamaged: false)
    }
  }

  /// The number of the row that was inserted last.
  var lastID: Int64 { sqlite3_last_insert_rowid(handle) }

  func execute(_ sql: String) throws(StoreError) {
    let status = sqlite3_exec(handle, sql, nil, nil, nil)
    if status != SQLITE_OK { throw error(status) }
  }

  /// A statement with its values bound, ready to be stepped through.
  func prepare(_ query: SQLQuery) throws(StoreError) -> Statement {
    let sql = query.text
    let statement: Statement
    if let known = statements[sql], !known.isBusy {
      statement = known
    } else {
      var made: OpaquePointer?
      let status = sqlite3_prepare_v3(handle, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &made, nil)
      guard status == SQLITE_OK, let made else { throw error(status) }
      statement = Statement(made)
      if statements.count >= Self.maximumStatements { statements.removeAll() }
      statements[sql] = statement
    }
    try statement.bind(query.values, self)
    return statement
  }

  func run(_ query: SQLQuery) throws(StoreError) {
    let statement = try prepare(query)
    defer { statement.reset() }
    while try statement.step(self) {}
  }

  /// The first column of the first row; nil when there is no row.
  func integer(_ query: SQLQuery) throws(StoreError) -> Int64? {
    let statement = try prepare(query)
    defer { statement.reset() }
    return try statement.step(self) ? statement.integer(0) : nil
  }

  /// A prepared statement.
  final class Statement {
    private let handle: OpaquePointer
    /// It stands on a row.
    private(set) var isBusy = false

    fileprivate init(_ handle: OpaquePointer) { self.handle = handle }

    deinit { sqlite3_finalize(handle) }

    fileprivate func bind(_ values: [SQLQuery.Value], _ database: SQLiteDatabase) throws(StoreError) {
      for (index, value) in values.enumerated() {
        let place = Int32(index + 1)
        let status =
          switch value {
          case .null: sqlite3_bind_null(handle, place)
          case .bool(let bool): sqlite3_bind_int64(handle, place, bool ? 1 : 0)
          case .integer(let number): sqlite3_bind_int64(handle, place, number)
          case .real(let number): sqlite3_bind_double(handle, place, number)
          case .text(let text):
            // SQLITE_TRANSIENT: SQLite copies.
            sqlite3_bind_text64(
              handle, place, text, UInt64(text.utf8.count), unsafeBitCast(-1, to: sqlite3_destructor_type.self),
              UInt8(SQLITE_UTF8))
          }
        if status != SQLITE_OK { throw database.error(status) }
      }
    }

    /// True when there is a row.
    func step(_ database: SQLiteDatabase) throws(StoreError) -> Bool {
      let status = sqlite3_step(handle)
      isBusy = status == SQLITE_ROW
      if status == SQLITE_ROW { return true }
      sqlite3_reset(handle)
      if status == SQLITE_DONE { return false }
      throw database.error(status)
    }

    func reset() {
      isBusy = false
      sqlite3_reset(handle)
    }

    func integer(_ column: Int32) -> Int64 { sqlite3_column_int64(handle, column) }

    func text(_ column: Int32) -> String {
      let base = sqlite3_column_text(handle, column)
      let count = Int(sqlite3_column_bytes(handle, column))
      return String(decoding: UnsafeBufferPointer(start: base, count: base == nil ? 0 : count), as: UTF8.self)
    }
  }
}
