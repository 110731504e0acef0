import CBotHost
import Foundation
import Testing

@testable import BotHost

// One after the other: the library that they call keeps what it answers in one buffer.
@Suite("Calls by a declared C signature", .serialized)
struct ForeignFunctionTests {
  private static let source = #"""
    #include <bothost.h>
    #include <math.h>
    #include <stdbool.h>
    #include <stdio.h>
    #include <stdlib.h>
    #include <string.h>
    static char buffer[4096];
    int8_t next_i8(int8_t x) { return (int8_t)(x - 1); }
    int16_t next_i16(int16_t x) { return (int16_t)(x - 1); }
    int32_t next_i32(int32_t x) { return x - 1; }
    int64_t next_i64(int64_t x) { return x - 1; }
    uint8_t next_u8(uint8_t x) { return (uint8_t)(x - 1); }
    uint16_t next_u16(uint16_t x) { return (uint16_t)(x - 1); }
    uint32_t next_u32(uint32_t x) { return x - 1; }
    uint64_t next_u64(uint64_t x) { return x - 1; }
    float half_f32(float x) { return x / 2; }
    double half_f64(double x) { return x / 2; }
    bool negate(bool x) { return !x; }
    const char *echo(const char *text) { return text; }
    const char *latin(void) { return "caf\xe9"; }
    const char *between(const char *s, size_t n) {
      snprintf(buffer, sizeof buffer, "[%.*s:%zu]", (int)n, s ? s : "-", n);
      return buffer;
    }
    int32_t bytes_sum(const uint8_t *s, size_t n) { int32_t t = 0; while (n--) t += *s++; return t; }
    double not_a_number(void) { return NAN; }
    void nothing(void) {}
    int32_t calls;
    int32_t called(void) { return calls; }
    void counted(int32_t x) { calls += x; }
    const char *many(int8_t a, uint16_t b, int32_t c, uint64_t d, float e, double f, bool g, const char *h,
                     const char *i, size_t j) {
      unsigned long long wide = d;
      snprintf(buffer, sizeof buffer, "%d %u %d %llu %g %g %d %s %.*s", a, b, c, wide, e, f, g, h, (int)j, i);
      return buffer;
    }
    int32_t answer(const bh_event *event, bh_token delivery) {
      return delivery == event->delivery && event->attempt == 1 ? 2 : -12;
    }
    int32_t compare(const char *a, const char *b) { int c = strcmp(a, b); return c < 0 ? -1 : c > 0; }
    int32_t is_null(const void *p) { return p == NULL; }
    int32_t with_host(const bh_host *h) { return h != NULL ? 3 : -1; }
    int32_t twelve(int32_t a, int32_t b, int32_t c, int32_t d, int32_t e, int32_t f, int32_t g, int32_t h, int32_t i,
                   int32_t j, int32_t k, int32_t l) {
      return a + 2*b + 3*c + 4*d + 5*e + 6*f + 7*g + 8*h + 9*i + 10*j + 11*k + 12*l;
    }
    typedef int32_t (*visit)(void *context, int8_t a, uint64_t b, float c, double d, bool e, const char *f,
                             const char *g, size_t h, const uint8_t *i, size_t j);
    static visit kept;
    int32_t visits(visit f, int32_t times) {
      int32_t sum = 0;
      kept = f;
      for (int32_t i = 0; i < times; i++)
        sum += f(buffer, (int8_t)-i, UINT64_MAX, 0.5f, -2.25, i & 1, i ? "caf\xc3\xa9" : NULL, "str\"ing!", 7,
                 (const uint8_t *)"\xff\x00\x01\x02", 4);
      return sum;
    }
    int32_t visit_later(int32_t x) { return kept ? kept(0, (int8_t)x, 0, 0, 0, false, "", "", 0, 0, 0) : -1; }
    void visit_nan(void (*f)(double)) { f(NAN); }
    """#

  private let library: UnsafeMutableRawPointer
  private let host = ForeignHost()

  init() throws {
    let path = try Fixtures.c("foreign", Self.source, libraries: ["-lm"])
    library = try #require(dlopen(path, RTLD_NOW | RTLD_LOCAL))
  }

  private func function(
    _ name: String, _ signature: String, _ sources: [ArgumentBinding] = [],
    use: ForeignFunction.Use = .handler(emits: "out.topic"),
    in library: UnsafeMutableRawPointer? = nil
  ) throws -> ForeignFunction {
    let symbol = try #require(dlsym(library ?? self.library, name))
    return try ForeignFunction(
      name, at: symbol, signature: try Signature(parsing: signature), arguments: sources, use: use,
      environment: host.environment)
  }

  private func field(_ pointer: String, default value: JSONValue? = nil) -> ArgumentBinding {
    ArgumentBinding(.field(pointer), default: value)
  }

  /// What is published when an event with that payload comes, or the reason why nothing is.
  private func emitted(
    _ function: ForeignFunction, _ payload: String, headers: [String: String] = [:], isJSON: Bool = true
  ) -> String {
    let count = host.published.count
    let code = host.deliver(function, payload, headers: headers, isJSON: isJSON)
    if code == bh_rc(BH_OK), host.published.count == count + 1 { return host.payloads.last ?? "" }
    return code == bh_rc(BH_E_REJECT) ? "rejected: \(host.lastError)" : "\(code)"
  }

  @Test(
    "numbers of every type, at their limits and beyond",
    arguments: [
      ("next_i8", "i8", "-127", "-128", "-129"), ("next_i8", "i8", "127", "126", "128"),
      ("next_i16", "i16", "-32767", "-32768", "32768"), ("next_i32", "i32", "-2147483647", "-2147483648", "2147483648"),
      ("next_i64", "i64", "9223372036854775807", "9223372036854775806", "9223372036854775808"),
      ("next_i64", "i64", "-9223372036854775807", "-9223372036854775808", "1e300"),
      ("next_u8", "u8", "255", "254", "256"), ("next_u8", "u8", "1", "0", "-1"),
      ("next_u16", "u16", "65535", "65534", "65536"),
      ("next_u32", "u32", "4294967295", "4294967294", "4294967296"),
      ("next_u64", "u64", "9223372036854775807", "9223372036854775806", "-1"),
      ("next_u64", "u64", "9223372036854775808", "9223372036854775807", "1.5"), ("next_i32", "i32", "7.0", "6", "7.5"),
      ("half_f32", "f32", "3", "1.5", "1e39"), ("half_f64", "f64", "0.5", "0.25", "\"0.5\""),
    ])
  func numbers(_ name: String, _ type: String, _ value: String, _ result: String, _ outside: String) throws {
    let function = try function(name, "\(type)(\(type))", [field("/x")])
    #expect(emitted(function, #"{"x": \#(value)}"#) == result)
    #expect(emitted(function, #"{"x": \#(outside)}"#).hasPrefix("rejected: \(name)(\(type)): /x "))
  }

  @Test(
    "a field of the wrong type, or none, is an error of the delivery",
    arguments: [
      ("next_i32", "i32(i32)", #""7""#), ("next_i32", "i32(i32)", "true"), ("next_i32", "i32(i32)", "null"),
      ("next_i32", "i32(i32)", "[1]"),
      ("negate", "bool(bool)", "1"), ("negate", "bool(bool)", #""true""#), ("half_f64", "f64(f64)", "false"),
      ("half_f64", "f64(f64)", "{}"),
      ("echo", "cstring(cstring)", "7"), ("echo", "cstring(cstring)", "null"), ("between", "cstring(str)", "[]"),
      ("bytes_sum", "i32(bytes)", "{}"),
    ])
  func wrongTypes(_ name: String, _ signature: String, _ value: String) throws {
    let function = try function(name, signature, [field("/x")])
    #expect(emitted(function, #"{"x": \#(value)}"#).contains("/x is "))
    #expect(emitted(function, #"{"y": 1}"#).hasSuffix("/x is missing"))
    #expect(emitted(function, "no JSON").hasSuffix("the payload is not JSON"))
  }

  @Test("bool, text and bytes")
  func texts() throws {
    #expect(emitted(try function("negate", "bool(bool)", [field("/x")]), #"{"x": true}"#) == "false")
    #expect(emitted(try function("negate", "bool(bool)", [field("/x")]), #"{"x": false}"#) == "true")
    let echo = try function("echo", "cstring(cstring)", [field("/x")])
    #expect(emitted(echo, #"{"x": "a\"b\n\u00e9€😀"}"#) == "\"a\\\"b\\né€😀\"")
    #expect(emitted(echo, #"{"x": ""}"#) == "\"\"")
    #expect(emitted(echo, #"{"x": "a\u0000b"}"#).hasSuffix("/x holds a NUL, where C's text ends"))
    let between = try function("between", "cstring(str)", [field("/x")])
    #expect(emitted(between, #"{"x": "abc"}"#) == "\"[abc:3]\"")
    #expect(emitted(between, #"{"x": ""}"#) == "\"[:0]\"")
    #expect(emitted(try function("bytes_sum", "i32(bytes)", [field("/x")]), #"{"x": "AB"}"#) == "131")
    // A long text takes the road around the arena, again and again.
    for count in [1000, 1023, 1024, 1025, 70_000, 3_000_000, 10] {
      let long = String(repeating: "x", count: count)
      #expect(emitted(echo, #"{"x": "\#(long)"}"#) == "\"\(long)\"")
    }
  }

  @Test("json gives the text of any value")
  func json() throws {
    let function = try function("between", "cstring(json)", [field("/x")])
    for (value, text) in [
      ("[1, 2]", "[1,2]"), (#"{"a":null}"#, #"{"a":null}"#), ("true", "true"), ("1.5", "1.5"), ("null", "null"),
      ("-3", "-3"),
    ] {
      #expect(emitted(function, #"{"x": \#(value)}"#) == JSONValue.string("[\(text):\(text.count)]").serialized())
    }
    #expect(emitted(function, #"{"x": "a\"b"}"#) == JSONValue.string("[\"a\\\"b\":6]").serialized())
    let whole = try self.function("between", "cstring(json)", [ArgumentBinding(.event)])
    #expect(emitted(whole, "[ 7 ]") == "\"[[ 7 ]:5]\"")
    #expect(emitted(whole, "text", isJSON: false).hasSuffix("the payload is not JSON"))
    let text = try self.function("between", "cstring(str)", [ArgumentBinding(.event)])
    #expect(emitted(text, "text", isJSON: false) == "\"[text:4]\"")
  }

  @Test("headers, constants and defaults")
  func sources() throws {
    let header = try function("between", "cstring(str)", [ArgumentBinding(.header("who"))])
    #expect(emitted(header, "{}", headers: ["who": "me", "whom": "you"]) == "\"[me:2]\"")
    #expect(emitted(header, "{}", headers: ["Who": "me"]).hasSuffix("header:who is missing"))
    let number = try function("next_i32", "i32(i32)", [ArgumentBinding(.header("n"), default: 5)])
    #expect(emitted(number, "{}", headers: ["n": "42"]) == "41")
    #expect(emitted(number, "{}") == "4")
    #expect(emitted(number, "{}", headers: ["n": "x"]).hasPrefix("rejected"))
    #expect(
      emitted(try function("negate", "bool(bool)", [ArgumentBinding(.header("n"))]), "{}", headers: ["n": "true"])
        == "false")
    #expect(
      emitted(try function("echo", "cstring(cstring)", [ArgumentBinding(.constant("fixed"))]), "{}") == "\"fixed\"")
    #expect(emitted(try function("echo", "cstring(cstring)", [ArgumentBinding(.constant(.null))]), "{}") == "null")
    #expect(emitted(try function("echo", "cstring(cstring)", [field("/x", default: "d")]), "{}") == "\"d\"")
    #expect(emitted(try function("half_f32", "f32(f32)", [ArgumentBinding(.constant(9))]), "{}") == "4.5")
    #expect(
      emitted(try function("between", "cstring(json)", [ArgumentBinding(.constant(["a": 1]))]), "{}")
        == JSONValue.string(#"[{"a":1}:7]"#).serialized())
    #expect(emitted(try function("is_null", "i32(ptr)"), "{}") == "1")
  }

  @Test("many arguments of all classes, and as many as there may be")
  func many() throws {
    let function = try function(
      "many", "cstring(i8,u16,i32,u64,f32,f64,bool,cstring,str)",
      ["/a", "/b", "/c", "/d", "/e", "/f", "/g", "/h", "/i"].map { field($0) })
    let payload = #"{"a":-8,"b":65535,"c":-3,"d":12345678901,"e":0.5,"f":-2.25,"g":true,"h":"one","i":"two"}"#
    #expect(emitted(function, payload) == "\"-8 65535 -3 12345678901 0.5 -2.25 1 one two\"")
    let twelve = try self.function(
      "twelve", "i32(" + Array(repeating: "i32", count: 12).joined(separator: ",") + ")",
      (1...12).map { ArgumentBinding(.constant(.int(Int64($0)))) })
    #expect(emitted(twelve, "{}") == "650")
  }

  @Test("what is returned: nothing, NaN, text that is not UTF-8")
  func results() throws {
    #expect(emitted(try function("nothing", "void()"), "{}") == "null")
    #expect(
      emitted(try function("not_a_number", "f64()"), "{}").hasSuffix("what it returned does not fit into its type"))
    #expect(emitted(try function("latin", "cstring()"), "{}").hasSuffix("what it returned is not UTF-8"))
  }

  @Test("an effect carries the delivery and its key")
  func effects() throws {
    let function = try function("negate", "bool(bool)", [field("/x")])
    #expect(host.deliver(function, #"{"x": true}"#, key: "room", delivery: 9) == bh_rc(BH_OK))
    #expect(host.published.last == ForeignHost.Published(topic: 1, payload: "false", key: "room", delivery: 9))
    #expect(host.state.withLock { $0.topics } == ["out.topic"])
  }

  @Test("a function that knows bothost answers; another's result is nobody's business")
  func answers() throws {
    let answer = try function("answer", "i32(event,delivery)", [ArgumentBinding(.event)], use: .handler(emits: nil))
    #expect(host.deliver(answer, "{}") == bh_rc(BH_SKIP))
    #expect(host.deliver(try function("with_host", "i32(host)", use: .handler(emits: nil)), "{}") == bh_rc(BH_STOP))
    let plain = try function("compare", "i32(cstring,cstring)", [field("/a"), field("/b")], use: .handler(emits: nil))
    #expect(host.deliver(plain, #"{"a":"a","b":"b"}"#) == bh_rc(BH_OK))
    #expect(host.published.isEmpty)
    let counted = try function("counted", "void(i32)", [ArgumentBinding(.constant(3))], use: .handler(emits: nil))
    let before = Fixtures.call(dlsym(library, "called")) ?? 0
    _ = host.deliver(counted, "{}")
    #expect((Fixtures.call(dlsym(library, "called")) ?? 0) >= before + 3)
  }

  @Test("two pointers and an int go without libffi and mean the same")
  func plain() throws {
    let compare = try function("compare", "i32(cstring,cstring)", [field("/a"), field("/b")])
    #expect(emitted(compare, #"{"a":"a","b":"b"}"#) == "-1")
    #expect(emitted(compare, #"{"a":"b","b":"b"}"#) == "0")
    #expect(emitted(compare, #"{"a":"b","b":"a"}"#) == "1")
    #expect(emitted(compare, #"{"a":"b","b":1}"#).hasPrefix("rejected"))
  }

  @Test("methods reply; what they cannot be called with is an invalid argument")
  func methods() throws {
    let method = try function("next_i64", "i64(i64)", [field("/n")], use: .method)
    #expect(host.deliver(method, #"{"n": 3}"#) == bh_rc(BH_OK))
    #expect(host.state.withLock { $0.replies } == ["2"])
    #expect(host.deliver(method, "{}") == bh_rc(BH_E_INVALID))
    #expect(host.state.withLock { $0.replies.count } == 1)
  }

  @Test("a callback publishes whatever the library passes, within the delivery and after it, until it is closed")
  func callbacks() throws {
    let signature = "i32(callback(ptr,i8,u64,f32,f64,bool,cstring,str,bytes)->i32,i32)"
    let publish = ArgumentBinding(.publish(topic: "seen.visit", fields: ["a", "b", "c", "d", "e", "f", "g", "h"]))
    let function = try function("visits", signature, [publish, field("/times")], use: .method)
    #expect(host.deliver(function, #"{"times": 2}"#, delivery: 31) == bh_rc(BH_OK))
    #expect(host.state.withLock { $0.replies } == ["0"])
    #expect(
      host.payloads == [
        #"{"a":0,"b":18446744073709551615,"c":0.5,"d":-2.25,"e":false,"f":null,"g":"str\"ing","h":"/wABAg=="}"#,
        #"{"a":-1,"b":18446744073709551615,"c":0.5,"d":-2.25,"e":true,"f":"café","g":"str\"ing","h":"/wABAg=="}"#,
      ])
    #expect(host.published.allSatisfy { $0.delivery == 31 })
    let later = unsafeBitCast(try #require(dlsym(library, "visit_later")), to: (@convention(c) (Int32) -> Int32).self)
    #expect(later(5) == 0)
    #expect(host.published.last?.delivery == 0)
    #expect(host.payloads.last?.hasPrefix(#"{"a":5,"#) == true)
    // From a thread that the host has never seen.
    let count = host.published.count
    Thread.runAndWait { _ = later(6) }
    #expect(host.published.count == count + 1)
    #expect(function.close())
    #expect(later(7) == 0)
    #expect(host.published.count == count + 1)

    let nan = try self.function(
      "visit_nan", "void(callback(f64))", [ArgumentBinding(.publish(topic: "seen.nan", fields: ["x"]))],
      use: .handler(emits: nil))
    #expect(host.deliver(nan, "{}") == bh_rc(BH_OK))
    #expect(host.published.count == count + 1)
    #expect(host.state.withLock { $0.logged.count } == 1)
  }

  @Test(
    "what cannot be prepared is said",
    arguments: [
      ("next_i32", "i32(i32)", [ArgumentBinding](), "takes 1 arguments"),
      ("next_i32", "i32(i32)", [ArgumentBinding(.constant("x"))], "the constant \"x\" is no i32"),
      ("next_i8", "i8(i8)", [ArgumentBinding(.constant(128))], "the constant 128 is no i8"),
      ("next_i32", "i32(i32)", [ArgumentBinding(.field("/x"), default: 1.5)], "the default 1.5 is no i32"),
      ("echo", "cstring(cstring)", [ArgumentBinding(.constant("a\0b"))], "is no cstring"),
      ("next_i32", "i32(i32)", [ArgumentBinding(.event)], "$event cannot be passed as i32"),
      ("answer", "i32(event)", [ArgumentBinding(.field("/x"))], "an event parameter is bound to $event"),
      ("next_i32", "i32(self)", [ArgumentBinding](), "takes self"),
      (
        "visits", "i32(callback(i8))", [ArgumentBinding(.publish(topic: "a.b", fields: []))],
        "needs 1 field names and has 0"
      ),
      ("visits", "i32(callback(i8))", [ArgumentBinding(.publish(topic: "nodot", fields: ["x"]))], "nodot is no topic"),
      ("visits", "i32(callback(i8))", [ArgumentBinding(.constant(1))], "a callback is bound to a topic"),
    ])
  func problems(_ name: String, _ signature: String, _ arguments: [ArgumentBinding], _ message: String) throws {
    do {
      _ = try function(name, signature, arguments)
      Issue.record("\(signature) was prepared")
    } catch let problem as ForeignFunction.Problem { #expect(problem.message.contains(message), "\(problem)") }
  }

  @Test("a topic that is none cannot be emitted on")
  func noTopic() throws {
    #expect(throws: ForeignFunction.Problem.self) {
      _ = try function("nothing", "void()", use: .handler(emits: "nodot"))
    }
  }

  @Test("several threads may call one function")
  func threads() throws {
    let function = try function("half_f64", "f64(f64)", [field("/x")], use: .method)
    let host = host
    Thread.runAndWait(count: 4) { for _ in 0..<500 { _ = host.deliver(function, #"{"x": 5}"#) } }
    let replies = host.state.withLock { $0.replies }
    #expect(replies.count == 2000)
    #expect(replies.allSatisfy { $0 == "2.5" })
  }

  @Test("crypt of the system's library, as a manifest alone binds it")
  func crypt() throws {
    let path = try #require(PluginDirectory.find("libcrypt.so.1", beside: "/", []))
    let library = try #require(dlopen(path, RTLD_NOW | RTLD_LOCAL))
    let function = try function(
      "crypt", "cstring(cstring,cstring)", [field("/text"), ArgumentBinding(.constant("$5$saltstring"))], in: library)
    // As `openssl passwd -5` has it.
    #expect(
      emitted(function, #"{"text": "Hello world!"}"#) == "\"$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5\""
    )
  }
}

extension Thread {
  /// Runs something on threads of its own and waits for all of them.
  static func runAndWait(count: Int = 1, _ body: @escaping @Sendable () -> Void) {
    let group = DispatchGroup()
    for _ in 0..<count {
      group.enter()
      let thread = Thread {
        body()
        group.leave()
      }
      thread.start()
    }
    group.wait()
  }
}
