/// Finds the name that was probably meant.
public enum Suggestion {
  /// The candidates nearest to `name` by optimal string alignment distance, all of them that are equally near, sorted; none when that is
  /// too far for a slip of the fingers: a third of the name's length, but at least one edit and at most three. A single letter is like no
  /// other.
  public static func nearest(to name: String, in candidates: some Sequence<String>) -> [String] {
    let wanted = Array(name.lowercased().unicodeScalars)
    guard !wanted.isEmpty, wanted.count <= 64 else { return [] }
    let limit = wanted.count == 1 ? 0 : min(3, max(1, (wanted.count + 1) / 3))
    var best: (names: Set<String>, distance: Int) = ([], limit)
    for candidate in candidates {
      let scalars = Array(candidate.lowercased().unicodeScalars)
      guard abs(scalars.count - wanted.count) <= limit, scalars.count <= 64 else { continue }
      let distance = distance(wanted, scalars)
      guard distance <= best.distance else { continue }
      if distance < best.distance { best = ([], distance) }
      best.names.insert(candidate)
    }
    if !best.names.isEmpty { return best.names.sorted() }
    // `-` and `_`, or a missing ending, are the commonest slips beyond that.
    let plain = wanted.filter { $0 != "-" && $0 != "_" }
    let similar = candidates.first { candidate in
      let scalars = candidate.lowercased().unicodeScalars.filter { $0 != "-" && $0 != "_" }
      return plain.count >= 4 && (scalars.starts(with: plain) || plain.starts(with: scalars)) && scalars.count >= 4
    }
    return similar.map { [$0] } ?? []
  }

  /// `did you mean 'x' or 'y'?` of the nearest, or nil when nothing is near. `mark`: what is written before such a name.
  public static func question(
    about name: String, in candidates: some Sequence<String>, mark: String = ""
  ) -> String? {
    let near = nearest(to: name, in: candidates).prefix(longestQuestion)
    return near.isEmpty ? nil : "did you mean \(list(near.map { "'\(mark)\($0)'" }))?"
  }

  /// Names in one question: more are no help.
  private static let longestQuestion = 5

  /// `did you mean 'x' or 'y'?`, or the whole list when it is short, or nil.
  public static func hint(for name: String, in candidates: some Collection<String>) -> String? {
    if let question = question(about: name, in: candidates) { return question }
    let names = Set(candidates)
    guard !names.isEmpty, names.count <= 12 else { return nil }
    return "expected " + list(names.sorted())
  }

  /// `a`, `a or b`, `a, b or c`.
  static func list(_ names: [String]) -> String {
    guard let last = names.last else { return "nothing" }
    return names.count == 1 ? last : names.dropLast().joined(separator: ", ") + " or " + last
  }

  /// The number of insertions, deletions, substitutions and swaps of neighbours between two short texts.
  static func distance(_ a: [Unicode.Scalar], _ b: [Unicode.Scalar]) -> Int {
    if a.isEmpty { return b.count }
    if b.isEmpty { return a.count }
    var beforeLast = [Int](repeating: 0, count: b.count + 1)
    var last = Array(0...b.count)
    var current = last
    for i in 1...a.count {
      current[0] = i
      for j in 1...b.count {
        var cost = min(last[j] + 1, current[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1))
        if i > 1, j > 1, a[i - 1] == b[j - 2], a[i - 2] == b[j - 1] { cost = min(cost, beforeLast[j - 2] + 1) }
        current[j] = cost
      }
      (beforeLast, last, current) = (last, current, beforeLast)
    }
    return last[b.count]
  }
}
