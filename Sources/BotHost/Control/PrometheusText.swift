/// Metrics in the text format that Prometheus reads (exposition format 0.0.4).
public enum PrometheusText {
  public static let contentType = "text/plain; version=0.0.4; charset=utf-8"

  /// One family a name, `bothost_` before it and `_total` after a counter's; the owner is the label `instance`.
  public static func render(_ samples: [Metrics.Sample]) -> String {
    var text = ""
    var family = ""
    var kinds: [String: Metric.Kind] = [:]
    // A family's lines stand together and have one type, also when two plugins use a name for different things.
    let ordered = samples.sorted {
      ($0.identity.name, $0.kind.rawValue, $0.identity.owner) < ($1.identity.name, $1.kind.rawValue, $1.identity.owner)
    }
    for sample in ordered {
      var name = familyName(sample)
      if let kind = kinds[name], kind != sample.kind { name += "_" + type(sample.kind) }
      kinds[name] = sample.kind
      if name != family {
        family = name
        text += "# HELP \(name) \(escaped(sample.help, quotes: false))\n# TYPE \(name) \(type(sample.kind))\n"
      }
      var labels: [(String, String)] = []
      if !sample.identity.owner.isEmpty { labels.append(("instance", sample.identity.owner)) }
      labels += sample.identity.labels.map { ($0.name, $0.value) }
      guard let distribution = sample.distribution else {
        text += "\(name)\(braces(labels)) \(sample.value)\n"
        continue
      }
      var seen: Int64 = 0
      let last = distribution.counts.lastIndex { $0 > 0 } ?? -1
      for bucket in 0..<max(0, min(last + 1, Metric.buckets - 1)) {
        seen += distribution.counts[bucket]
        text += "\(name)_bucket\(braces(labels + [("le", String(Int64(1) << Int64(bucket)))])) \(seen)\n"
      }
      text += "\(name)_bucket\(braces(labels + [("le", "+Inf")])) \(distribution.count)\n"
      text += "\(name)_sum\(braces(labels)) \(distribution.sum)\n"
      text += "\(name)_count\(braces(labels)) \(distribution.count)\n"
    }
    return text
  }

  private static func familyName(_ sample: Metrics.Sample) -> String {
    let name = "bothost_" + sample.identity.name
    return sample.kind == .counter && !name.hasSuffix("_total") ? name + "_total" : name
  }

  private static func type(_ kind: Metric.Kind) -> String {
    switch kind {
    case .counter: "counter"
    case .gauge: "gauge"
    case .histogram: "histogram"
    }
  }

  private static func braces(_ labels: [(String, String)]) -> String {
    guard !labels.isEmpty else { return "" }
    return "{" + labels.map { "\($0.0)=\"\(escaped($0.1, quotes: true))\"" }.joined(separator: ",") + "}"
  }

  private static func escaped(_ text: String, quotes: Bool) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\"" where quotes: result += "\\\""
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }
}
