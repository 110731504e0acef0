import Testing

@testable import BotHost

@Suite struct ConfigurationTests {
  static let declared =
    head + """
      config:
        name: {type: string, required: true}
        port: {type: int, default: 6697, min: 1, max: 65535}
        ratio: {type: float, default: 1}
        tls: {type: bool, default: true}
        channels: {type: list, of: string, default: []}
        waits: {type: list, of: duration}
        limits: {type: map, of: int}
        extra: map
        token: {type: secret, from: TOKEN}
        wait: {type: duration, default: 5s}
        buffer: {type: size, default: 64KiB}
        mode: {type: enum, values: [read, write], default: read}
        home: {type: string, default: "${HOME:-/nowhere}/x"}
        host: {type: string, from: HOST, default: localhost}
      """

  func resolve(
    _ overrides: String, _ environment: [String: String] = [:]
  ) throws -> (ResolvedConfiguration?, [String]) {
    var diagnostics = Diagnostics()
    let value = try manifest(Self.declared).resolveConfiguration(
      overrides: ConfigurationOverrides(overrides.isEmpty ? nil : tree(overrides)),
      environment: Environment(environment), diagnostics: &diagnostics)
    return (value, diagnostics.map(\.description))
  }

  @Test func defaults() throws {
    let (value, found) = try resolve("name: taco")
    #expect(found.isEmpty)
    #expect(
      value?.json == [
        "name": "taco", "port": 6697, "ratio": 1.0, "tls": true, "channels": [], "wait": 5_000_000_000,
        "buffer": 65_536, "mode": "read", "home": "/nowhere/x", "host": "localhost",
      ], "\(value?.json.serialized() ?? "nil")")
    #expect(value?.secrets.isEmpty == true)
  }

  @Test func overridesAndEnvironment() throws {
    let (value, found) = try resolve(
      """
      name: "${WHO}-bot"
      port: ${PORT}
      channels: ["${A}", b, 7]
      waits: [1s, 2m]
      limits: {a: 1, b: "${PORT}"}
      extra: {deep: ["$${x} ${A}", {n: 1.5}], yes: null}
      token: "${SECRET}"
      tls: false
      wait: ${WAIT:-10ms}
      """, ["WHO": "taco", "PORT": "99", "A": "x", "SECRET": "hunter2", "HOST": "example.org"])
    #expect(found.isEmpty, "\(found)")
    let json = try #require(value?.json)
    #expect(json["name"] == "taco-bot" && json["port"] == 99 && json["channels"] == ["x", "b", "7"])
    #expect(json["waits"] == [1_000_000_000, 120_000_000_000])
    #expect(json["limits"] == ["a": 1, "b": 99])
    #expect(json["extra"] == ["deep": ["${x} x", ["n": 1.5]], "yes": nil])
    #expect(json["tls"] == false && json["wait"] == 10_000_000 && json["host"] == "example.org")
    #expect(json["token"] == ["$secret": "token"])
    #expect(value?.secrets == ["token": Secret("hunter2")])
    #expect(!json.serialized().contains("hunter2"))
  }

  @Test func aListFromOneVariable() throws {
    let (value, found) = try resolve("name: x\nchannels: ${LIST}", ["LIST": "a, b ,c"])
    #expect(found.isEmpty)
    #expect(value?.json["channels"] == ["a", "b", "c"])
    #expect(try resolve("name: x\nchannels: ${LIST}", ["LIST": #"["a,b"]"#]).0?.json["channels"] == ["a,b"])
  }

  @Test(arguments: [
    ("", "the configuration key 'name' of the plugin 'p' has no value (give it under 'config')"),
    ("name: null", "the configuration key 'name' of the plugin 'p' has no value"),
    ("nmae: x\nname: y", "t.yaml:1:1: error: the plugin 'p' has no configuration key 'nmae' (did you mean 'name'?)"),
    ("name: [x]", "t.yaml:1:7: error: 'name': expected a text, not a list"),
    ("name: true", "'name': expected a text, not the truth value true"),
    ("name: x\nport: 0", "t.yaml:2:7: error: 'port': the value is 0, the least is 1"),
    ("name: x\nport: \"99\"", "'port': expected a whole number, not the string \"99\""),
    ("name: x\nport: 1.5", "'port': expected a whole number"),
    ("name: x\nport: ${PORT}", "t.yaml:2:7: error: 'port': the environment variable PORT is not set"),
    ("name: x\nport: ${BAD}", "'port': expected a whole number, not what ${BAD} gives"),
    ("name: \"${x\"", "'${' is not closed"), ("name: \"${a b}\"", "is no name of an environment variable"),
    ("name: x\nmode: raed", "expected read or write, not the string \"raed\" (did you mean 'read'?)"),
    ("name: x\nwait: 5", "expected a length of time"), ("name: x\nbuffer: 64kb", "expected a size"),
    ("name: x\nchannels: [[a]]", "expected a text, not a list"), ("name: x\nlimits: {a: b}", "expected a whole number"),
    ("name: x\ntoken: hunter2", "'token' is a secret and must not be written into a file (write token: \"${TOKEN}\")"),
    ("name: x\ntoken: 12345", "'token' is a secret; it must come from the environment"),
    ("name: x\ntoken: ${NOPE}", "'token': the environment variable NOPE is not set"),
    ("name: x\ntoken: {from: NOPE}", "'token': the environment variable NOPE is not set"),
  ])
  func oneProblem(overrides: String, expected: String) throws {
    let (value, found) = try resolve(overrides, ["BAD": "many"])
    #expect(value == nil)
    #expect(found.count == 1 && found[0].contains(expected), "\(found)")
    #expect(!found.joined().contains("hunter2") && !found.joined().contains("12345"))
  }

  @Test func secretFromAName() throws {
    #expect(try resolve("name: x\ntoken: {from: T}", ["T": "s"]).0?.secrets == ["token": Secret("s")])
    #expect(try resolve("name: x", ["TOKEN": "s"]).0?.secrets == ["token": Secret("s")])
  }

  @Test func anEnvironmentVariableOfTheWrongType() throws {
    let value = try manifest(head + "config: {n: {type: int, from: N}}")
    var diagnostics = Diagnostics()
    #expect(
      value.resolveConfiguration(environment: Environment(["N": "secretish"]), diagnostics: &diagnostics) == nil)
    #expect(diagnostics.map(\.message) == ["'n': the environment variable N does not hold a whole number"])
    #expect(value.resolveConfiguration(environment: Environment(["N": ""]), diagnostics: &diagnostics)?.json == [:])
  }

  @Test func valuesOfABot() throws {
    let value = try manifest(Self.declared)
    var diagnostics = Diagnostics()
    let overrides = ConfigurationOverrides([
      .init("name", .json("taco")), .init("wait", .json("7s")), .init("token", .secret(Secret("s"))),
      .init("ratio", .json(2)),
    ])
    let found = value.resolveConfiguration(
      overrides: overrides, environment: Environment([:]), diagnostics: &diagnostics)
    #expect(diagnostics.isEmpty)
    #expect(
      found?.json["wait"] == 7_000_000_000 && found?.json["ratio"] == 2.0 && found?.secrets["token"] == Secret("s"))
    _ = value.resolveConfiguration(
      overrides: ConfigurationOverrides([
        .init("name", .secret(Secret("s"))), .init("token", .json("x")), .init("port", .json("1")),
        .init("port", .json(1)),
      ]), environment: Environment([:]), diagnostics: &diagnostics)
    #expect(diagnostics.errorCount == 3, "\(diagnostics.map(\.description))")
  }

  @Test func templates() throws {
    #expect(
      try EnvironmentTemplate("a$b $${c} ${D}${E:-e:-f}$").parts == [
        .text("a$b ${c} "), .variable(name: "D", fallback: nil), .variable(name: "E", fallback: "e:-f"), .text("$"),
      ])
    #expect(try EnvironmentTemplate("").parts == [.text("")])
  }

  @Test func theProcessEnvironment() {
    #expect(Environment.process()["PATH"]?.isEmpty == false)
  }
}
