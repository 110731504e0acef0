/// What the plugin reads from librdkafka's statistics (STATISTICS.md): whether any broker is up.
public enum BrokerStatistics {
  /// Whether a broker has the state `UP`; `nil` when the text is no statistics.
  public static func anyBrokerUp(_ json: UnsafeRawBufferPointer) -> Bool? {
    var cursor = JSONCursor(json)
    var seen = false
    var up = false
    let whole = cursor.members { name, cursor in
      guard cursor.bytes[name].elementsEqual("brokers".utf8) else { return cursor.skipValue(depth: 1) }
      seen = true
      return cursor.members { _, cursor in
        cursor.members { name, cursor in
          guard cursor.bytes[name].elementsEqual("state".utf8) else { return cursor.skipValue(depth: 3) }
          guard let state = cursor.stringContent() else { return false }
          if cursor.bytes[state].elementsEqual("UP".utf8) { up = true }
          return true
        }
      }
    }
    return whole && seen ? up : nil
  }
}
