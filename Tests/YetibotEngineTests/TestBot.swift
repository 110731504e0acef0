@testable import YetibotEngine

/// A bot with a clock of its own.
final class TestBot {
  var milliseconds: Int64 = 1_700_000_000_000
  private(set) var engine: Yetibot
  let place = ChatPlace(adapter: "test", instance: "test", room: "#general")
  let alice = ChatPerson(id: "U1", name: "alice")
  let bob = ChatPerson(id: "U2", name: "bob")

  init(_ configuration: Configuration = Configuration(), rows: Rows = Rows(), seed: UInt64 = 1) {
    engine = Yetibot(configuration: configuration, rows: rows, seed: seed, now: { 0 })
    engine = Yetibot(configuration: configuration, rows: rows, seed: seed, now: { [unowned self] in self.milliseconds })
  }

  func value(_ expression: String) throws -> Value {
    try engine.evaluate(expression, person: alice, place: place).evaluation.value
  }

  func error(_ expression: String) throws -> String? {
    try engine.evaluate(expression, person: alice, place: place).evaluation.error
  }

  func say(_ body: String, by person: ChatPerson? = nil) -> [String] {
    engine.handle(ChatEvent(kind: .message, person: person ?? alice, place: place, body: body)).map(\.text)
  }
}
