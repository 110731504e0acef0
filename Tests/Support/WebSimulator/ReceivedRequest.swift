import Foundation

/// A request as it came in.
public struct ReceivedRequest: Sendable {
  public var method: String
  /// Path and query.
  public var target: String
  /// The names in lower case.
  public var headers: [String: String]
  public var body: String

  public var path: String { String(target.prefix { $0 != "?" }) }

  /// The members of the query, decoded.
  public var query: [String: String] {
    var members: [String: String] = [:]
    for item in URLComponents(string: target)?.queryItems ?? [] { members[item.name] = item.value ?? "" }
    return members
  }

  public init?(_ wire: Wire) {
    guard let line = wire.line() else { return nil }
    let words = line.components(separatedBy: " ")
    guard words.count == 3 else { return nil }
    method = words[0]
    target = words[1]
    headers = [:]
    while let header = wire.line(), !header.isEmpty {
      let parts = header.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
      if parts.count == 2 { headers[parts[0].lowercased()] = parts[1].trimmingCharacters(in: .whitespaces) }
    }
    let length = Int(headers["content-length"] ?? "0") ?? 0
    guard let bytes = wire.bytes(length) else { return nil }
    body = String(decoding: bytes, as: UTF8.self)
  }

  /// As JSON, for whoever wants to see what was asked.
  public var json: String {
    let whole: [String: Any] = ["method": method, "target": target, "headers": headers, "body": body]
    let data = try? JSONSerialization.data(withJSONObject: whole, options: [.sortedKeys, .withoutEscapingSlashes])
    return String(decoding: data ?? Data(), as: UTF8.self)
  }
}
