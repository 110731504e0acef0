/// A `Link` header (RFC 8288), as far as paging needs it.
enum LinkHeader {
  /// The target of the first link with that relation.
  static func target(_ relation: String, in header: String) -> String? {
    var rest = Substring(header)
    while let open = rest.firstIndex(of: "<"), let close = rest[open...].firstIndex(of: ">") {
      let target = rest[rest.index(after: open)..<close]
      rest = rest[rest.index(after: close)...]
      // The parameters reach to the next link.
      let parameters = rest.prefix { $0 != "<" }
      for parameter in parameters.split(whereSeparator: { $0 == ";" || $0 == "," }) {
        let parts = parameter.split(separator: "=", maxSplits: 1).map { $0.filter { !$0.isWhitespace && $0 != "\"" } }
        if parts.count == 2, parts[0].lowercased() == "rel", parts[1].lowercased() == relation { return String(target) }
      }
    }
    return nil
  }
}
