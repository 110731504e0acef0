/// The tables of `bothost.db`, and how an older file becomes a current one.
///
/// - `event`: all durable events. The row's number is the topic's number times 2^40 plus the position within the topic, so
///   that one b-tree serves as the log of every topic, without an index beside it.
/// - `consumer`: a handler (kind 0) or a reader (kind 1); all positions below `floor` are settled; `settled` has those beyond it that were settled out of order.
/// - `kv`: the plugins' state, by instance and key.
/// - `dead`: the dead letters.
enum JournalSchema {
  /// "bhJ1"; tells the journal from any other database.
  static let applicationID: Int64 = 0x6268_4a31

  /// Step n makes version n out of version n - 1. A step that was released is never changed.
  private static let steps = [
    """
    CREATE TABLE topic(
      id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, first INTEGER NOT NULL, next INTEGER NOT NULL,
      bytes INTEGER NOT NULL, keep_age INTEGER NOT NULL, keep_bytes INTEGER NOT NULL, keep_count INTEGER NOT NULL,
      max_bytes INTEGER NOT NULL);
    CREATE TABLE event(position INTEGER PRIMARY KEY, time INTEGER NOT NULL, record BLOB NOT NULL);
    CREATE TABLE consumer(
      id INTEGER PRIMARY KEY, topic INTEGER NOT NULL REFERENCES topic(id), name TEXT NOT NULL, kind INTEGER NOT NULL,
      floor INTEGER NOT NULL, UNIQUE(topic, name));
    CREATE TABLE settled(
      consumer INTEGER NOT NULL, position INTEGER NOT NULL, PRIMARY KEY(consumer, position)) WITHOUT ROWID;
    CREATE TABLE instance(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
    CREATE TABLE kv(
      id INTEGER PRIMARY KEY, instance INTEGER NOT NULL, key BLOB NOT NULL, revision INTEGER NOT NULL,
      expires INTEGER NOT NULL, value BLOB NOT NULL, UNIQUE(instance, key));
    CREATE INDEX kv_expires ON kv(expires) WHERE expires > 0;
    CREATE TABLE dead(
      id INTEGER PRIMARY KEY AUTOINCREMENT, topic TEXT NOT NULL, handler TEXT NOT NULL, plugin TEXT NOT NULL,
      code INTEGER NOT NULL, reason TEXT NOT NULL, attempts INTEGER NOT NULL, published INTEGER NOT NULL,
      buried INTEGER NOT NULL, record BLOB NOT NULL);
    CREATE TABLE counter(name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
    """
  ]

  static var version: Int { steps.count }

  /// Makes the file current, or says why it cannot be used.
  static func prepare(_ database: SQLiteConnection) throws(JournalError) {
    let found = Int(try database.integer("PRAGMA user_version") ?? 0)
    let application = try database.integer("PRAGMA application_id") ?? 0
    let isEmpty = try database.integer("SELECT count(*) FROM sqlite_schema") == 0
    guard application == applicationID || (isEmpty && application == 0) else {
      throw JournalError(
        .corrupt, "\(database.path): this is a database of another program; choose another data directory")
    }
    guard found <= version else {
      throw JournalError(
        .newerSchema(found: found, known: version),
        "\(database.path): written by a later bothost (format \(found), this one knows \(version)); run that version, or "
          + "choose another data directory")
    }
    if isEmpty { try database.execute("PRAGMA application_id = \(applicationID)") }
    for step in found..<version {
      try database.execute("BEGIN IMMEDIATE; \(steps[step]); PRAGMA user_version = \(step + 1); COMMIT")
    }
  }
}
