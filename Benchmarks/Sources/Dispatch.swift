import BotHost
import CBotHost
import Foundation

/// Publish -> handler inside one thread, with a thousand subscriptions, beside a direct call through the function pointer, Node's
/// EventEmitter and Python's pluggy.
enum DispatchBenchmark {
  /// Nanoseconds of processor time a call, so that other work on the machine does not count: the best of some runs.
  static func nanoseconds(_ count: Int, runs: Int = 5, _ body: (Int) -> Void) -> Double {
    body(count / 10)
    return (0..<runs).map { _ in
      let start = processorTime()
      body(count)
      return (processorTime() - start) / Double(count)
    }.min() ?? 0
  }

  /// Of the calling thread, nanoseconds.
  static func processorTime() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) * 1e9 + Double(time.tv_nsec)
  }

  static let count: bh_handler = { context, event in
    guard let context, let event else { return bh_rc(BH_E_INVALID) }
    let counter = UnsafeMutableRawPointer(context).assumingMemoryBound(to: UInt64.self)
    counter.pointee &+= UInt64(truncatingIfNeeded: event.pointee.payload.len)
    return bh_rc(BH_OK)
  }

  static func run(_ report: Report) throws {
    let bus = Bus()
    bus.start()
    defer { bus.stop(timeout: 0) }
    let counter = UnsafeMutablePointer<UInt64>.allocate(capacity: 1)
    counter.pointee = 0
    defer { counter.deallocate() }
    let context = OpaquePointer(UnsafeMutableRawPointer(counter))
    var topics: [String] = []
    for number in 0..<100 {
      let other = try bus.addEndpoint(name: "other-\(number)", lane: LaneOptions(inline: true))
      var plan = EndpointPlan(generation: 1)
      for index in 0..<10 {
        let text = index == 0 ? "wild.\(number).**" : "other.\(number).topic\(index)"
        topics.append(index == 0 ? "wild.\(number).any" : text)
        guard let pattern = TopicPattern(text) else { continue }
        plan.handlers.append(
          HandlerSpec(id: text, topic: pattern, target: CallTarget(function: count, context: context)))
      }
      try other.install(plan)
      other.openGate()
    }
    let consumer = try bus.addEndpoint(name: "consumer", lane: LaneOptions(inline: true))
    var plan = EndpointPlan(generation: 1)
    for topic in ["bench.event"] {
      guard let pattern = TopicPattern(topic) else { continue }
      plan.handlers.append(
        HandlerSpec(id: topic, topic: pattern, target: CallTarget(function: count, context: context)))
    }
    let (foreign, foreignTarget) = try foreignTarget()
    defer { _ = foreign.close() }
    if let pattern = TopicPattern("bench.foreign") {
      plan.handlers.append(HandlerSpec(id: "bench.foreign", topic: pattern, target: foreignTarget))
    }
    try consumer.install(plan)
    consumer.openGate()
    let publisher = try bus.addEndpoint(name: "publisher")
    try publisher.install(EndpointPlan(generation: 1))
    // The lanes' threads find their gates open and go to sleep.
    usleep(200_000)

    let payload = Array(#"{"text":"a payload of 32 bytes"}"#.utf8)
    try payload.withUnsafeBufferPointer { payload in
      var event = bh_outgoing()
      event.size = UInt32(MemoryLayout<bh_outgoing>.size)
      event.payload = bh_bytes(ptr: payload.baseAddress, len: payload.count)
      event.topic_ref = "bench.event".withCString { publisher.topic(bh_str(ptr: $0, len: 11)) }
      var view = bh_event()
      view.payload = event.payload
      let function = count
      let direct = nanoseconds(50_000_000) { count in
        for _ in 0..<count { blackHole(function(context, &view)) }
      }
      let json = nanoseconds(10_000_000) { count in
        for _ in 0..<count { blackHole(publisher.publish(0, &event, generation: 1)) }
      }
      let type = Array("application/octet-stream".utf8CString)
      let plain = type.withUnsafeBufferPointer { type in
        event.content_type = bh_str(ptr: type.baseAddress, len: type.count - 1)
        return nanoseconds(10_000_000) { count in
          for _ in 0..<count { blackHole(publisher.publish(0, &event, generation: 1)) }
        }
      }
      var references = topics.map { topic in
        topic.withCString { publisher.topic(bh_str(ptr: $0, len: topic.utf8.count)) }
      }
      let turn = references.withUnsafeMutableBufferPointer { references in
        nanoseconds(10_000_000) { count in
          var next = 0
          for _ in 0..<count {
            event.topic_ref = references[next]
            next = next == references.count - 1 ? 0 : next + 1
            blackHole(publisher.publish(0, &event, generation: 1))
          }
        }
      }
      let expected = UInt64(32 * (255_000_000 + 3 * 51_000_000))
      guard counter.pointee == expected else { throw BusError("events were lost: \(counter.pointee)") }
      let name = "publish -> handler, inline, 1,000 subscriptions"
      let beside = ("a direct call", direct)
      report.add(Row(what: name, host: plain, unit: "ns", peer: beside, aim: .atMost(40)))
      report.add(
        Row(what: "the same, each of the 1,000 in turn", host: turn, unit: "ns", peer: beside, aim: .atMost(40)))
      report.add(Row(what: "the same, payload checked to be JSON", host: json, unit: "ns", peer: beside))
      event.topic_ref = "bench.foreign".withCString { publisher.topic(bh_str(ptr: $0, len: 13)) }
      let foreign = nanoseconds(5_000_000) { count in
        for _ in 0..<count { blackHole(publisher.publish(0, &event, generation: 1)) }
      }
      guard foreignCalls > 5_000_000 else { throw BusError("calls through libffi were lost") }
      report.add(
        Row(what: "the same through libffi, three arguments", host: foreign, unit: "ns", peer: beside, aim: .atMost(80))
      )
      for (mode, what, own) in [("one", name, plain), ("each", "the same, each of the 1,000 in turn", turn)] {
        peer(report, what, own, "Node's EventEmitter", .atMostTimes(2)) {
          guard let node = Place.tool("node") else { throw ChildProgram.Failure(description: "there is no node") }
          return try Peer.number(node, ["\(Place.sources)/Peers/event_emitter.js", mode])
        }
        peer(report, what, own, "pluggy", .atMostTimes(1.0 / 50)) {
          // Debian's own interpreter, for which python3-pluggy is.
          try Peer.number("/usr/bin/python3", ["\(Place.sources)/Peers/pluggy_hooks.py", mode])
        }
      }
    }
  }

  private static func peer(
    _ report: Report, _ what: String, _ host: Double, _ name: String, _ aim: Aim, _ measure: () throws -> Double
  ) {
    do {
      report.add(Row(what: what, host: host, unit: "ns", peer: (name, try measure()), aim: aim))
    } catch { report.leaveOut("\(what), beside \(name)", because: "\(error)") }
  }

  /// A C function that a library without glue could have: called through libffi with the event and two constants.
  private static func foreignTarget() throws -> (ForeignFunction, CallTarget) {
    let function: @convention(c) (UnsafePointer<bh_event>?, Int64, Int64) -> Int32 = { event, first, second in
      DispatchBenchmark.foreignCalls &+= UInt64(truncatingIfNeeded: first &+ second &- 2)
      return event == nil ? Int32(BH_E_INVALID) : Int32(BH_OK)
    }
    let nowhere = OpaquePointer(UnsafeMutableRawPointer.allocate(byteCount: 16, alignment: 16))
    let api = UnsafeMutablePointer<bh_host_api>.allocate(capacity: 1)
    api.initialize(to: bh_host_api())
    let foreign = try ForeignFunction(
      "foreign", at: unsafeBitCast(function, to: UnsafeMutableRawPointer.self),
      signature: try Signature(parsing: "i32(event,i64,i64)"),
      arguments: [ArgumentBinding(.event), ArgumentBinding(.constant(.int(1))), ArgumentBinding(.constant(.int(2)))],
      use: .handler(emits: nil),
      environment: .init(plugin: nil, host: nowhere, api: api))
    return (foreign, CallTarget(function: foreign.handler, context: foreign.context))
  }
  nonisolated(unsafe) private static var foreignCalls: UInt64 = 0
}

/// Keeps the optimiser from seeing that a result is not used.
@inline(never)
@_optimize(none)
func blackHole<Value>(_ value: Value) {}
