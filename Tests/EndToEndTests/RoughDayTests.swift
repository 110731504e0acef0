import Foundation
import Glibc
import Testing

/// What an operator's bad day has in store: plugins that hang where nobody expects it, files that are pointed elsewhere, a disk without
/// room, and everybody in a hurry.
@Suite(.serialized)
struct RoughDayTests {
  /// Says on standard error where it hangs, and hangs there for ever: in the function that HANG names.
  private static let hanging = #"""
    #define _POSIX_C_SOURCE 200809L
    #include <bothost.h>
    #include <stdio.h>
    #include <stdlib.h>
    #include <string.h>
    #include <unistd.h>

    struct bh_self { int nothing; };

    static void hang(const char *where) {
      const char *chosen = getenv("HANG");
      if (chosen == NULL || strcmp(chosen, where) != 0) return;
      fprintf(stderr, "hangs in %s\n", where);
      for (;;) pause();
    }

    static bh_rc create(bh_host *h, const bh_host_api *a, const bh_start *s, bh_self **out) {
      (void)h; (void)a; (void)s;
      hang("create");
      *out = calloc(1, sizeof **out);
      return *out == NULL ? BH_E_INTERNAL : BH_OK;
    }

    static bh_rc activate(bh_self *self) { (void)self; hang("activate"); return BH_OK; }
    static bh_rc quiesce(bh_self *self, int64_t deadline) { (void)self; (void)deadline; hang("quiesce"); return BH_OK; }
    static void destroy(bh_self *self) { hang("destroy"); free(self); }
    static bh_rc export_state(bh_self *self, uint32_t phase, uint32_t version, bh_writer writer, void *sink) {
      (void)self; (void)phase; (void)version;
      return writer(sink, "state", 5);
    }
    static bh_rc import_state(bh_self *self, uint32_t phase, bh_str format, uint32_t version, bh_bytes state) {
      (void)self; (void)format; (void)version; (void)state;
      if (phase == BH_STATE_SNAPSHOT) hang("import_state");
      return BH_OK;
    }

    static const bh_plugin plugin = {
        .size = sizeof(bh_plugin), .abi_major = BH_ABI_MAJOR, .abi_minor = BH_ABI_MINOR,
        .name = {"hanging", 7}, .version = {"1.0.0", 5}, .flags = BH_PLUGIN_PRECOPY, .state_format = {"hanging", 7},
        .state_version = 1, .create = create, .activate = activate, .quiesce = quiesce, .destroy = destroy,
        .export_state = export_state, .import_state = import_state,
    };

    BH_EXPORT const bh_plugin *bh_plugin_entry_v1(uint32_t minor) { (void)minor; return &plugin; }
    """#

  private static let hangingManifest = """
    bothost: 1
    plugin: hanging
    version: 1.0.0
    library: libhanging.so
    swap: {drain: 100ms}

    """

  private func makeHanging(in directory: TemporaryDirectory) throws -> String {
    _ = try directory.file("plugins/hanging.yaml", Self.hangingManifest)
    let plugins = directory.url.appendingPathComponent("plugins").path
    try CPlugin.compile(Self.hanging, to: plugins + "/libhanging.so", in: directory)
    return plugins
  }

  // MARK: Plugins that hang

  @Test(
    "a host ends although a function of a plugin never returns", .timeLimit(.minutes(5)),
    arguments: ["quiesce", "destroy"])
  func hangingAtTheEnd(function: String) throws {
    let directory = try TemporaryDirectory()
    let host = try Host(plugins: try makeHanging(in: directory), environment: ["HANG": function])
    host.program.signal(SIGTERM)
    try host.program.line(.error, "that it hangs") { $0.contains("hangs in \(function)") }
    #expect(try host.program.waitForExit() == 0)
    #expect(host.program.printed(.error).contains { $0.contains("left something behind") })
  }

  @Test("a piece of state that is never taken over ends the swap, not the host", .timeLimit(.minutes(5)))
  func hangingImport() throws {
    let directory = try TemporaryDirectory()
    let host = try Host(plugins: try makeHanging(in: directory), environment: ["HANG": "import_state"])
    let (status, _, error) = try RunningProgram.run(Build.bothost, ["swap", "--control", host.socket, "hanging"])
    #expect(status == 1 && error.contains { $0.contains("`import_state` did not return") }, "\(error)")
    let rows = try host.command("ps")
    #expect(rows.contains { $0.hasPrefix("hanging ") && $0.contains("running") }, "\(rows)")
    host.program.signal(SIGTERM)
    #expect(try host.program.waitForExit() == 0)
  }

  @Test("a `create` that never returns fails its instance alone", .timeLimit(.minutes(5)))
  func hangingCreate() throws {
    let directory = try TemporaryDirectory()
    let plugins = try makeHanging(in: directory)
    _ = try directory.file("plugins/notes.yaml", CPlugin.notesManifest)
    try CPlugin.compile(CPlugin.notes("BH_OK"), to: plugins + "/libnotes.so", in: directory)
    let host = try Host(plugins: plugins, environment: ["HANG": "create"])
    let rows = try host.command("ps")
    #expect(rows.contains { $0.hasPrefix("notes ") && $0.contains("running") }, "\(rows)")
    #expect(rows.contains { $0.hasPrefix("hanging ") && $0.contains("`create` did not return") }, "\(rows)")
    host.program.signal(SIGTERM)
    #expect(try host.program.waitForExit() == 0)
  }

  @Test("signals to stop are heard while the host starts: the second one stops at once", .timeLimit(.minutes(5)))
  func signalsDuringTheStart() throws {
    let directory = try TemporaryDirectory()
    let program = try RunningProgram(
      Build.bothost,
      [
        "--plugins", try makeHanging(in: directory), "--data", directory.path, "--control",
        directory.url.appendingPathComponent("control.sock").path,
      ], environment: ["HANG": "activate"])
    try program.line(.error, "that it hangs") { $0.contains("hangs in activate") }
    program.signal(SIGTERM)
    try program.line(.error, "that it stops") { $0.contains("a second signal stops at once") }
    #expect(!program.printed(.error).contains { $0.contains("did not return") }, "the signal has waited for the start")
    program.signal(SIGTERM)
    #expect(try program.waitForExit() == 1)
  }

  // MARK: Files

  @Test(
    "--watch sees a directory of links pointed elsewhere, as Kubernetes does it with config maps",
    .timeLimit(.minutes(5)))
  func linksPointedElsewhere() throws {
    let directory = try TemporaryDirectory()
    let plugins = directory.url.appendingPathComponent("plugins").path
    _ = try directory.file("plugins/notes.yaml", CPlugin.notesManifest + "\nstart: on-use\n")
    try CPlugin.compile(CPlugin.notes("BH_OK"), to: plugins + "/libnotes.so", in: directory)
    func version(_ name: String, _ instances: [String]) throws {
      let lines = instances.map { "  \($0): {plugin: notes}\n" }.joined()
      _ = try directory.file("map/\(name)/host.yaml", "bothost: 1\nkind: host\ninstances:\n" + lines)
    }
    try version("..1", ["one"])
    try version("..2", ["one", "two"])
    let map = directory.url.appendingPathComponent("map").path
    #expect(symlink("..1", map + "/..data") == 0)
    #expect(symlink("..data/host.yaml", map + "/host.yaml") == 0)
    let host = try Host(plugins: plugins, arguments: ["--config", map + "/host.yaml", "--watch"])
    #expect(try host.command("ps").count == 2)

    #expect(symlink("..2", map + "/..data_tmp") == 0)
    #expect(rename(map + "/..data_tmp", map + "/..data") == 0)
    try eventually("the second instance runs") {
      try host.command("ps").contains { $0.hasPrefix("two ") && $0.contains("running") }
    }
    #expect(try host.command("ps").contains { $0.hasPrefix("one ") && $0.contains("running  1 ") })
    try host.stop()
  }

  @Test(
    "a bot of a directory goes on while its file is broken, whatever breaks it, and the log says what",
    .timeLimit(.minutes(5)))
  func brokenBotOfADirectory() throws {
    let directory = try TemporaryDirectory()
    let plugins = directory.url.appendingPathComponent("plugins").path
    _ = try directory.file(
      "plugins/notes.yaml",
      CPlugin.notesManifest + "\ntopics:\n  noted: {n: int}\ntypes:\n  Notes:\n    events: {noted: noted}\n")
    try CPlugin.compile(CPlugin.notes("BH_OK"), to: plugins + "/libnotes.so", in: directory)
    func bot(_ name: String) -> String {
      "bothost: 1\nkind: bot\nname: \(name)\nuse:\n  notes: {type: Notes}\n  out: {type: StdOut}\nwhen:\n"
        + "  - {event: notes.noted, do: [{out.write: seen}]}\n"
    }
    let path = try directory.file("bots/first.yaml", bot("first"))
    _ = try directory.file("bots/second.yaml", bot("second"))
    let host = try Host(plugins: plugins, bots: [directory.url.appendingPathComponent("bots").path])
    var reloads = 0
    func reload() throws {
      host.program.signal(SIGHUP)
      reloads += 1
      try eventually("the files are read again") {
        host.program.printed(.error).count { $0.contains("host: reloaded") } == reloads
      }
    }
    func runs(_ bot: String) throws -> Bool { try host.command("ps").contains { $0.hasPrefix("\(bot) ") } }

    let tooLarge = bot("first") + String(repeating: "# much too long\n", count: 80_000)
    for (text, complaint) in [("kind: bot\nname: [\n", "first.yaml:"), ("", "is empty"), (tooLarge, "is larger than")] {
      _ = try directory.file("bots/first.yaml", text)
      try reload()
      #expect(try runs("first") && runs("second"), "after: \(complaint)")
      try host.program.line(.error, "what is wrong") { $0.contains("error") && $0.contains(complaint) }
    }
    #expect(unlink(path) == 0 && mkdir(path, 0o700) == 0)
    try reload()
    #expect(try runs("first") && runs("second"), "its file is a directory")
    // What has gone has gone.
    #expect(rmdir(path) == 0)
    try reload()
    #expect(try !runs("first") && runs("second"))
    try host.stop()
  }

  @Test(
    "an instance that cannot be started for want of room is started again when there is room", .timeLimit(.minutes(5)))
  func noRoomForAWhile() throws {
    let directory = try TemporaryDirectory()
    let plugins = directory.url.appendingPathComponent("plugins").path
    _ = try directory.file(
      "plugins/notes.yaml", CPlugin.notesManifest + "\nrestart: {backoff: 100ms..200ms, limit: 1000/1m}\n")
    try CPlugin.compile(CPlugin.notes("BH_OK"), to: plugins + "/libnotes.so", in: directory)
    let host = try Host(plugins: plugins, directory: directory)
    // Nothing can be copied to where there is no directory.
    let run = directory.url.appendingPathComponent("run")
    let name = try #require(
      try FileManager.default.contentsOfDirectory(atPath: run.path).first { $0.hasPrefix("host-") })
    let images = run.appendingPathComponent(name).appendingPathComponent("images")
    let aside = images.path + "-aside"
    #expect(rename(images.path, aside) == 0)
    _ = try directory.file("run/\(name)/images", "")

    try host.command("restart", "notes", expect: 1)
    #expect(try !host.command("ps").contains { $0.contains("running") })
    #expect(unlink(images.path) == 0)
    #expect(rename(aside, images.path) == 0)
    try eventually("the instance is back") { try host.command("ps").contains { $0.contains("running") } }
    try host.stop()
  }

  @Test("a restart whose library is broken ends nothing", .timeLimit(.minutes(5)))
  func restartWithHalfALibrary() throws {
    let directory = try TemporaryDirectory()
    let plugins = directory.url.appendingPathComponent("plugins").path
    _ = try directory.file("plugins/notes.yaml", CPlugin.notesManifest)
    try CPlugin.compile(CPlugin.notes("BH_OK"), to: plugins + "/libnotes.so", in: directory)
    let host = try Host(plugins: plugins, directory: directory)
    let library = URL(fileURLWithPath: plugins + "/libnotes.so")
    let whole = try Data(contentsOf: library)
    try whole.prefix(5_000).write(to: library)
    try host.command("restart", "notes", expect: 1)
    #expect(try host.command("ps").contains { $0.contains("running  1 ") })
    try whole.write(to: library)
    try host.command("restart", "notes")
    #expect(try host.command("ps").contains { $0.contains("running  2 ") })
    try host.stop()
  }

  @Test("a host that was started without standard streams keeps its files out of their place", .timeLimit(.minutes(5)))
  func closedStreams() throws {
    let directory = try TemporaryDirectory()
    let socket = directory.url.appendingPathComponent("control.sock").path
    let shell = try RunningProgram(
      "/bin/sh",
      [
        "-c", #"exec 4>&1; "$0" "$@" <&- >&- 2>&- & exec 1>&-; echo $! >&4; wait"#, Build.bothost, "--plugins",
        Build.examples, "--data",
        directory.path, "--control", socket,
      ])
    let pid = try shell.line(within: 60, "the host's number") { Int($0) != nil }
    defer { if let pid = pid_t(pid) { kill(pid, SIGKILL) } }
    try eventually("the host listens") {
      try RunningProgram.run(Build.bothost, ["ps", "--control", socket]).status == 0
    }
    for descriptor in 0...2 {
      let target = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(pid)/fd/\(descriptor)")
      #expect(target == "/dev/null", "\(descriptor)")
    }
  }

  @Test("a host that has no descriptors left can be ended", .timeLimit(.minutes(5)))
  func noDescriptors() throws {
    let directory = try TemporaryDirectory()
    let socket = directory.url.appendingPathComponent("control.sock").path
    let host = try RunningProgram(
      "/bin/sh",
      [
        "-c", #"ulimit -n 40; exec "$0" "$@""#, Build.bothost, "--plugins", Build.examples, "--data", directory.path,
        "--control", socket,
      ])
    try host.line(.error, "that it is ready") { $0.contains("ready") }
    // Those for whom there is no descriptor wait to be accepted.
    let crowd = try (0..<60).map { _ in try UnixClient(socket) }
    try eventually("all descriptors are taken") {
      try FileManager.default.contentsOfDirectory(atPath: "/proc/\(host.processIdentifier)/fd").count >= 40
    }
    host.signal(SIGTERM)
    #expect(try host.waitForExit() == 0)
    withExtendedLifetime(crowd) {}
  }

  @Test("SIGHUP makes a control socket again that was removed", .timeLimit(.minutes(5)))
  func removedSocket() throws {
    let host = try Host(plugins: Build.examples)
    #expect(unlink(host.socket) == 0)
    host.program.signal(SIGHUP)
    try host.program.line(.error, "that it listens again") { $0.contains("listens again") }
    #expect(try host.command("ps").count > 1)
    try host.stop()
  }

  @Test(
    "files whose names are no text, or more than one line, are named in one", .timeLimit(.minutes(5)))
  func oddNames() throws {
    let directory = try TemporaryDirectory()
    _ = try directory.file("plugins/notes.yaml", CPlugin.notesManifest)
    let plugins = directory.url.appendingPathComponent("plugins").path
    try CPlugin.compile(CPlugin.notes("BH_OK"), to: plugins + "/libnotes.so", in: directory)
    let notText = Array(plugins.utf8CString.dropLast()) + [0x2f, CChar(bitPattern: 0xff)] + Array(".yaml".utf8CString)
    for path in [notText, Array((plugins + "/two\nlines.yaml").utf8CString)] {
      let file = open(path, O_WRONLY | O_CREAT, 0o600)
      try #require(file >= 0)
      #expect(write(file, "a: [", 4) == 4)
      close(file)
    }
    let (status, output, error) = try RunningProgram.run(Build.bothost, ["check", "--plugins", plugins])
    #expect(status != 0)
    #expect((output + error).contains { $0.contains("name is not UTF-8") }, "\(output + error)")
    #expect((output + error).contains { $0.contains(#"/two\nlines.yaml:"#) }, "\(output + error)")
    let host = try Host(plugins: plugins)
    #expect(try host.command("ps").contains { $0.hasPrefix("notes ") && $0.contains("running") })
    try host.stop()
  }

  // MARK: Everybody at once

  @Test(
    "what waits for a handler that a swap takes away is a dead letter, and does not stop the others' replay",
    .timeLimit(.minutes(5)))
  func handlerTakenAway() throws {
    let directory = try TemporaryDirectory()
    let plugins = try CPlugin.makePicky(in: directory)
    let host = try Host(plugins: plugins, environment: ["PICKY_TOKEN": "t0ken"], directory: directory)
    func becomesDead(_ topic: String, _ letters: Int) throws {
      try host.command("publish", topic, "-", input: String(repeating: #"{"text":"bad"}"# + "\n", count: 3))
      try eventually("the letters are there") { try host.command("dead", "list", "--json").count == letters }
    }
    try becomesDead("notes", 3)
    _ = try directory.file(
      "plugins/picky.yaml", CPlugin.pickyManifest.replacingOccurrences(of: "notes", with: "remarks"))
    try host.command("swap", "picky")
    try becomesDead("remarks", 6)
    try host.command("call", "picky.forgive", "{}")

    let (status, _, error) = try RunningProgram.run(
      Build.bothost, ["dead", "replay", "--all", "--control", host.socket])
    #expect(status == 1)
    #expect(
      error.contains { $0.contains("3 letters cannot be replayed") && $0.contains("picky/on_note@notes") }, "\(error)")
    try eventually("the others are gone") { try host.command("dead", "list", "--json").count == 3 }
    #expect(try host.command("call", "picky.taken", "{}") == ["3"])
    try host.stop()
  }

  @Test("two operators who replay all dead letters at once do not stop each other", .timeLimit(.minutes(5)))
  func replayedTwice() throws {
    let directory = try TemporaryDirectory()
    let host = try Host(
      plugins: try CPlugin.makePicky(in: directory), environment: ["PICKY_TOKEN": "t0ken"], directory: directory)
    let letters = 500
    let notes = String(repeating: #"{"text":"bad"}"# + "\n", count: letters)
    try host.command("publish", "notes", "-", input: notes)
    try eventually("all are dead letters") {
      try host.command("dead", "list", "--limit", "1000", "--json").count == letters
    }
    try host.command("call", "picky.forgive", "{}")
    let replays = try (0..<3).map { _ in
      try RunningProgram(Build.bothost, ["dead", "replay", "--all", "--control", host.socket])
    }
    for replay in replays {
      #expect(try replay.waitForExit() == 0, "\(replay.printed(.error))")
    }
    try eventually("no letter is left") { try host.command("dead", "list", "--json").isEmpty }
    #expect(try host.command("call", "picky.taken", "{}") == ["\(letters)"])
    try host.stop()
  }
}

/// Somebody who connects to a Unix socket and says nothing.
private final class UnixClient {
  private let descriptor: Int32

  init(_ path: String) throws {
    descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8.prefix(107)) }
    let result = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    guard result == 0 else {
      throw RunningProgram.Failure(description: "\(path): \(String(cString: strerror(errno)))")
    }
  }

  deinit { close(descriptor) }
}
