/// Finds bots that would answer themselves: what they publish comes back as an event that makes them publish again, or
/// is relayed to the endpoint that it came from.
///
/// A plugin's manifest says by `echoes` which method's effect comes back as which event. Two uses are one endpoint when
/// they have the same type and agree in every argument that both give.
struct FeedbackLoops {
  /// An event of a use.
  struct Point: Hashable {
    var use: String
    var event: String
  }

  struct Call {
    var use: String
    var method: String
    var location: SourceLocation
  }

  private struct Edge {
    var from: Point
    var call: Call
  }

  private var edges: [Edge] = []

  mutating func add(from point: Point, calls: [Call]) {
    for call in calls { edges.append(Edge(from: point, call: call)) }
  }

  func report(uses: [String: BotUse], diagnostics: inout Diagnostics) {
    var reported: Set<SourceLocation> = []
    for start in edges {
      // What comes back after the first call, and what follows from that.
      guard let first = echo(start.call, uses) else { continue }
      var seen: Set<Point> = [first]
      var waiting = [first]
      while let point = waiting.popLast() {
        if isSame(point, start.from, uses), reported.insert(start.call.location).inserted {
          diagnostics.error(
            "a feedback loop: what \(start.call.use).\(start.call.method) sends comes back as "
              + "\(start.from.use).\(start.from.event), which sends it again", at: start.call.location)
          continue
        }
        for edge in edges where isSame(point, edge.from, uses) {
          if isSame(edge.call.use, start.from.use, uses), !isSame(edge.from.use, start.from.use, uses),
            reported.insert(edge.call.location).inserted
          {
            diagnostics.error(
              "a feedback loop: \(edge.call.use).\(edge.call.method) sends back to '\(start.from.use)' what came from it "
                + "and went through \(start.call.use).\(start.call.method)", at: edge.call.location,
              hint: "relay another topic than the one that is saved")
          }
          if let next = echo(edge.call, uses), seen.insert(next).inserted { waiting.append(next) }
        }
      }
    }
  }

  private func echo(_ call: Call, _ uses: [String: BotUse]) -> Point? {
    guard case .plugin(let use)? = uses[call.use], let event = use.type.echoes[call.method] else { return nil }
    return Point(use: call.use, event: event)
  }

  private func isSame(_ a: Point, _ b: Point, _ uses: [String: BotUse]) -> Bool {
    a.event == b.event && isSame(a.use, b.use, uses)
  }

  private func isSame(_ a: String, _ b: String, _ uses: [String: BotUse]) -> Bool {
    if a == b { return true }
    guard case .plugin(let left)? = uses[a], case .plugin(let right)? = uses[b],
      left.manifest.plugin == right.manifest.plugin,
      left.type.name == right.type.name
    else { return false }
    return left.arguments.allSatisfy { name, value in right.arguments[name].map { $0 == value } ?? true }
  }
}
