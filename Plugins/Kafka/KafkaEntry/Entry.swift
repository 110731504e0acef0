import KafkaPlugin

/// The one symbol that the host looks for. In a target of its own, so that a program with several plugins in it, a test
/// for one, has no two of them.
@c(bh_plugin_entry_v1)
public func entry(_ hostMinor: UInt32) -> UnsafeRawPointer? { kafkaPlugin(hostMinor) }
