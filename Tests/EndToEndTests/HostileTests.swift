import Foundation
import Glibc
import Testing

/// A host under attack answers in words, and everybody else goes on.
@Suite(.serialized)
struct HostileTests {
  private struct Letter: Decodable {
    var id: Int
    var reason: String
    var topic: String
  }

  private func letters(_ host: Host) throws -> [Letter] {
    try host.command("dead", "list", "--json").map { try JSONDecoder().decode(Letter.self, from: Data($0.utf8)) }
  }

  /// A directory with the plugin that breaks the rules.
  private func plugins(_ directory: TemporaryDirectory) throws -> String {
    let plugins = directory.url.appendingPathComponent("plugins")
    try FileManager.default.createDirectory(at: plugins, withIntermediateDirectories: true)
    try FileManager.default.copyItem(
      atPath: Build.hostilePlugin + "/hostile.yaml", toPath: plugins.path + "/hostile.yaml")
    try CPlugin.compile(file: Build.hostilePlugin + "/hostile.c", to: plugins.path + "/libhostile.so")
    return plugins.path
  }

  private func attack(_ host: Host, _ trial: String) throws -> [String: Int] {
    let answer = try host.command("call", "hostile.attack", #"{"trial":"\#(trial)"}"#).joined()
    return try JSONDecoder().decode([String: Int].self, from: Data(answer.utf8))
  }

  // MARK: The ABI

  @Test("a plugin that breaks the rules of the ABI is told so, call by call", .timeLimit(.minutes(20)))
  func abi() throws {
    let directory = try TemporaryDirectory()
    let host = try Host(plugins: try plugins(directory))
    let (invalid, denied, notFound, noSpace) = (-3, -4, -5, -10)
    let (stale, unsupported, conflict) = (-9, -11, -13)

    #expect(
      try attack(host, "tokens") == [
        "ack_nothing": stale, "ack_invented": stale, "ack_all_ones": stale, "ack_a_call": invalid, "ack_late": stale,
        "ack_of_the_generation_before": stale, "nack_without_a_failure": invalid, "reply_to_nothing": stale,
        "reply_no_json": invalid,
      ])
    #expect(
      try attack(host, "publishing") == [
        "undeclared": denied, "no_topic": invalid, "empty_topic": invalid, "invented_ref": invalid, "huge_ref": invalid,
        "no_size": invalid, "small_size": invalid, "no_json": invalid, "long_key": noSpace,
        "long_content_type": noSpace, "long_topic": invalid, "headers_of_nothing": noSpace, "payload_of_nothing": 0,
        "negative_payload": noSpace, "key_of_nothing": 0, "effect_of_an_invented_delivery": stale, "nothing": invalid,
        "topic_of_nothing": 0, "long_topic_ref": 0,
      ])
    #expect(
      try attack(host, "reading") == [
        "field_without_size": invalid, "field_no_pointer": invalid, "field_pointer_of_nothing": 0,
        "config_refused": noSpace, "config_no_writer": invalid, "config_missing": notFound, "query_unknown": 0,
        "query_newer": 0, "query_of_nothing": 0, "retain": 0, "retain_nowhere": invalid, "retain_nothing": invalid,
      ])
    #expect(
      try attack(host, "services") == [
        "timers": 4096, "timer_long_name": invalid, "timer_no_name": invalid, "timer_no_json": invalid,
        "timer_for_ever": 0, "timer_cancel_ever": 0, "metrics": 1024, "metric_kind": invalid, "metric_name": invalid,
        "kv_long_key": invalid, "kv_no_key": invalid, "kv_negative": invalid, "kv_conflict": conflict,
        "kv_no_writer": notFound, "kv_no_entry": invalid, "dial_forbidden": denied, "dial_small": invalid,
        "dial_nothing": invalid, "write_nowhere": notFound, "close_nowhere": notFound, "listen": unsupported,
        "thread_nothing": invalid, "thread_join_nothing": invalid, "lane_nothing": invalid, "call_unknown": denied,
        "call_no_json": invalid, "call_of_nothing": denied, "cancel_nothing": stale, "amend_nothing": stale,
        "pass_nothing": stale, "secret_unknown": invalid, "span_nothing": stale,
      ])
    let log = host.program.printed(.error)
    #expect(log.contains { $0.contains("settled twice") })
    // Control characters of a plugin's log do not reach the terminal.
    #expect(!log.contains { $0.contains("\u{1B}") })
    try host.stop()
  }

  @Test(
    "deliveries that are settled twice, late, elsewhere or never end once, with the reason", .timeLimit(.minutes(20)))
  func settlements() throws {
    let directory = try TemporaryDirectory()
    let host = try Host(plugins: try plugins(directory))
    func order(_ what: String) throws { try host.command("publish", "hostile.order", #"{"what":"\#(what)"}"#) }

    for what in ["double", "ack-and-fail", "async-after-ack", "elsewhere", "strange"] { try order(what) }
    try order("never")
    try eventually("the delivery that nobody settles is past its deadline") { try letters(host).count == 1 }
    #expect(try letters(host)[0].reason.contains("not settled before its deadline"))
    // The reason is not what some call before has left.
    try order("stranger")
    try eventually("an unknown failure is a failure") { try letters(host).count == 2 }
    let reason = try letters(host)[0].reason
    #expect(reason.contains("-12345"), "\(reason)")
    // A token from before its end is of no use to anybody.
    try order("settle-late")

    // Calls: never answered, and a circle of two.
    for method in ["never", "ping"] {
      let (status, _, error) = try RunningProgram.run(
        Build.bothost, ["call", "hostile.\(method)", "--timeout", "1", "--control", host.socket])
      #expect(status == 1)
      #expect(error.joined().contains("hostile.\(method)"))
    }

    // The token that the old generation handed over is stale in the new one.
    try order("never")
    try host.command("swap", "hostile")
    #expect(try attack(host, "tokens")["ack_of_the_generation_before"] == -9)
    let row = try host.command("ps", "--json").joined()
    #expect(row.contains(#""state":"running""#))
    try host.stop()
  }

  // MARK: Dead letters

  @Test("a letter that is replayed stays until its handler is done, also through kill -9", .timeLimit(.minutes(20)))
  func replay() throws {
    let directory = try TemporaryDirectory()
    let plugins = try plugins(directory)
    let host = try Host(plugins: plugins, directory: directory)
    try host.command("publish", "hostile.order", #"{"what":"never"}"#)
    try eventually("the letter is there") { try letters(host).count == 1 }
    let first = try letters(host)[0].id

    // Its handler fails again: one letter, a new one.
    #expect(try host.command("dead", "replay", "\(first)") == ["1 letter replayed"])
    try eventually("the old letter has made room") { try letters(host).map(\.id) != [first] }
    #expect(try letters(host).count == 1)
    let second = try letters(host)[0].id
    #expect(second != first)

    // The host dies while the handler has it.
    let replay = try RunningProgram(Build.bothost, ["dead", "replay", "\(second)", "--control", host.socket])
    host.program.signal(SIGKILL)
    try host.program.waitForExit()
    _ = try? replay.waitForExit()
    let again = try Host(plugins: plugins, directory: directory)
    #expect(try letters(again).count == 1, "the letter \(second) was lost")
    try again.stop()
  }

  // MARK: The control socket

  /// Sends bytes and returns the first line of the answer; "" when the host hung up without one.
  private func send(_ bytes: [UInt8], _ socket: String, reads: Bool = true) throws -> String {
    let descriptor = try connect(socket)
    defer { close(descriptor) }
    var sent = 0
    while sent < bytes.count {
      let count = bytes[sent...].withUnsafeBytes {
        Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
      if count <= 0 { break }
      sent += count
    }
    guard reads else { return "" }
    var answer: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 4096)
    while !answer.contains(0x0A) {
      let count = recv(descriptor, &chunk, chunk.count, 0)
      if count <= 0 { break }
      answer += chunk[..<count]
    }
    return String(decoding: answer.prefix { $0 != 0x0A }, as: UTF8.self)
  }

  private func connect(_ path: String) throws -> Int32 {
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    let result = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    guard result == 0 else { throw RunningProgram.Failure(description: String(cString: strerror(errno))) }
    return descriptor
  }

  @Test("nothing that is sent to the control socket harms the host", .timeLimit(.minutes(20)))
  func control() throws {
    let host = try Host(plugins: Build.examples)
    func ask(_ text: String) throws -> String { try send(Array(text.utf8) + [0x0A], host.socket) }

    for garbage in [[0, 0, 0, 0x0A], [0xFF, 0xFE, 0x0A], Array("{}\n".utf8), Array("[1]\n".utf8)] as [[UInt8]] {
      #expect(try send(garbage, host.socket).contains(#""code":"invalid""#))
    }
    let numbers = ["-9223372036854775808", "-1", "0", "9223372036854775807", "1e300", "\"x\""]
    for number in numbers where number != "1e300" && number != "\"x\"" {
      #expect(
        try ask(#"{"id":1,"op":"dead","args":{"action":"list","limit":\#(number)}}"#).contains("limit"), "\(number)")
    }
    for number in numbers {
      _ = try ask(#"{"id":1,"op":"dead","args":{"action":"show","ids":[\#(number)]}}"#)
      _ = try ask(#"{"id":\#(number),"op":"ps"}"#)
      _ = try ask(#"{"id":1,"op":"call","args":{"method":"word-count.count","timeout_ns":\#(number)}}"#)
      _ = try ask(#"{"id":1,"op":"publish","args":{"topic":\#(number),"payload":1}}"#)
    }
    #expect(try ask(#"{"id":1,"op":"\#(String(repeating: "x", count: 100))"}"#).contains("1 to 64 bytes"))
    let nested = String(repeating: "[", count: 100_000) + String(repeating: "]", count: 100_000)
    #expect(try ask(#"{"id":1,"op":"ps","args":\#(nested)}"#).contains("nested deeper"))
    // Half a request, and gone.
    for half in [#"{"id":1,"op":"p"#, #"{"id":1,"op":"tail","args":{}}"# + "\n"] {
      _ = try send(Array(half.utf8), host.socket, reads: false)
    }
    // A line without an end.
    let endless = [UInt8](repeating: 0x78, count: 33 << 20)
    _ = try? send(endless, host.socket)

    // More clients than the host takes; then all go.
    var crowd: [Int32] = []
    for _ in 0..<100 { crowd.append(try connect(host.socket)) }
    for descriptor in crowd { close(descriptor) }
    try eventually("the crowd has gone") { (try? host.command("ps", expect: 0)) != nil }
    #expect(try host.command("ps").count == 4)
    try host.stop()
  }
}
