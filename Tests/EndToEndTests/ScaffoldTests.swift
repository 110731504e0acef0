import Foundation
import Testing

/// What `bothost new` makes works as it stands, and `bothost verify` tells good plugins from bad ones.
@Suite(.serialized)
struct ScaffoldTests {
  private static let hello =
    #"{"platform":"console","instance":"console","channel":{"id":"1","name":"lobby"},"author":{"id":"7","name":"ann","#
    + #""bot":false,"roles":[]},"message":{"id":"42","text":"hello"},"private":false}"#

  private func run(
    _ program: String, _ words: [String], in directory: URL, environment: [String: String] = [:]
  ) throws -> (status: Int32, output: [String], error: [String]) {
    // The program under test stands first on the path, as it does where it is installed.
    let path =
      Build.staged.appendingPathComponent("bin").path + ":" + (ProcessInfo.processInfo.environment["PATH"] ?? "")
    return try RunningProgram.run(
      program, words, environment: environment.merging(["PATH": path]) { $1 }, directory: directory, within: 240)
  }

  @Test(
    "a new plugin builds, passes check, runs, is swapped with its state, and keeps the contract",
    .timeLimit(.minutes(20)), arguments: ["c", "swift"])
  func scaffold(language: String) throws {
    guard let make = Build.tool("make"), language == "c" || Build.tool("swiftc") != nil else {
      print("skipped: make or the compiler is not installed")
      return
    }
    let directory = try TemporaryDirectory()
    let made = try run(Build.bothost, ["new", "--lang", language, "word-tally"], in: directory.url)
    #expect(made.status == 0, "\(made.error)")
    let folder = directory.url.appendingPathComponent("word-tally")
    let built = try run(make, [], in: folder)
    #expect(built.status == 0, "\(built.output) \(built.error)")
    #expect(!(built.output + built.error).contains { $0.contains("warning:") }, "\(built.error)")
    let checked = try run(make, ["check"], in: folder)
    #expect(checked.status == 0, "\(checked.error)")

    let host = try Host(plugins: folder.path, directory: try TemporaryDirectory())
    try host.command("publish", "chat.message", Self.hello)
    try host.command("publish", "chat.message", Self.hello)
    let counted = try run(Build.bothost, ["word-tally", "count", "--control", host.socket], in: folder)
    #expect(counted.output == [#"{"messages":2}"#], "\(counted.error)")
    // Options may stand anywhere.
    for words in [
      ["word-tally", "--control", host.socket, "count"], ["--control", host.socket, "word-tally", "count"],
    ] {
      #expect(try run(Build.bothost, words, in: folder).output == counted.output)
    }
    #expect(try run(Build.bothost, ["--control", host.socket, "ps", "--quiet"], in: folder).output == ["word-tally"])
    #expect(try host.command("swap", "--rehearse", "word-tally").first?.contains("generation 1 goes on") == true)
    try host.command("swap", "word-tally")
    #expect(try host.command("call", "word-tally.count") == [#"{"messages":2}"#])
    #expect(try host.command("ps", "--quiet") == ["word-tally"])
    try host.stop()

    let verified = try run(Build.bothost, ["verify", "."], in: folder)
    #expect(verified.status == 0, "\(verified.output) \(verified.error)")
    let checks = [
      "manifest and library", "start", "events", "methods", "resume", "swap", "settlement", "ledger", "stop",
    ]
    for check in checks { #expect(verified.output.contains { $0.hasPrefix("ok    \(check): ") }, "\(verified.output)") }
    // A second time there is something in the way.
    #expect(try run(Build.bothost, ["new", "--lang", language, "word-tally"], in: directory.url).status == 2)
  }

  @Test(
    "names and languages that cannot be are refused",
    arguments: [
      (["new", "x"], "--lang c|swift"), (["new", "--lang", "cobol", "x"], "'cobol' is not known"),
      (["new", "--lang", "c", "a b"], "no name for a plugin"), (["new", "--lang", "c"], "one name"),
      (["new", "--lang", "c", "../.."], "no name for a plugin"),
    ])
  func refusals(words: [String], reason: String) throws {
    let directory = try TemporaryDirectory()
    let refused = try run(Build.bothost, words, in: directory.url)
    #expect(refused.status == 2)
    #expect(refused.error.joined().contains(reason), "\(refused.error)")
    #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path).isEmpty)
  }

  @Test("verify says which settings a plugin needs and how they are given", .timeLimit(.minutes(20)))
  func settings() throws {
    let directory = try TemporaryDirectory()
    let manifest = """
      bothost: 1
      plugin: needy
      version: 1.0.0
      library: libneedy.so
      config:
        place: {type: string, required: true}
        token: {type: secret, required: true, from: NEEDY_TOKEN}
      start: on-use

      """
    _ = try directory.file("needy/needy.yaml", manifest)
    let source = """
      #include <bothost.h>
      #include <stdlib.h>
      struct bh_self { int unused; };
      static bh_rc create(bh_host *h, const bh_host_api *a, const bh_start *st, bh_self **out) {
        (void)h; (void)a; (void)st; *out = calloc(1, sizeof **out); return BH_OK;
      }
      static void destroy(bh_self *s) { free(s); }
      static bh_rc reconfigure(bh_self *s, bh_bytes c) { (void)s; return c.len > 0 ? BH_OK : BH_E_INVALID; }
      static const bh_plugin plugin = {.size = sizeof(bh_plugin), .abi_major = BH_ABI_MAJOR, .abi_minor = BH_ABI_MINOR,
        .name = {"needy", 5}, .version = {"1.0.0", 5}, .create = create, .reconfigure = reconfigure, .destroy = destroy};
      BH_EXPORT const bh_plugin *bh_plugin_entry_v1(uint32_t m) { (void)m; return &plugin; }

      """
    try CPlugin.compile(source, to: directory.path + "/needy/libneedy.so", in: directory)
    let bare = try run(Build.bothost, ["verify", directory.path + "/needy"], in: directory.url)
    #expect(bare.status == 1)
    let start = try #require(bare.output.first { $0.hasPrefix("FAIL  start: ") })
    #expect(start.contains("'place'"), "\(start)")
    #expect(start.contains("plugins: {needy: {config: {place: ..., token: \"${NEEDY_TOKEN}\"}}}"), "\(start)")

    let file = try directory.file(
      "settings.yaml", "{bothost: 1, kind: host, plugins: {needy: {config: {place: here, token: \"${HOME}\"}}}}")
    let given = try run(Build.bothost, ["verify", directory.path + "/needy", "--config", file], in: directory.url)
    #expect(given.status == 0, "\(given.output)")
    #expect(given.output.contains { $0.hasPrefix("ok    reconfigure: ") }, "\(given.output)")
  }

  @Test("verify names what a plugin does wrong, and where", .timeLimit(.minutes(20)))
  func breaches() throws {
    let directory = try TemporaryDirectory()
    let cases: [(name: String, handler: String, destroy: String, check: String)] = [
      ("stuck", "(void)s; (void)e; return BH_OK;", "free(s);", "resume"),
      ("twice", "s->a->ack(s->h, e->delivery); s->a->ack(s->h, e->delivery); return BH_OK;", "free(s);", "settlement"),
      ("never", "(void)s; (void)e; return BH_ASYNC;", "free(s);", "settlement"),
      ("keeps", "const bh_event *k; s->a->retain(s->h, e, &k); return BH_OK;", "free(s);", "ledger"),
      ("crash", "(void)e; *(volatile int *)0 = 1; (void)s; return BH_OK;", "free(s);", "events"),
    ]
    for item in cases {
      let manifest = """
        bothost: 1
        plugin: \(item.name)
        version: 1.0.0
        library: lib\(item.name).so
        handlers:
          - {topic: try.it, call: on_it, timeout: 200ms, retry: {max: 0, backoff: 1ms..1ms}}

        """
      _ = try directory.file("\(item.name)/\(item.name).yaml", manifest)
      let source = """
        #include <bothost.h>
        #include <stdlib.h>
        struct bh_self { bh_host *h; const bh_host_api *a; };
        static bh_rc create(bh_host *h, const bh_host_api *a, const bh_start *st, bh_self **out) {
          (void)st; *out = calloc(1, sizeof **out); (*out)->h = h; (*out)->a = a; return BH_OK;
        }
        static bh_rc resume(bh_self *s) { (void)s; return \(item.check == "resume" ? "BH_E_INTERNAL" : "BH_OK"); }
        static void destroy(bh_self *s) { \(item.destroy) }
        BH_EXPORT bh_rc on_it(bh_self *s, const bh_event *e) { \(item.handler) }
        static const bh_plugin plugin = {.size = sizeof(bh_plugin), .abi_major = BH_ABI_MAJOR, .abi_minor = BH_ABI_MINOR,
          .name = {"\(item.name)", 5}, .version = {"1.0.0", 5}, .create = create, .resume = resume, .destroy = destroy};
        BH_EXPORT const bh_plugin *bh_plugin_entry_v1(uint32_t m) { (void)m; return &plugin; }

        """
      let library = directory.url.appendingPathComponent("\(item.name)/lib\(item.name).so").path
      try CPlugin.compile(source, to: library, in: directory)
      let verified = try run(Build.bothost, ["verify", library], in: directory.url)
      #expect(verified.status == 1, "\(item.name): \(verified.output)")
      let failures = verified.output.filter { $0.hasPrefix("FAIL") }
      #expect(failures.contains { $0.hasPrefix("FAIL  \(item.check)") }, "\(item.name): \(verified.output)")
      let json = try run(Build.bothost, ["verify", "--json", library], in: directory.url)
      #expect(json.status == 1)
      #expect(json.output.allSatisfy { (try? JSONSerialization.jsonObject(with: Data($0.utf8))) != nil })
    }
    let nothing = try run(Build.bothost, ["verify", directory.path], in: directory.url)
    #expect(nothing.status == 2)
  }
}
