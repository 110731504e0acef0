import CBotHost

/// What went wrong in the journal. The message says what to do about it.
public struct JournalError: Error, Sendable, Hashable, CustomStringConvertible {
  /// What sort of fault it is, for whoever decides by it.
  public enum Kind: Sendable, Hashable {
    /// Another host holds the data directory.
    case inUse(pid: Int32)
    /// The file is no database, or damaged.
    case corrupt
    /// A later version of the host has written the file.
    case newerSchema(found: Int, known: Int)
    /// The disk is full.
    case diskFull
    /// The entry's revision (0: there is none) is not the expected one.
    case conflict(revision: UInt64)
    /// A quota or the size limit of a topic is reached.
    case noSpace
    case notFound
    /// An argument is out of bounds.
    case invalid
    /// The journal is closed.
    case closed
    case io
  }

  public let kind: Kind
  public let message: String

  public var description: String { message }

  public init(_ kind: Kind, _ message: String) {
    self.kind = kind
    self.message = message
  }

  /// What a plugin is told.
  public var rc: bh_rc {
    switch kind {
    case .conflict: bh_rc(BH_E_CONFLICT)
    case .noSpace, .diskFull: bh_rc(BH_E_NOSPACE)
    case .notFound: bh_rc(BH_E_NOTFOUND)
    case .invalid: bh_rc(BH_E_INVALID)
    case .closed: bh_rc(BH_E_CANCELLED)
    case .inUse: bh_rc(BH_E_BUSY)
    case .corrupt, .newerSchema, .io: bh_rc(BH_E_INTERNAL)
    }
  }
}
