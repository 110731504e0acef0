import BotHost
import CBotHost
import Foundation

/// Publish -> handler through a lane, two threads, 32 bytes, beside ZeroMQ's inproc PUSH/PULL.
enum LaneBenchmark {
  static let events = 10_000_000

  static func run(_ report: Report) throws {
    // By turns, so that both meet the same machine.
    var own: [Double] = []
    var peer: [Double] = []
    var program: String?
    do { program = try Peer.compiled("zmq_inproc", libraries: ["zmq"]) } catch {
      report.leaveOut("ZeroMQ beside the lane", because: "\(error)")
    }
    for _ in 0..<5 {
      own.append(try lane())
      if let program { peer.append(try Peer.number(program, ["\(events)"])) }
    }
    report.add(
      Row(
        what: "publish -> handler through a lane, two threads, 32 bytes", host: own.max() ?? 0, unit: "/s",
        peer: peer.max().map { ("ZeroMQ inproc PUSH/PULL", $0) }, aim: .atLeastTimes(1)))
  }

  /// Events a second.
  static func lane() throws -> Double {
    let bus = Bus()
    defer { bus.stop(timeout: 0) }
    let counter = UnsafeMutablePointer<UInt64>.allocate(capacity: 1)
    counter.pointee = 0
    defer { counter.deallocate() }
    let consumer = try bus.addEndpoint(name: "consumer", lane: LaneOptions(capacity: 8192))
    var plan = EndpointPlan(generation: 1)
    guard let pattern = TopicPattern("bench.event") else { return 0 }
    plan.handlers = [
      HandlerSpec(
        id: "count", topic: pattern,
        target: CallTarget(
          function: DispatchBenchmark.count, context: OpaquePointer(UnsafeMutableRawPointer(counter))))
    ]
    try consumer.install(plan)
    consumer.openGate()
    let publisher = try bus.addEndpoint(name: "publisher")
    try publisher.install(EndpointPlan(generation: 1))
    let payload = [UInt8](repeating: UInt8(ascii: "x"), count: 32)
    let type = "application/octet-stream"
    let start = DispatchTime.now().uptimeNanoseconds
    payload.withUnsafeBufferPointer { payload in
      type.withCString { type in
        var event = bh_outgoing()
        event.size = UInt32(MemoryLayout<bh_outgoing>.size)
        event.payload = bh_bytes(ptr: payload.baseAddress, len: payload.count)
        event.content_type = bh_str(ptr: type, len: 24)
        event.topic_ref = "bench.event".withCString { publisher.topic(bh_str(ptr: $0, len: 11)) }
        for _ in 0..<events { _ = publisher.publish(0, &event, generation: 1) }
      }
    }
    while consumer.statistics().depth > 0 { usleep(50) }
    let seconds = Double(DispatchTime.now().uptimeNanoseconds - start) / 1e9
    guard counter.pointee == UInt64(events * 32) else { throw BusError("events were lost") }
    return Double(events) / seconds
  }
}
