import Foundation
import Testing

/// The methods of the pipeline that a web server, a prompt and other plugins call, in a running host.
@Suite(.serialized)
struct YetibotServiceTests {
  private let directory: TemporaryDirectory
  private let host: Host
  private let chat: TestChat

  init() throws {
    directory = try TemporaryDirectory()
    host = try YetibotHost.start(in: directory)
    chat = try TestChat(host)
  }

  /// What a method answers, as JSON.
  private func call(_ method: String, _ argument: [String: Any]) throws -> [String: Any] {
    let text = String(decoding: try JSONSerialization.data(withJSONObject: argument), as: UTF8.self)
    let answer = try host.command("call", "yetibot.\(method)", text).joined(separator: "\n")
    return try #require(try JSONSerialization.jsonObject(with: Data(answer.utf8)) as? [String: Any], "\(answer)")
  }

  /// The data that a query answers, as JSON with its keys in order.
  private func ask(_ query: String, _ variables: [String: Any] = [:]) throws -> String {
    let answer = try call("graphql", ["query": query, "variables": variables])
    let data = try #require(answer["data"], "\(answer)")
    return String(
      decoding: try JSONSerialization.data(withJSONObject: data, options: [.sortedKeys, .fragmentsAllowed]),
      as: UTF8.self)
  }

  @Test("queries see what the chat has done, and nothing that is private", .timeLimit(.minutes(20)))
  func graphQL() throws {
    #expect(try ask(#"{eval(expr: "list a b | xargs echo item")}"#) == #"{"eval":["item a","item b"]}"#)
    #expect(try ask("query Q($e: String!) {out: eval(expr: $e)}", ["e": "error cold"]).contains("cold"))

    #expect(try chat.ask(#"!alias hail = "echo hail $s""#).contains("created"))
    #expect(try chat.ask("!karma @bob++ baked").contains("<@bob>: 1"))
    #expect(try chat.ask("!obs taco = echo {{username}} wants one").contains("created"))
    #expect(try chat.ask("!cron 0 0 9 * * * 2999 echo morning").contains("created"))
    try chat.say("needle in a haystack", by: "bob")
    try chat.say("!echo a secret needle", by: "bob", private: true)
    #expect(try chat.answer().text == "a secret needle")

    #expect(try ask("{aliases {cmd_name cmd}}") == #"{"aliases":[{"cmd":"echo hail $s","cmd_name":"hail"}]}"#)
    #expect(try ask("{observers {pattern cmd}}").contains(#""pattern":"taco""#))
    #expect(try ask("{crons {schedule chat_source_room}}").contains(#""chat_source_room":"lobby""#))
    #expect(try ask("{karmas(report: SCORES) {user_id score}}") == #"{"karmas":[{"score":1,"user_id":"bob"}]}"#)
    #expect(try ask("{channels {name}}") == #"{"channels":[{"name":"lobby"}]}"#)
    #expect(try ask("{adapters {uuid platform is_connected}}").contains(#""uuid":"test-1""#))
    #expect(
      try ask("{history(search_query: \"needle\") {body user_name}}")
        == #"{"history":[{"body":"needle in a haystack","user_name":"bob"}]}"#)
    #expect(try ask("{stats {alias_count observer_count cron_count}}").contains(#""alias_count":1"#))
    #expect(try ask("{user(id: \"U-ann\") {username is_active}}").contains(#""username":"ann""#))

    for query in ["{", "{nothing}", "mutation {eval}", "{eval}"] {
      let answer = try call("graphql", ["query": query])
      #expect((answer["errors"] as? [Any])?.isEmpty == false && answer["data"] == nil, "\(query): \(answer)")
    }
    try host.stop()
  }

  @Test("a command that comes over the web is answered there and in the room", .timeLimit(.minutes(20)))
  func api() throws {
    // It learns the platform's id of the room by what is said there.
    #expect(try chat.ask("!echo here") == "here")
    let source = ["uuid": "test-1", "room": "lobby"]
    #expect(try call("api", ["chat-source": source, "command": "!echo hi | upper"])["text"] as? String == "HI")
    let said = try chat.answer()
    #expect(said.text == "HI" && said.channel == "C1" && said.platform == "test" && said.instance == "test-1")
    // As the original prints a source.
    let printed = #"{:uuid :test-1 :room "lobby"}"#
    #expect(try call("api", ["chat-source": printed, "text": "echo two"])["text"] as? String == "two")
    #expect(try chat.answer().text == "two")
    #expect((try call("api", ["command": "echo x"])["text"] as? String)?.contains("chat-source") == true)
    // Whoever asks over the web is no administrator.
    #expect(
      (try call("api", ["chat-source": source, "command": "eval 1"])["text"] as? String)?.contains("may not") == true)
    try host.stop()
  }

  @Test("the status follows the store and the adapters", .timeLimit(.minutes(20)))
  func status() throws {
    var status = try call("status", [:])
    #expect(status["status"] as? Int == 200 && status["storage"] as? Bool == true)
    try host.command(
      "publish", "chat.failed", #"{"platform":"other","instance":"other-1","reason":"gone","final":false}"#)
    while try call("status", [:])["status"] as? Int != 503 {}
    status = try call("status", [:])
    let adapters = try #require(status["adapters"] as? [[String: Any]])
    #expect(adapters.contains { $0["instance"] as? String == "test-1" && $0["connected"] as? Bool == true })
    #expect(adapters.contains { $0["instance"] as? String == "other-1" && $0["connected"] as? Bool == false })
    try host.command(
      "publish", "chat.connected", #"{"platform":"other","instance":"other-1","reason":"","final":false}"#)
    while try call("status", [:])["status"] as? Int != 200 {}
    try host.stop()
  }

  @Test("events as Slack and Mattermost send them are answered by calls", .timeLimit(.minutes(20)))
  func webhook() throws {
    let slack = try call(
      "webhook",
      [
        "platform": "slack",
        "payload": [
          "event": ["type": "message", "channel": "C7", "user": "U7", "text": "!echo &lt;hi&gt;", "thread_ts": "12.5"]
        ],
      ])
    let calls = try #require(slack["calls"] as? [[String: Any]])
    #expect(calls.count == 1 && (calls[0]["url"] as? String)?.hasSuffix("/chat.postMessage") == true)
    let body = try #require(calls[0]["body"] as? [String: Any])
    #expect(body["channel"] as? String == "C7" && body["text"] as? String == "&lt;hi&gt;")
    #expect(body["thread_ts"] as? String == "12.5")

    let mattermost = try call(
      "webhook",
      [
        "platform": "mattermost", "configuration": ["host": "chat.example.org"],
        "payload": [
          "channel_id": "c1", "channel_name": "kitchen", "user_id": "u1", "user_name": "ann", "text": "!list a b",
        ],
      ])
    let posts = try #require(mattermost["calls"] as? [[String: Any]])
    #expect((posts.first?["url"] as? String)?.contains("chat.example.org") == true)
    #expect(((posts.first?["body"] as? [String: Any])?["message"] as? String)?.contains("a\nb") == true)

    // What is no command is heard, and nothing is answered.
    let talk = try call(
      "webhook",
      ["platform": "slack", "payload": ["event": ["type": "message", "channel": "C7", "user": "U7", "text": "talk"]]])
    #expect((talk["calls"] as? [Any])?.isEmpty == true)
    try host.command("call", "yetibot.webhook", #"{"platform":"pigeon","payload":{}}"#, expect: 2)
    try host.stop()
  }

  @Test("a line that is being typed is completed", .timeLimit(.minutes(20)))
  func complete() throws {
    _ = try chat.ask(#"!alias uppercut = "upper $s""#)
    let answer = try call("complete", ["text": "echo x | upp", "cursor": 12])
    #expect(answer["words"] as? [String] == ["upper", "uppercut"] && answer["start"] as? Int == 9)
    #expect(try call("complete", ["text": "", "cursor": 99])["start"] as? Int == 0)
    try host.stop()
  }

  @Test("an expression that cannot be read, or not be gone on with, is an answer", .timeLimit(.minutes(20)))
  func errors() throws {
    let unread = try call("eval", ["expression": "echo a |b"])
    #expect((unread["error"] as? String)?.hasSuffix("echo a |b\n       ^") == true && unread["value"] is NSNull)
    let raised = try call("eval", ["expression": "list a b | sum"])
    #expect((raised["error"] as? String)?.contains("is no number") == true)
    let failed = try call("eval", ["expression": "error cold"])
    #expect((failed["error"] as? String)?.contains("cold") == true && (failed["shown"] as? [String]) == [])
    let empty = try call("eval", ["expression": "list a | grep z"])
    #expect(
      empty["shown"] as? [String] == ["No results: the list is empty"] && (empty["text"] as? String)?.isEmpty == true)
    #expect(try call("eval", ["expression": "nil"])["shown"] as? [String] == [])
    let fine = try call("eval", ["expression": "echo hi"])
    #expect(fine["error"] == nil && fine["value"] as? String == "hi")
    try host.stop()
  }
}
