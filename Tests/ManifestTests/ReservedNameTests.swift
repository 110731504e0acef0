import Testing

@testable import BotHost

/// Nobody passes for the host.
@Suite struct ReservedNameTests {
  @Test(arguments: ["sys", "dead", "host", "timer", "net", "chat"])
  func asAPlugin(name: String) {
    let found = problems("bothost: 1\nplugin: \(name)\nlibrary: libp.so\n")
    #expect(
      found.count == 1 && found[0].hasPrefix("m.yaml:2:9: ") && found[0].contains("that name is the host's"), "\(found)"
    )
    #expect(NameRules.instanceProblem(name) != nil)
    // What only begins so is a name like any other.
    #expect(problems("bothost: 1\nplugin: \(name)ter\nlibrary: libp.so\n").isEmpty)
    #expect(NameRules.instanceProblem("taco.\(name)") == nil)
  }

  @Test(arguments: [
    ("topics: {sys.plugin.stopped: {instance: string}}", "4:10", "'topics.sys.plugin.stopped': topics below 'sys.'"),
    ("topics: {\"dead.**\": any}", "4:10", "topics below 'dead.' are published by the host alone"),
    ("topics: {timer.tick: any}", "4:10", "topics below 'timer.' are an instance's own"),
    ("permissions: {publish: [a.b, host.ready]}", "4:30", "'permissions.publish[1]': topics below 'host.'"),
    ("permissions: {publish: [\"sys.*\"]}", "4:25", "topics below 'sys.'"),
    (
      "permissions: {publish: [\"**\"]}\nhandlers: [{topic: a, call: f, signature: i32(), emits: sys.a}]", "5:12",
      "publishes 'sys.a', but topics below 'sys.'"
    ),
  ])
  func toPublish(yaml: String, place: String, expected: String) {
    let found = problems(head + yaml)
    #expect(found.count == 1, "\(found)")
    #expect(
      found[0].hasPrefix("m.yaml:\(place): ") && found[0].contains(expected)
        && found[0].contains("publish below 'p.' instead"),
      "\(found)")
  }

  @Test func everythingElseMayBePublishedAndAllMayBeHeard() {
    let yaml = """
      permissions: {publish: ["**", "*.state", system.a]}
      handlers: [{topic: sys.plugin.stopped, call: on}, {topic: "dead.**", call: on}]

      """
    #expect(problems(head + yaml).isEmpty)
  }
}
