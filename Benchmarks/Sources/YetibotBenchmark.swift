import YetibotEngine

/// Yetibot's expressions: how many are read a second, and how many are read and evaluated.
///
/// What is measured is the engine on one thread, as the plugin calls it. The original is not measured here: it needs a JVM with
/// Clojure and PostgreSQL.
enum YetibotBenchmark {
  private static let expressions = [
    "echo hello",
    "echo hello | echo %s there",
    "list a b c | xargs echo item | join , ",
    "echo `echo now` and $(range 3 | unwords)",
    "range 50 | grep -C 1 ^5$ | count",
  ]

  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  static func run(_ report: Report) throws {
    let engine = Yetibot(now: { 1_700_000_000_000 })
    let person = ChatPerson(id: "U1", name: "alice")
    let place = ChatPlace(adapter: "test", instance: "test", room: "#general")
    for expression in expressions {
      let parse = try nanoseconds(20_000) { _ = try engine.parser.parse(expression) }
      let whole = try nanoseconds(5_000) {
        let result = try engine.evaluate(expression, person: person, place: place).evaluation
        if let error = result.error { throw Failure(description: error) }
      }
      report.add(Row(what: "yetibot, parse: \(expression)", host: 1e9 / parse, unit: "/s"))
      report.add(Row(what: "yetibot, parse and evaluate: \(expression)", host: 1e9 / whole, unit: "/s"))
    }
  }

  /// Nanoseconds that one run takes.
  private static func nanoseconds(_ count: Int, _ body: () throws -> Void) throws -> Double {
    var failure: (any Error)?
    let time = DispatchBenchmark.nanoseconds(count) { count in
      do { for _ in 0..<count { try body() } } catch { failure = error }
    }
    if let failure { throw failure }
    return time
  }
}
