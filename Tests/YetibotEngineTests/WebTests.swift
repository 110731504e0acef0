import Testing

@testable import YetibotEngine

@Suite struct WebTests {
  let bot = TestBot()

  func ask(_ query: String, _ variables: Value = .null) -> Value {
    bot.engine.graphQL(query, variables: variables, place: bot.place)
  }

  @Test func expressionsAreEvaluated() {
    #expect(ask("{eval(expr: \"list a b\")}") == ["data": ["eval": ["a", "b"]]])
    #expect(ask("{eval(expr: \"error x\")}") == ["data": ["eval": ["💥 Error in `error x`: x 💥"]]])
    #expect(
      ask("query Q($e: String!) { out: eval(expr: $e) __typename }", ["e": "echo hi"]) == [
        "data": ["out": ["hi"], "__typename": "Query"]
      ])
    let failed = ask("{eval(expr: \"echo |\") users { id }}")
    #expect(failed["errors"]?.items?.count == 1)
    #expect(failed["data"]?["eval"] == .null)
    // It is no administrator.
    #expect(ask("{eval(expr: \"eval 1\")}")["data"]?["eval"]?.items?.first?.text.contains("may not evaluate") == true)
  }

  @Test func theBotIsDescribed() {
    _ = bot.say("!alias hi = echo hello")
    _ = bot.say("!karma @bob++ nice")
    _ = bot.say("needle in a haystack", by: bot.bob)
    _ = bot.engine.handle(
      ChatEvent(
        kind: .message, person: bot.bob,
        place: ChatPlace(adapter: "test", instance: "test", room: "bob", isPrivate: true), body: "a secret needle"))
    #expect(ask("{aliases {cmd_name cmd}}") == ["data": ["aliases": [["cmd_name": "hi", "cmd": "echo hello"]]]])
    #expect(ask("{karmas(report: SCORES) {user_id score}}") == ["data": ["karmas": [["user_id": "bob", "score": 1]]]])
    #expect(ask("{karmas(report: GIVERS) {user_id}}") == ["data": ["karmas": [["user_id": "U1"]]]])
    #expect(
      ask("{history(search_query: \"NEEDLE\") {body user_name}}") == [
        "data": ["history": [["body": "needle in a haystack", "user_name": "bob"]]]
      ])
    #expect(
      ask("{history(commands_only: true, limit: 1) {body}}") == ["data": ["history": [["body": "!karma @bob++ nice"]]]])
    #expect(ask("{history_item(id: 1) {body}}") == ["data": ["history_item": ["body": "!alias hi = echo hello"]]])
    #expect(
      ask("{stats {alias_count command_count user_count}}") == [
        "data": ["stats": ["alias_count": 1, "command_count": 2, "user_count": 2]]
      ])
    #expect(ask("{adapters {uuid is_connected}}") == ["data": ["adapters": [["uuid": "test", "is_connected": true]]]])
    #expect(
      ask("{user(id: \"U2\") {username ...k}} fragment k on User {karma}") == [
        "data": ["user": ["username": "bob", "karma": 0]]
      ])
    #expect(ask("{users {id} eval(expr: \"echo\") @skip(if: true)}")["data"]?.members?.keys == ["users"])
  }

  @Test func wrongQueriesSayWhatIsWrong() {
    _ = bot.say("hello")
    func message(_ query: String) -> String { ask(query)["errors"]?.items?.first?["message"]?.text ?? "" }
    #expect(message("{eval(expr:iwillfail)}").contains("must be a string in quotes"))
    #expect(message("{nope}").contains("has no field nope"))
    #expect(message("{users}").contains("needs a selection"))
    #expect(message("{users {id {x}}}").contains("has no fields"))
    #expect(message("mutation {x}").contains("only questions"))
    #expect(message("{eval(expr: \"a}").contains("line 1, column"))
    #expect(message("{users {...f}} fragment f on U {...f}").contains("without an end"))
    #expect(message(String(repeating: "{a", count: 50)).contains("levels"))
    #expect(message("").contains("a name was expected"))
    #expect(message("{eval(expr: $x)}").contains("no variable"))
  }

  @Test func theAPIEvaluatesAndSpeaks() {
    let answer = bot.engine.api(["chat-source": "{:uuid \"C1\", :room \"#my\"}", "command": "!list a b"])
    #expect(answer.text == "a\nb")
    #expect(answer.posts == [Post(kind: .paste, room: "#my", text: "a\nb")])
    #expect(bot.engine.api(["chat-source": ["uuid": "a", "room": "b"], "text": "echo x"]).text == "x")
    #expect(bot.engine.api(["command": "echo x"]).text.contains("required"))
    #expect(bot.engine.api(["chat-source": "nonsense", "command": "echo x"]).posts.isEmpty)
    #expect(WebHealth(isStorageUp: true, adapters: [true]).status == 200)
    #expect(WebHealth(isStorageUp: false, adapters: []).status == 503)
  }

  @Test func ednIsRead() throws {
    #expect(
      try EDNText.parse("{:a [1 2.5 nil true], \"b\" #{x}, ; a comment\n :c/d \"q\\\"\\n\"}")
        == ["a": [1, .double(2.5), .null, true], "b": ["x"], "c/d": "q\"\n"])
    for bad in ["", "{:a}", "[1", "\"x", ")", "1 2", String(repeating: "[", count: 100)] {
      #expect(throws: Raised.self, "\(bad)") { try EDNText.parse(bad) }
    }
  }
}
