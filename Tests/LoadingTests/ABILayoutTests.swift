import CBotHost
import Foundation
import Testing

/// The ABI as numbers: a size or an offset that changes breaks every plugin that has been built.
@Suite("The ABI's layout")
struct ABILayoutTests {
  /// On 64-bit machines: `struct size member:offset ...`. Lines may get longer at their end, and
  /// lines may be added.
  static let golden = """
    bh_str 16 ptr:0 len:8
    bh_bytes 16 ptr:0 len:8
    bh_header 32 name:0 value:16
    bh_event 176 size:0 flags:4 id:8 seq:24 time_unix_ns:32 deadline_mono_ns:40 topic:48 source:64 key:80 \
      correlation_id:96 content_type:112 payload:128 headers:144 header_count:152 attempt:156 delivery:160 \
      binding:168 reserved:172
    bh_outgoing 128 size:0 flags:4 topic:8 topic_ref:24 key:32 correlation_id:48 content_type:64 payload:80 \
      headers:96 header_count:104 reserved:108 settled:112 settled_context:120
    bh_value 40 size:0 kind:4 i:8 f:16 text:24
    bh_host_api 136 size:0 abi_minor:4 log:8 set_error:16 query:24 ack:32 nack:40 publish:48 topic:56 \
      config_get:64 field:72 retain:80 release:88 reply:96 now:104 wanted:112 \
      ending:120 on_end:128
    bh_kv_v1 40 size:0 version:4 get:8 put:16 remove:24 scan:32
    bh_rpc_v1 40 size:0 version:4 call:8 cancel:16 amend:24 pass:32
    bh_hook_v1 24 size:0 version:4 list:8 revision:16
    bh_extension_v1 24 size:0 version:4 list:8 revision:16
    bh_timer_v1 24 size:0 version:4 set:8 cancel:16
    bh_secret_v1 16 size:0 version:4 use:8
    bh_metric_v1 24 size:0 version:4 define:8 record:16
    bh_net_spec 144 size:0 flags:4 name:8 host:24 port:40 framing:44 server_name:48 ca_file:64 alpn:80 \
      max_frame:96 max_unsent:104 connect_timeout_ns:112 backoff_min_ns:120 backoff_max_ns:128 idle_timeout_ns:136
    bh_net_v1 56 size:0 version:4 dial:8 write:16 close:24 reconnect:32 describe:40 listen:48
    bh_thread_v1 40 size:0 version:4 spawn:8 should_stop:16 join:24 on_lane:32
    bh_trace_v1 24 size:0 version:4 begin:8 end:16
    bh_start 88 size:0 flags:4 instance:8 generation:24 config:32 data_directory:48 state_format:64 \
      state_version:80 reserved:84
    bh_plugin 184 size:0 abi_major:4 abi_minor:8 flags:12 name:16 version:32 sdk:48 state_format:64 \
      state_version:80 reserved:84 create:88 bind:96 activate:104 handle:112 invoke:120 health:128 quiesce:136 \
      export_state:144 import_state:152 resume:160 reconfigure:168 destroy:176
    """

  /// The golden lines, blanks made even.
  static let lines = golden.split(separator: "\n").map { $0.split(separator: " ").joined(separator: " ") }

  private static func line<Struct>(_ name: String, _ type: Struct.Type, _ members: [(String, PartialKeyPath<Struct>)])
    -> String
  {
    let offsets = members.map { member, path in "\(member):\(MemoryLayout<Struct>.offset(of: path) ?? -1)" }
    return "\(name) \(MemoryLayout<Struct>.size) " + offsets.joined(separator: " ")
  }

  @Test("as Swift imports it")
  func swift() {
    let imported = [
      Self.line("bh_str", bh_str.self, [("ptr", \.ptr), ("len", \.len)]),
      Self.line("bh_bytes", bh_bytes.self, [("ptr", \.ptr), ("len", \.len)]),
      Self.line("bh_header", bh_header.self, [("name", \.name), ("value", \.value)]),
      Self.line(
        "bh_event", bh_event.self,
        [
          ("size", \.size), ("flags", \.flags), ("id", \.id), ("seq", \.seq), ("time_unix_ns", \.time_unix_ns),
          ("deadline_mono_ns", \.deadline_mono_ns), ("topic", \.topic), ("source", \.source), ("key", \.key),
          ("correlation_id", \.correlation_id), ("content_type", \.content_type), ("payload", \.payload),
          ("headers", \.headers), ("header_count", \.header_count), ("attempt", \.attempt), ("delivery", \.delivery),
          ("binding", \.binding), ("reserved", \.reserved),
        ]),
      Self.line(
        "bh_outgoing", bh_outgoing.self,
        [
          ("size", \.size), ("flags", \.flags), ("topic", \.topic), ("topic_ref", \.topic_ref), ("key", \.key),
          ("correlation_id", \.correlation_id), ("content_type", \.content_type), ("payload", \.payload),
          ("headers", \.headers), ("header_count", \.header_count), ("reserved", \.reserved), ("settled", \.settled),
          ("settled_context", \.settled_context),
        ]),
      Self.line(
        "bh_value", bh_value.self, [("size", \.size), ("kind", \.kind), ("i", \.i), ("f", \.f), ("text", \.text)]),
      Self.line(
        "bh_host_api", bh_host_api.self,
        [
          ("size", \.size), ("abi_minor", \.abi_minor), ("log", \.log), ("set_error", \.set_error), ("query", \.query),
          ("ack", \.ack), ("nack", \.nack), ("publish", \.publish), ("topic", \.topic), ("config_get", \.config_get),
          ("field", \.field), ("retain", \.retain), ("release", \.release), ("reply", \.reply), ("now", \.now),
          ("wanted", \.wanted), ("ending", \.ending), ("on_end", \.on_end),
        ]),
      Self.line(
        "bh_kv_v1", bh_kv_v1.self,
        [
          ("size", \.size), ("version", \.version), ("get", \.get), ("put", \.put), ("remove", \.remove),
          ("scan", \.scan),
        ]),
      Self.line(
        "bh_rpc_v1", bh_rpc_v1.self,
        [
          ("size", \.size), ("version", \.version), ("call", \.call), ("cancel", \.cancel), ("amend", \.amend),
          ("pass", \.pass),
        ]),
      Self.line(
        "bh_hook_v1", bh_hook_v1.self,
        [("size", \.size), ("version", \.version), ("list", \.list), ("revision", \.revision)]),
      Self.line(
        "bh_extension_v1", bh_extension_v1.self,
        [("size", \.size), ("version", \.version), ("list", \.list), ("revision", \.revision)]),
      Self.line(
        "bh_timer_v1", bh_timer_v1.self,
        [("size", \.size), ("version", \.version), ("set", \.set), ("cancel", \.cancel)]),
      Self.line("bh_secret_v1", bh_secret_v1.self, [("size", \.size), ("version", \.version), ("use", \.use)]),
      Self.line(
        "bh_metric_v1", bh_metric_v1.self,
        [("size", \.size), ("version", \.version), ("define", \.define), ("record", \.record)]),
      Self.line(
        "bh_net_spec", bh_net_spec.self,
        [
          ("size", \.size), ("flags", \.flags), ("name", \.name), ("host", \.host), ("port", \.port),
          ("framing", \.framing), ("server_name", \.server_name), ("ca_file", \.ca_file), ("alpn", \.alpn),
          ("max_frame", \.max_frame), ("max_unsent", \.max_unsent), ("connect_timeout_ns", \.connect_timeout_ns),
          ("backoff_min_ns", \.backoff_min_ns), ("backoff_max_ns", \.backoff_max_ns),
          ("idle_timeout_ns", \.idle_timeout_ns),
        ]),
      Self.line(
        "bh_net_v1", bh_net_v1.self,
        [
          ("size", \.size), ("version", \.version), ("dial", \.dial), ("write", \.write), ("close", \.close),
          ("reconnect", \.reconnect), ("describe", \.describe), ("listen", \.listen),
        ]),
      Self.line(
        "bh_thread_v1", bh_thread_v1.self,
        [
          ("size", \.size), ("version", \.version), ("spawn", \.spawn), ("should_stop", \.should_stop),
          ("join", \.join), ("on_lane", \.on_lane),
        ]),
      Self.line(
        "bh_trace_v1", bh_trace_v1.self, [("size", \.size), ("version", \.version), ("begin", \.begin), ("end", \.end)]),
      Self.line(
        "bh_start", bh_start.self,
        [
          ("size", \.size), ("flags", \.flags), ("instance", \.instance), ("generation", \.generation),
          ("config", \.config), ("data_directory", \.data_directory), ("state_format", \.state_format),
          ("state_version", \.state_version), ("reserved", \.reserved),
        ]),
      Self.line(
        "bh_plugin", bh_plugin.self,
        [
          ("size", \.size), ("abi_major", \.abi_major), ("abi_minor", \.abi_minor), ("flags", \.flags),
          ("name", \.name), ("version", \.version), ("sdk", \.sdk), ("state_format", \.state_format),
          ("state_version", \.state_version), ("reserved", \.reserved), ("create", \.create), ("bind", \.bind),
          ("activate", \.activate), ("handle", \.handle), ("invoke", \.invoke), ("health", \.health),
          ("quiesce", \.quiesce), ("export_state", \.export_state), ("import_state", \.import_state),
          ("resume", \.resume), ("reconfigure", \.reconfigure), ("destroy", \.destroy),
        ]),
    ]
    #expect(imported == Self.lines)
  }

  @Test(
    "as C99 and C++17 compile it, without a warning",
    arguments: [("cc", "c", "c99"), ("c++", "cpp", "c++17"), ("clang", "c", "c99")])
  func compiled(_ compiler: String, _ suffix: String, _ standard: String) throws {
    var program = "#include <bothost.h>\n#include <stdio.h>\nint main(void) {\n"
    for line in Self.lines {
      let words = line.split(separator: " ")
      program += "printf(\"\(words[0]) %zu\", sizeof(\(words[0])));\n"
      for member in words.dropFirst(2).map({ $0.prefix { $0 != ":" } }) {
        program += "printf(\" \(member):%zu\", offsetof(\(words[0]), \(member)));\n"
      }
      program += "printf(\"\\n\");\n"
    }
    program += "return 0; }\n"
    let binary = try Fixtures.build(
      "layout", program, suffix: suffix,
      [compiler, "-std=\(standard)", "-Wall", "-Wextra", "-Wpadded", "-Werror", "-pedantic"],
      output: "layout-\(compiler)-\(standard)")
    let output = try Fixtures.run([binary])
    #expect(output.split(separator: "\n").map(String.init) == Self.lines)
  }

  @Test("a struct says what it holds by its size")
  func has() {
    // What BH_HAS tests in C, for the descriptor's last member.
    #expect(MemoryLayout<bh_plugin>.offset(of: \.destroy).map { $0 + 8 } == MemoryLayout<bh_plugin>.size)
    #expect(MemoryLayout<bh_event>.size == 176)
  }
}
