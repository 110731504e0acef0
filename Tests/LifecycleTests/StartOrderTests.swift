import Testing

@testable import BotHost

struct StartOrderTests {
  @Test func requirementsComeFirstAndOtherwiseTheGivenOrderStays() {
    let needs = ["a": ["c"], "c": ["d"]]
    let order = StartOrder(["a", "b", "c", "d"]) { needs[$0] ?? [] }
    #expect(order.names == ["d", "c", "a", "b"])
    #expect(order.problems.isEmpty)
  }

  @Test func whatIsMissingStopsOnlyThoseThatNeedIt() {
    let needs = ["a": ["b"], "b": ["nowhere"]]
    let order = StartOrder(["a", "b", "c"]) { needs[$0] ?? [] }
    #expect(order.names == ["c"])
    #expect(order.problems.map(\.name) == ["b", "a"])
    #expect(order.problems.first?.problem == .missing(instance: "b", requirement: "nowhere"))
  }

  @Test func aCircleIsNamed() {
    let needs = ["a": ["b"], "b": ["c"], "c": ["a"]]
    let order = StartOrder(["a", "b", "c", "free"]) { needs[$0] ?? [] }
    #expect(order.names == ["free"])
    #expect(order.problems.contains { $0.problem == .cycle(["a", "b", "c"]) })
  }
}

struct RestartScheduleTests {
  private let second: Int64 = 1_000_000_000

  @Test func pausesDoubleUntilTheLimit() {
    var schedule = RestartSchedule(minimum: second, maximum: 4 * second, limit: 4, window: 100 * second)
    let delays = (0..<5).map { schedule.delayAfterFailure(at: Int64($0) * second).map { $0 / second } }
    #expect(delays == [1, 2, 4, 4, nil])
  }

  @Test func aQuietWindowStartsOver() {
    var schedule = RestartSchedule(minimum: second, maximum: 60 * second, limit: 2, window: 10 * second)
    _ = schedule.delayAfterFailure(at: 0)
    _ = schedule.delayAfterFailure(at: second)
    #expect(schedule.delayAfterFailure(at: 2 * second) == nil)
    #expect(schedule.delayAfterFailure(at: 20 * second) == second)
  }
}
