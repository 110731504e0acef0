import CRDKafka
import Glibc
import KafkaLog

/// Looks at librdkafka's messages.
enum MessageView {
  /// Lends a message as a record.
  static func withRecord<Result>(
    _ message: UnsafePointer<rd_kafka_message_t>, _ body: (IncomingRecord) -> Result
  ) -> Result {
    let raw = message.pointee
    let name = rd_kafka_topic_name(raw.rkt)
    var kind = RD_KAFKA_TIMESTAMP_NOT_AVAILABLE
    let time = rd_kafka_message_timestamp(message, &kind)
    return body(
      IncomingRecord(
        topic: UnsafeRawBufferPointer(start: name, count: name.map { strlen($0) } ?? 0), partition: raw.partition,
        offset: raw.offset, timestamp: kind == RD_KAFKA_TIMESTAMP_NOT_AVAILABLE ? -1 : time,
        key: raw.key.map { UnsafeRawBufferPointer(start: $0, count: raw.key_len) },
        value: raw.payload.map { UnsafeRawBufferPointer(start: $0, count: raw.len) }, headers: headers(of: message)))
  }

  private static func headers(of message: UnsafePointer<rd_kafka_message_t>) -> [RecordHeader] {
    var list: OpaquePointer?
    guard rd_kafka_message_headers(message, &list) == RD_KAFKA_RESP_ERR_NO_ERROR, let list else { return [] }
    var headers: [RecordHeader] = []
    var name: UnsafePointer<CChar>?
    var value: UnsafeRawPointer?
    var size = 0
    while rd_kafka_header_get_all(list, headers.count, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR, let name {
      headers.append(
        RecordHeader(
          name: UnsafeRawBufferPointer(start: name, count: strlen(name)),
          value: value.map { UnsafeRawBufferPointer(start: $0, count: size) }))
    }
    return headers
  }
}
