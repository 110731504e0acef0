import BotPluginKit
import KafkaLog

/// Records that the host keeps in its journal until the broker has them (`spool: true`): each is an event on the durable topic
/// `kafka.spool`, which comes back to this instance, is sent, and is acknowledged by the broker's report.
///
/// Runs on the lane; the disk is waited for elsewhere (`JournalWriter`).
final class Spool {
  private let topic: Topic
  private let writer: JournalWriter

  init(host: Host) throws(PluginError) {
    topic = try host.topic("kafka.spool")
    writer = JournalWriter(host: host)
  }

  func start() throws(PluginError) { try writer.start() }

  /// Keeps a record; the call is answered when it is on disk. Its place in Kafka is not known then: partition and offset are -1.
  /// - Parameters:
  ///   - argument: what `publish` was called with.
  ///   - name: of the topic that it is for.
  func keep(
    _ argument: UnsafeRawBufferPointer, key: UnsafeRawBufferPointer?, for name: String, _ call: borrowing Call
  ) throws(PluginError) {
    let pending = call.later()
    do throws(PluginError) {
      try writer.add(
        .init(
          topic: topic, payload: Array(argument), key: key.flatMap { UTF8Text.isValid($0) ? Array($0) : nil } ?? [],
          correlation: Array(call.correlationID.bytes), call: pending, reservation: nil,
          answer: JournalWriter.answer(topic: name, partition: -1, offset: -1)))
    } catch { try pending.fail(error) }
  }

  /// Lets what waits be written.
  func finish() { writer.finish(keeping: []) }
}
