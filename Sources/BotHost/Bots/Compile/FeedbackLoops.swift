/// Finds bots that would answer themselves: what they publish comes back as an event that makes them publish again, or
/// is relayed to the endpoint that it came from.
///
/// A plugin's manifest says by `echoes` which method's effect comes back as which event. Two instances are one endpoint
/// when they have the same type and agree in every argument that both give.
struct FeedbackLoops {
  /// An event of an instance.
  struct Point: Hashable {
    /// Of `plugins`.
    var instance: Int
    var event: String
  }

  struct Call {
    var instance: Int
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

  /// - Parameter plugins: the bot's instances, by requirement.
  func report(plugins: [BotUse.PluginUse], diagnostics: inout Diagnostics) {
    var reported: Set<SourceLocation> = []
    for start in edges {
      // What comes back after the first call, and what follows from that.
      guard let first = echo(start.call, plugins) else { continue }
      var seen: Set<Point> = [first]
      var waiting = [first]
      while let point = waiting.popLast() {
        if isSame(point, start.from, plugins), reported.insert(start.call.location).inserted {
          diagnostics.error(
            "a feedback loop: what \(plugins[start.call.instance].path).\(start.call.method) sends comes back as "
              + "\(plugins[start.from.instance].path).\(start.from.event), which sends it again",
            at: start.call.location)
          continue
        }
        for edge in edges where isSame(point, edge.from, plugins) {
          if isSame(edge.call.instance, start.from.instance, plugins),
            !isSame(edge.from.instance, start.from.instance, plugins),
            reported.insert(edge.call.location).inserted
          {
            diagnostics.error(
              "a feedback loop: \(plugins[edge.call.instance].path).\(edge.call.method) sends back to "
                + "'\(plugins[start.from.instance].path)' what came from it "
                + "and went through \(plugins[start.call.instance].path).\(start.call.method)", at: edge.call.location,
              hint: "relay another topic than the one that is saved")
          }
          if let next = echo(edge.call, plugins), seen.insert(next).inserted { waiting.append(next) }
        }
      }
    }
  }

  private func echo(_ call: Call, _ plugins: [BotUse.PluginUse]) -> Point? {
    guard let event = plugins[call.instance].type.echoes[call.method] else { return nil }
    return Point(instance: call.instance, event: event)
  }

  private func isSame(_ a: Point, _ b: Point, _ plugins: [BotUse.PluginUse]) -> Bool {
    a.event == b.event && isSame(a.instance, b.instance, plugins)
  }

  private func isSame(_ a: Int, _ b: Int, _ plugins: [BotUse.PluginUse]) -> Bool {
    if a == b { return true }
    let (left, right) = (plugins[a], plugins[b])
    guard left.manifest.plugin == right.manifest.plugin, left.type.name == right.type.name else { return false }
    return left.arguments.allSatisfy { name, value in right.arguments[name].map { $0 == value } ?? true }
  }
}
