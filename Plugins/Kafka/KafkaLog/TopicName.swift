/// The names of Kafka's topics.
public enum TopicName {
  /// What is wrong with a name, after Kafka's own rule (`org.apache.kafka.common.internals.Topic`): 1 to 249 of `A-Z a-z 0-9 . _ -`, and not `.`
  /// or `..`; `nil`: nothing.
  public static func fault(in name: String) -> String? {
    if name.isEmpty { return "is empty" }
    if name.utf8.count > 249 { return "is longer than 249 bytes" }
    if name == "." || name == ".." { return "is no name that Kafka takes" }
    return name.utf8.allSatisfy(isNamePart) ? nil : "has other characters than letters, digits, `.`, `_` and `-`"
  }

  /// Turns any text into a name: what Kafka does not take becomes `_`.
  public static func made(from text: String) -> String {
    let name = String(decoding: text.utf8.prefix(249).map { isNamePart($0) ? $0 : UInt8(ascii: "_") }, as: UTF8.self)
    return name == "." || name == ".." || name.isEmpty ? "_" : name
  }

  private static func isNamePart(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"),
      UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
      true
    default: false
    }
  }
}

/// The addresses of brokers.
public enum BrokerAddress {
  /// What is wrong with a list of `host[:port]`, separated by commas; `nil`: nothing.
  public static func fault(in list: String) -> String? {
    for address in list.split(separator: ",", omittingEmptySubsequences: false) {
      let address = address.drop { $0 == " " }
      if address.isEmpty { return "an address is empty in `\(list)`; expected host:port, separated by commas" }
      let rest = address.split(separator: "://", maxSplits: 1).last ?? address
      // An IPv6 address stands in brackets, so that its colons are not taken for the port's.
      let port = rest.hasPrefix("[") ? rest.drop { $0 != "]" }.dropFirst() : rest.drop { $0 != ":" }
      if port.isEmpty { continue }
      guard let number = Int(port.dropFirst()), (1...65_535).contains(number) else {
        return "`\(address)` has no port from 1 to 65535; expected host:port"
      }
    }
    return nil
  }
}
