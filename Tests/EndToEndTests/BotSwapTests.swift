import Foundation
import Testing

/// Bots whose files are edited while they run.
@Suite(.serialized)
struct BotSwapTests {
  /// A plugin that makes numbered events as fast as it is asked, and takes what comes back.
  static let meter = #"""
    #include <bothost.h>
    #include <stdio.h>
    #include <stdlib.h>
    #include <string.h>

    struct bh_self { bh_host *host; const bh_host_api *api; long next; long end; bh_token held[64]; int waiting; };

    static bh_str str(const char *text) { bh_str result = {text, strlen(text)}; return result; }

    static void publish(bh_self *self, long number) {
      char json[64];
      int length = snprintf(json, sizeof json, "{\"n\":%ld}", number);
      bh_outgoing event;
      memset(&event, 0, sizeof event);
      event.size = sizeof event;
      event.topic = str("meter.tick");
      event.payload.ptr = (const uint8_t *)json;
      event.payload.len = (size_t)length;
      self->api->publish(self->host, 0, &event);
    }

    static const bh_timer_v1 *timers(bh_self *self) { return self->api->query(self->host, str(BH_TIMER), 1); }

    /* Notes are answered a little later, so that events are under way when a bot is swapped. */
    static void answer(bh_self *self) {
      bh_bytes result = {(const uint8_t *)"1", 1};
      for (int i = 0; i < self->waiting; i++) self->api->reply(self->host, self->held[i], BH_OK, result);
      self->waiting = 0;
    }

    BH_EXPORT bh_rc on_timer(bh_self *self, const bh_event *event) {
      (void)event;
      answer(self);
      for (int i = 0; i < 20 && self->next < self->end; i++) publish(self, self->next++);
      return BH_OK;
    }

    BH_EXPORT bh_rc run(bh_self *self, const bh_event *call) {
      bh_value count;
      memset(&count, 0, sizeof count);
      count.size = sizeof count;
      if (self->api->field(self->host, call, str("/count"), &count) != BH_OK) return BH_E_INVALID;
      self->end = self->next + count.i;
      bh_bytes nothing = {NULL, 0};
      timers(self)->set(self->host, str("tick"), 0, 1000000, nothing);
      char json[32];
      bh_bytes end = {(const uint8_t *)json, (size_t)snprintf(json, sizeof json, "%ld", self->end)};
      return self->api->reply(self->host, call->delivery, BH_OK, end);
    }

    BH_EXPORT bh_rc note(bh_self *self, const bh_event *call) {
      if (self->waiting == 64) answer(self);
      self->held[self->waiting++] = call->delivery;
      return BH_ASYNC;
    }

    static bh_rc create(bh_host *host, const bh_host_api *api, const bh_start *start, bh_self **out) {
      (void)start;
      *out = calloc(1, sizeof **out);
      if (*out == NULL) return BH_E_INTERNAL;
      (*out)->host = host;
      (*out)->api = api;
      return BH_OK;
    }
    static void destroy(bh_self *self) { free(self); }

    static const bh_plugin plugin = {.size = sizeof(bh_plugin), .abi_major = BH_ABI_MAJOR, .abi_minor = BH_ABI_MINOR,
      .name = {"meter", 5}, .version = {"1.0.0", 5}, .create = create, .destroy = destroy};
    BH_EXPORT const bh_plugin *bh_plugin_entry_v1(uint32_t minor) { (void)minor; return &plugin; }
    """#

  static let manifest = """
    bothost: 1
    plugin: meter
    version: 1.0.0
    library: libmeter.so
    start: on-use
    config:
      unit: {type: string, default: none}
    topics:
      meter.tick: {fields: {n: int}}
    handlers:
      - {topic: timer.tick, call: on_timer}
    methods:
      run: {call: run, args: {count: int}, returns: int}
      note: {call: note, args: {n: int}, returns: int, timeout: 60s}
    types:
      Meter:
        args: {unit: string}
        events: {tick: meter.tick}
        methods: {note: note, run: run}

    """

  static func bot(_ word: String, waits: Int = 100, more: String = "", uses: String = "") -> String {
    """
    bothost: 1
    kind: bot
    name: gauge
    use:
      meter: {type: Meter, unit: watt}
      out: StdOut
    \(uses)
    when:
      - event: meter.tick
        name: Print
        do:
          - out.write: "\(word) ${event.n}"
      - event: meter.tick
        name: Note
        do:
          - meter.note: {n: "${event.n}"}
      - event: meter.tick
        name: Wait
        do:
          - expect: {value: "${event.n}", equals: \(waits)}
          - meter.note: {n: "${event.n}"}
          - expect: {value: "${it}", not: 1}
          - out.write: never
    \(more)
    """
  }

  private func host(_ directory: TemporaryDirectory, arguments: [String] = []) throws -> Host {
    _ = try directory.file("plugins/meter.yaml", Self.manifest)
    let plugins = directory.url.appendingPathComponent("plugins").path
    try CPlugin.compile(Self.meter, to: plugins + "/libmeter.so", in: directory)
    let bot = try directory.file("bots/gauge.yaml", Self.bot("a"))
    return try Host(plugins: plugins, bots: [bot], arguments: arguments, directory: directory)
  }

  /// Replaces the bot's file as an editor does it.
  private func edit(_ directory: TemporaryDirectory, _ text: String) throws {
    let new = try directory.file("bots/gauge.new", text)
    guard rename(new, directory.path + "/bots/gauge.yaml") == 0 else {
      throw RunningProgram.Failure(description: "the bot cannot be replaced")
    }
  }

  private struct Report: Decodable {
    struct Part: Decodable {
      let name: String
      let change: String
    }
    let changed: Bool
    let handlers: [Part]?
    let uses: [Part]?
    let built: Int?
  }

  private func swap(_ host: Host) throws -> Report {
    let line = try #require(try host.command("swap", "gauge", "--json").first)
    return try JSONDecoder().decode(Report.self, from: Data(line.utf8))
  }

  @Test("an edit of one literal under load: that unit alone is built; nothing is lost, doubled or reordered")
  func oneLiteralUnderLoad() throws {
    let directory = try TemporaryDirectory()
    let host = try host(directory)
    #expect(try !swap(host).changed)
    try host.command("call", "gauge.meter.run", #"{"count":1000000}"#)
    var words = ["a"]
    for word in ["b", "c", "d", "e", "f"] {
      let before = words[words.count - 1]
      try host.program.line(.output, "that '\(before)' handles events") { $0.hasPrefix("\(before) ") }
      try edit(directory, Self.bot(word))
      let (status, plan, _) = try RunningProgram.run(
        Build.bothost, ["plan", "--control", host.socket, "--json"])
      #expect(status == 2 && plan.count == 1)
      let report = try swap(host)
      #expect(report.changed && report.built == 1)
      #expect(report.handlers?.filter { $0.change != "kept" }.map(\.name) == ["meter.tick#Print"])
      #expect(report.uses?.allSatisfy { $0.change == "kept" } == true)
      words.append(word)
    }
    #expect(try RunningProgram.run(Build.bothost, ["plan", "--control", host.socket]).status == 0)
    try host.program.line(.output, "that the last one handles events") { $0.hasPrefix("f ") }
    // No more than have been published by now.
    let count = try #require(try host.command("call", "gauge.meter.run", #"{"count":0}"#).first.flatMap { Int($0) })
    _ = try host.program.line(.output, number: count - 1, "every event")
    try host.stop()
    let printed = host.program.printed().map { $0.split(separator: " ") }
    #expect(printed.count == count)
    #expect(printed.compactMap { $0.last.flatMap { Int($0) } } == Array(0..<count))
    var seen: [Substring] = []
    for word in printed.compactMap(\.first) where seen.last != word { seen.append(word) }
    #expect(seen.map(String.init) == words, "each version handled events, and none after the next had begun")
    let log = host.program.printed(.error)
    #expect(log.count { $0.contains("swapped") && $0.contains("meter.tick#Print") } == 5)
    #expect(!log.contains { $0.contains("started") && $0.contains("generation=2") }, "the instance was not touched")
  }

  @Test("handlers and uses come and go; what is wrong leaves the old version running")
  func partsComeAndGo() throws {
    let directory = try TemporaryDirectory()
    let host = try host(directory, arguments: ["--watch"])
    try edit(
      directory,
      Self.bot(
        "b", more: "  - event: second.tick\n    do: [{out.write: \"second ${event.n}\"}]",
        uses: "  second: {type: Meter, unit: volt}"))
    try host.program.line(.error, "that it was swapped") { $0.contains("swapped") && $0.contains("second") }
    try host.command("call", "gauge.second.run", #"{"count":3}"#)
    try host.program.line(.output, "the new use's events") { $0 == "second 2" }

    // A broken file changes nothing and says where it is broken.
    try edit(directory, Self.bot("c", more: "  - event: meter.tock\n    do: [{out.write: x}]"))
    try host.program.line(.error, "what is wrong") { $0.contains("no event 'tock'") && $0.contains("gauge.yaml:") }
    let (status, _, error) = try RunningProgram.run(Build.bothost, ["swap", "gauge", "--control", host.socket])
    #expect(status == 1 && error.joined().contains("the version that runs goes on"))
    try host.command("call", "gauge.second.run", #"{"count":1}"#)
    try host.program.line(.output, "an event after that") { $0 == "second 3" }

    // One use gone, the other with another configuration: that one alone is a new generation.
    try edit(directory, Self.bot("d").replacingOccurrences(of: "watt", with: "joule"))
    try host.program.line(.error, "that it was swapped") { $0.contains("swapped") && $0.contains("gone=") }
    let instances = try host.command("ps", "--json")
    #expect(!instances.contains { $0.contains("gauge.second") })
    #expect(instances.contains { $0.contains("gauge.meter") && $0.contains(#""generation":2"#) })
    try host.command("call", "gauge.meter.run", #"{"count":1}"#)
    try host.program.line(.output, "an event of the new version") { $0.hasPrefix("d ") }
    try host.stop()
  }

  @Test("compile shows a line a node, BUILT and then CACHED; a killed writer leaves a cache that works")
  func compile() throws {
    let directory = try TemporaryDirectory()
    let host = try host(directory)
    try host.stop()
    let bot = directory.path + "/bots/gauge.yaml"
    let words = ["compile", bot, "--plugins", directory.path + "/plugins", "--cache", directory.path + "/units"]
    let (_, first, _) = try RunningProgram.run(Build.bothost, words)
    #expect(first.count == 14)
    #expect(first.allSatisfy { $0.hasPrefix("BUILT ") })
    let (status, second, summary) = try RunningProgram.run(Build.bothost, words)
    #expect(status == 0 && second.allSatisfy { $0.hasPrefix("CACHED ") })
    #expect(summary.last?.contains("0 built, 5 cached") == true)
    #expect(first.map(Self.hash) == second.map(Self.hash))
    try edit(directory, Self.bot("b"))
    let (_, third, _) = try RunningProgram.run(Build.bothost, words)
    #expect(third.count { $0.hasPrefix("BUILT ") } == 4, "the step, its handler, the handlers, the bot")

    // A bot with many handlers, killed while it is written.
    let more = (0..<300).map {
      "  - event: meter.tick\n    name: H\($0)\n    do: [{out.write: \"\($0) ${event.n}\"}]"
    }
    try edit(directory, Self.bot("c", more: more.joined(separator: "\n")))
    let program = try RunningProgram(Build.bothost, words)
    var found = 0
    while program.isRunning, found < 20 {
      found = (FileManager.default.enumerator(atPath: directory.path + "/units")?.allObjects.count) ?? 0
    }
    program.signal(SIGKILL)
    let ended = try program.waitForExit()
    let (again, fourth, _) = try RunningProgram.run(Build.bothost, words)
    #expect(again == 0 && fourth.count > 600)
    let (_, fifth, _) = try RunningProgram.run(Build.bothost, words)
    #expect(fifth.allSatisfy { $0.hasPrefix("CACHED ") } && fifth.map(Self.hash) == fourth.map(Self.hash), "\(ended)")
  }

  private static func hash(_ line: String) -> String {
    line.split(separator: " ").first { $0.count == 12 && $0.allSatisfy(\.isHexDigit) }.map(String.init) ?? line
  }
}
