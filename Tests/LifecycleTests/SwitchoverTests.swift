import Foundation
import Testing

@testable import BotHost

/// Swaps in a host of the test's own, with plugins in C.
@Suite(.serialized, .timeLimit(.minutes(20)))
struct SwitchoverTests {
  /// A host with plugins that have been compiled for it.
  private final class TestHost {
    let directory: String
    let host: BotHost.Host

    init() throws {
      directory = NSTemporaryDirectory() + "bothost-swap-\(UUID().uuidString.prefix(8))"
      try FileManager.default.createDirectory(atPath: directory + "/plugins", withIntermediateDirectories: true)
      var options = HostOptions(dataDirectory: directory + "/data", environment: [:])
      options.pluginDirectories = [directory + "/plugins"]
      options.probe = false
      host = BotHost.Host(options, log: HostLog(descriptor: -1, threshold: .error))
    }

    deinit {
      host.stop()
      try? FileManager.default.removeItem(atPath: directory)
    }

    func compile(_ source: String, as name: String, _ flags: [String] = []) throws {
      let library = "\(directory)/plugins/lib\(name).so"
      let process = Process()
      process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
      process.arguments =
        ["cc", "-std=c11", "-O1", "-shared", "-fPIC", "-I", Self.root + "/Sources/CBotHost/include"] + flags + [
          "-o", library + ".new", source,
        ]
      try process.run()
      process.waitUntilExit()
      try #require(process.terminationStatus == 0)
      try #require(rename(library + ".new", library) == 0)
    }

    /// A plugin of the measurements.
    func addBenchmark(_ name: String, _ flags: String...) throws {
      let source = "\(Self.root)/Benchmarks/Plugins/\(name)"
      try compile(source + ".c", as: name, flags)
      try? FileManager.default.removeItem(atPath: "\(directory)/plugins/\(name).yaml")
      try FileManager.default.copyItem(atPath: source + ".yaml", toPath: "\(directory)/plugins/\(name).yaml")
    }

    /// The plugin below, built to fail where the flags say.
    func addKeeper(_ flags: String...) throws {
      let source = directory + "/keeper.c"
      try keeper.write(toFile: source, atomically: true, encoding: .utf8)
      try keeperManifest.write(toFile: "\(directory)/plugins/keeper.yaml", atomically: true, encoding: .utf8)
      try compile(source, as: "keeper", flags.map { "-D" + $0 })
    }

    func number(_ method: String) throws -> Int {
      guard case .int(let number) = try host.call(method, .null) else { return -1 }
      return Int(number)
    }

    func note(_ count: Int) throws {
      for _ in 0..<count {
        try host.publish(topic: "keeper.note", payload: Array("{}".utf8), key: "", contentType: "")
      }
    }

    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().path
  }

  @Test func underAStreamNothingIsLostDoubledOrReordered() throws {
    let test = try TestHost()
    for name in ["stream", "check"] { try test.addBenchmark(name) }
    try test.host.start()
    _ = try test.host.call("stream.start", .object(["rate": .int(50_000)]))
    for number in 1...30 {
      let report = try test.host.swapInstance("check")
      #expect(report.to == UInt32(number + 1))
      #expect(report.pause > 0)
      #expect(report.stateBytes > 0)
    }
    let sent = try test.host.call("stream.halt", .null)["sent"]
    var end = try test.host.call("check.report", .null)
    try eventually("handled \(end["handled"] ?? .null) of \(sent ?? .null)") {
      end = try test.host.call("check.report", .null)
      return end["handled"] == sent
    }
    #expect(end["lost"] == .int(0))
    #expect(end["doubled"] == .int(0))
    #expect(end["reordered"] == .int(0))
    #expect(end["generations"] == .int(30))
  }

  @Test func aLargeStateIsHandedOverWhileEventsGoOn() throws {
    let test = try TestHost()
    for name in ["stream", "bulk"] { try test.addBenchmark(name) }
    try test.host.start()
    _ = try test.host.call("stream.start", .object(["rate": .int(20_000)]))
    for _ in 1...3 {
      let report = try test.host.swapInstance("bulk")
      // Blocks that change meanwhile go with the rest.
      #expect(report.copiedBytes + report.stateBytes > 16 << 20)
      #expect(report.stateBytes < 4 << 20)
    }
    // To a build that takes it as a whole only, and back.
    try test.addBenchmark("bulk", "-DWHOLE")
    let whole = try test.host.swapInstance("bulk")
    #expect(whole.copiedBytes == 0)
    #expect(whole.stateBytes > 16 << 20)
    try test.addBenchmark("bulk")
    #expect(try test.host.swapInstance("bulk").stateBytes > 16 << 20)
    let again = try test.host.swapInstance("bulk")
    #expect(again.copiedBytes + again.stateBytes > 16 << 20 && again.stateBytes < 4 << 20)
    let sent = try test.host.call("stream.halt", .null)["sent"]
    var end = try test.host.call("bulk.report", .null)
    try eventually("handled \(end["handled"] ?? .null) of \(sent ?? .null)") {
      end = try test.host.call("bulk.report", .null)
      return end["handled"] == sent
    }
    #expect(end["touched"] == end["expected"])
  }

  @Test(arguments: ["QUIESCE", "EXPORT", "IMPORT", "ACTIVATE"])
  func whatFailsWhileTheGateIsShutLeavesTheOldGenerationAtWork(_ step: String) throws {
    let test = try TestHost()
    // The old build fails in what only it is asked for.
    let isOld = step == "QUIESCE" || step == "EXPORT"
    try test.addKeeper(isOld ? "FAIL_\(step)" : "NOTHING")
    try test.host.start()
    try test.note(3)
    try test.addKeeper(isOld ? "NOTHING" : "FAIL_\(step)")
    let failure = #expect(throws: LifecycleFailure.self) { try test.host.swapInstance("keeper") }
    #expect(failure?.step == step.lowercased())
    #expect(failure?.reason == "as the test wants it")
    #expect(failure?.outcome == "generation 1 goes on")
    #expect(test.host.instance("keeper")?.state == .running)
    try test.note(2)
    #expect(try test.number("keeper.count") == 5)
    #expect(try test.number("keeper.resumed") == 1)
    // The next build is taken.
    if !isOld {
      try test.addKeeper("NOTHING")
      #expect(try test.host.swapInstance("keeper").from == 1)
      #expect(try test.number("keeper.count") == 5)
    }
  }

  @Test func aDeliveryThatIsOpenIsWaitedForWithTheGateShut() throws {
    let test = try TestHost()
    try test.addKeeper("SLOW_ACK")
    try test.host.start()
    try test.note(4)
    let report = try test.host.swapInstance("keeper")
    #expect(report.pause > 0)
    try eventually { try test.number("keeper.count") == 4 }
    try test.note(1)
    try eventually { try test.number("keeper.count") == 5 }
  }
}

private let keeperManifest = """
  bothost: 1
  plugin: keeper
  version: 1.0.0
  library: libkeeper.so
  topics: {keeper.note: {}}
  handlers: [{topic: keeper.note, call: on_note}]
  methods: {count: {call: count}, resumed: {call: resumed}}
  isolation: thread
  swap: {drain: 5s, state: keeper/1}

  """

/// Counts its notes and keeps the count across swaps.
private let keeper = #"""
  #define _POSIX_C_SOURCE 200809L
  #include <bothost.h>
  #include <stdio.h>
  #include <stdlib.h>
  #include <string.h>
  #include <time.h>

  struct bh_self { bh_host *host; const bh_host_api *api; const bh_thread_v1 *threads; long count; long resumed; };

  static bh_str str(const char *text) { bh_str s = {text, strlen(text)}; return s; }
  #if defined FAIL_QUIESCE || defined FAIL_EXPORT || defined FAIL_IMPORT || defined FAIL_ACTIVATE
  static bh_rc fail(bh_self *self) {
    self->api->set_error(self->host, BH_E_INTERNAL, str("as the test wants it"));
    return BH_E_INTERNAL;
  }
  #endif

  #ifdef SLOW_ACK
  struct job { bh_self *self; bh_token delivery; };
  static void later(void *context) {
    struct job *job = context;
    struct timespec pause = {0, 20000000};
    nanosleep(&pause, NULL);
    job->self->api->ack(job->self->host, job->delivery);
    free(job);
  }
  #endif

  BH_EXPORT bh_rc on_note(bh_self *self, const bh_event *event) {
    (void)event;
    self->count++;
  #ifdef SLOW_ACK
    struct job *job = malloc(sizeof *job);
    bh_token thread;
    job->self = self;
    job->delivery = event->delivery;
    if (self->threads->spawn(self->host, str("later"), later, job, &thread) == BH_OK) return BH_ASYNC;
    free(job);
  #endif
    return BH_OK;
  }

  static bh_rc answer(bh_self *self, const bh_event *call, long number) {
    char json[32];
    int length = snprintf(json, sizeof json, "%ld", number);
    bh_bytes result = {(const uint8_t *)json, (size_t)length};
    return self->api->reply(self->host, call->delivery, BH_OK, result);
  }
  BH_EXPORT bh_rc count(bh_self *self, const bh_event *call) { return answer(self, call, self->count); }
  BH_EXPORT bh_rc resumed(bh_self *self, const bh_event *call) { return answer(self, call, self->resumed); }

  static bh_rc create(bh_host *host, const bh_host_api *api, const bh_start *start, bh_self **out) {
    (void)start;
    bh_self *self = calloc(1, sizeof *self);
    if (self == NULL) return BH_E_NOSPACE;
    self->host = host;
    self->api = api;
    self->threads = api->query(host, str(BH_THREAD), 1);
    *out = self;
    return BH_OK;
  }
  static bh_rc activate(bh_self *self) {
    (void)self;
  #ifdef FAIL_ACTIVATE
    return fail(self);
  #endif
    return BH_OK;
  }
  static bh_rc quiesce(bh_self *self, int64_t deadline) {
    (void)self; (void)deadline;
  #ifdef FAIL_QUIESCE
    return fail(self);
  #endif
    return BH_OK;
  }
  static bh_rc resume(bh_self *self) { self->resumed++; return BH_OK; }
  static bh_rc export_state(bh_self *self, uint32_t phase, uint32_t version, bh_writer writer, void *sink) {
    (void)phase; (void)version;
  #ifdef FAIL_EXPORT
    return fail(self);
  #endif
    return writer(sink, &self->count, sizeof self->count);
  }
  static bh_rc import_state(bh_self *self, uint32_t phase, bh_str format, uint32_t version, bh_bytes state) {
    (void)phase; (void)format; (void)version;
  #ifdef FAIL_IMPORT
    return fail(self);
  #endif
    if (state.len != sizeof self->count) return BH_E_INVALID;
    memcpy(&self->count, state.ptr, state.len);
    return BH_OK;
  }
  static void destroy(bh_self *self) { free(self); }

  static const bh_plugin plugin = {
      .size = sizeof(bh_plugin), .abi_major = BH_ABI_MAJOR, .abi_minor = BH_ABI_MINOR,
      .name = {"keeper", 6}, .version = {"1.0.0", 5}, .state_format = {"keeper", 6}, .state_version = 1,
      .create = create, .activate = activate, .quiesce = quiesce, .export_state = export_state,
      .import_state = import_state, .resume = resume, .destroy = destroy,
  };
  BH_EXPORT const bh_plugin *bh_plugin_entry_v1(uint32_t minor) { (void)minor; return &plugin; }
  """#
