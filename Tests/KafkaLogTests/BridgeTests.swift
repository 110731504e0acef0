import Testing

@testable import KafkaLog

@Suite struct TopicPatternTests {
  @Test(arguments: [
    ("chat.message", "chat.message", ""), ("chat.*", "chat.say", "say"), ("chat.**", "chat.a.b", "a.b"),
    ("**", "a.b", "a.b"), ("*.b", "a.b", "a.b"), ("a.*.c", "a.b.c", "b.c"),
  ])
  func matches(pattern: String, name: String, rest: String) throws {
    #expect(try #require(TopicPattern(pattern)).match(name) == rest)
  }

  @Test(arguments: [
    ("chat.*", "chat"), ("chat.**", "chat"), ("chat.*", "chat.a.b"), ("chat.message", "chat.messages"), ("a.**", "ab"),
    ("a.b", "a"),
  ])
  func doesNotMatch(pattern: String, name: String) throws {
    #expect(try #require(TopicPattern(pattern)).match(name) == nil)
  }

  @Test(arguments: ["", "a.", ".a", "a..b", "**.a", "a.b*", "a.**.b"])
  func refuses(pattern: String) {
    #expect(TopicPattern(pattern) == nil)
  }

  @Test func regularExpressionsSayTheSame() throws {
    let patterns = ["chat.message", "chat.*", "chat.**", "**", "*", "*.b", "a.*.c"]
    let names = ["chat", "chat.message", "chatXmessage", "chat.a.b", "a.b", "a.b.c", "a"]
    for pattern in patterns {
      let topic = try #require(TopicPattern(pattern))
      let expression = try Regex(topic.regularExpression)
      for name in names {
        #expect((topic.match(name) != nil) == (name.wholeMatch(of: expression) != nil), "\(pattern) and \(name)")
      }
    }
  }
}

@Suite struct BridgeTests {
  func bridge(_ text: String) throws -> Bridge {
    let configuration = try KafkaConfiguration(written: "{\"bridge\": \(text)}")
    return configuration.bridge
  }

  @Test func eventsGoOutByTheFirstRuleThatMatches() throws {
    let bridge = try bridge(
      """
      [{"from": "chat.message", "to": "taco_bell", "as": "chat"}, {"from": "chat.**", "to": "bus.{topic}"},
      {"from": "timer.*", "to": "t-{rest}"}]
      """)
    #expect(bridge.destination(of: "chat.message")?.topic == "taco_bell")
    #expect(bridge.destination(of: "chat.message")?.format == .chat)
    #expect(bridge.destination(of: "chat.say")?.topic == "bus.chat.say")
    #expect(bridge.destination(of: "chat.say")?.format == .event)
    #expect(bridge.destination(of: "timer.tick")?.topic == "t-tick")
    #expect(bridge.destination(of: "other") == nil)
    #expect(!bridge.comesIn)
  }

  @Test func recordsComeInUnderTheTopicThatTheyLeft() throws {
    let bridge = try bridge("[{\"topic\": \"bus.**\"}, {\"topic\": \"orders\", \"publish\": \"shop.{topic}\"}]")
    #expect(bridge.publication(of: "bus.chat.say", origin: "chat.say") == "chat.say")
    #expect(bridge.publication(of: "bus.chat.say", origin: nil) == "chat.say")
    #expect(bridge.publication(of: "orders", origin: nil) == "shop.orders")
    #expect(bridge.publication(of: "elsewhere", origin: "x") == nil)
    #expect(bridge.subscriptions == ["^bus\\..+$", "orders"])
    #expect(bridge.comesIn)
  }

  @Test func aTopicThatKafkaDoesNotTakeIsMadeToFit() throws {
    let bridge = try bridge("[{\"from\": \"**\", \"to\": \"bus.{topic}\"}]")
    #expect(bridge.destination(of: "grüße.x")?.topic == "bus.gr____e.x")
  }

  @Test(arguments: [
    "{\"from\": \"a\", \"topic\": \"b\"}", "{\"from\": \"a\", \"publish\": \"b\"}",
    "{\"topic\": \"a\", \"as\": \"chat\"}",
    "{\"from\": \"a\", \"as\": \"x\"}", "{\"from\": 1}", "{\"from\": \"a\", \"tu\": \"b\"}",
    "{\"from\": \"a\", \"to\": \"{\"}",
    "{\"from\": \"a\", \"to\": \"\"}", "1",
  ])
  func refuses(rule: String) throws {
    let tree = try #require(JSONTree(parsing: rule))
    #expect(throws: ConfigurationFaults.self) { try BridgeRule(tree) }
  }
}
