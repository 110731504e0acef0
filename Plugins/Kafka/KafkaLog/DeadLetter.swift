/// What is added to a record that goes to the dead-letter topic.
public enum DeadLetter {
  /// The headers' names.
  public enum Header {
    /// Why the record could not be handled.
    public static let error = "error"
    /// Where it comes from.
    public static let topic = "source-topic"
    public static let partition = "source-partition"
    public static let offset = "source-offset"
  }

  /// The longest reason, in bytes; a longer one is cut at a character.
  public static let reasonLimit = 1024

  /// The headers that say why and where from; they come after the record's own, whose old ones of these names are left out.
  public static func headers(of record: IncomingRecord, error: String) -> [(name: String, value: String)] {
    [
      (Header.error, cut(error)),
      (Header.topic, String(decoding: record.topic, as: UTF8.self)),
      (Header.partition, String(record.partition)),
      (Header.offset, String(record.offset)),
    ]
  }

  /// Whether a header of the record itself is kept.
  public static func keeps(_ header: RecordHeader) -> Bool {
    ![Header.error, Header.topic, Header.partition, Header.offset].contains { header.name.elementsEqual($0.utf8) }
  }

  /// Cuts a reason that is too long, at a character.
  public static func cut(_ text: String) -> String {
    guard text.utf8.count > reasonLimit else { return text }
    var index = text.utf8.index(text.startIndex, offsetBy: reasonLimit)
    while index.samePosition(in: text) == nil { index = text.utf8.index(before: index) }
    return String(text[..<index])
  }
}
