import BotHost
import CBotHost
import Foundation

/// Publish -> handler through a lane, two threads, 32 bytes, beside ZeroMQ's inproc PUSH/PULL.
enum LaneBenchmark {
  static let events = 10_000_000

  static func run() throws {
    print("publish -> handler through a lane, two threads, 32 bytes")
    // By turns, so that both meet the same machine.
    var own: [Double] = []
    var peer: [Double] = []
    let program = try zeroMQ()
    for _ in 0..<5 {
      own.append(try lane())
      if let program { peer.append(try rate(program)) }
    }
    let ours = own.max() ?? 0
    print(DispatchBenchmark.line("bothost lane", ours / 1e6, "M/s"))
    if let theirs = peer.max() {
      print(
        DispatchBenchmark.line("ZeroMQ inproc PUSH/PULL", theirs / 1e6, "M/s")
          + String(format: "  bothost is %.2f times as fast", ours / theirs))
    } else {
      print("  ZeroMQ: needs a C compiler and libzmq3-dev")
    }
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

  /// The peer as a program; nil when it cannot be built here.
  private static func zeroMQ() throws -> String? {
    let folder = NSTemporaryDirectory() + "bothost-peers"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let program = folder + "/zmq_inproc"
    let compiler = Process()
    compiler.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    compiler.arguments = ["cc", "-O2", "Benchmarks/Peers/zmq_inproc.c", "-o", program, "-lzmq", "-lpthread"]
    try compiler.run()
    compiler.waitUntilExit()
    return compiler.terminationStatus == 0 ? program : nil
  }

  private static func rate(_ program: String) throws -> Double {
    let process = Process()
    let pipe = Pipe()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = ["\(events)"]
    process.standardOutput = pipe
    try process.run()
    let text = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return Double(text.trimmingCharacters(in: .whitespacesAndNewlines)) ?? 0
  }
}
