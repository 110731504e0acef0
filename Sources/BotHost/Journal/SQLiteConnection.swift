import CSQLite
import Glibc

/// One connection to the journal's file; used by one thread at a time.
final class SQLiteConnection {
  let handle: OpaquePointer
  let path: String

  init(path: String, readOnly: Bool) throws(JournalError) {
    var opened: OpaquePointer?
    let mode = readOnly ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
    let status = sqlite3_open_v2(path, &opened, mode | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE, nil)
    guard let opened else { throw JournalError(.io, "\(path): no memory to open the journal") }
    handle = opened
    self.path = path
    sqlite3_extended_result_codes(handle, 1)
    sqlite3_busy_timeout(handle, 5000)
    if status != SQLITE_OK { throw error(status) }
  }

  deinit { sqlite3_close_v2(handle) }

  func execute(_ sql: String) throws(JournalError) {
    let status = sqlite3_exec(handle, sql, nil, nil, nil)
    if status != SQLITE_OK { throw error(status) }
  }

  func prepare(_ sql: String) throws(JournalError) -> SQLiteStatement {
    var statement: OpaquePointer?
    let status = sqlite3_prepare_v3(handle, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &statement, nil)
    guard status == SQLITE_OK, let statement else { throw error(status) }
    return SQLiteStatement(statement, of: self)
  }

  /// The first column of the first row as an integer; nil when there is no row.
  func integer(_ sql: String) throws(JournalError) -> Int64? {
    let statement = try prepare(sql)
    return try statement.step() ? statement.int(0) : nil
  }

  func error(_ status: Int32) -> JournalError {
    let text = String(cString: sqlite3_errmsg(handle))
    switch status & 0xff {
    case SQLITE_CORRUPT, SQLITE_NOTADB:
      return JournalError(
        .corrupt,
        "\(path): the journal is damaged (\(text)); move it away or restore a copy; `sqlite3 FILE .recover` saves what "
          + "can be read")
    case SQLITE_FULL:
      return JournalError(.diskFull, "\(path): the disk is full; make room, the journal goes on by itself")
    case SQLITE_BUSY, SQLITE_LOCKED:
      return JournalError(.io, "\(path): another program holds a lock on the journal (\(text)); close it")
    case SQLITE_READONLY, SQLITE_PERM, SQLITE_AUTH:
      return JournalError(.io, "\(path): the journal cannot be written (\(text)); look at its owner and mode")
    case SQLITE_CANTOPEN:
      let cause = sqlite3_system_errno(handle)
      return JournalError(.io, "\(path): the journal cannot be opened: \(String(cString: strerror(cause)))")
    case SQLITE_TOOBIG:
      return JournalError(.invalid, "\(path): the value is too large for the journal")
    default:
      return JournalError(.io, "\(path): \(text) (SQLite \(status))")
    }
  }
}

/// A prepared statement: bind, step until false, and it is ready for the next time.
final class SQLiteStatement {
  private let handle: OpaquePointer
  private let connection: SQLiteConnection

  init(_ handle: OpaquePointer, of connection: SQLiteConnection) {
    self.handle = handle
    self.connection = connection
  }

  deinit { sqlite3_finalize(handle) }

  /// Parameters count from 1.
  @inline(__always)
  func bind(_ parameter: Int32, _ value: Int64) { sqlite3_bind_int64(handle, parameter, value) }

  /// The bytes are borrowed until the statement has been reset or has come to its end.
  @inline(__always)
  func bind(_ parameter: Int32, _ bytes: UnsafeRawBufferPointer) {
    if let base = bytes.baseAddress, !bytes.isEmpty {
      sqlite3_bind_blob64(handle, parameter, base, UInt64(bytes.count), nil)
    } else {
      sqlite3_bind_zeroblob(handle, parameter, 0)
    }
  }

  func bind(_ parameter: Int32, _ text: String) {
    // SQLITE_TRANSIENT: SQLite copies.
    sqlite3_bind_text(handle, parameter, text, -1, unsafeBitCast(-1, to: sqlite3_destructor_type.self))
  }

  func bindNull(_ parameter: Int32) { sqlite3_bind_null(handle, parameter) }

  func bind(_ parameter: Int32, copying bytes: [UInt8]) {
    if bytes.isEmpty {
      sqlite3_bind_zeroblob(handle, parameter, 0)
    } else {
      sqlite3_bind_blob64(
        handle, parameter, bytes, UInt64(bytes.count), unsafeBitCast(-1, to: sqlite3_destructor_type.self))
    }
  }

  /// True when there is a row; false at the end, when the statement has been reset. The values stay bound.
  @inline(__always)
  func step() throws(JournalError) -> Bool {
    let status = sqlite3_step(handle)
    if status == SQLITE_ROW { return true }
    sqlite3_reset(handle)
    if status == SQLITE_DONE { return false }
    throw connection.error(status)
  }

  /// Runs a statement that gives no rows.
  @inline(__always)
  func run() throws(JournalError) { while try step() {} }

  /// Ends a statement early, before it has given its last row.
  func reset() { sqlite3_reset(handle) }

  func int(_ column: Int32) -> Int64 { sqlite3_column_int64(handle, column) }

  /// Borrowed until the next step.
  func blob(_ column: Int32) -> UnsafeRawBufferPointer {
    let base = sqlite3_column_blob(handle, column)
    return UnsafeRawBufferPointer(start: base, count: base == nil ? 0 : Int(sqlite3_column_bytes(handle, column)))
  }

  func text(_ column: Int32) -> String {
    let base = sqlite3_column_text(handle, column)
    let count = Int(sqlite3_column_bytes(handle, column))
    return String(decoding: UnsafeBufferPointer(start: base, count: base == nil ? 0 : count), as: UTF8.self)
  }
}
