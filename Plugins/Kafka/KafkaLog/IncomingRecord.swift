/// A header of a record, borrowed.
public struct RecordHeader {
  public var name: UnsafeRawBufferPointer
  /// `nil`: the header has no value, which is not the same as an empty one.
  public var value: UnsafeRawBufferPointer?

  public init(name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer?) {
    self.name = name
    self.value = value
  }
}

/// A record as a consumer hands it over; everything is borrowed from the client until the call returns.
public struct IncomingRecord {
  public var topic: UnsafeRawBufferPointer
  public var partition: Int32
  public var offset: Int64
  /// Milliseconds since 1970; -1: the record has none.
  public var timestamp: Int64
  /// `nil`: the record has no key.
  public var key: UnsafeRawBufferPointer?
  /// `nil`: a tombstone.
  public var value: UnsafeRawBufferPointer?
  public var headers: [RecordHeader]

  public init(
    topic: UnsafeRawBufferPointer, partition: Int32, offset: Int64, timestamp: Int64, key: UnsafeRawBufferPointer?,
    value: UnsafeRawBufferPointer?, headers: [RecordHeader]
  ) {
    self.topic = topic
    self.partition = partition
    self.offset = offset
    self.timestamp = timestamp
    self.key = key
    self.value = value
    self.headers = headers
  }

  /// The value of the last header of that name, as text.
  public func header(_ name: String) -> String? {
    guard let header = headers.last(where: { $0.name.elementsEqual(name.utf8) }), let value = header.value else {
      return nil
    }
    return String(decoding: value, as: UTF8.self)
  }
}
