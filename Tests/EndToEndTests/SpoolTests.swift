import Foundation
import Testing

/// Records that the host keeps until the broker has them.
@Suite struct SpoolTests {
  @Test("a record that was answered survives kill -9 while the broker is away", .timeLimit(.minutes(20)))
  func killed() throws {
    let brokers = try MockBrokers()
    try brokers.create("orders")
    try brokers.order("down 1")
    let directory = try TemporaryDirectory()
    let configuration = directory.url.appendingPathComponent("host.yaml")
    try """
    bothost: 1
    kind: host
    instances:
      orders:
        plugin: kafka
        config: {brokers: "\(brokers.addresses)", topic: orders, spool: true}
    """.write(to: configuration, atomically: true, encoding: .utf8)
    func start() throws -> Host {
      try Host(arguments: ["--config", configuration.path], directory: directory)
    }
    let first = try start()
    for number in 1...20 {
      let answer = try first.command("call", "orders.publish", #"{"key": "k", "value": "order \#(number)"}"#)
      #expect(answer.joined().contains(#""partition":-1"#), "\(answer)")
    }
    first.program.signal(SIGKILL)
    try first.program.waitForExit()

    let second = try start()
    try brokers.order("up 1")
    let values = try brokers.values(of: "orders", until: "order 20")
    let numbers = values.compactMap { Int($0.dropFirst("order ".count)) }
    #expect(numbers.count == values.count && Set(numbers) == Set(1...20), "\(values)")
    // In their order, and once or more: a run that is sent again, for want of a report, is a step back.
    for (one, next) in zip(numbers, numbers.dropFirst()) { #expect(next <= one + 1, "\(values)") }
    try second.stop()
  }
}
