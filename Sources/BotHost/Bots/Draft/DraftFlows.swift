/// What a drafted bot takes from where to where: between topics and the chat.
struct DraftFlows {
  struct Flow {
    /// A topic's name, or `DraftFlows.chat`.
    var from: String
    var to: String
    /// Of the action.
    var location: SourceLocation
  }

  /// The chat in a flow; no topic is called so.
  static let chat = "#"

  private var flows: [Flow] = []

  mutating func add(from: String, to: String, at location: SourceLocation) {
    flows.append(Flow(from: from, to: to, location: location))
  }

  /// Those to a topic from which what they bring comes back to where it came from.
  var loops: [Flow] { flows.filter { $0.to != Self.chat && comesBack($0) } }

  private func comesBack(_ flow: Flow) -> Bool {
    var seen: Set<String> = [flow.to]
    var waiting = [flow.to]
    while let place = waiting.popLast() {
      if place == flow.from { return true }
      for next in flows where next.from == place && seen.insert(next.to).inserted { waiting.append(next.to) }
    }
    return false
  }
}
