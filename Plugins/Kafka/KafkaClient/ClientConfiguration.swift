import CRDKafka
import KafkaLog

/// Makes librdkafka's configuration objects.
enum ClientConfiguration {
  /// A configuration with the settings applied; the caller owns it.
  ///
  /// A setting that librdkafka does not know, or a value that it does not take, fails with its own words.
  static func make(_ settings: [ClientSetting], opaque: UnsafeMutableRawPointer) throws(ClientFailure) -> OpaquePointer
  {
    guard let configuration = rd_kafka_conf_new() else {
      throw ClientFailure(.none, "librdkafka gave no configuration object")
    }
    for setting in settings + [ClientSetting("log.queue", "true")] {
      let (result, text) = withErrorText { buffer, size in
        rd_kafka_conf_set(configuration, setting.name, setting.value, buffer, size)
      }
      guard result != RD_KAFKA_CONF_OK else { continue }
      rd_kafka_conf_destroy(configuration)
      // librdkafka's text repeats the value; of a secret only the name is said.
      throw ClientFailure(
        .none,
        setting.isSecret ? "settings.\(setting.name): the value is not taken" : "settings.\(setting.name): \(text)")
    }
    rd_kafka_conf_set_opaque(configuration, opaque)
    return configuration
  }

  /// Makes a client; takes the configuration over.
  static func client(_ type: rd_kafka_type_t, _ configuration: OpaquePointer) throws(ClientFailure) -> OpaquePointer {
    var made: OpaquePointer?
    let (_, text) = withErrorText { buffer, size in
      made = rd_kafka_new(type, configuration, buffer, size)
    }
    guard let made else {
      let code = KafkaErrorCode(rawValue: rd_kafka_last_error().rawValue)
      // On failure the configuration stays the caller's.
      rd_kafka_conf_destroy(configuration)
      throw ClientFailure(code, text)
    }
    // Log lines come out where the client is polled, not on threads of the library's own.
    rd_kafka_set_log_queue(made, nil)
    return made
  }

  /// Calls `body` with room for one of librdkafka's error texts.
  static func withErrorText<Result>(
    _ body: (UnsafeMutablePointer<CChar>?, Int) -> Result
  ) -> (Result, String) {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: 512) { buffer in
      buffer.initialize(repeating: 0)
      let result = body(buffer.baseAddress, buffer.count)
      return (result, buffer.baseAddress.map { String(cString: $0) } ?? "")
    }
  }
}
