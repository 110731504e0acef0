import CBotHost
import Foundation
import Testing

@testable import BotHost

@Suite("The trial in a process of its own")
struct ImageProbeTests {
  private static let start = ImageProbe.Start(instance: "small", config: #"{"list": [1, {"a/b": "deep"}]}"#)

  private func run(
    _ library: String, _ expectations: ImageExpectations = Fixtures.smallExpectations, start: ImageProbe.Start? = start,
    probe: ImageProbe = ImageProbe(program: Fixtures.program, timeout: 60_000_000_000)
  ) throws -> ImageProbe.Report {
    let staged = try Fixtures.staging("probe").stage(library: library, plugin: expectations.plugin, generation: 1)
    return try probe.run(
      staged, try ImageInspection(staged, expecting: expectations), expecting: expectations, start: start)
  }

  private func refusal(_ name: String, extra: String = "", _ flags: [String]) throws -> ImageRefusal? {
    let library = try Fixtures.plugin("probe-\(name)", extra: extra, flags)
    return Fixtures.refusal { _ = try run(library) }
  }

  private static let health = """
    #include <bothost.h>
    #include <stdio.h>
    #include <unistd.h>
    static bh_rc healthy(bh_self *self, bh_writer writer, void *sink) {
      char text[64];
      int n = snprintf(text, sizeof text, "{\\"ok\\":true,\\"pid\\":%d}", (int)getpid());
      return writer(sink, text, (size_t)n);
    }
    static bh_rc ill(bh_self *self, bh_writer writer, void *sink) { return writer(sink, "{\\"ok\\":false}", 12); }
    """

  @Test("what a healthy plugin is, is reported, in another process, once a build")
  func healthy() throws {
    let library = try Fixtures.plugin("probe-healthy", extra: Self.health, ["-DHEALTH=healthy"])
    let probe = ImageProbe(program: Fixtures.program, timeout: 60_000_000_000)
    let report = try run(library, probe: probe)
    #expect(report.version == "1.0.0")
    #expect(report.deniedCalls == 0)
    let pid = try JSONValue(parsing: report.health)["pid"]?.int
    #expect(pid != nil && pid != Int64(getpid()))
    #expect(try run(library, probe: probe).health == report.health)
    let staged = try Fixtures.staging().stage(library: library, plugin: "small", generation: 1)
    probe.forget(staged.digest)
    #expect(try run(library, probe: probe).health != report.health)
  }

  @Test("a crash says its signal and the call")
  func crashes() throws {
    let create = try refusal("segv", ["-DIN_CREATE=*(volatile int *)16 = 1"])
    #expect(create?.cause == .crashed(call: "create", signal: SIGSEGV))
    #expect(create?.message.hasPrefix("crashed with SIGSEGV in create") == true)
    let abort = try refusal("abort", ["-DIN_CREATE=__builtin_trap()"])
    #expect(abort?.cause == .crashed(call: "create", signal: SIGILL))
    let initialiser = try refusal(
      "init", extra: "#include <stdlib.h>\n__attribute__((constructor)) static void first(void) { abort(); }", [])
    #expect(initialiser?.cause == .crashed(call: "its initialisers", signal: SIGABRT))
    let entry = try refusal("entry", ["-DIN_ENTRY=return (const bh_plugin *)64"])
    #expect(entry?.cause == .crashed(call: "bh_plugin_entry_v1", signal: SIGSEGV))
  }

  @Test("a crash is remembered by the build")
  func remembered() throws {
    let library = try Fixtures.plugin("probe-segv", ["-DIN_CREATE=*(volatile int *)16 = 1"])
    let probe = ImageProbe(program: Fixtures.program, timeout: 60_000_000_000)
    let staged = try Fixtures.staging().stage(library: library, plugin: "small", generation: 1)
    let inspection = try ImageInspection(staged, expecting: Fixtures.smallExpectations)
    let first = Fixtures.refusal {
      try probe.run(staged, inspection, expecting: Fixtures.smallExpectations, start: Self.start)
    }
    let second = Fixtures.refusal {
      try probe.run(staged, inspection, expecting: Fixtures.smallExpectations, start: Self.start)
    }
    #expect(first != nil && first == second)
    // Without a create there is nothing that crashes.
    #expect(throws: Never.self) { try probe.run(staged, inspection, expecting: Fixtures.smallExpectations) }
  }

  @Test("a hang ends with the time")
  func hangs() throws {
    let library = try Fixtures.plugin("probe-hang", ["-DIN_CREATE=for (;;) __asm__ volatile(\"pause\")"])
    let probe = ImageProbe(program: Fixtures.program, timeout: 2_000_000_000)
    let refusal = Fixtures.refusal { _ = try run(library, probe: probe) }
    guard case .timedOut = refusal?.cause else {
      Issue.record("\(String(describing: refusal))")
      return
    }
  }

  @Test("an exit in the middle is a failure, and what was written on the way is shown")
  func exits() throws {
    let refusal = try refusal(
      "exit", extra: "#include <stdlib.h>\n#include <stdio.h>", ["-DIN_CREATE=fputs(\"going now\\n\", stderr); exit(0)"]
    )
    #expect(refusal?.cause == .failed(call: "create"))
    #expect(refusal?.message.contains("going now") == true)
  }

  @Test("a failure of create comes with its text")
  func failing() throws {
    let refusal = try refusal(
      "fails", ["-DIN_CREATE=api->set_error(host, BH_E_INVALID, (bh_str){\"no token\", 8}); return BH_E_INVALID"])
    #expect(refusal?.cause == .failed(call: "create"))
    #expect(refusal?.message == "answered BH_E_INVALID in create: no token")
    let ill = try self.refusal("ill", extra: Self.health, ["-DHEALTH=ill"])
    #expect(ill?.cause == .failed(call: "health"))
  }

  @Test("names that are no functions must be known to bind")
  func binding() throws {
    let expectations = ImageExpectations(
      plugin: "small", functions: [ImageExpectations.Function(name: "known", kind: 1)])
    let none = try Fixtures.plugin("plain")
    #expect(Fixtures.refusal { _ = try run(none, expectations) }?.cause == .missingSymbol("known"))
    let bind = """
      #include <bothost.h>
      static bh_rc bind_it(bh_self *self, uint32_t kind, bh_str name, uint32_t *binding) {
        if (name.len != 5 || kind != BH_BIND_HANDLER) return BH_E_NOTFOUND;
        *binding = 1;
        return BH_OK;
      }
      """
    let library = try Fixtures.plugin("probe-bind", extra: bind, ["-DBIND=bind_it"])
    #expect(throws: Never.self) { _ = try run(library, expectations) }
    let other = ImageExpectations(plugin: "small", functions: [ImageExpectations.Function(name: "unknown", kind: 1)])
    #expect(Fixtures.refusal { _ = try run(library, other) }?.cause == .missingSymbol("unknown"))
  }

  @Test("the host of a trial answers what create may ask and permits nothing else")
  func standby() throws {
    let library = try Fixtures.plugin(
      "probe-standby",
      extra: """
        #include <bothost.h>
        #include <string.h>
        static bh_rc keep(void *sink, const void *bytes, size_t n) { strncat(sink, bytes, n); return BH_OK; }
        static bh_str text(const char *s) { bh_str t = {s, strlen(s)}; return t; }
        static bh_rc try_all(bh_host *host, const bh_host_api *api, const bh_start *start) {
          char value[64] = "";
          if (!(start->flags & BH_START_PROBE)) return -101;
          if (api->config_get(host, text("/list/1/a~1b"), keep, value) != BH_OK) return -102;
          if (strcmp(value, "\\"deep\\"")) return -110;
          if (api->config_get(host, text("/none"), keep, value) != BH_E_NOTFOUND) return -103;
          const bh_kv_v1 *kv = api->query(host, text(BH_KV), 1);
          if (!kv || kv->get(host, text("k"), 0, keep, value) != BH_E_NOTFOUND) return -104;
          if (api->query(host, text("bh.nonsense"), 1) || api->query(host, text(BH_KV), 2)) return -105;
          const bh_metric_v1 *metric = api->query(host, text(BH_METRIC), 1);
          bh_token token = 0;
          if (metric->define(host, BH_METRIC_COUNTER, text("n"), text("h"), &token) != BH_OK || !token) return -106;
          metric->record(host, token, 1);
          if (!api->topic(host, text("a.b")) || api->now(host, BH_CLOCK_MONO) <= 0) return -107;
          bh_outgoing event = {.size = sizeof event};
          if (api->publish(host, 0, &event) != BH_E_DENIED) return -108;
          const bh_net_v1 *net = api->query(host, text(BH_NET), 1);
          if (net->dial(host, 0, &token) != BH_E_DENIED) return -109;
          return BH_OK;
        }
        """, ["-DIN_CREATE=bh_rc rc = try_all(host, api, start); if (rc) return rc"])
    let report = try run(library)
    #expect(report.deniedCalls == 2)
  }

  @Test("neither the host's environment nor its descriptors reach the trial")
  func hygiene() throws {
    setenv("BOTHOST_TEST_SECRET", "hush", 1)
    let open = Glibc.open("/dev/null", O_RDONLY)
    defer { close(open) }
    let library = try Fixtures.plugin(
      "probe-hygiene",
      extra: """
        #include <fcntl.h>
        #include <stdlib.h>
        #include <bothost.h>
        static int leaks(void) {
          if (getenv("BOTHOST_TEST_SECRET")) return 1;
          for (int fd = 4; fd < 256; fd++) if (fcntl(fd, F_GETFD) >= 0) return fd;
          return 0;
        }
        """, ["-DIN_CREATE=if (leaks()) return -100 - leaks()"])
    #expect(throws: Never.self) { _ = try run(library) }
  }

  @Test("an undefined symbol and a wrong descriptor are refusals of the trial")
  func early() throws {
    let undefined = try Fixtures.plugin(
      "undefined", extra: "int not_there(void); int use(void) { return not_there(); }")
    let refusal = Fixtures.refusal { _ = try run(undefined) }
    #expect(refusal?.cause == .loaderRefused)
    #expect(refusal?.message.contains("not_there") == true)
    #expect(try self.refusal("major", ["-DMAJOR=3"])?.cause == .wrongABI)
  }

  @Test("a program that cannot be started is not the library's fault")
  func noProgram() throws {
    let probe = ImageProbe(program: "/nonexistent/bothost")
    #expect(Fixtures.refusal { _ = try run(try Fixtures.plugin("plain"), probe: probe) }?.cause == .notProbed)
  }

  @Test("Swift plugins and libraries without glue are tried too")
  func kinds() throws {
    _ = try run(try Fixtures.swift("SwiftOne", swiftPlugin(1)), ImageExpectations(plugin: "swiftly"))
    let expectations = ImageExpectations(
      plugin: "any",
      functions: [ImageExpectations.Function(name: "twice", kind: 1, signature: try Signature(parsing: "i32(i32)"))])
    let report = try run(try Fixtures.c("glueless", "int twice(int x) { return 2 * x; } int data = 4;"), expectations)
    #expect(report == ImageProbe.Report())
  }
}
